"""EventBridge's part, played locally: a handler called on time, on a clock that can be virtual."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from capstone_marketlag.wire import to_wire

RSS_EVERY = timedelta(minutes=15)


def ticks(start: datetime, end: datetime, every: timedelta) -> Iterator[datetime]:
    """start, start + every, … up to and including end."""
    moment = start
    while moment <= end:
        yield moment
        moment += every


def event(due: datetime, rule: str) -> dict[str, Any]:
    """The event that EventBridge Scheduler sends for a run that was due then."""
    return {
        "version": "0",
        "source": "aws.scheduler",
        "detail-type": "Scheduled Event",
        "time": to_wire(due),
        "resources": [f"arn:aws:scheduler:::schedule/default/{rule}"],
        "detail": {},
    }


def play(
    start: datetime,
    end: datetime,
    set_clock: Callable[[datetime], None],
    handler: Callable[[dict[str, Any], object], dict[str, Any]],
) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """Call the handler at every tick of virtual time, after setting the world's clock to it."""
    for due in ticks(start, end, RSS_EVERY):
        set_clock(due)
        yield due, handler(event(due, "marketlag-rss"), None)
