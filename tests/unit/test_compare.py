"""compare: what differs first is named with both answers, and nothing that differs goes unsaid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from capstone_marketlag import topics
from capstone_marketlag.compare import first_difference
from capstone_marketlag.oracle import Truth
from capstone_marketlag.outcome import Outcome
from tests.unit.worlds import at

TEN, ELEVEN, OTHER = ("m", at("10:00")), ("m", at("11:00")), ("n", at("10:00"))
KEYS = (TEN, ELEVEN, OTHER)
FIGURES = ["2", "4.000000", "2.075000", "0.950000"]
SHOWN = "mentions 2, score 4.000000, signal 2.075000, weight 0.950000"
JOINED = {
    "signal_delta": "1.500000", "prev_rss_signal": "0.500000", "price": "0.500000", "prev_price": "0.490000",
    "price_delta": "0.010000", "price_status": "observed",
}  # fmt: skip
LAG = {
    "signal_delta": "1.500000", "price_delta": "0.010000", "lag_flag": True, "confidence": "0.9000",
    "max_signal_delta": "8.000000", "price_status": "observed",
}  # fmt: skip
NEWS = {"in": 12, "counted": 3, "late": 2, "duplicate": 2, "dead": 3, "heartbeat": 3, "rejected": 1}
PRICES = {
    "in": 9,
    "used": 1,
    "not_used": 1,
    "late": 1,
    "duplicate": 2,
    "dead": 3,
    "heartbeat": 3,
    "rejected": 0,
}
LATE_NEWS = [("m", "b"), ("m", "a")]
LATE_PRICES = [("m", "No", at("09:00"))]
DEAD = {topics.NEWS: {"no object": 3}, topics.PRICES: {"no price": 2, "no object": 1}}


def found(**other: Any) -> Outcome:
    same: dict[str, Any] = {
        "hours": dict.fromkeys(KEYS, FIGURES), "hours_table": dict.fromkeys(KEYS, FIGURES),
        "joined": dict.fromkeys(KEYS, JOINED), "lags": dict.fromkeys(KEYS, LAG),
        "history": dict.fromkeys(KEYS, LAG), "news": NEWS, "prices": PRICES,
        "late_news": LATE_NEWS, "late_prices": LATE_PRICES, "dead": DEAD,
    }  # fmt: skip
    return Outcome(**{**same, **other})


TRUTH = Truth(
    hours=dict.fromkeys(KEYS, FIGURES),
    joined=dict.fromkeys(KEYS, JOINED),
    lags=dict.fromkeys(KEYS, LAG),
    news=NEWS,
    prices=PRICES,
    late_news=LATE_NEWS,
    late_prices=LATE_PRICES,
    dead_news=DEAD[topics.NEWS],
    dead_prices=DEAD[topics.PRICES],
    metas={},
)


def wrong(rows: Mapping[Any, Any], key: Any, **figures: Any) -> dict[Any, Any]:
    return {**rows, key: {**rows[key], **figures}}


def without(rows: Mapping[Any, Any], key: Any) -> dict[Any, Any]:
    return {each: row for each, row in rows.items() if each != key}


HOURS = dict.fromkeys(KEYS, FIGURES)
JOINS = dict.fromkeys(KEYS, JOINED)
LAGS = dict.fromkeys(KEYS, LAG)


# ---- nothing to tell ---------------------------------------------------------------------------


def test_where_all_is_equal_there_is_no_difference() -> None:
    assert first_difference(found(), TRUTH) is None


@pytest.mark.parametrize(
    "same",
    [
        found(late_news=LATE_NEWS[::-1]),
        found(news=without(NEWS, "rejected"), prices=without(PRICES, "in")),
        found(dead={**DEAD, topics.NEWS: {**DEAD[topics.NEWS], "there is no date": 7}}),
        found(hours=dict(reversed(HOURS.items()))),
    ],
    ids=[
        "the order of what is late",
        "counts that nobody took",
        "the producer's reasons",
        "the order of hours",
    ],
)
def test_what_the_oracle_does_not_tell_is_no_difference(same: Outcome) -> None:
    assert first_difference(same, TRUTH) is None


# ---- each kind of difference, with both answers -------------------------------------------------

NINE = ("m", at("09:00"))
MORE = ["3", *FIGURES[1:]]
SHOWN_MORE = SHOWN.replace("mentions 2", "mentions 3")
SHOWN_LAG = (
    "signal_delta 1.500000, price_delta 0.010000, lag_flag True, confidence 0.9000, "
    "max_signal_delta 8.000000, price_status observed"
)


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        (
            {"hours": {**HOURS, TEN: MORE}},
            f"Hour {at('10:00')} of m: rss.signals_hourly has {SHOWN_MORE}, the oracle {SHOWN}.",
        ),
        (
            {"hours": without(HOURS, ELEVEN)},
            f"Hour {at('11:00')} of m: rss.signals_hourly has no row, the oracle {SHOWN}.",
        ),
        (
            {"hours": {**HOURS, NINE: FIGURES}},
            f"Hour {at('09:00')} of m: rss.signals_hourly has {SHOWN}, the oracle no row.",
        ),
        (
            {"joined": wrong(JOINS, OTHER, price="0.600000", price_status="carried")},
            f"Hour {at('10:00')} of n: signals_with_price has price 0.600000, price_status carried, "
            "the oracle price 0.500000, price_status observed.",
        ),
        (
            {"lags": wrong(LAGS, TEN, lag_flag=False)},
            f"Hour {at('10:00')} of m: lag_signals has lag_flag False, the oracle lag_flag True.",
        ),
        (
            {"lags": without(LAGS, TEN)},
            f"Hour {at('10:00')} of m: lag_signals has no row, the oracle {SHOWN_LAG}.",
        ),
        (
            {"lags": {**LAGS, NINE: LAG}},
            f"Hour {at('09:00')} of m: lag_signals has {SHOWN_LAG}, the oracle no row.",
        ),
        (
            {"hours_table": {**HOURS, TEN: MORE}},
            f"Hour {at('10:00')} of m: the table rss_signals_hourly has {SHOWN_MORE}, its topic {SHOWN}.",
        ),
        (
            {"hours_table": without(HOURS, TEN)},
            f"Hour {at('10:00')} of m: the table rss_signals_hourly has no row, its topic {SHOWN}.",
        ),
        (
            {"history": wrong(LAGS, TEN, confidence=None)},
            f"Hour {at('10:00')} of m: the table lag_signals_history has confidence None, its topic confidence 0.9000.",
        ),
        (
            {"history": {**LAGS, NINE: LAG}},
            f"Hour {at('09:00')} of m: the table lag_signals_history has {SHOWN_LAG}, its topic no row.",
        ),
        ({"late_news": [*LATE_NEWS, ("m", "d"), ("m", "c")]}, "Item m c is late, and the oracle counts it."),
        ({"late_news": [*LATE_NEWS, ("m", "b")]}, "Item m b is late, and the oracle counts it."),
        ({"late_news": []}, "Item m a is not late, and should be."),
        ({"late_prices": []}, f"Price m No {at('09:00')} is not late, and should be."),
        (
            {"late_prices": [*LATE_PRICES, ("m", "Yes", at("08:00"))]},
            f"Price m Yes {at('08:00')} is late, and the oracle counts it.",
        ),
        ({"news": {**NEWS, "dead": 4}}, "news dead: 4 records, the oracle has 3."),
        ({"prices": {**PRICES, "used": 0}}, "prices used: 0 records, the oracle has 1."),
        (
            {"dead": {**DEAD, topics.NEWS: {"nothing": 3}}},
            "rss.events, no object: 0 dead letters, the oracle has 3.",
        ),
        (
            {"dead": {topics.NEWS: DEAD[topics.NEWS]}},
            "polymarket.price_hourly, no price: 0 dead letters, the oracle has 2.",
        ),
        ({"twice": ["lag_signals m 10", "x"]}, "Twice in a topic: lag_signals m 10."),
        ({"astray": ["rss.events 0: not every offset once"]}, "Astray: rss.events 0: not every offset once."),
        ({"failures": 2}, "dlq.processing has 2 records, and nothing was to fail."),
    ],
)  # fmt: skip
def test_a_difference_is_named_with_both_answers(outcome: dict[str, Any], sentence: str) -> None:
    assert first_difference(found(**outcome), TRUTH) == sentence


@pytest.mark.parametrize("kind", ["hours", "hours_table"])
@pytest.mark.parametrize("figure", range(4))
def test_every_figure_of_an_hour_counts(kind: str, figure: int) -> None:
    figures = [*FIGURES[:figure], "9", *FIGURES[figure + 1 :]]

    assert first_difference(found(**{kind: {**HOURS, TEN: figures}}), TRUTH) is not None


@pytest.mark.parametrize(
    ("kind", "name"),
    [("joined", name) for name in JOINED] + [(kind, name) for kind in ("lags", "history") for name in LAG],
)
def test_every_field_of_an_hour_counts(kind: str, name: str) -> None:
    rows = {"joined": JOINS, "lags": LAGS, "history": LAGS}[kind]

    difference = first_difference(found(**{kind: wrong(rows, TEN, **{name: "9"})}), TRUTH)

    assert f" has {name} 9, " in str(difference)


@pytest.mark.parametrize(
    ("kind", "name"), [("news", name) for name in NEWS] + [("prices", name) for name in PRICES]
)
def test_every_count_counts(kind: str, name: str) -> None:
    counts = {"news": NEWS, "prices": PRICES}[kind]

    difference = first_difference(found(**{kind: {**counts, name: 99}}), TRUTH)

    assert difference == f"{kind} {name}: 99 records, the oracle has {counts[name]}."


# ---- which one comes first ---------------------------------------------------------------------

LATER, EARLIER = at("11:00"), at("10:00")
#: each is told only where none of those above it is to be told
ORDER: list[tuple[dict[str, Any], str]] = [
    ({"history": wrong(LAGS, TEN, lag_flag=False)}, f"Hour {EARLIER} of m: the table lag_signals_history"),
    ({"hours": {**HOURS, ELEVEN: MORE}}, f"Hour {LATER} of m: rss.signals_hourly"),
    ({"joined": wrong(JOINS, ELEVEN, price=None)}, f"Hour {LATER} of m: signals_with_price"),
    ({"lags": wrong(LAGS, ELEVEN, lag_flag=False)}, f"Hour {LATER} of m: lag_signals"),
    ({"hours_table": {**HOURS, ELEVEN: MORE}}, f"Hour {LATER} of m: the table rss_signals_hourly"),
    ({"late_news": []}, "Item"),
    ({"late_prices": []}, "Price"),
    ({"news": {**NEWS, "in": 1}}, "news in"),
    ({"prices": {**PRICES, "in": 1}}, "prices in"),
    ({"dead": {}}, "rss.events, no object"),
    ({"twice": ["t"]}, "Twice"),
    ({"astray": ["a"]}, "Astray"),
    ({"failures": 1}, "dlq.processing"),
]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_earliest_hour_comes_first_then_its_stage_then_what_has_no_hour(first: int) -> None:
    all_of_it: dict[str, Any] = {}
    for outcome, _ in ORDER[first:]:
        all_of_it |= outcome

    assert str(first_difference(found(**all_of_it), TRUTH)).startswith(ORDER[first][1])


def test_of_one_hour_and_stage_the_markets_come_in_order() -> None:
    both = replace(TRUTH, hours={**HOURS, OTHER: MORE, TEN: MORE})

    assert str(first_difference(found(), both)).startswith(f"Hour {EARLIER} of m:")
    assert str(first_difference(found(), replace(both, hours={**HOURS, OTHER: MORE}))).startswith(
        f"Hour {EARLIER} of n:"
    )
