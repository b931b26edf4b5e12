"""What came out, told by the dumps alone: topics and tables as readers see them, a place for each record.

Nothing is taken from the pipeline's own word, and nothing is a remainder: each record that went in is looked
up among the dead, the late, the repeated, the heartbeats and the rows that were made of it. So the law

    in = counted + late + duplicate + dead + heartbeat                  (news)
    in = used + not_used + late + duplicate + dead + heartbeat          (prices)
    hours = hours with their price = judged + failed

can fail, and does where a record is lost or counted twice. market_meta and ops.api_health have no part in it.
"""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from capstone_marketlag import places, tables, topics
from capstone_marketlag.places import Identity, Place, Places, json_object
from capstone_marketlag.wire import from_wire, to_wire

Rows = list[dict[str, Any]]
Key = tuple[str, str]  # market, hour start (UTC, Z)

_NO_PRICE = {"price": None, "prev_price": None, "price_delta": "0.000000", "price_status": "missing"}
#: what a letter of dlq.processing keeps of its record, in characters
_LETTER = 100_000


@dataclass(frozen=True)
class Outcome:
    """hours, hours_table: mentions, keyword score, signal, mean weight; the others: fields by name.

    Every number is a text of six digits (confidence: four), so that equal means equal.
    """

    hours: dict[Key, list[str]] = field(default_factory=dict)
    hours_table: dict[Key, list[str]] = field(default_factory=dict)
    joined: dict[Key, dict[str, Any]] = field(default_factory=dict)
    lags: dict[Key, dict[str, Any]] = field(default_factory=dict)
    history: dict[Key, dict[str, Any]] = field(default_factory=dict)
    news: dict[str, int] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)
    late_news: list[tuple[str, str]] = field(default_factory=list)
    late_prices: list[tuple[str, str, str]] = field(default_factory=list)
    dead: dict[str, dict[str, int]] = field(default_factory=dict)  # topic -> reason -> records
    failures: int = 0
    twice: list[str] = field(default_factory=list)  # what a topic has more than once
    astray: list[str] = field(default_factory=list)  # what stands in one topic, and not where it belongs


def outcome(read: Mapping[str, Rows], stored: Mapping[str, Rows], alignment: str = "window_start") -> Outcome:
    """The outcome in these topics (`dump.read_topic`) and tables (`dump.read_table`), by name.

    alignment: whether an hour of news belongs to the price at its start (window_start) or at its end.
    """
    twice: list[str] = []

    def once(topic: str, keys: Iterable[tuple[Any, ...]]) -> None:
        repeated = (key for key, times in Counter(keys).items() if times > 1)
        twice.extend(f"{topic} {' '.join(map(str, key))}" for key in repeated)

    def by_hour(topic: str, market: str, figures: Any) -> dict[Key, Any]:
        values = [value for value in _values(read[topic]) if _is_hour(value, market)]
        once(topic, ((value[market], value["window_start"]) for value in values))
        return {(value[market], value["window_start"]): figures(value) for value in values}

    def late(topic: str, *names: str) -> list[Any]:
        found = [tuple(value[name] for name in names) for value in _values(read[topic])]
        once(topic, found)
        return found

    def dead(topic: str) -> list[Place]:
        """Where the records stand that the gate took out."""
        letters = [value for value in _values(read[topic]) if value["stage"] == "gate"]
        found = [(letter["source_partition"], letter["source_offset"]) for letter in letters]
        once(topic, found)
        return found

    hours = by_hour(topics.SIGNALS, "market_slug", _hour)
    joined = by_hour(topics.SIGNALS_WITH_PRICE, "market_slug", _joined)
    lags = by_hour(topics.LAG_SIGNALS, "market", _lag)
    late_news = late(topics.LATE_NEWS, "market_slug", "item_id")
    late_prices = late(topics.LATE_PRICES, "market_slug", "outcome", "event_time")
    dead_news, dead_prices = dead(topics.DEAD_NEWS), dead(topics.DEAD_PRICES)
    news = places.places(read[topics.NEWS], set(dead_news), places.NEWS)
    prices = places.places(read[topics.PRICES], set(dead_prices), places.PRICES)
    told_late = {(market, outcome.upper(), hour) for market, outcome, hour in late_prices}
    in_time = [
        identity
        for identity, sights in prices.firsts.items()
        if identity not in told_late and not all(sight.late for sight in sights.values())
    ]
    used = [identity for identity in in_time if identity[1] == "YES"]
    return Outcome(
        hours=hours,
        hours_table=_table(stored[tables.SIGNALS], "market_slug", _hour),
        joined=joined,
        lags=lags,
        history=_table(stored[tables.LAG_SIGNALS], "market", _lag),
        news={
            "in": len(read[topics.NEWS]),
            "counted": sum(int(figures[0]) for figures in hours.values()),
            "late": len(late_news), "duplicate": news.duplicates, "dead": len(dead_news),
            "heartbeat": news.heartbeats, "rejected": _rejected(read[topics.DEAD_NEWS]),
        },
        prices={
            "in": len(read[topics.PRICES]), "used": len(used), "not_used": len(in_time) - len(used),
            "late": len(late_prices), "duplicate": prices.duplicates, "dead": len(dead_prices),
            "heartbeat": prices.heartbeats, "rejected": _rejected(read[topics.DEAD_PRICES]),
        },
        late_news=late_news,
        late_prices=late_prices,
        dead={
            source: dict(Counter(_kind(value["reason"]) for value in _values(read[letters])))
            for source, letters in ((topics.NEWS, topics.DEAD_NEWS), (topics.PRICES, topics.DEAD_PRICES))
        },
        failures=len(read[topics.DEAD_PROCESSING]),
        twice=twice,
        astray=[
            *_holes(topics.NEWS, read[topics.NEWS], news),
            *_holes(topics.PRICES, read[topics.PRICES], prices),
            *_one_sided(topics.SIGNALS, hours, topics.SIGNALS_WITH_PRICE, joined),
            *_one_sided(topics.LAG_SIGNALS, lags, topics.SIGNALS, hours),
            *_heartbeats_astray(read[topics.SIGNALS_WITH_PRICE]),
            *_not_its_price(joined, _prices_of_hours(prices, used, alignment)),
            *_not_judged(read, lags),
        ],
    )  # fmt: skip


def conserved(found: Outcome) -> bool:
    """Whether every record that went in is in exactly one place, and no reader gets an hour twice."""
    news = ("counted", "late", "duplicate", "dead", "heartbeat")
    prices = ("used", "not_used", "late", "duplicate", "dead", "heartbeat")
    served = found.news.get("served")  # told by the producers, not by a topic
    return (
        not found.twice
        and not found.astray
        and found.news["in"] == sum(found.news[part] for part in news)
        and found.prices["in"] == sum(found.prices[part] for part in prices)
        and (served is None or served == found.news["produced"] + found.news["rejected"])
    )


# ---- what is astray --------------------------------------------------------------------------------


def _holes(topic: str, rows: Rows, found: Places) -> Iterator[str]:
    """Partitions that do not hold each offset once, or were not told the same time at last.

    From 0 on: the law is asked of topics that were made for one world, and of those nothing is trimmed.
    """
    offsets = defaultdict(list)
    for row in rows:
        offsets[row["partition"]].append(row["offset"])
    for partition, there in sorted(offsets.items()):
        if sorted(there) != list(range(len(there))):
            yield f"{topic} {partition}: not every offset once"
    if len({found.last_told.get(partition) for partition in offsets}) > 1:
        # each run ends with a heartbeat to every partition
        yield f"{topic}: its partitions end with different heartbeats"


def _one_sided(topic: str, keys: Iterable[Key], other: str, known: Mapping[Key, Any]) -> Iterator[str]:
    for market, hour in sorted(key for key in keys if key not in known):
        yield f"{topic} {market} {hour}: not in {other}"


def _heartbeats_astray(rows: Rows) -> Iterator[str]:
    """Closed hours that were not told to each partition once."""
    told = Counter(
        (value["window_start"], row["partition"])
        for row, value in zip(rows, _values(rows), strict=True)
        if value.get("kind") == "heartbeat"
    )
    for hour in sorted({hour for hour, _ in told}):
        if any(told[hour, row["partition"]] != 1 for row in rows):
            yield f"{topics.SIGNALS_WITH_PRICE} {hour}: not one heartbeat in each partition"


def _prices_of_hours(prices: Places, used: list[Identity], alignment: str) -> dict[Key, list[dict[str, Any]]]:
    """By hour of news its first price in time: several only where several partitions have one."""
    back = timedelta(hours=1 if alignment == "window_end" else 0)
    found = defaultdict(list)
    for identity in used:
        hour = to_wire(from_wire(identity[2]) - back)
        for sight in prices.firsts[identity].values():
            if not sight.late:
                found[identity[0], hour].append(_price(sight.value))
    return found


def _not_its_price(
    joined: Mapping[Key, dict[str, Any]], prices: Mapping[Key, list[dict[str, Any]]]
) -> Iterator[str]:
    for (market, hour), row in sorted(joined.items()):
        told = {name: row[name] for name in _NO_PRICE}
        if told not in prices.get((market, hour), [_NO_PRICE]):
            yield f"{topics.SIGNALS_WITH_PRICE} {market} {hour}: not with the price of its hour"


def _not_judged(read: Mapping[str, Rows], lags: Mapping[Key, Any]) -> Iterator[str]:
    """Records that are neither judged nor in dlq.processing; letters there about no such record."""
    failed = Counter(value["record"] for value in _values(read[topics.DEAD_PROCESSING]))
    rows = read[topics.SIGNALS_WITH_PRICE]
    waiting = Counter(
        _start(row)
        for row, value in zip(rows, _values(rows), strict=True)
        if value.get("kind") != "heartbeat"
        and not (_is_hour(value, "market_slug") and (value["market_slug"], value["window_start"]) in lags)
    )
    metas = Counter(map(_start, read[topics.MARKET_META]))
    for text in (waiting - failed).elements():
        yield f"{topics.SIGNALS_WITH_PRICE}: neither judged nor failed: {text[:200]}"
    for text in (failed - waiting - metas).elements():
        yield f"{topics.DEAD_PROCESSING}: about a record that is nowhere: {text[:200]}"


def _start(row: Mapping[str, Any]) -> str:
    """What a letter of dlq.processing has of this record."""
    text = row["value"] or ""
    if isinstance(text, dict):
        text = base64.b64decode(text["base64"]).decode(errors="replace")
    return str(text[:_LETTER])


# ---- figures as texts ------------------------------------------------------------------------------


def _values(rows: Rows) -> Iterator[dict[str, Any]]:
    """The JSON objects of these records; an empty one for what is none."""
    return (json_object(row["value"]) or {} for row in rows)


def _is_hour(value: Mapping[str, Any], market: str) -> bool:
    """Whether it is an hour's row, not a heartbeat (it has no market), nor what somebody else wrote there."""
    return isinstance(value.get(market), str) and isinstance(value.get("window_start"), str)


def _rejected(letters: Rows) -> int:
    return sum(value["stage"] == "producer" for value in _values(letters))


def _kind(reason: str) -> str:
    """A letter's reason without the value that it quotes: else each would be a reason of its own."""
    return reason.split(": ")[0].split(" in '")[0]


def _hour(value: Mapping[str, Any]) -> list[str]:
    names = ("keyword_score", "source_weighted_signal", "source_weight_avg")
    return [str(value["mention_count"]), *(_digits(value[name]) for name in names)]


def _price(value: Mapping[str, Any]) -> dict[str, Any]:
    """What an hour is told of this price."""
    before = value.get("prev_price")  # told on where it is a price, and no reason to be dead where it is none
    known = isinstance(before, (int, Decimal)) and not isinstance(before, bool) and 0 <= before <= 1
    return {
        "price": _digits(value.get("price")),
        "prev_price": _digits(before) if known else None,
        "price_delta": _digits(value.get("price_delta")),
        "price_status": value.get("price_status"),
    }


def _joined(value: Mapping[str, Any]) -> dict[str, Any]:
    names = ("signal_delta", "prev_rss_signal", "price", "prev_price", "price_delta")
    return {**{name: _digits(value.get(name)) for name in names}, "price_status": value.get("price_status")}


def _lag(value: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "signal_delta": _digits(value.get("signal_delta")),
        "price_delta": _digits(value.get("price_delta")),
        "lag_flag": value["lag_flag"],
        "confidence": _digits(value.get("confidence"), 4),
        "max_signal_delta": _digits(value.get("max_signal_delta")),
        "price_status": value["price_status"],
    }


def _table(rows: Rows, market: str, figures: Any) -> dict[Key, Any]:
    return {(row[market], row["window_start"].isoformat() + "Z"): figures(row) for row in rows}


def _digits(number: Any, digits: int = 6) -> Any:
    """A number as a text of so many digits; what is none stays as it is."""
    return f"{Decimal(number):.{digits}f}" if isinstance(number, (int, Decimal)) else number
