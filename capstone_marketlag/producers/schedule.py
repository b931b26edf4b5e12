"""EventBridge's part, played locally: handlers called when their rules are due, in virtual or wall time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, NoReturn

from capstone_marketlag import logs
from capstone_marketlag.producers import polymarket, rss
from capstone_marketlag.producers.clients import Clients, utc_now
from capstone_marketlag.wire import to_wire
from labkit.errors import LabError

#: as AWS Lambda calls it: event, context -> counts
Handler = Callable[[dict[str, Any], object], dict[str, Any]]
#: due, the rule's name, the counts of the run
Run = tuple[datetime, str, dict[str, Any]]

_log = logs.get("producer.schedule")


@dataclass(frozen=True)
class Rule:
    """When a handler is called, and with which detail. minutes: of every hour."""

    name: str
    handler: str
    minutes: tuple[int, ...]
    detail: dict[str, str] = field(default_factory=dict)


RSS = Rule("marketlag-rss", "rss", (0, 15, 30, 45))
PRICES = Rule("marketlag-prices", "prices", (0,))
PRICE_HEARTBEAT = Rule("marketlag-price-heartbeat", "prices", (15, 30, 45), {"only": "heartbeat"})
#: in the order in which they are called where several are due
RULES = (RSS, PRICES, PRICE_HEARTBEAT)
#: what is called at a start, after a failed run and after ticks that were missed
CATCH_UP: tuple[Rule, ...] = (RSS, PRICES)
#: the grid that all rules lie on
TICK = timedelta(minutes=15)


def handlers(clients: Clients) -> dict[str, Handler]:
    """What the rules call, with these clients."""
    return {
        "rss": lambda event, context: rss.run(event, clients),
        "prices": lambda event, context: polymarket.run(event, clients),
    }


def ticks(start: datetime) -> Iterator[tuple[datetime, tuple[Rule, ...]]]:
    """Every moment from `start` on at which rules are due, with these rules in their order; it never ends."""
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    moment = midnight - (midnight - start) // TICK * TICK  # rounded up to the grid
    while True:
        yield moment, tuple(rule for rule in RULES if moment.minute in rule.minutes)
        moment += TICK


def event(due: datetime, rule: Rule) -> dict[str, Any]:
    """The event that EventBridge sends for a run that was due then."""
    return {
        "version": "0",
        "source": "aws.scheduler",
        "detail-type": "Scheduled Event",
        "time": to_wire(due),
        "resources": [f"arn:aws:scheduler:::schedule/default/{rule.name}"],
        "detail": dict(rule.detail),
    }


def call(due: datetime, rule: Rule, called: Mapping[str, Handler]) -> Run:
    """One run of a rule that was due then. Raises LabError: the run failed."""
    return due, rule.name, called[rule.handler](event(due, rule), None)


def play(
    start: datetime, end: datetime, set_clock: Callable[[datetime], None], called: Mapping[str, Handler]
) -> Iterator[Run]:
    """Virtual time from start to end: at each tick the world's clock is set, then what is due is called."""
    for due, rules in takewhile(lambda tick: tick[0] <= end, ticks(start)):
        set_clock(due)
        for rule in rules:
            yield call(due, rule, called)


def run_live(
    called: Mapping[str, Handler],
    report: Callable[[Run], None],
    now: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> NoReturn:
    """Wall time, until interrupted: a run of everything at once, then what is due at each tick.

    A run that fails with a LabError is logged, and caught up at the next tick.
    """
    due, rules = now().replace(microsecond=0), CATCH_UP
    while True:
        failed = False
        for rule in rules:
            try:
                report(call(due, rule, called))
            except LabError as error:
                failed = True
                _log.error("%s failed: %s", rule.name, error, extra={"event_time": to_wire(due)})
        due, rules = next(ticks(due + timedelta(seconds=1)))  # from the grid, so that nothing drifts
        while (left := (due - now()).total_seconds()) > 0:
            sleep(min(left, 30.0))  # not in one: the clock may be set, and a laptop may sleep
        if failed or now() >= due + TICK:
            due, rules = now().replace(microsecond=0), CATCH_UP
