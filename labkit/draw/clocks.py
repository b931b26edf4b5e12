"""Ticks on event time, and values as short as a script would have them. Times are epoch ms, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from labkit.testing.script import clock, ms

_SECOND, _MINUTE, _HOUR = 1_000, 60_000, 3_600_000
_DAY = 24 * _HOUR
_STEPS = (
    1, 10, 100, _SECOND, 5 * _SECOND, 10 * _SECOND, 30 * _SECOND, _MINUTE, 2 * _MINUTE, 5 * _MINUTE,
    10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR,
    12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 28 * _DAY,
)  # fmt: skip
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def ticks(first: int, last: int, most: int = 8) -> list[tuple[int, str]]:
    """Round times between these two, each with its label; where there are several days, with the day.

    >>> [label for _, label in ticks(ms("10:00"), ms("10:45"))]
    ['10:00', '10:10', '10:20', '10:30', '10:40']
    """
    step = next((step for step in _STEPS if (last - first) // step < most), (last - first) // most + 1)
    times = range(-(-first // step) * step, last + 1, step)
    days = len({at // _DAY for at in (first, last)}) > 1
    found, told = [], None
    for at in times:
        label = _label(at, step)
        if days and at // _DAY != told:
            told = at // _DAY
            label = day(at) if step >= _DAY else f"{label}\n{day(at)}"
        found.append((at, label))
    return found


def day(at: int) -> str:
    """The day of a time, without the year: `5 Jan`."""
    moment = _EPOCH + timedelta(milliseconds=at)
    return f"{moment.day} {_MONTHS[moment.month - 1]}"


def _label(at: int, step: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=at)
    if step >= _MINUTE:
        return f"{moment:%H:%M}"
    return f"{moment:%H:%M:%S}" + (f".{moment.microsecond // 1000:03}" if step < _SECOND else "")


def short(value: Any, most: int = 32) -> str:
    """A value on a picture: a time as a clock shows it, a row as its fields, cut where it is long.

    >>> short({"city": None, "n": 2, "at": datetime(2026, 1, 5, 10)})
    'city NULL, n 2, at 10:00'
    """
    if value is None:
        text = "NULL"
    elif isinstance(value, datetime):
        text = clock(ms(value))
    elif isinstance(value, Mapping):
        text = ", ".join(f"{name} {short(each)}" for name, each in value.items())
    elif isinstance(value, (tuple, list)):
        text = " ".join(map(short, value))
    else:
        text = str(value)
    return text if len(text) <= most else text[: most - 1] + "…"
