"""The hours of each market as the pipeline gave them: the signal, and what the detector made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from capstone_marketlag import tables, topics
from capstone_marketlag.report.read.dumps import exists, objects, rows
from capstone_marketlag.report.read.values import full_hour, moment, number, text, true, whole
from capstone_marketlag.wire import to_wire

#: market, hour as on the wire (or whatever stood in its place)
Key = tuple[str, str]


@dataclass
class Hour:
    """One market's hour. start: None where what stood there is no hour. judged: the detector has seen it."""

    market: str
    told: str
    start: datetime | None
    items: int = 0
    signal: float | None = None
    judged: bool = False
    flagged: bool = False
    signal_delta: float | None = None
    highest: float | None = None
    price: float | None = None
    price_delta: float | None = None
    status: str = ""
    confidence: float | None = None


@dataclass
class Hours:
    """found: by key, in order of time. twice: keys that stand in a topic more than once.

    not_in_both: hours whose flag is up in the topic or in the table only, where both are there.
    """

    found: dict[Key, Hour] = field(default_factory=dict)
    twice: list[Key] = field(default_factory=list)
    not_in_both: list[Key] = field(default_factory=list)

    @property
    def flagged(self) -> list[Hour]:
        return [hour for hour in self.found.values() if hour.flagged]

    @property
    def judged(self) -> list[Hour]:
        return [hour for hour in self.found.values() if hour.judged]

    @property
    def with_news(self) -> list[Hour]:
        return [hour for hour in self.found.values() if hour.signal is not None]


def read(folder: Path) -> Hours:
    """Every hour that a topic has; those of a table alone are added to them."""
    hours = Hours()
    signals = _by_key(objects(folder, topics.SIGNALS), "market_slug", hours.twice)
    if not exists(folder, topics.SIGNALS):
        signals = _by_key(rows(folder, tables.SIGNALS), "market_slug", [])
    for key, row in signals.items():
        hour = _at(hours, key)
        hour.items, hour.signal = whole(row.get("mention_count")), number(row.get("source_weighted_signal"))
    lags = _by_key(objects(folder, topics.LAG_SIGNALS), "market", hours.twice)
    stored = _by_key(rows(folder, tables.LAG_SIGNALS), "market", [])
    for key, row in {**stored, **lags}.items():
        _judge(_at(hours, key), row)
    up = [{key for key, row in each.items() if true(row.get("lag_flag"))} for each in (lags, stored)]
    for key in up[0] | up[1]:  # whoever says so: a reader of that place was told
        hours.found[key].flagged = True
    if exists(folder, topics.LAG_SIGNALS) and exists(folder, tables.LAG_SIGNALS):
        hours.not_in_both = sorted(up[0] ^ up[1])
    hours.found = dict(sorted(hours.found.items(), key=lambda pair: (pair[0][1], pair[0][0])))
    return hours


def _by_key(rows: Iterator[dict[str, Any]], market: str, twice: list[Key]) -> dict[Key, dict[str, Any]]:
    found: dict[Key, dict[str, Any]] = {}
    for row in rows:
        start = moment(row.get("window_start"))
        key = (text(row.get(market)), to_wire(start) if start else text(row.get("window_start")))
        if key in found:
            twice.append(key)
        found[key] = row
    return found


def _at(hours: Hours, key: Key) -> Hour:
    return hours.found.setdefault(key, Hour(key[0], key[1], full_hour(key[1])))


def _judge(hour: Hour, row: dict[str, Any]) -> None:
    hour.judged, hour.flagged = True, true(row.get("lag_flag"))
    hour.signal_delta, hour.price_delta = number(row.get("signal_delta")), number(row.get("price_delta"))
    hour.highest, hour.confidence = number(row.get("max_signal_delta")), number(row.get("confidence"))
    hour.price, hour.status = number(row.get("price")), text(row.get("price_status"))
    if hour.signal is None:
        hour.signal = number(row.get("rss_signal"))
