"""Worlds in which somebody else writes much more to our topics than the producers do: broken, repeated, late."""

from __future__ import annotations

import base64
import copy
import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from capstone_marketlag.wire import from_wire, to_wire

World = dict[str, Any]
NEWS, PRICES = "rss.events", "polymarket.price_hourly"
_TICK = timedelta(minutes=15)


def with_poison(world: World, seed: int, good: int, bad: int) -> World:
    """That many valid records of both topics, and that many mutated ones among them."""
    chance = random.Random(seed)
    ticks = _ticks(world)
    found = []
    for number in range(good):
        at, market = chance.choice(ticks), chance.choice(world["markets"])["slug"]
        found.append(_stray(at, NEWS, market, _news(chance, market, f"good-{number}", at)))
    for _ in range(bad):
        at, market = chance.choice(ticks), chance.choice(world["markets"])["slug"]
        topic = chance.choice((NEWS, PRICES))
        identity = f"bad-{chance.random()}"
        record = _news(chance, market, identity, at) if topic == NEWS else _price(chance, market, at)
        value = _mutated(chance, record)
        stray = _stray(at, topic, _key(topic, value, record), record)
        stray["value"] = base64.b64encode(value).decode()
        found.append(stray)
    return _added(world, found)


def with_repeats(world: World, seed: int, records: int) -> World:
    """That many records, each sent one to five times, the last copies up to an hour after the first."""
    chance = random.Random(seed)
    ticks = _ticks(world)
    found = []
    for number in range(records):
        first, market = chance.choice(ticks), chance.choice(world["markets"])["slug"]
        record = _news(chance, market, f"again-{number}", first)
        for _ in range(chance.randint(1, 5)):
            later = min(first + _TICK * chance.randint(0, 4), ticks[-1])
            found.append(_stray(later, NEWS, market, record))
    return _added(world, found)


def with_late_storm(world: World, seed: int, records: int) -> World:
    """That many records, each fifth of which comes hours after its hour has closed."""
    chance = random.Random(seed)
    ticks = _ticks(world)
    found = []
    for number in range(records):
        at, market = chance.choice(ticks[16:]), chance.choice(world["markets"])["slug"]
        late = timedelta(hours=chance.uniform(2, 12)) if number % 5 == 0 else timedelta()
        found.append(_stray(at, NEWS, market, _news(chance, market, f"storm-{number}", at - late)))
    return _added(world, found)


def _ticks(world: World) -> list[datetime]:
    start, hours = from_wire(world["start"]), world["hours"]
    return [start + _TICK * number for number in range(1, hours * 4)]


def _added(world: World, strays: list[dict[str, Any]]) -> World:
    fuller = copy.deepcopy(world)
    fuller["strays"] = sorted([*fuller["strays"], *strays], key=lambda stray: stray["at"])
    return fuller


def _stray(at: datetime, topic: str, key: str, record: dict[str, Any]) -> dict[str, Any]:
    value = base64.b64encode(json.dumps(record).encode()).decode()
    return {"at": to_wire(at), "topic": topic, "key": key, "value": value}


def _key(topic: str, value: bytes, record: dict[str, Any]) -> str:
    """The key that a producer would give to what this record has become: first sights are told by partition."""
    try:
        found = json.loads(value.decode())
    except (ValueError, RecursionError):
        found = record
    found = found if isinstance(found, dict) else record
    market = str(found.get("market_slug"))
    key = market if topic == NEWS else f"{market}|{found.get('outcome')}"
    return key.encode(errors="replace").decode()


def _news(chance: random.Random, market: str, identity: str, at: datetime) -> dict[str, Any]:
    published = at - timedelta(seconds=chance.randrange(900))
    return {
        "market_slug": market,
        "item_id": identity,
        "title": chance.choice(
            ("Fed officials speak", "“Zinsen” — größer 📈", "no keyword", "half \ud83d", "nul \0")
        ),
        "link": f"https://news.example/{identity}",
        "summary": "",
        "published_at": to_wire(published),
        "fetched_at": to_wire(at),
        "source": "Reuters",
        "source_weight": chance.choice((1.0, 0.9, 0.7, 0.125)),
        "keywords": [],
        "keyword_scores": {},
        "article_score": chance.choice((0.0, 1.5, 2.0, -2.0, 4.25)),
        "timezone": "UTC",
    }


def _price(chance: random.Random, market: str, at: datetime) -> dict[str, Any]:
    return {
        "market_slug": market,
        "outcome": chance.choice(("Yes", "No")),
        "price": 0.5,
        "prev_price": 0.25,
        "price_delta": 0.25,
        "price_status": "observed",
        "event_time": to_wire(at.replace(minute=0)),
        "fetched_at": to_wire(at),
        "timezone": "UTC",
    }


# ---- what makes a good record another one; some of these stay valid, which the oracle knows ------------------

Mutation = Callable[[random.Random, dict[str, Any]], bytes]


def _mutated(chance: random.Random, record: dict[str, Any]) -> bytes:
    return chance.choice(MUTATIONS)(chance, dict(record))


def _json(record: Any) -> bytes:
    return json.dumps(record).encode()


def _truncated(chance: random.Random, record: dict[str, Any]) -> bytes:
    whole = _json(record)
    return whole[: chance.randrange(len(whole))]


def _flipped(chance: random.Random, record: dict[str, Any]) -> bytes:
    whole = bytearray(_json(record))
    whole[chance.randrange(len(whole))] = chance.choice(b'{}[]",:0aZ \x00\xff')
    return bytes(whole)


def _followed(chance: random.Random, record: dict[str, Any]) -> bytes:
    return _json(record) + chance.choice((b" x", b"{}", b"]", b"}", b",1", b"\x00", b"\n", b" ", b'{"a": 1}'))


def _preceded(chance: random.Random, record: dict[str, Any]) -> bytes:
    return chance.choice((b"\xef\xbb\xbf", b"x", b"\n", b"[", b"//\n", b"null")) + _json(record)


def _not_utf8(chance: random.Random, record: dict[str, Any]) -> bytes:
    whole = _json(record)
    place = chance.randrange(len(whole))
    return whole[:place] + chance.choice((b"\xff", b"\xc0\xaf", b"\xed\xa0\x80")) + whole[place:]


def _no_object(chance: random.Random, record: dict[str, Any]) -> bytes:
    return chance.choice((b"", b"null", b"[]", b"7", b'"text"', b"NaN", b"{}", _json([record]), _json("x")))


_VALUES: tuple[Any, ...] = (
    None, "", "text", " ", "2.5", "0.5", True, False, 0, -1, 2, 0.5, 1.0000001, -0.0000001, 1e300, 1e-9, -1e6, 999_999.5,
    10**30, [], [0.5], {}, {"a": 1}, "Yes", "carried", "missing", "2026-01-05T10:00:00Z", "2026-01-05T10:00:00.5Z",
    "2026-01-05T10:00:00.500Z", "2026-01-05T10:00:00+00:00", "2026-02-30T00:00:00Z", "2026-01-05T24:00:00Z",
    "2026-01-05 10:00:00Z", "2026-01-05T10:00:00Z\n", "2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "heartbeat",
    "a\0b", "half \ud83d", "\udc00", "a|b", "no-slug\n", "x" * 201, "x" * 5000, "é",
)  # fmt: skip
_FIELDS = {
    True: (
        "market_slug",
        "item_id",
        "source",
        "article_score",
        "source_weight",
        "published_at",
        "title",
        "kind",
    ),
    False: (
        "market_slug",
        "outcome",
        "price",
        "prev_price",
        "price_delta",
        "price_status",
        "event_time",
        "kind",
    ),
}


def _other_value(chance: random.Random, record: dict[str, Any]) -> bytes:
    record[chance.choice(_FIELDS["item_id" in record])] = chance.choice(_VALUES)
    return _json(record)


def _left_out(chance: random.Random, record: dict[str, Any]) -> bytes:
    del record[chance.choice([each for each in _FIELDS["item_id" in record] if each in record])]
    return _json(record)


def _named_twice(chance: random.Random, record: dict[str, Any]) -> bytes:
    name = chance.choice([each for each in _FIELDS["item_id" in record] if each in record])
    other = json.dumps({name: chance.choice(_VALUES)})[1:]
    return _json(record)[:-1] + b", " + other.encode()


def _not_a_number(chance: random.Random, record: dict[str, Any]) -> bytes:
    name = "article_score" if "item_id" in record else "price"
    record[name] = "HERE"
    text = chance.choice((b"NaN", b"Infinity", b"01", b"+1", b".5", b"1.", b"0x1", b"1e", b"1_000", b"'1'"))
    return _json(record).replace(b'"HERE"', text)


def _deep(chance: random.Random, record: dict[str, Any]) -> bytes:
    depth = chance.choice((10, 5000))
    record["title"] = "HERE"
    return _json(record).replace(b'"HERE"', b"[" * depth + b"]" * depth)


def _big(chance: random.Random, record: dict[str, Any]) -> bytes:
    # now and then: a megabyte each
    record["title"] = "x" * (900_000 if chance.random() < 0.05 else 5_000)
    return _json(record)


MUTATIONS: tuple[Mutation, ...] = (
    _truncated, _flipped, _followed, _preceded, _not_utf8, _no_object, _other_value, _other_value, _other_value,
    _left_out, _named_twice, _not_a_number, _deep, _big,
)  # fmt: skip
