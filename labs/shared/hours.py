"""Hours of markets, and a small detector around the part that keeps their changes.

The detector of MarketLag does more with an hour; what it asks of the part `state` is what this one asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pyflink.common import Types
from pyflink.datastream import DataStream, RuntimeContext
from pyflink.datastream.functions import KeyedProcessFunction

from labkit.testing import Step, ms, row

SEVEN_DAYS_MS = 7 * 24 * 3_600_000


@dataclass(frozen=True)
class Hour:
    """One hour of one market. window_start: event-time ms, UTC; signal_delta: None after a quiet hour."""

    market: str
    window_start: int
    signal_delta: Decimal | None


def hour(market: str, at: str, change: str | None) -> Step:
    """An hour in a script, with its change of the signal: "10:00", or "177:00" seven days later.

    >>> hour("fed", "10:00", "0.4").value.signal_delta
    Decimal('0.4')
    """
    return row(Hour(market, ms(at), None if change is None else Decimal(change)), at=at)


def market(hour: Hour) -> str:
    """What a stream of hours is keyed by."""
    return hour.market


class Judge(KeyedProcessFunction):  # type: ignore[misc]
    """For each hour its market and the highest change; an event-time timer lets go seven days later."""

    def __init__(self, new: Callable[[], Any]) -> None:
        self._new = new

    def open(self, runtime_context: RuntimeContext) -> None:
        self._changes = self._new()
        self._changes.open(runtime_context)

    def process_element(
        self, value: Hour, ctx: KeyedProcessFunction.Context
    ) -> Iterator[tuple[str, Decimal | None]]:
        self._changes.remember(value)
        yield value.market, self._changes.highest(value)
        ctx.timer_service().register_event_time_timer(value.window_start + SEVEN_DAYS_MS)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Any]:
        self._changes.forget(timestamp)
        yield from ()  # None would do in thread mode, and fail in process mode


def judged(hours: DataStream, new: Callable[[], Any]) -> DataStream:
    """The stream of (market, highest change) of a stream of hours. new: makes the part that keeps them."""
    return hours.key_by(market, Types.STRING()).process(Judge(new))
