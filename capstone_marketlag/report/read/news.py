"""rss.events, read once: the place of each record, and the headlines of the hours that were flagged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from capstone_marketlag import topics
from capstone_marketlag.report.read.dumps import objects, records
from capstone_marketlag.report.read.hours import Hours, Key
from capstone_marketlag.report.read.letters import Letters
from capstone_marketlag.report.read.values import number, text


@dataclass(frozen=True)
class Headline:
    """A counted item. moved: article score × source weight, what it adds to the hour's mean."""

    title: str
    link: str
    source: str
    moved: float


@dataclass
class News:
    """counts: the parts of the conservation law. late_by: seconds. headlines: strongest first."""

    counts: dict[str, int] = field(default_factory=dict)
    late_by: list[float] = field(default_factory=list)
    headlines: dict[Key, list[Headline]] = field(default_factory=dict)


def read(folder: Path, hours: Hours, letters: Letters) -> News:
    """Each record is looked up among the dead, the late and the rows made of it; none is a remainder."""
    late = [
        (str(row.get("market_slug")), str(row.get("item_id"))) for row in objects(folder, topics.LATE_NEWS)
    ]
    # its own number, not len(late): a line that is no object is a record all the same
    number_late = sum(1 for _ in records(folder, topics.LATE_NEWS))
    wanted, is_late = {(hour.market, hour.told) for hour in hours.flagged}, set(late)
    headlines: dict[Key, list[Headline]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    everything = heartbeats = duplicates = 0
    for partition, offset, value in records(folder, topics.NEWS):
        everything += 1
        if value is None or (partition, offset) in letters.places:
            continue
        if value.get("kind") == "heartbeat":
            heartbeats += 1
            continue
        identity = (str(value.get("market_slug")), str(value.get("item_id")))
        if identity in seen:
            duplicates += 1
            continue
        seen.add(identity)
        key = (identity[0], text(value.get("published_at"))[:13] + ":00:00Z")
        if key in wanted and identity not in is_late:
            headlines[key].append(_headline(value))
    return News(
        counts={
            "in": everything,
            "counted": sum(hour.items for hour in hours.found.values()),
            "late": number_late,
            "duplicate": duplicates,
            "dead": len(letters.places),
            "heartbeat": heartbeats,
            "rejected": letters.refused,
        },
        late_by=seconds_late(folder, topics.LATE_NEWS),
        headlines={key: sorted(each, key=lambda line: -abs(line.moved)) for key, each in headlines.items()},
    )


def seconds_late(folder: Path, topic: str) -> list[float]:
    """How late each of the late was, where that is known."""
    told = (number(row.get("late_by_seconds")) for row in objects(folder, topic))
    return sorted(seconds for seconds in told if seconds is not None)


def _headline(value: dict[str, Any]) -> Headline:
    moved = (number(value.get("article_score")) or 0.0) * (number(value.get("source_weight")) or 0.0)
    title, link, source = (text(value.get(name)) for name in ("title", "link", "source"))
    return Headline(title, link, source, moved)


def left(counts: Mapping[str, int], parts: Collection[str]) -> int:
    """How many records went in that are in none of these parts; below zero, some are in more than one."""
    return counts["in"] - sum(counts[part] for part in parts)
