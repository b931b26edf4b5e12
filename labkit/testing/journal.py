"""The journal of a scripted job, as the Java side writes it: one JSON array a line.

["open", query, attempt]  ["row", query, kind, value, time]  ["watermark", query, ms]  ["settled", step]
["checkpoint", step]  ["crash", step]  ["end", query]  ["counters", [[operator, name, count], …]]  ["done"]
"""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any


class Journal:
    """A file that grows; `new()` gives the lines that have come since."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[list[Any]] = []
        self._position = 0

    def new(self) -> int:
        """Read on; how many lines have come."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._position)
                data = file.read()
        except FileNotFoundError:
            return 0
        whole = data[: data.rfind(b"\n") + 1]
        self._position += len(whole)
        fresh = [json.loads(line) for line in whole.splitlines()]
        self.lines += fresh
        return len(fresh)

    @property
    def done(self) -> bool:
        return bool(self.lines) and self.lines[-1][0] == "done"

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)


def value(told: Any) -> Any:
    """The Python value of what the recorder wrote: rows are dicts, TIMESTAMP_LTZ is a datetime in UTC."""
    if not isinstance(told, list):
        return told
    tag, text = told
    reader = _READERS.get(tag)
    return reader(text) if reader else text


def _datetime(text: str) -> datetime:
    whole, _, fraction = text.partition(".")
    whole += ":00" if whole.count(":") == 1 else ""
    return datetime.fromisoformat(whole) + timedelta(microseconds=int(fraction.ljust(6, "0")[:6] or 0))


def _time(text: str) -> time:
    return _datetime(f"1970-01-01T{text}").time()


_READERS: dict[str, Any] = {
    "row": lambda fields: {name: value(told) for name, told in fields},
    "values": lambda fields: tuple(value(told) for told in fields),
    "tuple": lambda fields: tuple(value(told) for told in fields),
    "list": lambda items: [value(told) for told in items],
    "map": lambda pairs: {value(key): value(told) for key, told in pairs},
    "float": lambda text: float(text.replace("Infinity", "inf")),
    "bytes": base64.b64decode,
    "pickled": lambda text: pickle.loads(base64.b64decode(text)),
    "BigDecimal": Decimal,
    "LocalDateTime": _datetime,
    "Instant": lambda text: _datetime(text.removesuffix("Z")).replace(tzinfo=timezone.utc),
    "LocalDate": date.fromisoformat,
    "LocalTime": _time,
    "Timestamp": lambda text: _datetime(text.replace(" ", "T")),
    "BigInteger": int,
}


def entries(lines: list[list[Any]], query: str) -> Iterator[list[Any]]:
    """The lines that are about this query, and those about the whole run."""
    for line in lines:
        if line[0] not in ("row", "watermark", "open", "end") or line[1] == query:
            yield line
