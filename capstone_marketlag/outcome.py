"""What came out, told by the dumps alone: topics and tables as readers see them, a place for each record.

Nothing is taken from the pipeline's own word, and nothing is a remainder: each record that went in is looked
up among the dead, the late, the repeated, the heartbeats and the rows that were made of it. So the law

    in = counted + late + duplicate + dead + heartbeat      (news)
    in = used + not_used + late + duplicate + dead + heartbeat      (prices)

can fail, and does where a record is lost or counted twice.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from capstone_marketlag import tables, topics

Rows = list[dict[str, Any]]
Key = tuple[str, str]  # market, hour start (UTC, Z)


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
    twice: list[str] = field(default_factory=list)  # keys that a topic has more than once


def outcome(read: Mapping[str, Rows], stored: Mapping[str, Rows]) -> Outcome:
    """The outcome in these topics (`dump.read_topic`) and tables (`dump.read_table`), by name."""
    twice: list[str] = []

    def by_hour(topic: str, market: str, figures: Any) -> dict[Key, Any]:
        found: dict[Key, Any] = {}
        for value in map(_number_text, read[topic]):
            if value.get("kind") == "heartbeat":
                continue
            key = (value[market], value["window_start"])
            if key in found:
                twice.append(f"{topic} {key[0]} {key[1]}")
            found[key] = figures(value)
        return found

    hours = by_hour(topics.SIGNALS, "market_slug", _hour)
    joined = by_hour(topics.SIGNALS_WITH_PRICE, "market_slug", _joined)
    lags = by_hour(topics.LAG_SIGNALS, "market", _lag)
    late_news = [
        (value["market_slug"], value["item_id"]) for value in map(_number_text, read[topics.LATE_NEWS])
    ]
    late_prices = [
        (value["market_slug"], value["outcome"], value["event_time"])
        for value in map(_number_text, read[topics.LATE_PRICES])
    ]
    counted = sum(int(figures[0]) for figures in hours.values())
    return Outcome(
        hours=hours,
        hours_table=_table(stored[tables.SIGNALS], "market_slug", _hour),
        joined=joined,
        lags=lags,
        history=_table(stored[tables.LAG_SIGNALS], "market", _lag),
        news=_news_counts(read, late_news, counted),
        prices=_price_counts(read, late_prices),
        late_news=late_news,
        late_prices=late_prices,
        dead={
            source: dict(Counter(json.loads(row["value"])["reason"] for row in read[dead]))
            for source, dead in ((topics.NEWS, topics.DEAD_NEWS), (topics.PRICES, topics.DEAD_PRICES))
        },
        failures=len(read[topics.DEAD_PROCESSING]),
        twice=twice,
    )


def conserved(found: Outcome) -> bool:
    """Whether every record that went in is in exactly one place, and no reader gets an hour twice."""
    news = ("counted", "late", "duplicate", "dead", "heartbeat")
    prices = ("used", "not_used", "late", "duplicate", "dead", "heartbeat")
    return (
        not found.twice
        and found.news["in"] == sum(found.news[part] for part in news)
        and found.prices["in"] == sum(found.prices[part] for part in prices)
    )


# ---- the place of each record --------------------------------------------------------------------


def _news_counts(read: Mapping[str, Rows], late: list[Any], counted: int) -> dict[str, int]:
    dead, rejected = _dead_places(read[topics.DEAD_NEWS])
    heartbeats, duplicates, seen = 0, 0, set()
    # any order gives the same number of repeats; which one was first is the pipeline's to know
    for row in read[topics.NEWS]:
        value = None if (row["partition"], row["offset"]) in dead else _object(row["value"])
        if value is None:
            continue  # dead; or a wrong gate let it through: then it is in no count, and the law is broken
        if value.get("kind") == "heartbeat":
            heartbeats += 1
        elif (identity := (str(value.get("market_slug")), str(value.get("item_id")))) in seen:
            duplicates += 1
        else:
            seen.add(identity)
    return {
        "in": len(read[topics.NEWS]), "counted": counted, "late": len(late), "duplicate": duplicates,
        "dead": len(dead), "heartbeat": heartbeats, "rejected": rejected,
    }  # fmt: skip


def _price_counts(read: Mapping[str, Rows], late: list[tuple[str, str, str]]) -> dict[str, int]:
    dead, rejected = _dead_places(read[topics.DEAD_PRICES])
    counts = Counter(
        {"in": len(read[topics.PRICES]), "dead": len(dead), "late": len(late), "rejected": rejected}
    )
    seen, are_late = set(), set(late)
    for row in read[topics.PRICES]:
        value = None if (row["partition"], row["offset"]) in dead else _object(row["value"])
        if value is None:
            continue
        identity = (str(value.get("market_slug")), str(value.get("outcome")), str(value.get("event_time")))
        if value.get("kind") == "heartbeat":
            counts["heartbeat"] += 1
        elif identity in seen:
            counts["duplicate"] += 1
        else:
            seen.add(identity)
            if identity not in are_late:
                counts["used" if identity[1].upper() == "YES" else "not_used"] += 1
    names = ("in", "used", "not_used", "late", "duplicate", "dead", "heartbeat", "rejected")
    return {name: counts[name] for name in names}


def _dead_places(letters: Rows) -> tuple[set[tuple[int, int]], int]:
    """Where the records stand that the gate took out; and how many letters came from the producer."""
    values = [json.loads(row["value"]) for row in letters]
    places = {(v["source_partition"], v["source_offset"]) for v in values if v["stage"] == "gate"}
    return places, sum(1 for value in values if value["stage"] == "producer")


# ---- figures as texts -----------------------------------------------------------------------------


def _hour(value: Mapping[str, Any]) -> list[str]:
    names = ("keyword_score", "source_weighted_signal", "source_weight_avg")
    return [str(value["mention_count"]), *(str(_six(value[name])) for name in names)]


def _joined(value: Mapping[str, Any]) -> dict[str, Any]:
    names = ("signal_delta", "prev_rss_signal", "price", "prev_price", "price_delta")
    return {**{name: _six(value.get(name)) for name in names}, "price_status": value["price_status"]}


def _lag(value: Mapping[str, Any]) -> dict[str, Any]:
    sure = value.get("confidence")
    return {
        "signal_delta": _six(value.get("signal_delta")),
        "price_delta": _six(value.get("price_delta")),
        "lag_flag": value["lag_flag"],
        "confidence": None if sure is None else f"{Decimal(str(sure)):.4f}",
        "max_signal_delta": _six(value.get("max_signal_delta")),
        "price_status": value["price_status"],
    }


def _table(rows: Rows, market: str, figures: Any) -> dict[Key, Any]:
    return {(row[market], row["window_start"].isoformat() + "Z"): figures(row) for row in rows}


def _six(number: Any) -> str | None:
    return None if number is None else f"{Decimal(str(number)):.6f}"


def _number_text(row: Mapping[str, Any]) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(row["value"], parse_float=Decimal)
    return value


def _object(text: Any) -> dict[str, Any] | None:
    """The JSON object that this value of a record is, if it is one."""
    try:
        value = json.loads(text)
    # TypeError: bytes that are no text stand as {"base64": …}
    except (ValueError, TypeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
