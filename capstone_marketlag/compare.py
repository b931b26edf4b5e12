"""The pipeline's answer against the oracle's: equal, or the first record or hour that differs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from capstone_marketlag.oracle import Truth


@dataclass(frozen=True)
class Outcome:
    """What came out, read back from the topics and the table.

    hours, table: {hour start (UTC, Z): [mentions, keyword score, signal, mean weight]}.
    """

    hours: dict[str, list[str]]
    table: dict[str, list[str]]
    counts: dict[str, int]
    late: list[str]


def outcome(
    news: list[dict[str, Any]],
    signals: list[dict[str, Any]],
    dead: list[dict[str, Any]],
    late: list[dict[str, Any]],
    table: list[dict[str, Any]],
) -> Outcome:
    """Counts and hours as they stand in the dumps; nothing is taken from the pipeline's own word.

    Duplicates are counted from rss.events itself: item records of an id that came before. So the law
    (in = counted + late + duplicate + dead + heartbeat) can fail.
    """
    dead_places = set()
    for row in dead:
        letter = json.loads(row["value"])
        if letter["stage"] == "gate":
            dead_places.add((letter["source_partition"], letter["source_offset"]))
    heartbeats, duplicates, seen = 0, 0, set()
    # any order gives the same number of repeats; which one was first is the pipeline's to know
    for row in news:
        if (row["partition"], row["offset"]) in dead_places:
            continue
        value = _object(row["value"])
        if value is None:
            continue  # a wrong gate let it through: it is in no count, and the law is broken
        if value.get("kind") == "heartbeat":
            heartbeats += 1
        elif (identity := (value.get("market_slug"), str(value.get("item_id")))) in seen:
            duplicates += 1
        else:
            seen.add(identity)
    values = [json.loads(row["value"], parse_float=Decimal) for row in signals]
    hours = {value["window_start"]: _figures(value) for value in values}
    return Outcome(
        hours,
        {row["window_start"].isoformat() + "Z": _figures(row) for row in table},
        {
            "in": len(news),
            "counted": sum(value["mention_count"] for value in values),
            "late": len(late),
            "duplicate": duplicates,
            "dead": len(dead_places),
            "heartbeat": heartbeats,
            "rejected": len(dead) - sum(1 for row in dead if json.loads(row["value"])["stage"] == "gate"),
        },
        [json.loads(row["value"])["item_id"] for row in late],
    )


def _object(text: Any) -> dict[str, Any] | None:
    """The JSON object that this value of a record is, if it is one."""
    try:
        value = json.loads(text)
    except (ValueError, TypeError):  # TypeError: bytes that are no text stand as {"base64": …}
        return None
    return value if isinstance(value, dict) else None


def _figures(row: dict[str, Any]) -> list[str]:
    names = ("keyword_score", "source_weighted_signal", "source_weight_avg")
    return [str(row["mention_count"]), *(f"{Decimal(str(row[name])):.6f}" for name in names)]


def conserved(counts: dict[str, int]) -> bool:
    """news in = counted + late + duplicate + dead + heartbeat."""
    parts = ("counted", "late", "duplicate", "dead", "heartbeat")
    return counts["in"] == sum(counts[part] for part in parts)


def first_difference(found: Outcome, expected: Truth) -> str | None:
    """One sentence about the first thing that differs, in order of time; None where all is equal."""
    for hour in sorted(found.hours.keys() | expected.hours.keys()):
        got, want = found.hours.get(hour), expected.hours.get(hour)
        if got != want:
            return f"Hour {hour}: the topic has {_shown(got)}, the oracle {_shown(want)}."
    for hour in sorted(found.table.keys() | found.hours.keys()):
        row, record = found.table.get(hour), found.hours.get(hour)
        if row != record:
            return f"Hour {hour}: the table has {_shown(row)}, the topic {_shown(record)}."
    for item in sorted(set(found.late) ^ set(expected.late)):
        where = "is late, and the oracle counts it" if item in found.late else "is not late, and should be"
        return f"Item {item} {where}."
    for name, want_count in expected.counts.items():
        if name in found.counts and found.counts[name] != want_count:
            return f"{name}: {found.counts[name]} records, the oracle has {want_count}."
    return None


def _shown(figures: list[str] | None) -> str:
    if figures is None:
        return "no row"
    return "mentions {}, score {}, signal {}, weight {}".format(*figures)
