"""An hour of a market, and a small detector around the part that keeps its changes.

The real one (capstone_marketlag/jobs/detector.py) does more for each hour; what it asks of `state` is this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pyflink.common import Types
from pyflink.datastream import DataStream, RuntimeContext
from pyflink.datastream.functions import KeyedProcessFunction

from labkit.testing import Step, clock, row

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Hour:
    """One hour of one market. window_start: event-time ms, UTC; signal_delta: None after a quiet hour."""

    market: str
    window_start: int
    signal_delta: Decimal | None


def hour(market: str, at: str, change: str | None) -> Step:
    """An hour that arrives in a script, with its change of the signal.

    >>> hour("fed", "10:00", "0.4").fields["market"]
    'fed'
    """
    return row(at=at, market=market, signal_delta=change)


class Highest(KeyedProcessFunction):  # type: ignore[misc]
    """Hours in, (market, hour, highest change) out; a timer lets go of an hour seven days later."""

    def __init__(self, changes: Callable[[], Any]) -> None:
        self._new = changes

    def open(self, runtime_context: RuntimeContext) -> None:
        self._changes = self._new()
        self._changes.open(runtime_context)

    def process_element(
        self, value: dict[str, Any], ctx: KeyedProcessFunction.Context
    ) -> Iterator[tuple[str, str, Decimal | None]]:
        change = value["signal_delta"]
        hour = Hour(value["market"], ctx.timestamp(), None if change is None else Decimal(change))
        self._changes.remember(hour)
        yield hour.market, clock(hour.window_start), self._changes.highest(hour)
        ctx.timer_service().register_event_time_timer(hour.window_start + 168 * HOUR_MS)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Any]:
        self._changes.forget(timestamp)
        yield from ()


def highest(hours: DataStream, changes: Callable[[], Any]) -> DataStream:
    """The stream of (market, hour, highest change) of a stream of hours."""
    return hours.key_by(market, Types.STRING()).process(Highest(changes))


def market(hour: dict[str, Any]) -> str:
    """What a stream of hours is keyed by."""
    return str(hour["market"])
