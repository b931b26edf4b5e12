"""The highest change of the signal in the last seven days of event time, for each market.

State: a MapState of window_start (event-time ms) -> change, in Flink's own store. An attribute of the
function would be one for all markets, and gone after a restart; a state TTL would count the wall clock.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

HOUR_MS = 3_600_000
#: the seven days that end with an hour, that hour included
HOURS = 7 * 24


def remember(changes: Any, window_start: int, signal_delta: Decimal | None) -> None:
    """Keep the change of an hour; an hour without one leaves nothing. changes: MapState[int, str]."""
    if signal_delta is not None:
        changes.put(window_start, str(signal_delta))


def highest(changes: Any, window_start: int) -> Decimal | None:
    """The highest change of the 168 hours that end with this one; None where none is known."""
    first = window_start - (HOURS - 1) * HOUR_MS
    known = [Decimal(change) for hour, change in changes.items() if first <= hour <= window_start]
    return max(known, default=None)
