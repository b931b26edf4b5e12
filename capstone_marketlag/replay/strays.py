"""Records that somebody else writes to our topics: broken ones, and some that are only late or repeated.

A valid one has the key that our producers give it: its first sight is decided by arrival, and only within one
partition is there an order of arrival that everybody agrees on.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from capstone_marketlag.wire import to_wire

NEWS, PRICES = "rss.events", "polymarket.price_hourly"
_SECONDS = timedelta(seconds=1)
_Entries = Sequence[dict[str, Any]]

#: what makes a good record a dead one; None stands for a field that is left out
_BAD_NEWS: tuple[dict[str, Any], ...] = (
    {"published_at": "2099-01-01T00:00:00Z"},
    {"published_at": "1969-12-31T23:00:00Z"},
    {"published_at": "2026-01-05T10:00:00+00:00"},
    {"published_at": "yesterday"},
    {"published_at": 1767607200},
    {"published_at": None},
    {"published_at": None, "kind": "heartbeat"},
    {"market_slug": ""},
    {"market_slug": None},
    {"item_id": ""},
    {"item_id": None},
    {"source": ""},
    {"source": None},
    {"article_score": "a lot"},
    {"article_score": True},
    {"article_score": 10_000_000},
    {"article_score": None},
    {"source_weight": 7},
    {"source_weight": -0.1},
    {"source_weight": "full"},
    {"source_weight": None},
)
_BAD_PRICES: tuple[dict[str, Any], ...] = (
    {"event_time": "2099-01-01T00:00:00Z"},
    {"event_time": "2026-01-05 10:00"},
    {"event_time": None},
    {"market_slug": None},
    {"outcome": ""},
    {"price": 1.5},
    {"price": -0.01},
    {"price": "cheap"},
    {"price": None},
    {"price_delta": 2},
    {"price_delta": "up"},
    {"price_delta": None},
    {"price_status": "guessed"},
    {"price_status": None},
)
_NO_OBJECTS = (
    b'{"market_slug": "fed-rate',
    b"\xff\xfe not even text",
    b'{"market_slug": "fed\xff", "source": "elsewhere"}',
    b"[1, 2, 3]",
    b"null",
    b"",
)
#: kinds that are due when an hour begins, right before the runs of that tick
_AT_THE_HOUR = ("news dead but in time", "price before ours", "price of No before ours")
_KINDS: tuple[tuple[str, Any], ...] = (
    *(("news", change) for change in _BAD_NEWS),
    *(("price", change) for change in _BAD_PRICES),
    *(("no object", value) for value in _NO_OBJECTS),
    *((kind, None) for kind in _AT_THE_HOUR),
    *[("news late", None), ("news repeated", None)] * 2,
    ("news on time", None),
    ("news heartbeat", None),
    *[("price late", None), ("price repeated", None)] * 2,
    ("price off the hour", None),
    ("price heartbeat", None),
)


def strays(
    random_: random.Random, markets: Sequence[str], entries: _Entries,
    start: datetime, hours: int, exact: set[int],
) -> list[dict[str, Any]]:  # fmt: skip
    """{at, topic, key, value} about every three hours: each kind once before one comes again.

    None in the hours of `exact`, where a threshold is met to the last digit.
    """
    found: list[dict[str, Any]] = []
    kinds: list[tuple[str, Any]] = []
    for slot in range(0, hours, 3):
        at = min(slot + random_.randrange(3), hours - 1)
        if {at, at + 1} & exact:
            continue
        if not kinds:
            kinds = random_.sample(_KINDS, len(_KINDS))
        kind, change = kinds.pop()
        minutes = 60 if kind in _AT_THE_HOUR else random_.choice((10, 20, 35, 50))
        moment = start + timedelta(hours=at, minutes=minutes)
        topic, key, value = _record(random_, kind, change, random_.choice(markets), entries, start, moment)
        encoded = base64.b64encode(value).decode()
        found.append({"at": to_wire(moment), "topic": topic, "key": key, "value": encoded})
    return found


def _record(
    random_: random.Random, kind: str, change: Any, market: str, entries: _Entries,
    start: datetime, at: datetime,
) -> tuple[str, str, bytes]:  # fmt: skip
    """Topic, key and value of a stray of that kind."""
    if kind == "no object":
        return random_.choice((NEWS, PRICES)), random_.choice((market, "somebody")), change
    if kind.startswith("news"):
        return NEWS, market, _json(_news(random_, kind, change, market, entries, at))
    value = _price(random_, kind, change, market, start, at)
    return PRICES, f"{market}|{value.get('outcome')}", _json(value)


def _news(
    random_: random.Random, kind: str, change: Any, market: str, entries: _Entries, at: datetime
) -> dict[str, Any]:  # fmt: skip
    written = at - random_.randrange(30, 300) * _SECONDS
    value = {
        "market_slug": market, "item_id": f"by-hand-{random_.getrandbits(32):08x}",
        "title": "Written by hand", "link": "", "summary": "",
        "published_at": to_wire(written), "fetched_at": to_wire(at), "timezone": "UTC",
        "source": "elsewhere", "source_weight": 0.75,
        "keywords": [], "keyword_scores": {}, "article_score": 0.25,
    }  # fmt: skip
    if kind == "news dead but in time":  # it closes the hour before, to the second
        return value | {"source_weight": 3, "published_at": to_wire(at + 5 * 60 * _SECONDS)}
    if kind == "news heartbeat":
        return _heartbeat("published_at", at)
    if kind in ("news late", "news repeated"):
        value["published_at"] = to_wire(at - timedelta(hours=random_.randrange(3, 9)))
    if kind == "news repeated":
        shown = [e for e in entries if e["market"] == market and e["from"] < to_wire(at - timedelta(hours=1))]
        if shown:
            item = random_.choice(shown)["item"]
            value["item_id"] = item.get("id") or item["url"]
    return _changed(value, change)


def _price(
    random_: random.Random, kind: str, change: Any, market: str, start: datetime, at: datetime
) -> dict[str, Any]:
    hour = at.replace(minute=0)
    value = {
        "market_slug": market, "outcome": random_.choice(("Yes", "No")), "price": 0.5, "prev_price": 0.496,
        "price_delta": 0.004, "price_status": "observed", "event_time": to_wire(hour),
        "fetched_at": to_wire(at), "timezone": "UTC",
    }  # fmt: skip
    if kind == "price heartbeat":
        return _heartbeat("event_time", at)
    if kind == "price before ours":
        return value | {"outcome": "Yes"}
    if kind == "price of No before ours":
        return value | {"outcome": "No", "prev_price": None, "price_delta": 0}
    if kind == "price late":  # of an hour that nobody has a price of
        return value | {"event_time": to_wire(start - timedelta(hours=random_.randrange(2, 72)))}
    if kind == "price off the hour":
        return value | {"event_time": to_wire(at - random_.randrange(60, 500) * _SECONDS)}
    return _changed(value, change)


def _heartbeat(time: str, at: datetime) -> dict[str, Any]:
    return {"kind": "heartbeat", time: to_wire(at), "fetched_at": to_wire(at), "timezone": "UTC"}


def _changed(value: dict[str, Any], change: dict[str, Any] | None) -> dict[str, Any]:
    changed = value | (change or {})
    return {name: changed[name] for name in changed if changed[name] is not None}


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()
