"""Times on the wire: UTC, ISO 8601, with Z."""

from __future__ import annotations

from datetime import datetime, timezone


def to_wire(moment: datetime) -> str:
    """A UTC time as every record carries it, to the second or the millisecond.

    Raises ValueError: the time has no zone.

    >>> to_wire(datetime(2026, 1, 5, 10, tzinfo=timezone.utc))
    '2026-01-05T10:00:00Z'
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no zone: it is no moment in time")
    digits = "milliseconds" if moment.microsecond else "seconds"
    return moment.astimezone(timezone.utc).isoformat(timespec=digits).replace("+00:00", "Z")


def from_wire(text: str) -> datetime:
    """The time of a wire text. Raises ValueError: it is not UTC with Z.

    >>> from_wire("2026-01-05T10:00:00Z").hour
    10
    """
    if not text.endswith("Z"):
        raise ValueError(f"{text!r} does not end with Z")
    return datetime.fromisoformat(text[:-1] + "+00:00")
