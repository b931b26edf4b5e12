"""A seeded world: one market's news for some hours, with what feeds really do to it.

A world is a JSON document, so that anything can read it: the server that replays it and the oracle that
recomputes it share the file and nothing else.

    start, end   virtual time of the first and last poll (UTC, Z); the news ends three hours before `end`
    entries      {from, until, item}: what the feed shows, and in which half-open span of time
    strays       {at, value}: bytes (base64) that somebody else writes to the topic at that time
    faults       {at, status, times, headers}: how the server answers the first requests of that minute
"""

from __future__ import annotations

import base64
import json
import random
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

from capstone_marketlag.wire import to_wire

START = datetime(2026, 1, 5, tzinfo=timezone.utc)
#: behind the last news: long enough for heartbeats to close every window of an unbounded run
TAIL = timedelta(hours=3)
MARKET = "fed-rate-hike-in-march"
_POLL = timedelta(minutes=15)
_SHOWN_FOR = timedelta(hours=12)

_SOURCES = ("Reuters", "Bloomberg", "CNBC", "Market Watchers Daily")
_HEADLINES = (
    "Fed officials weigh another rate hike",
    "Dovish remarks cool talk of a rate move",
    "Corporate earnings rise as analysts look past the Fed",
    "Rate, rate, rate: why the Fed cannot stop talking",
    "Markets drift before the jobs report",
    "Hike or hold? Fed minutes split the room",
    "Treasury auction draws strong demand",
    "A dovish voter leaves the Fed",
)
_TEXTS = (
    "Two members argued for a hike at the next meeting.",
    "Traders see the rate unchanged.",
    "The Fed declined to comment.",
    "No surprises were expected.",
)


def world(seed: int, hours: int) -> dict[str, Any]:
    """The world of that seed: `hours` of news and a tail of three. The same seed gives the same bytes."""
    random_ = random.Random(f"marketlag {seed}")
    end_of_news = START + timedelta(hours=hours)
    entries: list[dict[str, Any]] = []
    strays: list[dict[str, Any]] = []
    for hour in range(hours):
        _hour(random_, START + timedelta(hours=hour), entries)
        if random_.random() < 0.15:
            strays.append(_stray(random_, START + timedelta(hours=hour, minutes=random_.choice((5, 20, 35)))))
    return {
        "seed": seed,
        "hours": hours,
        "market": MARKET,
        "start": to_wire(START + _POLL),
        "end": to_wire(end_of_news + TAIL),
        "entries": entries,
        "strays": strays,
        "faults": _faults(random_, hours),
    }


def _hour(random_: random.Random, start: datetime, entries: list[dict[str, Any]]) -> None:
    kind = random_.choices(("quiet", "ordinary", "busy"), (1, 5, 2))[0]
    count = {"quiet": 0, "ordinary": random_.randint(1, 3), "busy": random_.randint(4, 8)}[kind]
    for _ in range(count):
        published = start + timedelta(seconds=random_.randrange(3600))
        # most items show within minutes; some so late that their hour is closed
        delay = timedelta(minutes=random_.randrange(8))
        if random_.random() < 0.06:
            delay = timedelta(minutes=random_.randrange(70, 300))
        shown = published + delay
        item = _item(random_, published, len(entries))
        gone = shown + _SHOWN_FOR
        if random_.random() < 0.08:  # an edit: the same item under another title
            edited = {**item, "title": item["title"] + " (updated)"}
            changed = shown + timedelta(minutes=random_.randrange(20, 90))
            entries.append(_entry(shown, changed, item))
            entries.append(_entry(changed, gone, edited))
        else:
            entries.append(_entry(shown, gone, item))


def _item(random_: random.Random, published: datetime, number: int) -> dict[str, Any]:
    identity = f"{random_.getrandbits(48):012x}-{number}"
    item: dict[str, Any] = {
        "id": identity,
        "url": f"https://news.example/{identity}",
        "title": random_.choice(_HEADLINES),
        "content_text": random_.choice(_TEXTS),
        "date_published": _date(random_, published),
        "authors": [{"name": random_.choice(_SOURCES)}],
    }
    flaw = random_.random()
    if flaw < 0.02:
        del item["date_published"]
    elif flaw < 0.04:
        item["date_published"] = published.strftime("%Y-%m-%dT%H:%M:%S")  # no zone: no moment in time
    elif flaw < 0.06:
        del item["id"]  # then its address identifies it
    elif flaw < 0.07:
        item["date_published"] = to_wire(published + timedelta(days=900))
    return item


def _date(random_: random.Random, moment: datetime) -> str:
    """One of the forms in which feeds write a moment."""
    form = random_.randrange(4)
    if form == 0:
        return moment.isoformat()
    if form == 1:
        return moment.astimezone(timezone(timedelta(hours=-5))).isoformat()
    if form == 2:
        return format_datetime(moment)
    return to_wire(moment)


def _entry(shown: datetime, gone: datetime, item: dict[str, Any]) -> dict[str, Any]:
    return {"from": to_wire(shown), "until": to_wire(gone), "item": item}


def _stray(random_: random.Random, at: datetime) -> dict[str, Any]:
    good = {
        "market_slug": MARKET, "item_id": f"stray-{random_.getrandbits(32):08x}", "title": "stray",
        "published_at": to_wire(at), "source": "elsewhere", "article_score": 1.0, "source_weight": 0.7,
    }  # fmt: skip
    broken = random_.choice(
        (
            b'{"market_slug": "fed-rate',
            b"\xff\xfe not even text",
            b"[1, 2, 3]",
            json.dumps({**good, "published_at": "2099-01-01T00:00:00Z"}).encode(),
            json.dumps({**good, "published_at": "yesterday"}).encode(),
            json.dumps({**good, "published_at": None}).encode(),
            json.dumps({**good, "article_score": "a lot"}).encode(),
            json.dumps({**good, "source_weight": 7}).encode(),
            json.dumps({**good, "item_id": ""}).encode(),
        )
    )
    return {"at": to_wire(at), "value": base64.b64encode(broken).decode()}


def _faults(random_: random.Random, hours: int) -> list[dict[str, Any]]:
    def at(tick: int) -> str:
        return to_wire(START + _POLL * tick)

    first, second, third = sorted(random_.sample(range(2, max(8, hours * 4)), 3))
    return [
        {"at": at(first), "status": 503, "times": 1, "headers": {}},
        {"at": at(second), "status": 429, "times": 2, "headers": {"Retry-After": "1"}},
        {
            "at": at(third),
            "status": 500,
            "times": 4,
            "headers": {},
        },  # the poll fails; the next one catches up
    ]
