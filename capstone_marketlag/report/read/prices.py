"""polymarket.price_hourly, read once: the place of each record, and the YES price of every hour."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from capstone_marketlag import topics
from capstone_marketlag.report.read.dumps import records
from capstone_marketlag.report.read.kept import Kept, kept
from capstone_marketlag.report.read.letters import Letters
from capstone_marketlag.report.read.news import seconds_late
from capstone_marketlag.report.read.values import moment, number, text


@dataclass(frozen=True)
class Price:
    """The first YES price of an hour. change: since the price before it."""

    price: float
    change: float | None
    status: str


@dataclass
class Prices:
    """counts: the parts of the conservation law. points: by market and hour. late_by: seconds.

    trimmed: Kafka has deleted the oldest records; all of this is of what is there.
    """

    counts: Counter[str] = field(default_factory=Counter)
    points: dict[tuple[str, datetime], Price] = field(default_factory=dict)
    late_by: list[float] = field(default_factory=list)
    trimmed: bool = False

    @property
    def statuses(self) -> Counter[str]:
        return Counter(point.status for point in self.points.values())


def read(folder: Path, letters: Letters, complete: bool = True) -> Prices:
    """As for news: each record is looked up, none is a remainder."""
    input_ = list(records(folder, topics.PRICES))
    there = Kept() if complete else kept(input_)
    rows = list(records(folder, topics.LATE_PRICES))
    late = {_identity(row.value) for row in rows if row.value is not None}
    prices = Prices(trimmed=there.trimmed)
    counts = prices.counts
    counts.update({"in": len(input_), "rejected": letters.refused})
    counts["dead"] = sum(there.has(*place) for place in letters.places)
    seen: set[tuple[str, str, str]] = set()
    for record in input_:
        value = record.value
        if value is None or (record.partition, record.offset) in letters.places:
            continue
        if value.get("kind") == "heartbeat":
            counts["heartbeat"] += 1
        elif (identity := _identity(value)) in seen:
            counts["duplicate"] += 1
        else:
            seen.add(identity)
            if identity in late:
                continue
            yes = identity[1].upper() == "YES"
            counts["used" if yes else "not_used"] += 1
            at, price = moment(value.get("event_time")), number(value.get("price"))
            if yes and at is not None and price is not None and 0 <= price <= 1:
                told = Price(price, number(value.get("price_delta")), text(value.get("price_status")))
                prices.points[identity[0], at] = told
    still_there = [row for row in rows if there.since is None or _identity(row.value or {}) in seen]
    counts["late"] = len(still_there)
    prices.late_by = seconds_late(still_there)
    return prices


def _identity(value: dict[str, object]) -> tuple[str, str, str]:
    return str(value.get("market_slug")), str(value.get("outcome")), str(value.get("event_time"))
