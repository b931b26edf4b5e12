"""The files of a run's folder, line by line. A missing file is empty, a line that is no JSON has no value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from labkit.errors import LabError
from labkit.paths import shown


class Record(NamedTuple):
    """A record of a topic: where it stood, the JSON object that it is, if it is one, and when it was written.

    written: in ms; 0 where the dump does not say it.
    """

    partition: int
    offset: int
    value: dict[str, Any] | None
    written: int = 0


def records(folder: Path, topic: str) -> Iterator[Record]:
    """Every record of a dumped topic, by partition and offset."""
    for line in _lines(folder / "topics" / f"{topic}.jsonl"):
        row = _object(line) or {}
        partition, offset = row.get("partition"), row.get("offset")
        if not isinstance(partition, int) or not isinstance(offset, int):
            partition = offset = -1
        written = row.get("timestamp")
        yield Record(partition, offset, _object(row.get("value")), written if isinstance(written, int) else 0)


def objects(folder: Path, topic: str) -> Iterator[dict[str, Any]]:
    """The records that are JSON objects, without the heartbeats."""
    for record in records(folder, topic):
        if record.value is not None and record.value.get("kind") != "heartbeat":
            yield record.value


def rows(folder: Path, table: str) -> Iterator[dict[str, Any]]:
    """Every row of a dumped table."""
    for line in _lines(folder / "tables" / f"{table}.jsonl"):
        row = _object(line)
        if row is not None:
            yield row


def exists(folder: Path, name: str) -> bool:
    """Whether a topic or a table of that name was dumped."""
    return any((folder / kind / f"{name}.jsonl").exists() for kind in ("topics", "tables"))


def document(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one if it holds none."""
    try:
        return _object(path.read_text(encoding="utf-8", errors="replace")) or {}
    except FileNotFoundError:
        return {}


def summary(folder: Path) -> dict[str, Any]:
    """summary.json. Raises LabError: without it there is nothing to report."""
    found = document(folder / "summary.json")
    if not found:
        raise LabError(
            f"There is no summary.json in {shown(folder)}, or nothing in it.",
            "A demo leaves one.",
            "make demo",
        )
    return found


def lengths(folder: Path) -> dict[str, int]:
    """The number of lines of every dump, by its path in the folder."""
    found = sorted([*folder.glob("topics/*.jsonl"), *folder.glob("tables/*.jsonl")])
    return {path.relative_to(folder).as_posix(): sum(1 for _ in _lines(path)) for path in found}


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", errors="replace", newline="\n") as lines:
            yield from (line for line in lines if not line.isspace())
    except FileNotFoundError:
        return


def _object(text: Any) -> dict[str, Any] | None:
    if not isinstance(text, str):
        return None  # bytes of a record that are no text stand as {"base64": …}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
