"""What stands in a dump is whatever a pipeline wrote: what can be used of it, or nothing. Nothing raises."""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from typing import Any

_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,40})?([eE][+-]?\d{1,3})?")


def number(value: Any) -> float | None:
    """A finite number, also one that a table's dump has as text.

    >>> number(1), number("1.500000"), number(True), number("NaN"), number([1])
    (1.0, 1.5, None, None, None)
    """
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return None
    elif not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    # a chart of what is larger would have no heights
    return found if math.isfinite(found) and abs(found) < 1e30 else None


def whole(value: Any) -> int:
    """A count; 0 for what is none."""
    found = number(value)
    return int(found) if found is not None else 0


def text(value: Any) -> str:
    """
    >>> text("a"), text(7), text(None), text({"a": 1})
    ('a', '7', '', '')
    """
    if isinstance(value, str):
        return value
    return "" if number(value) is None else str(value)


def true(value: Any) -> bool:
    """A flag that is up, also as a text of a table's dump."""
    return value is True or value in ("true", "True", "t")


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def moment(value: Any) -> datetime | None:
    """A time in UTC: of a record (with Z) or of a table (without any zone).

    >>> moment("2026-01-05T10:00:00Z") == moment("2026-01-05 10:00:00")
    True
    >>> moment("2026-01-05T10:00:00+02:00"), moment("soon"), moment(7)
    (None, None, None)
    """
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.removesuffix("Z"))
    except ValueError:
        return None
    # the first and the last year are left to nobody: an hour more or less would fall out of the calendar
    if found.tzinfo is not None or not 1 < found.year < 9999:
        return None
    return found.replace(tzinfo=timezone.utc)


def full_hour(value: Any) -> datetime | None:
    """The same, if an hour begins then."""
    found = moment(value)
    return found if found and (found.minute, found.second, found.microsecond) == (0, 0, 0) else None
