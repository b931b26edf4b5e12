"""rss.events, read once: the place of each record, and the headlines of the hours that were flagged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from capstone_marketlag import topics
from capstone_marketlag.report.read.dumps import Record, records
from capstone_marketlag.report.read.hours import Hours, Key
from capstone_marketlag.report.read.kept import Kept, kept
from capstone_marketlag.report.read.letters import Letters
from capstone_marketlag.report.read.values import moment, number, text


@dataclass(frozen=True)
class Headline:
    """A counted item. moved: article score × source weight, what it adds to the hour's mean."""

    title: str
    link: str
    source: str
    moved: float


@dataclass
class News:
    """counts: the parts of the conservation law. late_by: seconds. headlines: strongest first.

    trimmed: Kafka has deleted the oldest records; the counts are of what is there.
    """

    counts: dict[str, int] = field(default_factory=dict)
    late_by: list[float] = field(default_factory=list)
    headlines: dict[Key, list[Headline]] = field(default_factory=dict)
    trimmed: bool = False


def read(folder: Path, hours: Hours, letters: Letters, complete: bool = True) -> News:
    """Each record is looked up among the dead, the late and the rows made of it; none is a remainder.

    complete: the topic has each of its records; otherwise Kafka may have deleted the oldest.
    """
    input_ = list(records(folder, topics.NEWS))
    there = Kept() if complete else kept(input_)
    late = list(records(folder, topics.LATE_NEWS))
    is_late = {_identity(row.value) for row in late if row.value is not None}
    wanted = {(hour.market, hour.told) for hour in hours.flagged}
    headlines: dict[Key, list[Headline]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    in_time: Counter[Key] = Counter()
    heartbeats = duplicates = 0
    for record in input_:
        value = record.value
        if value is None or (record.partition, record.offset) in letters.places:
            continue
        if value.get("kind") == "heartbeat":
            heartbeats += 1
            continue
        identity = _identity(value)
        if identity in seen:
            duplicates += 1
            continue
        seen.add(identity)
        if identity in is_late:
            continue
        key = (identity[0], text(value.get("published_at"))[:13] + ":00:00Z")
        in_time[key] += 1
        if key in wanted:
            headlines[key].append(_headline(value))
    told = [row for row in late if there.since is None or _identity(row.value or {}) in seen]
    counted, again = _counted(hours, in_time, there)
    return News(
        counts={
            "in": len(input_),
            "counted": counted,
            "late": len(told),
            "duplicate": duplicates + again,
            "dead": sum(there.has(*place) for place in letters.places),
            "heartbeat": heartbeats,
            "rejected": letters.refused,
        },
        late_by=seconds_late(told),
        headlines={key: sorted(each, key=lambda line: -abs(line.moved)) for key, each in headlines.items()},
        trimmed=there.trimmed,
    )


def _counted(hours: Hours, in_time: Mapping[Key, int], there: Kept) -> tuple[int, int]:
    """The items that the rows count, as far as these are there; and those that a deleted row counted.

    The latter are sights of items that were first seen in records which are gone, as their hours are.
    """
    counted = again = 0
    for key, hour in hours.found.items():
        counted += hour.items if there.all_of(hour.start) else min(hour.items, in_time.get(key, 0))
    for key, items in in_time.items():
        row = hours.found.get(key)
        if not (row and row.items) and not there.all_of(moment(key[1])):
            again += items
    return counted, again


def seconds_late(rows: Iterable[Record]) -> list[float]:
    """How late each of these was, where that is known."""
    told = (number((row.value or {}).get("late_by_seconds")) for row in rows)
    return sorted(seconds for seconds in told if seconds is not None)


def _identity(value: Mapping[str, Any]) -> tuple[str, str]:
    return str(value.get("market_slug")), str(value.get("item_id"))


def _headline(value: dict[str, Any]) -> Headline:
    moved = (number(value.get("article_score")) or 0.0) * (number(value.get("source_weight")) or 0.0)
    title, link, source = (text(value.get(name)) for name in ("title", "link", "source"))
    return Headline(title, link, source, moved)


def left(counts: Mapping[str, int], parts: Collection[str]) -> int:
    """How many records went in that are in none of these parts; below zero, some are in more than one."""
    return counts["in"] - sum(counts[part] for part in parts)
