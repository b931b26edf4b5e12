"""What must come out of the recorded world, worked out in plain Python.

It reads the world's file and nothing of ours (a test holds it to that): no keyword table, no parser, no
SQL. Where it and the pipeline agree, two independent readings of the rules agree.

    ticks      every 15 minutes: what others wrote, then the news run, then the price run or its heartbeat
    providers  what each request gets in the end, after four tries; what a feed shows; what a price is
    topics     each record in order of arrival: dead, a heartbeat, repeated, late, or counted
    signals    hours of news, each with the price that belongs to it, and whether it is a lag signal
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, NamedTuple

_KEYWORDS = {"fed": Decimal("2"), "rate": Decimal("1.5"), "hike": Decimal("2"), "dovish": Decimal("-1.5")}
_SOURCES = {"reuters": Decimal("1"), "bloomberg": Decimal("0.9")}
_ELSEWHERE = Decimal("0.7")
_SIX, _FOUR, _ZERO, _ONE = Decimal("0.000001"), Decimal("0.0001"), Decimal(0), Decimal(1)
_HOUR, _TICK, _DELAY, _AHEAD, _DAY = (timedelta(minutes=minutes) for minutes in (60, 15, 5, 10, 1440))
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
#: recorded times came long ago, by any clock; this one is still ahead of it
_TO_COME = datetime(2099, 1, 1, tzinfo=timezone.utc)
_NEWS, _PRICES, _PARTITIONS = "rss.events", "polymarket.price_hourly", 3
_BLANK = " \t\r\n"  # what JSON takes for blank

_Key = tuple[str, str]


@dataclass
class Truth:
    """hours: (market, hour, as UTC with Z): [mentions, keyword score, signal, mean weight].

    joined, lags: by the same keys, fields by name: texts of six digits (confidence: four), None, or the flag.
    news, prices: counts by name; dead_*: counts by reason; late_*: in order of arrival; metas: by market.
    """

    hours: dict[_Key, list[str]]
    joined: dict[_Key, dict[str, str | None]]
    lags: dict[_Key, dict[str, Any]]
    news: dict[str, int]
    prices: dict[str, int]
    late_news: list[tuple[str, str]]
    late_prices: list[tuple[str, str, str]]
    dead_news: dict[str, int]
    dead_prices: dict[str, int]
    metas: dict[str, list[tuple[str, str | None]]]


def truth(world: dict[str, Any], alignment: str = "window_start") -> Truth:
    """What became of every record, and every hour's signal, price and flag.

    alignment: an hour of news belongs to the price at its start (window_start) or at its end (window_end).
    Raises ValueError: another alignment.
    """
    back = {"window_start": timedelta(0), "window_end": _HOUR}.get(alignment)
    if back is None:
        raise ValueError(f"alignment is {alignment!r}, neither window_start nor window_end")
    run = _Run(world)
    now, end = _moment(world["start"]), _moment(world["end"])
    while now <= end:
        run.tick(now)
        now += _TICK
    return _result(run, back)


# ---- ticks -------------------------------------------------------------------------------------


class _Run:
    def __init__(self, world: dict[str, Any]) -> None:
        self.markets = world["markets"]
        self.providers = _Providers(world["faults"])
        self.feeds = [
            _Feed(market["slug"], [e for e in world["entries"] if e["market"] == market["slug"]])
            for market in self.markets
        ]
        self.quoted = world["prices"]
        self.strays = deque(sorted(world["strays"], key=lambda stray: stray["at"]))
        self.news = _Topic("published_at", ("market_slug", "item_id"), _why_news_is_dead)
        self.prices = _Topic("event_time", ("market_slug", "outcome", "event_time"), _why_price_is_dead)
        self.stored: dict[str, Decimal] = {}
        #: by market: when it was asked for, and when trading ends, as it was known then
        self.metas: dict[str, list[tuple[str, str | None]]] = {each["slug"]: [] for each in self.markets}

    def tick(self, now: datetime) -> None:
        while self.strays and _moment(self.strays[0]["at"]) <= now:
            stray = self.strays.popleft()
            topic = {_NEWS: self.news, _PRICES: self.prices}[stray["topic"]]
            topic.arrive(_partition(stray["key"]), *_object(base64.b64decode(stray["value"])))
        self.news_run(now)
        if now.minute == 0:
            for market in self.markets:
                self.price_run(market, now)
        self.prices.heartbeats(now)

    def news_run(self, now: datetime) -> None:
        found = []
        for feed in self.feeds:
            shown = feed.poll(now, self.providers)
            ready = [item for item in shown if item is not None and item[0] <= now + _AHEAD]
            self.news.counts["served"] += len(shown)
            self.news.counts["produced"] += len(ready)
            self.news.counts["rejected"] += len(shown) - len(ready)
            found += ready
        # one run, one order: two markets may share a partition
        found.sort(key=lambda item: item[:3])
        for _, market, _, record in found:
            self.news.arrive(_partition(market), record)
        self.news.heartbeats(now)

    def price_run(self, market: dict[str, Any], now: datetime) -> None:
        slug, counts = market["slug"], self.prices.counts
        if self.providers.ask("gamma", slug, now) != "good":
            counts["rejected"] += 1
            return
        closing = market["closed_time"]
        closed = closing is not None and _moment(closing) <= now
        # Polymarket resolves after the planned end: until it has closed, a market trades on
        planned = market["end_date"] if now < _moment(market["end_date"]) else None
        self.metas[slug].append((_z(now), closing if closed else planned))
        if closed:
            return
        answered = self.providers.ask("clob", None, now) == "good"
        quoted = self.quoted.get(slug, {}).get(_z(now), {}) if answered else {}
        for outcome in market["tokens"]:
            key = f"{slug}|{outcome}"
            price = _price(_middle(quoted.get(outcome)), self.stored.get(key))
            if price is None:
                counts["rejected"] += 1
                continue
            counts["produced"] += 1
            self.stored[key] = price["price"]
            record = {"market_slug": slug, "outcome": outcome, "event_time": _z(now), **price}
            self.prices.arrive(_partition(key), record)


# ---- providers ---------------------------------------------------------------------------------


class _Providers:
    """What a request gets in the end: good, failed, or malformed. Most failures are tried four times."""

    def __init__(self, faults: list[dict[str, Any]]) -> None:
        self.faults = {(_moment(fault["at"]), fault["what"], fault["market"]): fault for fault in faults}
        self.asked: Counter[Any] = Counter()

    def ask(self, what: str, market: str | None, now: datetime) -> str:
        fault = self.faults.get((now, what, market))
        if fault is None:
            return "good"
        for _ in range(4):
            self.asked[now, what, market] += 1
            if self.asked[now, what, market] > fault["times"]:
                return "good"
            if not fault["drop"] and fault["status"] not in (408, 425, 429, 500, 502, 503, 504):
                return "malformed" if fault["status"] == 200 else "failed"
        return "failed"


#: when it was published, market, identity, and its record
_Item = tuple[datetime, str, str, dict[str, Any]]


class _Feed:
    def __init__(self, market: str, entries: list[dict[str, Any]]) -> None:
        self.market = market
        newest_first = sorted(entries, key=lambda entry: entry["from"], reverse=True)
        self.coming = [
            (_moment(e["from"]), _moment(e["until"]), e["item"], _item(market, e["item"]))
            for e in newest_first
        ]
        self.shown: list[tuple[datetime, datetime, dict[str, Any], _Item | None]] = []
        self.last: list[dict[str, Any]] | None = None

    def poll(self, now: datetime, providers: _Providers) -> list[_Item | None]:
        """The items of an answer that could be read, newest first; None for one without a time.

        Nothing where the poll failed, or where nothing had changed since the last that did not.
        """
        first = len(self.coming)
        while first and self.coming[first - 1][0] <= now:
            first -= 1
        self.shown = [entry for entry in self.coming[first:] + self.shown if entry[1] > now]
        del self.coming[first:]
        answer = providers.ask("feed", self.market, now)
        if answer != "good":
            self.last = None if answer == "malformed" else self.last
            return []
        items = [entry[2] for entry in self.shown]
        if items == self.last:
            return []
        found = [entry[3] for entry in self.shown]
        # what is dated ahead may become news: then "nothing has changed" is no answer
        ahead = any(item is not None and now + _AHEAD < item[0] <= now + _DAY for item in found)
        self.last = None if ahead else items
        return found


def _item(market: str, shown: dict[str, Any]) -> _Item | None:
    when = _published(shown.get("date_published"))
    if when is None:
        return None
    identity = shown.get("id") or shown["url"]
    below = shown.get("content_text") or html.unescape(re.sub("<[^<>]*>", " ", shown.get("content_html", "")))
    words = re.findall(r"\w+", f"{shown['title']} {below}".lower())
    source = shown["authors"][0]["name"].strip() if shown.get("authors") else "the feed"
    record = {
        "market_slug": market,
        "item_id": identity,
        "published_at": _z(when),
        "source": source,
        "source_weight": _SOURCES.get(source.lower(), _ELSEWHERE),
        "article_score": sum((_KEYWORDS.get(word, _ZERO) for word in words), _ZERO),
    }
    return when, market, identity, record


def _published(date: Any) -> datetime | None:
    """A feed's date: RFC 3339 or RFC 822, with a zone."""
    for read in (_moment, parsedate_to_datetime):
        try:
            found = read(date)
        except (ValueError, TypeError, AttributeError):
            continue
        return found.astimezone(timezone.utc) if found.tzinfo else None
    return None


def _middle(sides: Any) -> Decimal | None:
    """The middle of both sides of an order book as served; None where one is missing or no number."""
    if not isinstance(sides, dict):
        return None
    bid, ask = (_decimal(sides.get(side)) for side in ("BUY", "SELL"))
    return (bid + ask) / 2 if bid is not None and ask is not None else None


def _decimal(value: Any) -> Decimal | None:
    """A side of the book; from a million on it is no price, nor one to clamp."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 1_000_000 else None


def _price(quoted: Decimal | None, before: Decimal | None) -> dict[str, Any] | None:
    """The price of an hour and its change since the one before, however old that is; None: there is none."""
    if quoted is None and before is None:
        return None
    if quoted is None:
        price, status = before, "carried"
    else:
        price = min(max(quoted, _ZERO), _ONE)
        status = "observed" if price == quoted else "clamped"
        price = price.quantize(_SIX, ROUND_HALF_UP)
    assert price is not None
    delta = price - before if before is not None else _ZERO
    return {"price": price, "prev_price": before, "price_delta": delta, "price_status": status}


# ---- topics ------------------------------------------------------------------------------------


class _Topic:
    """Three partitions, and what became of each record: time is what its own partition has seen."""

    def __init__(
        self, time: str, identity: tuple[str, ...], why_dead: Callable[[dict[str, Any]], str | None]
    ) -> None:
        self.time, self.identity, self.why_dead = time, identity, why_dead
        self.highest = [_EPOCH] * _PARTITIONS
        self.seen: set[tuple[str, ...]] = set()
        self.counts: Counter[str] = Counter()
        self.dead: Counter[str] = Counter()
        self.late: list[tuple[str, ...]] = []
        #: the first sight of everything that came in time
        self.rows: list[tuple[datetime, dict[str, Any]]] = []

    def heartbeats(self, now: datetime) -> None:
        for partition in range(_PARTITIONS):
            self.arrive(partition, {"kind": "heartbeat", self.time: _z(now)})

    def arrive(
        self, partition: int, record: dict[str, Any] | None, start: dict[str, Any] | None = None
    ) -> None:
        """start: what the record starts with, where it is not an object and nothing else."""
        self.counts["in"] += 1
        moment = _come((record or start or {}).get(self.time))
        # a row that is dead for another reason has a time all the same
        self.highest[partition] = max(self.highest[partition], moment or _EPOCH)
        if record is None:
            self._bury("not a JSON object")
        elif moment is None:
            self._bury(f"{self.time} is not a UTC time that has come")
        elif record.get("kind") == "heartbeat":
            self.counts["heartbeat"] += 1
        elif reason := self.why_dead(record):
            self._bury(reason)
        else:
            self._keep(partition, moment, record)

    def _bury(self, reason: str) -> None:
        self.counts["dead"] += 1
        self.dead[reason] += 1

    def _keep(self, partition: int, moment: datetime, record: dict[str, Any]) -> None:
        named = {name: _z(moment) if name == self.time else _text(record[name]) for name in self.identity}
        # YES is Yes; an item's id is what it is
        identity = tuple(text.upper() if name == "outcome" else text for name, text in named.items())
        if identity in self.seen:
            self.counts["duplicate"] += 1
            return
        self.seen.add(identity)
        if _hour(moment) + _HOUR <= self.highest[partition] - _DELAY:
            self.counts["late"] += 1
            self.late.append(tuple(named.values()))
        else:
            self.rows.append((moment, record))


def _why_news_is_dead(record: dict[str, Any]) -> str | None:
    for name in ("market_slug", "item_id", "source"):
        if why := _why_no_name(name, record.get(name)):
            return why
    score = _number(record.get("article_score"))
    if score is None or abs(score) >= 1_000_000:
        return "article_score is not a number"
    if not _within(record.get("source_weight"), 0, 1):
        return "source_weight is not between 0 and 1"
    return None


def _why_price_is_dead(record: dict[str, Any]) -> str | None:
    for name in ("market_slug", "outcome"):
        if why := _why_no_name(name, record.get(name)):
            return why
    if _moment(record["event_time"]) != _hour(_moment(record["event_time"])):
        return "event_time is not a full hour"
    for name, least in (("price", 0), ("price_delta", -1)):
        if not _within(record.get(name), least, 1):
            return f"{name} is not between {least} and 1"
    if record.get("price_status") not in ("observed", "carried", "clamped"):
        return "price_status is not observed, carried or clamped"
    return None


def _why_no_name(name: str, value: Any) -> str | None:
    text = _text(value)
    if not text:
        return f"{name} is missing"
    if name == "market_slug" and not re.fullmatch(r"[A-Za-z0-9._~-]{1,200}", text):
        return "market_slug is not a slug"
    return None


def _object(value: bytes) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The JSON object that a record is; and the one it starts with, whatever stands behind it."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is Python's, not JSON's")

    text = value.decode(errors="replace").lstrip(_BLANK)
    try:
        found, end = json.JSONDecoder(parse_float=Decimal, parse_constant=refuse).raw_decode(text)
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(found, dict):
        return None, None
    whole = not text[end:].strip(_BLANK) and value == value.decode(errors="replace").encode()
    return (found if whole else None), found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # half of a surrogate pair is no character: it becomes a question mark, as in the engine
    return str(value).encode(errors="replace").decode() if isinstance(value, (str, int, Decimal)) else ""


def _within(value: Any, least: int, most: int) -> bool:
    number = _number(value)
    return number is not None and least <= number <= most


def _come(text: Any) -> datetime | None:
    """The time of a record: UTC with Z, after 1970, and not still to come."""
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", text):
        return None
    try:
        found = _moment(text)
    except ValueError:
        return None
    return found if _EPOCH < found < _TO_COME else None


@lru_cache
def _partition(key: str) -> int:
    return (murmur2(key.encode()) & 0x7FFFFFFF) % _PARTITIONS


def murmur2(data: bytes) -> int:
    """The hash by which Java's producer chooses a partition: 32 bits, signed."""
    factor, bits = 0x5BD1E995, 0xFFFFFFFF
    found = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * factor & bits
        found = (found * factor & bits) ^ ((word ^ word >> 24) * factor & bits)
    if data[whole:]:
        found = (found ^ int.from_bytes(data[whole:], "little")) * factor & bits
    found = (found ^ found >> 13) * factor & bits
    found ^= found >> 15
    return found - (found >> 31 << 32)


# ---- signals -----------------------------------------------------------------------------------

_At = tuple[str, datetime]


class _Hour(NamedTuple):
    """One market's hour of news, its figures to six digits."""

    mentions: int
    score: Decimal
    signal: Decimal
    weight: Decimal


def _hours(rows: list[tuple[datetime, dict[str, Any]]]) -> dict[_At, _Hour]:
    """By market and in order of time."""
    found: dict[_At, list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for moment, record in rows:
        score, weight = (_digits(Decimal(record[name])) for name in ("article_score", "source_weight"))
        found[_text(record["market_slug"]), _hour(moment)].append((score, weight))
    return {
        at: _Hour(
            len(pairs),
            _digits(sum((score for score, _ in pairs), _ZERO)),
            _digits(sum((score * weight for score, weight in pairs), _ZERO) / len(pairs)),
            _digits(sum((weight for _, weight in pairs), _ZERO) / len(pairs)),
        )
        for at, pairs in sorted(found.items())
    }


def _joined(hours: dict[_At, _Hour], rows: list[tuple[datetime, dict[str, Any]]], back: timedelta) -> Any:
    """Each hour with the change of its signal since the hour before, and with its price."""
    prices = {
        (_text(record["market_slug"]), moment - back): record
        for moment, record in rows
        if _text(record["outcome"]).upper() == "YES"
    }
    missing = {"price": None, "prev_price": None, "price_delta": _ZERO, "price_status": "missing"}
    found = {}
    for (market, hour), row in hours.items():
        before, price = hours.get((market, hour - _HOUR)), prices.get((market, hour), missing)
        found[market, hour] = {
            "signal_delta": row.signal - before.signal if before else None,
            "prev_rss_signal": before.signal if before else None,
            "price": _read(price.get("price")),
            "prev_price": _read(price["prev_price"]) if _within(price.get("prev_price"), 0, 1) else None,
            "price_delta": _read(price["price_delta"]),
            "price_status": price["price_status"],
        }
    return found


def _lag(
    at: _At, weight: Decimal, joined: dict[_At, Any], metas: list[tuple[str, str | None]]
) -> dict[str, Any]:
    """Whether this hour is a lag signal, and how sure that is."""
    (market, hour), row = at, joined[at]
    delta, move = row["signal_delta"], row["price_delta"]
    week = (joined.get((market, hour - _HOUR * back)) for back in range(168))
    deltas = [each["signal_delta"] for each in week if each and each["signal_delta"] is not None]
    highest = max(deltas, default=None)
    end = hour + _HOUR
    closes = next((closes for fetched, closes in reversed(metas) if _moment(fetched) <= end), None)
    closed = closes is not None and _moment(closes) < end
    confidence = None
    if delta is not None:
        share = delta / highest if highest and highest > 0 else _ZERO
        sure = share * Decimal("0.5") + (1 - abs(move)) * Decimal("0.3") + weight * Decimal("0.2")
        confidence = str(_digits(min(max(sure, _ZERO), _ONE), _FOUR))
    return {
        "signal_delta": delta,
        "price_delta": move,
        "lag_flag": delta is not None and delta > 1 and abs(move) < Decimal("0.02") and not closed,
        "confidence": confidence,
        "max_signal_delta": highest,
        "price_status": row["price_status"],
    }


def _result(run: _Run, back: timedelta) -> Truth:
    news, prices = run.news, run.prices
    hours = _hours(news.rows)
    joined = _joined(hours, prices.rows, back)
    lags = {at: _lag(at, row.weight, joined, run.metas.get(at[0], [])) for at, row in hours.items()}
    used = sum(_text(record["outcome"]).upper() == "YES" for _, record in prices.rows)
    news.counts["counted"] = len(news.rows)
    prices.counts += Counter(used=used, not_used=len(prices.rows) - used)
    shared = ("in", "late", "duplicate", "dead", "heartbeat", "produced", "rejected")
    return Truth(
        hours={(market, _z(hour)): [str(each) for each in row] for (market, hour), row in hours.items()},
        joined={(market, _z(hour)): _texts(row) for (market, hour), row in joined.items()},
        lags={(market, _z(hour)): _texts(row) for (market, hour), row in lags.items()},
        news={name: news.counts[name] for name in (*shared, "counted", "served")},
        prices={name: prices.counts[name] for name in (*shared, "used", "not_used")},
        late_news=[(market, item) for market, item in news.late],
        late_prices=[(market, outcome, hour) for market, outcome, hour in prices.late],
        dead_news=dict(news.dead),
        dead_prices=dict(prices.dead),
        metas=run.metas,
    )


# ---- numbers and times -------------------------------------------------------------------------


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    return {name: str(_digits(each)) if isinstance(each, Decimal) else each for name, each in row.items()}


def _digits(number: Decimal, digits: Decimal = _SIX) -> Decimal:
    return number.quantize(digits, ROUND_HALF_UP) + 0  # and no minus in front of a zero


def _number(value: Any) -> Decimal | None:
    """A number of a record as it stands there; None for everything else."""
    return Decimal(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else None


def _read(value: Any) -> Decimal | None:
    """A number as the rules take it: six digits."""
    number = _number(value)
    return None if number is None else _digits(number)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


@lru_cache(maxsize=65_536)
def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _z(moment: datetime) -> str:
    digits = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=digits).replace("+00:00", "Z")
