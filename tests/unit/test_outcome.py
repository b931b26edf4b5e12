"""outcome: every record has a place, and a record that is lost or doubled does not go unseen."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from capstone_marketlag import places, tables, topics
from capstone_marketlag.outcome import Outcome, conserved, outcome
from tests.unit.worlds import at

Row = dict[str, Any]
Rows = list[Row]
Read = dict[str, Rows]

#: when every record was written: 13:00 of that day, in ms
WRITTEN = 1_767_618_000_000
NO_TEXT = {"base64": base64.b64encode(b"\xff\xfe").decode()}
HEARTBEAT_TIMES = {topics.NEWS: "published_at", topics.PRICES: "event_time"}


def record(value: Any) -> Row:
    """A record at a place of its own choice: `partition` numbers it. value: text, bytes' stand-in, or an object."""
    text = value if isinstance(value, str) or value is None or "base64" in value else json.dumps(value)
    return {"timestamp": WRITTEN, "key": "k", "value": text}


def partition(number: int, *values: Any) -> Rows:
    return [{**record(value), "partition": number, "offset": place} for place, value in enumerate(values)]


def appended(read: Read, topic: str, value: Any, number: int = 0) -> Read:
    """These topics, and one record more behind the others of a partition."""
    place = sum(row["partition"] == number for row in read[topic])
    return {**read, topic: [*read[topic], {**record(value), "partition": number, "offset": place}]}


def news(identity: str, clock: str, market: str = "m", **other: Any) -> Row:
    return {
        "market_slug": market, "item_id": identity, "published_at": at(clock), "source": "Reuters",
        "article_score": 2.5, "source_weight": 0.9, **other,
    }  # fmt: skip


def price(clock: str, outcome: str = "Yes", market: str = "m", **other: Any) -> Row:
    return {
        "market_slug": market, "outcome": outcome, "event_time": at(clock), "price": 0.5, "prev_price": 0.49,
        "price_delta": 0.01, "price_status": "observed", **other,
    }  # fmt: skip


def heartbeat(topic: str, clock: str) -> Row:
    return {"kind": "heartbeat", HEARTBEAT_TIMES[topic]: at(clock)}


def closed(clock: str) -> Row:
    return {"kind": "heartbeat", "window_start": at(clock)}


def signal(clock: str, mentions: int = 1, market: str = "m") -> Row:
    return {
        "market_slug": market, "window_start": at(clock), "mention_count": mentions, "keyword_score": 4,
        "source_weighted_signal": 2.0750000000000001, "source_weight_avg": 0.95,
    }  # fmt: skip


MISSING = {"price": None, "prev_price": None, "price_delta": 0.0, "price_status": "missing"}
AT_TEN = {"price": 0.5, "prev_price": 0.49, "price_delta": 0.01, "price_status": "observed"}


def joined(clock: str, market: str = "m", **other: Any) -> Row:
    return {
        "kind": "signal", "market_slug": market, "window_start": at(clock), "signal_delta": 1.5,
        "prev_rss_signal": None, **MISSING, **other,
    }  # fmt: skip


def lag(clock: str, market: str = "m") -> Row:
    return {
        "market": market, "window_start": at(clock), "signal_delta": None, "price_delta": 0.01,
        "lag_flag": True, "confidence": 0.9, "max_signal_delta": 8, "price_status": "observed",
    }  # fmt: skip


def letter(number: int | None, place: int | None, reason: str = "broken") -> Row:
    stage = "producer" if place is None else "gate"
    return {"reason": reason, "stage": stage, "source_partition": number, "source_offset": place}


N, P = topics.NEWS, topics.PRICES
BROKEN_META = '{"market_slug": "m"'
#: one of each: what its number in the partition is, is said by the letters
READ: Read = {
    N: [
        *partition(
            0,
            news("a", "10:05"), news("a", "10:05"), news("b", "10:20"), news("c", "11:10"),
            '{"market_slug": "m', NO_TEXT, news("a", "10:05", source_weight=2),  # 4, 5, 6 are dead
            {"kind": "heartbeat", "published_at": "soon"},  # 7 too
            news("d", "12:10"), heartbeat(N, "12:30"), news("late", "10:59"), heartbeat(N, "12:45"),
        ),
        *partition(1, news("a", "10:05", "n"), heartbeat(N, "12:45")),
    ],
    P: [
        *partition(
            0,
            price("10:00"), price("10:00", "No"), price("10:00", price=0.6), price("11:00", "No"),
            "[1]", price("10:00", price=1.7), {"kind": "heartbeat", "event_time": "soon"},  # 4, 5, 6 are dead
            price("12:00", market="n"), heartbeat(P, "12:30"),
            price("09:00"), price("09:00", "No"), heartbeat(P, "12:45"),
        ),
        *partition(1, heartbeat(P, "12:30"), heartbeat(P, "12:45")),
    ],
    topics.SIGNALS: partition(0, signal("10:00", 2), signal("11:00"), signal("12:00"), signal("10:00", market="n")),
    topics.SIGNALS_WITH_PRICE: [
        *partition(0, joined("10:00", **AT_TEN), joined("11:00"), closed("10:00"), joined("12:00"), closed("12:00")),
        *partition(1, joined("10:00", "n"), closed("12:00"), closed("10:00"), NO_TEXT),
    ],
    topics.LAG_SIGNALS: partition(0, lag("10:00"), lag("11:00"), lag("10:00", "n")),
    topics.DEAD_NEWS: partition(
        0, letter(0, 4, "no object"), letter(0, 5, "no object"), letter(0, 6, "weight"), letter(None, None, "no date"),
        letter(0, 7, "no time"),
    ),
    topics.DEAD_PRICES: partition(
        0, letter(0, 4, "no object"), letter(None, None, "no market"), letter(0, 5, "price"), letter(0, 6, "no time")
    ),
    topics.LATE_NEWS: partition(0, {"market_slug": "m", "item_id": "late"}),
    topics.LATE_PRICES: partition(0, price("09:00"), price("09:00", "No")),
    topics.MARKET_META: partition(0, '{"market_slug": "m", "fetched_at": "2026-01-05T10:00:00Z"}', BROKEN_META),
    topics.DEAD_PROCESSING: partition(
        0, {"record": json.dumps(joined("12:00"))}, {"record": BROKEN_META}, {"record": "\ufffd\ufffd"}
    ),
}  # fmt: skip
STORED: Read = {
    tables.SIGNALS: [
        {
            "market_slug": "m", "window_start": datetime(2026, 1, 5, 10), "mention_count": 2,
            "keyword_score": Decimal("4.000000"), "source_weighted_signal": Decimal("2.075000"),
            "source_weight_avg": Decimal("0.950000"),
        }
    ],
    tables.LAG_SIGNALS: [
        {
            "market": "n", "window_start": datetime(2026, 1, 5, 11), "signal_delta": Decimal("1.500000"),
            "price_delta": Decimal("0.010000"), "lag_flag": False, "confidence": None, "max_signal_delta": None,
            "price_status": "missing",
        }
    ],
}  # fmt: skip

FIGURES = ["4.000000", "2.075000", "0.950000"]
UNPRICED = {
    "signal_delta": "1.500000", "prev_rss_signal": None, "price": None, "prev_price": None,
    "price_delta": "0.000000", "price_status": "missing",
}  # fmt: skip
PRICED = {
    "price": "0.500000",
    "prev_price": "0.490000",
    "price_delta": "0.010000",
    "price_status": "observed",
}
JUDGED = {
    "signal_delta": None, "price_delta": "0.010000", "lag_flag": True, "confidence": "0.9000",
    "max_signal_delta": "8.000000", "price_status": "observed",
}  # fmt: skip
TEN, ELEVEN, TWELVE = (("m", at(clock)) for clock in ("10:00", "11:00", "12:00"))
OTHER = ("n", at("10:00"))


def read_as(read: Read, alignment: str = "window_start") -> Outcome:
    return outcome(read, STORED, alignment)


def test_one_of_each_kind_is_read_as_it_stands() -> None:
    assert read_as(READ) == Outcome(
        hours={TEN: ["2", *FIGURES], ELEVEN: ["1", *FIGURES], TWELVE: ["1", *FIGURES], OTHER: ["1", *FIGURES]},
        hours_table={TEN: ["2", *FIGURES]},
        joined={TEN: {**UNPRICED, **PRICED}, ELEVEN: UNPRICED, TWELVE: UNPRICED, OTHER: UNPRICED},
        lags={TEN: JUDGED, ELEVEN: JUDGED, OTHER: JUDGED},
        history={
            ("n", at("11:00")): {
                **JUDGED, "signal_delta": "1.500000", "lag_flag": False, "confidence": None,
                "max_signal_delta": None, "price_status": "missing",
            }
        },
        news={
            "in": 14, "counted": 5, "late": 1, "duplicate": 1, "dead": 4, "heartbeat": 3, "rejected": 1,
        },
        prices={
            "in": 14, "used": 2, "not_used": 2, "late": 2, "duplicate": 1, "dead": 3, "heartbeat": 4, "rejected": 1,
        },
        late_news=[("m", "late")],
        late_prices=[("m", "Yes", at("09:00")), ("m", "No", at("09:00"))],
        dead={
            N: {"no object": 2, "weight": 1, "no date": 1, "no time": 1},
            P: {"no object": 1, "no market": 1, "price": 1, "no time": 1},
        },
        failures=3,
    )  # fmt: skip


# ---- the law -----------------------------------------------------------------------------------


def test_where_every_record_has_its_place_the_law_holds() -> None:
    assert conserved(read_as(READ))


#: every record of every topic, but for those that no other topic can tell of: a market's, one that was never sent
OF_THE_LAW = [
    (topic, place)
    for topic, rows in READ.items()
    for place, row in enumerate(rows)
    if topic != topics.MARKET_META and '"producer"' not in str(row["value"])
]
#: a failure to read a market: the record itself stays in its topic, and no hour waits for it
OF_A_MARKET = (topics.DEAD_PROCESSING, 1)


@pytest.mark.parametrize(("topic", "place"), [each for each in OF_THE_LAW if each != OF_A_MARKET])
def test_any_one_record_lost_breaks_the_law(topic: str, place: int) -> None:
    rows = READ[topic]

    assert not conserved(read_as({**READ, topic: rows[:place] + rows[place + 1 :]}))


@pytest.mark.parametrize(("topic", "place"), OF_THE_LAW)
def test_any_one_record_twice_breaks_the_law(topic: str, place: int) -> None:
    rows = READ[topic]

    assert not conserved(read_as({**READ, topic: [*rows, rows[place]]}))


def test_the_order_of_reading_breaks_nothing() -> None:
    turned = {topic: rows[::-1] for topic, rows in READ.items()}

    assert conserved(read_as(turned))


@pytest.mark.parametrize("kind", ["news", "prices"])
@pytest.mark.parametrize("step", [-1, 1])
def test_each_part_of_the_sum_counts(kind: str, step: int) -> None:
    counts = getattr(read_as(READ), kind)
    parts = [part for part in counts if part != "rejected"]

    wrong = [{**counts, part: counts[part] + step} for part in parts]

    assert len(parts) == {"news": 6, "prices": 7}[kind]
    assert not any(conserved(replace(read_as(READ), **{kind: each})) for each in wrong)


@pytest.mark.parametrize(("produced", "holds"), [(9, True), (8, False), (10, False)])
def test_what_was_served_was_produced_or_rejected(produced: int, holds: bool) -> None:
    found = read_as(READ)

    assert conserved(replace(found, news={**found.news, "served": 10, "produced": produced})) is holds


@pytest.mark.parametrize("field", ["twice", "astray"])
def test_one_thing_twice_or_astray_breaks_the_law(field: str) -> None:
    assert not conserved(replace(read_as(READ), **{field: ["m"]}))


# ---- a gate that lets through ------------------------------------------------------------------

#: (what is changed in a valid record, whether it still is one)
NEWS_RULES: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"title": None}, True),
    ({"kind": "news"}, True),
    ({"market_slug": ""}, False),
    ({"market_slug": ["m"]}, False),
    ({"item_id": None}, False),
    ({"item_id": ["a"]}, False),
    ({"source": ""}, False),
    ({"source": None}, False),
    ({"article_score": None}, False),
    ({"article_score": "2"}, False),
    ({"article_score": True}, False),
    ({"article_score": 0}, True),
    ({"article_score": 999_999.9}, True),
    ({"article_score": -999_999.9}, True),
    ({"article_score": 1_000_000}, False),
    ({"article_score": -1_000_000}, False),
    ({"article_score": float("nan")}, False),
    ({"source_weight": 0}, True),
    ({"source_weight": 1}, True),
    ({"source_weight": -0.1}, False),
    ({"source_weight": 1.1}, False),
    ({"source_weight": "1"}, False),
    ({"source_weight": None}, False),
    ({"published_at": at("10:05:00.250")}, True),
    ({"published_at": at("13:10:00.000")}, True),
    ({"published_at": at("13:10:00.001")}, False),
    ({"published_at": "1970-01-01T00:00:00Z"}, False),
    ({"published_at": "1970-01-01T00:00:01Z"}, True),
    ({"published_at": "2026-01-05T10:05:00"}, False),
    ({"published_at": "2026-01-05T10:05:00+00:00"}, False),
    ({"published_at": "2026-01-05 10:05:00Z"}, False),
    ({"published_at": "2026-01-05T10:05:00.25Z"}, False),
    ({"published_at": "2026-02-30T10:05:00Z"}, False),
    ({"published_at": 1_767_607_500}, False),
    ({"published_at": None}, False),
]


def rules(cases: list[tuple[dict[str, Any], bool]]) -> Any:
    return pytest.mark.parametrize(("change", "valid"), cases, ids=lambda each: str(each))


@rules(NEWS_RULES)
def test_a_repeat_is_one_only_if_it_is_valid_news(change: dict[str, Any], valid: bool) -> None:
    through = read_as(appended(READ, N, {**news("a", "10:05"), **change}))

    assert through.news == {**read_as(READ).news, "in": 15, "duplicate": 1 + valid}
    assert conserved(through) is valid


PRICE_RULES: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"prev_price": None}, True),
    ({"market_slug": None}, False),
    ({"outcome": ""}, False),
    ({"outcome": {}}, False),
    ({"price": 0}, True),
    ({"price": 1}, True),
    ({"price": -0.000001}, False),
    ({"price": 1.000001}, False),
    ({"price": "0.5"}, False),
    ({"price": None}, False),
    ({"price": float("inf")}, False),
    ({"price_delta": -1}, True),
    ({"price_delta": 1}, True),
    ({"price_delta": -1.000001}, False),
    ({"price_delta": 1.000001}, False),
    ({"price_delta": None}, False),
    ({"price_status": "carried"}, True),
    ({"price_status": "clamped"}, True),
    ({"price_status": "missing"}, False),
    ({"price_status": None}, False),
    ({"event_time": at("12:00:00.000")}, True),
    ({"event_time": at("12:01")}, False),
    ({"event_time": at("12:00:01")}, False),
    ({"event_time": at("12:00:00.001")}, False),
    ({"event_time": at("14:00")}, False),
]


@rules(PRICE_RULES)
def test_a_price_is_used_only_if_it_is_a_valid_one(change: dict[str, Any], valid: bool) -> None:
    through = read_as(appended(READ, P, {**price("12:00", market="other"), **change}))

    assert through.prices == {**read_as(READ).prices, "in": 15, "used": 2 + valid}
    assert conserved(through) is valid


@pytest.mark.parametrize("topic", [N, P])
@pytest.mark.parametrize(
    "value",
    ["[1, 2]", "null", '"text"', '{"a": ', "{}", "", "[" * 100_000, None, NO_TEXT],
    ids=lambda each: str(each)[:9],
)
def test_what_a_wrong_gate_let_through_breaks_the_law_and_not_the_count(topic: str, value: Any) -> None:
    through, before = read_as(appended(READ, topic, value)), read_as(READ)

    assert {**through.news, **through.prices, "in": 0} == {**before.news, **before.prices, "in": 0}
    assert not conserved(through)


@pytest.mark.parametrize("topic", [N, P])
@pytest.mark.parametrize(("clock", "is_one"), [("12:45", True), ("13:10", True), ("13:11", False)])
def test_a_heartbeat_has_a_time_that_has_come(topic: str, clock: str, is_one: bool) -> None:
    found = read_as(
        appended(appended(READ, topic, heartbeat(topic, clock)), topic, heartbeat(topic, clock), 1)
    )

    before = {N: 3, P: 4}[topic]
    assert (found.news if topic == N else found.prices)["heartbeat"] == before + 2 * is_one
    assert conserved(found) is is_one


# ---- late, and first ---------------------------------------------------------------------------


def sights(*rows: Row, dead: tuple[tuple[int, int], ...] = ()) -> dict[Any, dict[int, bool]]:
    """Which prices were seen first, where, and whether late."""
    found = places.places(list(rows), dead, places.PRICES).firsts
    return {key[1:]: {number: sight.late for number, sight in each.items()} for key, each in found.items()}


def beat(clock: str) -> Row:
    return heartbeat(P, clock)


@pytest.mark.parametrize(("clock", "late"), [("11:05:00.000", True), ("11:04:59.999", False)])
def test_a_price_is_late_once_its_hour_is_closed_to_the_millisecond(clock: str, late: bool) -> None:
    assert sights(*partition(0, beat(clock), price("10:00"))) == {("YES", at("10:00")): {0: late}}


def test_the_hour_is_closed_by_the_highest_time_and_not_by_the_last() -> None:
    rows = partition(0, beat("11:05"), beat("10:15"), price("10:00"))

    assert sights(*rows) == {("YES", at("10:00")): {0: True}}


def test_another_partition_closes_nothing() -> None:
    rows = partition(0, beat("11:05")) + partition(1, price("10:00"))

    assert sights(*rows) == {("YES", at("10:00")): {1: False}}


def test_a_dead_row_moves_the_time_and_one_without_a_time_that_has_come_does_not() -> None:
    dead = price("12:00", price=7)
    ahead = price("14:00")

    assert sights(*partition(0, dead, price("10:00")), dead=((0, 0),)) == {("YES", at("10:00")): {0: True}}
    assert sights(*partition(0, ahead, price("10:00")), dead=((0, 0),)) == {("YES", at("10:00")): {0: False}}


def test_the_first_sight_says_what_is_late() -> None:
    rows = partition(0, price("10:00"), beat("11:05"), price("10:00"))

    assert sights(*rows) == {("YES", at("10:00")): {0: False}}


def test_the_time_of_a_price_is_a_time_and_not_its_text() -> None:
    rows = partition(0, price("10:00"), price("10:00:00.000"))

    assert sights(*rows) == {("YES", at("10:00")): {0: False}}


def test_an_outcome_is_the_same_in_upper_and_lower_case() -> None:
    rows = partition(0, price("10:00", "Yes"), price("10:00", "YES"), price("10:00", "No"))

    assert sights(*rows) == {("YES", at("10:00")): {0: False}, ("NO", at("10:00")): {0: False}}
    assert places.places(rows, (), places.PRICES).duplicates == 1


def test_an_item_is_not_the_same_in_upper_and_lower_case() -> None:
    rows = partition(0, news("a", "10:00"), news("A", "10:00"))

    assert places.places(rows, (), places.NEWS).duplicates == 0


@pytest.mark.parametrize("late", [True, False])
def test_of_two_partitions_only_the_pipeline_knows_which_it_read_first(late: bool) -> None:
    late_there = appended(READ, P, price("08:00", "No"))
    twice = appended(appended(late_there, P, price("08:00", "No"), 2), P, heartbeat(P, "12:45"), 2)
    found = read_as(appended(twice, topics.LATE_PRICES, price("08:00", "No")) if late else twice)

    assert (found.prices["late"], found.prices["not_used"]) == ((3, 2) if late else (2, 3))
    assert conserved(found)


# ---- each hour with its price, judged once -----------------------------------------------------


def changed(topic: str, place: int, **other: Any) -> Read:
    rows = list(READ[topic])
    rows[place] = {**rows[place], "value": json.dumps({**json.loads(rows[place]["value"]), **other})}
    return {**READ, topic: rows}


@pytest.mark.parametrize(
    "other",
    [{"price": 0.6}, {"prev_price": 0.5}, {"prev_price": None}, {"price_delta": 0.011},
     {"price_status": "carried"}, MISSING],
)  # fmt: skip
def test_an_hour_has_the_first_price_in_time_figure_by_figure(other: dict[str, Any]) -> None:
    assert read_as(changed(topics.SIGNALS_WITH_PRICE, 0, **other)).astray == [
        f"signals_with_price m {at('10:00')}: not with the price of its hour"
    ]


def test_an_hour_without_a_price_says_so() -> None:
    assert read_as(changed(topics.SIGNALS_WITH_PRICE, 1, **AT_TEN)).astray == [
        f"signals_with_price m {at('11:00')}: not with the price of its hour"
    ]


@pytest.mark.parametrize("outcome", ["YES", "yes"])
def test_yes_is_yes_in_any_case_and_nothing_else_is(outcome: str) -> None:
    found = read_as(appended(READ, P, price("12:00", outcome)))

    assert found.astray == [f"signals_with_price m {at('12:00')}: not with the price of its hour"]
    assert not read_as(appended(READ, P, price("12:00", outcome + "!"))).astray


def test_a_price_that_came_too_late_is_the_price_of_no_hour() -> None:
    too_late = {
        **READ, P: partition(0, heartbeat(P, "12:45"), price("10:00")), topics.DEAD_PRICES: [],
        topics.LATE_PRICES: partition(0, price("10:00")),
    }  # fmt: skip
    without = {
        **too_late,
        topics.SIGNALS_WITH_PRICE: changed(topics.SIGNALS_WITH_PRICE, 0, **MISSING)[
            topics.SIGNALS_WITH_PRICE
        ],
    }

    assert read_as(too_late).astray == [f"signals_with_price m {at('10:00')}: not with the price of its hour"]
    assert conserved(read_as(without))


def test_at_the_other_alignment_an_hour_has_the_price_at_its_end() -> None:
    nine = changed(topics.SIGNALS_WITH_PRICE, 0, window_start=at("09:00"))
    moved = {**nine, topics.SIGNALS: [*partition(0, signal("09:00", 2)), *READ[topics.SIGNALS][1:]]}
    moved[topics.LAG_SIGNALS] = [*partition(0, lag("09:00")), *READ[topics.LAG_SIGNALS][1:]]

    assert conserved(read_as(moved, "window_end"))
    assert not conserved(read_as(moved))
    assert not conserved(read_as(READ, "window_end"))


@pytest.mark.parametrize(
    ("topic", "place", "sentences"),
    [
        (topics.SIGNALS_WITH_PRICE, 1, [f"rss.signals_hourly m {at('11:00')}: not in signals_with_price"]),
        (topics.SIGNALS, 1, [f"lag_signals m {at('11:00')}: not in rss.signals_hourly"]),
        (topics.LAG_SIGNALS, 1,
         ["signals_with_price: neither judged nor failed: " + json.dumps(joined("11:00"))[:200]]),
        (topics.DEAD_PROCESSING, 2, ["signals_with_price: neither judged nor failed: \ufffd\ufffd"]),
        (topics.SIGNALS_WITH_PRICE, 2, [f"signals_with_price {at('10:00')}: not one heartbeat in each partition"]),
        (N, 2, ["rss.events 0: not every offset once"]),
        (N, 11, ["rss.events: its partitions end with different heartbeats"]),
        (P, 13, ["polymarket.price_hourly: its partitions end with different heartbeats"]),
    ],
)  # fmt: skip
def test_what_is_lost_is_named(topic: str, place: int, sentences: list[str]) -> None:
    rows = READ[topic]

    assert read_as({**READ, topic: rows[:place] + rows[place + 1 :]}).astray == sentences


@pytest.mark.parametrize(
    ("topic", "place", "twice"),
    [
        (topics.SIGNALS, 0, [f"rss.signals_hourly m {at('10:00')}"]),
        (topics.SIGNALS_WITH_PRICE, 0, [f"signals_with_price m {at('10:00')}"]),
        (topics.LAG_SIGNALS, 2, [f"lag_signals n {at('10:00')}"]),
        (topics.LATE_NEWS, 0, ["late.rss.events m late"]),
        (topics.LATE_PRICES, 1, [f"late.polymarket.price_hourly m No {at('09:00')}"]),
        (topics.DEAD_NEWS, 1, ["dlq.rss.events 0 5"]),
        (topics.DEAD_PRICES, 0, ["dlq.polymarket.price_hourly 0 4"]),
        (topics.SIGNALS_WITH_PRICE, 2, []),  # a heartbeat is no hour
        (topics.DEAD_NEWS, 3, []),  # what a producer rejects it rejects at every poll
    ],
)  # fmt: skip
def test_what_is_there_twice_is_named(topic: str, place: int, twice: list[str]) -> None:
    assert read_as({**READ, topic: [*READ[topic], READ[topic][place]]}).twice == twice


def test_one_dead_letter_twice_does_not_stand_in_for_one_that_is_lost() -> None:
    letters = READ[topics.DEAD_NEWS]

    assert not conserved(read_as({**READ, topics.DEAD_NEWS: [*letters[:2], letters[0], *letters[3:]]}))


def test_a_letter_about_no_record_of_the_detector_is_astray() -> None:
    assert read_as(appended(READ, topics.DEAD_PROCESSING, {"record": "{}"})).astray == [
        "dlq.processing: about a record that is nowhere: {}"
    ]


@pytest.mark.parametrize("cut", [100_000, 99_999])
def test_a_long_record_is_known_by_what_a_letter_keeps_of_it(cut: int) -> None:
    text = "[" * 120_000
    failed = appended(READ, topics.DEAD_PROCESSING, {"record": text[:cut]})

    assert conserved(read_as(appended(failed, topics.SIGNALS_WITH_PRICE, text))) is (cut == 100_000)


@pytest.mark.parametrize(
    "value",
    [NO_TEXT, None, "[]", {"kind": "signal"}, {"market_slug": ["m"], "window_start": at("10:00")},
     {"market_slug": "m", "window_start": 10}, {**joined("20:00"), "signal_delta": "much", "price": True}],
)  # fmt: skip
def test_what_somebody_else_wrote_to_the_detector_is_in_its_letters(value: Any) -> None:
    written = appended(READ, topics.SIGNALS_WITH_PRICE, value)
    text = "\ufffd\ufffd" if value is NO_TEXT else record(value)["value"] or ""
    hours = {**read_as(READ).hours}

    assert not conserved(read_as(written))
    found = read_as(appended(written, topics.DEAD_PROCESSING, {"record": text}))
    assert found.hours == hours
    assert [line for line in found.astray if "judged" in line or "nowhere" in line] == []
