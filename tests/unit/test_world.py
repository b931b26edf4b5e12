"""The recorded world: one seed, one world; every record in exactly one place; what is planted is there."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capstone_marketlag.oracle import Truth, truth
from capstone_marketlag.pieces import python
from capstone_marketlag.replay.generate import START, TAIL, world
from capstone_marketlag.replay.rss import rss
from capstone_marketlag.replay.server import TITLE
from capstone_marketlag.replay.timeline import Timeline
from capstone_marketlag.wire import from_wire, to_wire

PARTITIONS = 3
ALIGNMENTS = ("window_start", "window_end")
QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)

seeds, hours = st.integers(0, 10_000), st.integers(1, 30)


@lru_cache
def default() -> dict[str, Any]:
    return world(1, 240)


@lru_cache
def known(alignment: str) -> Truth:
    return truth(default(), alignment)


def as_bytes(made: dict[str, Any]) -> bytes:
    return json.dumps(made).encode()


# ---- any world ---------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert as_bytes(world(1, 6)) == as_bytes(world(1, 6))

    others = [world(1, 6), world(2, 6), world(1, 7), world(-1, 6)]
    assert len({json.dumps(other["entries"]) for other in others}) == 4


def test_a_world_does_not_depend_on_the_process_that_makes_it() -> None:
    code = (
        "import hashlib, json; from capstone_marketlag.replay.generate import world;"
        "print(hashlib.sha256(json.dumps(world(7, 30)).encode()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": "4242", "TZ": "Asia/Tokyo"},
    )  # fmt: skip

    assert done.stdout.strip() == hashlib.sha256(as_bytes(world(7, 30))).hexdigest()


def test_a_world_is_the_same_when_it_comes_back_from_its_file() -> None:
    read = json.loads(as_bytes(world(3, 60)))

    assert read == world(3, 60)
    assert truth(read) == truth(world(3, 60))


@settings(max_examples=20)
@given(seeds, hours)
def test_everything_in_a_world_has_its_place_in_it(seed: int, hours: int) -> None:
    made = world(seed, hours)
    slugs = {market["slug"] for market in made["markets"]}

    assert (made["seed"], made["hours"]) == (seed, hours)
    assert (from_wire(made["start"]), from_wire(made["end"])) == (START, START + hours * HOUR + TAIL)
    assert set(made["prices"]) == slugs == {entry["market"] for entry in made["entries"]} | slugs
    assert all(entry["from"] < entry["until"] for entry in made["entries"])
    assert {(from_wire(fault["at"]) - START) % QUARTER for fault in made["faults"]} <= {timedelta(0)}
    assert all(made["start"] <= each["at"] <= made["end"] for each in made["faults"] + made["strays"])
    assert all(
        (fault["market"] is None) == (fault["what"] == "clob") and (fault["body"] is None or fault["status"] == 200)
        for fault in made["faults"]
    )  # fmt: skip
    assert all(made["start"] <= each["hour"] < made["end"] for each in made["lags"] + made["moves"])
    assert {len(token) for market in made["markets"] for token in market["tokens"].values()} == {77}


@settings(max_examples=25)
@given(seeds, hours, st.sampled_from(ALIGNMENTS))
def test_every_record_of_any_world_is_in_exactly_one_place(seed: int, hours: int, alignment: str) -> None:
    made = world(seed, hours)
    found = truth(made, alignment)
    news, prices = found.news, found.prices
    strays = Counter(stray["topic"] for stray in made["strays"])
    ticks = (hours + 3) * 4 + 1

    assert news["in"] == sum(news[fate] for fate in ("counted", "late", "duplicate", "dead", "heartbeat"))
    assert news["in"] == news["produced"] + strays["rss.events"] + PARTITIONS * ticks
    assert news["served"] == news["produced"] + news["rejected"]
    assert news["counted"] == sum(int(row[0]) for row in found.hours.values())
    assert (news["dead"], news["late"]) == (sum(found.dead_news.values()), len(set(found.late_news)))
    assert prices["in"] == sum(
        prices[fate] for fate in ("used", "not_used", "late", "duplicate", "dead", "heartbeat")
    )
    assert prices["in"] == prices["produced"] + strays["polymarket.price_hourly"] + PARTITIONS * ticks
    assert (prices["dead"], prices["late"]) == (
        sum(found.dead_prices.values()),
        len(set(found.late_prices)),
    )
    assert found.hours.keys() == found.joined.keys() == found.lags.keys()
    assert all(row["lag_flag"] is False for row in found.lags.values() if row["signal_delta"] is None)


@settings(max_examples=10)
@given(seeds, hours)
def test_the_alignment_changes_prices_and_nothing_else(seed: int, hours: int) -> None:
    start, end = (truth(world(seed, hours), alignment) for alignment in ALIGNMENTS)

    assert (start.hours, start.news, start.prices, start.metas) == (
        end.hours,
        end.news,
        end.prices,
        end.metas,
    )
    moved = {
        (market, to_wire(from_wire(hour) + HOUR)): row["price"] for (market, hour), row in end.joined.items()
    }
    assert all(moved[at] == row["price"] for at, row in start.joined.items() if at in moved)


# ---- what is planted, in the default world -----------------------------------------------------


def published(item: dict[str, Any]) -> datetime | None:
    text = item.get("date_published", "")
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        moment = parsedate_to_datetime(text) if text else datetime.min
    return moment if moment.tzinfo else None


def test_a_world_of_ten_days_has_some_ten_thousands_of_records() -> None:
    assert 25_000 < known("window_start").news["in"] < 60_000


def test_lags_and_moves_are_planted_in_every_market() -> None:
    lags = Counter(lag["market"] for lag in default()["lags"])
    moves = Counter(move["market"] for move in default()["moves"])

    assert [6 <= lags[market["slug"]] <= 10 for market in default()["markets"]] == [True] * 3
    assert [4 <= moves[market["slug"]] <= 10 for market in default()["markets"]] == [True] * 3


def middle(market: str, hour: datetime) -> Decimal:
    sides = default()["prices"][market][to_wire(hour)]["Yes"]
    return (Decimal(str(sides["BUY"])) + Decimal(str(sides["SELL"]))) / 2


def moved(market: str, since: datetime, hours: int) -> Decimal:
    return abs(middle(market, since + hours * HOUR) - middle(market, since))


def test_behind_a_lag_the_price_moves_an_hour_or_two_after_the_hour() -> None:
    for lag in default()["lags"]:
        market, end = lag["market"], from_wire(lag["hour"]) + HOUR
        one, two = moved(market, end, 1), moved(market, end + HOUR, 1)

        assert moved(market, end - HOUR, 1) < Decimal("0.02")
        assert sorted((one >= Decimal("0.05"), two >= Decimal("0.05"))) == [False, True], lag


def test_in_an_hour_of_a_move_the_price_moves_within_it() -> None:
    assert all(
        moved(each["market"], from_wire(each["hour"]), 1) >= Decimal("0.05") for each in default()["moves"]
    )


def test_the_two_alignments_find_visibly_different_lags() -> None:
    planted = {(lag["market"], lag["hour"]) for lag in default()["lags"]}
    scores = {}
    for alignment in ALIGNMENTS:
        flagged = {at for at, row in known(alignment).lags.items() if row["lag_flag"]}
        hits = len(flagged & planted)
        scores[alignment] = hits / len(flagged), hits / len(planted)
    (precision, recall), (other_precision, other_recall) = scores["window_start"], scores["window_end"]

    assert 0.25 < precision < other_precision - 0.15 < 0.85
    assert 0.5 < recall < other_recall - 0.1 < 0.9


def test_ordinary_hours_seldom_flag_and_busy_ones_do() -> None:
    planted = {(each["market"], each["hour"]) for each in default()["lags"] + default()["moves"]}
    flagged = {at for at, row in known("window_start").lags.items() if row["lag_flag"]}

    assert len(flagged & planted) > 0.7 * len(planted)
    assert len(flagged - planted) < 0.05 * len(known("window_start").lags)


def test_every_fate_of_a_record_occurs() -> None:
    found = known("window_start")

    assert [
        name for counts in (found.news, found.prices) for name, count in counts.items() if not count
    ] == []
    assert len(found.late_news) > 20
    assert len(found.late_prices) >= 2


def test_every_reason_to_be_dead_occurs() -> None:
    assert set(known("window_start").dead_news) == {
        "not a JSON object",
        "published_at is not a UTC time that has come",
        "market_slug is missing",
        "item_id is missing",
        "source is missing",
        "article_score is not a number",
        "source_weight is not between 0 and 1",
    }
    assert set(known("window_start").dead_prices) == {
        "not a JSON object",
        "event_time is not a UTC time that has come",
        "market_slug is missing",
        "outcome is missing",
        "event_time is not a full hour",
        "price is not between 0 and 1",
        "price_delta is not between -1 and 1",
        "price_status is not observed, carried or clamped",
    }


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_prices_of_every_status_occur_and_some_flags_have_none_that_was_observed(alignment: str) -> None:
    rows = known(alignment).lags.values()
    flags = Counter(row["price_status"] for row in rows if row["lag_flag"])

    assert {row["price_status"] for row in rows} == {"observed", "carried", "clamped", "missing"}
    assert flags["observed"] > 0 < flags["carried"] + flags["clamped"] + flags["missing"]


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_both_thresholds_are_met_to_the_last_digit(alignment: str) -> None:
    edges = {
        (row["signal_delta"] == "1.000000", row["price_delta"].removeprefix("-"), row["lag_flag"])
        for row in known(alignment).lags.values()
        if row["signal_delta"] is not None and Decimal(row["signal_delta"]) >= 1
    }

    assert any(signal and Decimal(price) < Decimal("0.02") and not flag for signal, price, flag in edges)
    assert (False, "0.020000", False) in edges
    assert (False, "0.019900", True) in edges


def test_providers_fail_in_every_way() -> None:
    found = {
        (fault["what"], "drop" if fault["drop"] else "body" if fault["body"] else fault["status"])
        for fault in default()["faults"]
    }
    for_good = {
        fault["what"] for fault in default()["faults"] if fault["times"] >= 4 and fault["status"] != 200
    }

    assert found >= {(what, how) for what in ("feed", "gamma", "clob") for how in ("drop", "body", 404, 500)}
    assert {("feed", 429), ("gamma", 429), ("clob", 503)} <= found
    assert for_good == {"feed", "gamma", "clob"}


def test_gamma_is_away_for_hours_and_prices_are_missing_there() -> None:
    gaps: dict[str, int] = defaultdict(int)
    for market, metas in known("window_start").metas.items():
        moments = [from_wire(fetched) for fetched, _ in metas]
        gaps[market] = max(later - before for before, later in pairwise(moments)) // HOUR

    assert max(gaps.values()) >= 5


def test_a_market_closes_early_and_nothing_is_flagged_behind_it() -> None:
    [market] = [market for market in default()["markets"] if market["closed_time"]]
    rows = [
        row
        for (slug, hour), row in known("window_start").lags.items()
        if slug == market["slug"] and hour > market["closed_time"]
    ]

    assert START + 120 * HOUR < from_wire(market["closed_time"]) < START + 240 * HOUR
    assert any(Decimal(row["signal_delta"] or 0) > 1 for row in rows)
    assert [row for row in rows if row["lag_flag"]] == []
    assert {row["price_status"] for row in rows} <= {"missing", "observed"}


def test_the_highest_change_is_forgotten_after_a_week() -> None:
    for market in default()["markets"]:
        highest = [
            Decimal(row["max_signal_delta"])
            for (slug, _), row in sorted(known("window_start").lags.items())
            if slug == market["slug"] and row["max_signal_delta"] is not None
        ]

        assert highest[-1] < max(highest) - 2, market["slug"]


def test_hours_are_quiet_and_busy_hours_stand_behind_some() -> None:
    found = known("window_start")

    assert len(found.hours) < 0.95 * 3 * 240
    behind_a_gap = [
        lag for lag in default()["lags"] if found.lags[lag["market"], lag["hour"]]["signal_delta"] is None
    ]
    assert len(behind_a_gap) >= 2


def test_items_are_dated_ahead_changed_repeated_and_shown_for_days() -> None:
    spans: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    ahead = []
    for entry in default()["entries"]:
        spans[entry["market"], entry["item"].get("id", entry["item"]["url"])].append(entry)
        if (moment := published(entry["item"])) is not None:
            ahead.append(moment - from_wire(entry["from"]))

    assert any(timedelta(minutes=5) < each <= timedelta(minutes=9) for each in ahead)
    assert any(timedelta(minutes=10) < each < HOUR for each in ahead)
    assert any(from_wire(e["until"]) - from_wire(e["from"]) > 40 * HOUR for e in default()["entries"])
    assert any(a["until"] == b["from"] and a["item"] != b["item"] for a, b, *_ in pairs(spans))
    assert any(a["until"] < b["from"] and a["item"] == b["item"] for a, b, *_ in pairs(spans))


def pairs(spans: dict[Any, list[Any]]) -> list[list[Any]]:
    return [entries for entries in spans.values() if len(entries) > 1]


def test_a_dead_record_closes_an_hour_to_the_second() -> None:
    """Without those dead records some items would have been in time."""
    strays = [
        stray
        for stray in default()["strays"]
        if b'"source_weight": 3' not in base64.b64decode(stray["value"])
    ]
    assert len(strays) < len(default()["strays"])

    without = truth({**default(), "strays": strays})

    assert set(without.late_news) < set(known("window_start").late_news)


# ---- headlines and feeds -----------------------------------------------------------------------


def test_the_same_headline_is_rare_within_a_day() -> None:
    titles = Counter(
        (entry["market"], entry["from"][:10], entry["item"]["title"]) for entry in default()["entries"]
    )

    assert sum(titles.values()) / len(titles) < 1.3


def test_every_market_s_news_uses_the_keywords() -> None:
    for market in default()["markets"]:
        words = " ".join(
            e["item"]["title"] for e in default()["entries"] if e["market"] == market["slug"]
        ).lower()

        assert {word for word in ("fed", "rate", "hike", "dovish") if word in words.split()} == {
            "fed", "rate", "hike", "dovish",
        }  # fmt: skip


def test_our_parser_reads_both_renderings_of_every_item_alike() -> None:
    parse = python("news_feed").parse
    items = [entry["item"] for entry in default()["entries"]]
    as_json = parse(json.dumps({"title": TITLE, "items": items}).encode(), "application/feed+json")
    as_rss = parse(rss(TITLE, items), "application/rss+xml")

    assert as_rss.items == as_json.items
    assert [each.reason for each in as_rss.rejected] == [each.reason for each in as_json.rejected]
    assert (len(as_json.items) + len(as_json.rejected), len(as_json.rejected) > 0) == (len(items), True)


@settings(max_examples=5)
@given(seeds)
def test_a_timeline_is_what_stands_in_the_entries(seed: int) -> None:
    entries = [entry for entry in world(seed, 6)["entries"] if entry["market"].startswith("fed")]
    timeline = Timeline(entries)
    for minutes in range(0, 9 * 60, 7):
        now = to_wire(START + timedelta(minutes=minutes))
        shown = [entry for entry in entries if entry["from"] <= now < entry["until"]]
        shown.sort(key=lambda entry: entry["from"], reverse=True)

        assert timeline.at(now) == [entry["item"] for entry in shown]
