"""What must come out of the recorded world, worked out in plain Python.

It reads the world's file and nothing of ours (a test holds it to that): no keyword table, no parser, no
SQL. Where it and the pipeline agree, two independent readings of the rules agree.

The rules: polls every 15 minutes from start to end. What a poll shows is produced oldest first, then a
heartbeat moves the clock of the partition. An item's first arrival counts. It is late when its hour's end
is at or before the highest time seen on its partition minus five minutes. An hour's signal is the mean of
score x weight over its items, to six digits.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from email.utils import parsedate_to_datetime
from typing import Any

_KEYWORDS = {"fed": Decimal("2"), "rate": Decimal("1.5"), "hike": Decimal("2"), "dovish": Decimal("-1.5")}
_SOURCES = {"reuters": Decimal("1"), "bloomberg": Decimal("0.9")}
_SIX = Decimal("0.000001")
_HOUR, _DELAY, _AHEAD = timedelta(hours=1), timedelta(minutes=5), timedelta(minutes=10)


@dataclass
class Truth:
    """hours: {hour start (UTC, Z): [mentions, keyword score, signal, mean weight]}; counts by name."""

    hours: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)


class _Run:
    def __init__(self, world: dict[str, Any]) -> None:
        self.world = world
        self.seen: set[str] = set()
        self.highest = datetime.min.replace(tzinfo=timezone.utc)
        self.items: dict[datetime, list[tuple[Decimal, Decimal]]] = {}
        self.late: list[str] = []
        self.counts = dict.fromkeys(
            ("in", "counted", "late", "duplicate", "dead", "heartbeat", "served", "produced", "rejected"), 0
        )
        self.last_shown: list[Any] | None = None

    def poll(self, now: datetime) -> None:
        for entry in self._fresh(now):
            self.counts["served"] += 1
            when = _time(entry.get("date_published"))
            if when is None or when > now + _AHEAD:
                self.counts["rejected"] += 1
        for when, entry in sorted(
            ((t, e) for e in self.current if (t := _time(e.get("date_published"))) and t <= now + _AHEAD),
            key=lambda pair: (pair[0], pair[1].get("id") or pair[1]["url"]),
        ):
            self.counts["produced"] += 1
            self._arrive(when, entry)
        self.highest = max(self.highest, now)
        self.counts["heartbeat"] += 3  # one for each partition of the topic
        self.counts["in"] += 3

    def _fresh(self, now: datetime) -> list[Any]:
        """What this poll brings: nothing when it fails in the end, or when nothing has changed."""
        self.current: list[Any] = []
        for fault in self.world["faults"]:
            if _z(fault["at"]) == now and fault["times"] > 3:
                return self.current
        shown = [e for e in self.world["entries"] if _z(e["from"]) <= now < _z(e["until"])]
        shown.sort(key=lambda e: e["from"], reverse=True)
        items = [e["item"] for e in shown]
        if items != self.last_shown:
            self.last_shown = self.current = items
        return self.current

    def _arrive(self, when: datetime, entry: dict[str, Any]) -> None:
        self.counts["in"] += 1
        self.highest = max(self.highest, when)
        identity = entry.get("id") or entry["url"]
        hour = when.replace(minute=0, second=0, microsecond=0)
        if identity in self.seen:
            self.counts["duplicate"] += 1
            return
        self.seen.add(identity)
        if hour + _HOUR <= self.highest - _DELAY:
            self.counts["late"] += 1
            self.late.append(identity)
            return
        self.counts["counted"] += 1
        text = f"{entry['title']} {entry['content_text']}".lower()
        score = sum((_KEYWORDS.get(word, Decimal(0)) for word in re.findall(r"\w+", text)), Decimal(0))
        weight = _SOURCES.get(entry["authors"][0]["name"].lower(), Decimal("0.7"))
        self.items.setdefault(hour, []).append((score, weight))

    def stray(self, value: bytes) -> None:
        """A record that somebody else wrote: all of them are dead, some have a time that is real."""
        self.counts["in"] += 1
        self.counts["dead"] += 1
        try:
            record = json.loads(value)
            moment = _z(record["published_at"])
        except (ValueError, TypeError, KeyError, AttributeError):
            return
        if moment.year < 2099:
            self.highest = max(self.highest, moment)


def truth(world: dict[str, Any]) -> Truth:
    """Every hour's signal, and what became of every record."""
    run = _Run(world)
    now, end = _z(world["start"]), _z(world["end"])
    strays = sorted(world["strays"], key=lambda stray: stray["at"])
    while now <= end:
        while strays and _z(strays[0]["at"]) <= now:
            run.stray(base64.b64decode(strays.pop(0)["value"]))
        run.poll(now)
        now += timedelta(minutes=15)
    hours = {}
    for hour, rows in sorted(run.items.items()):
        signal = sum((score * weight for score, weight in rows), Decimal(0)) / len(rows)
        mean = sum((weight for _, weight in rows), Decimal(0)) / len(rows)
        total = sum((score for score, _ in rows), Decimal(0))
        hours[hour.isoformat().replace("+00:00", "Z")] = [
            str(len(rows)),
            *(_six(n) for n in (total, signal, mean)),
        ]
    return Truth(hours, run.counts, run.late)


def _six(number: Decimal) -> str:
    return str(number.quantize(_SIX, ROUND_HALF_UP))


def _z(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _time(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = _z(text)
    except ValueError:
        moment = parsedate_to_datetime(text)
    return moment.astimezone(timezone.utc) if moment.tzinfo else None
