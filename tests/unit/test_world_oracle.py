"""The oracle: each rule of the pipeline, on worlds that can be worked out by hand."""

from __future__ import annotations

import ast
import inspect
import sys
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstone_marketlag import oracle, partitions
from capstone_marketlag.oracle import Truth, truth
from capstone_marketlag.replay.generate import START
from capstone_marketlag.wire import to_wire
from tests.unit.worlds import at, book, fault, item, market, shown, sides, small, stray

NEWS, PRICES = "rss.events", "polymarket.price_hourly"
TEN, ELEVEN, TWELVE = ("m", at("10:00")), ("m", at("11:00")), ("m", at("12:00"))


# ---- one of each -------------------------------------------------------------------------------

first = shown("10:10", item("a", "10:05", "Fed: rate hike"))
late = shown("11:20", item("b", "10:30", "Fed", "CNBC"))
before_its_edit = shown("10:25", item("d", "10:20", "Dovish", "Bloomberg"), until="10:50")
edited = shown("10:50", item("d", "10:20", "Dovish no more: a hike", "Bloomberg"))
rejected = shown("10:40", item("r", None, "when?"))
strong = shown("11:40", item("e", "11:31", "Fed rate hike", "CNBC"))
one_of_each = small(
    first, before_its_edit, rejected, edited, late, strong,
    prices={"m": book(h10="0.40", h11=sides("0.405", "0.415"), h12="0.45")},
    strays=[stray("11:05", NEWS, "m", b"[1, 2, 3]"), stray("11:05", PRICES, "m|Yes", {"event_time": at("11:00")})],
)  # fmt: skip


def test_a_world_with_one_of_each_kind_comes_out_as_worked_out_by_hand() -> None:
    """What each poll brings, and what becomes of it (x: seen before).

    10:00  (nothing)          YES 0.40; NO is not quoted, and nothing is stored for it: rejected
    10:15  a                  a counted: score 2 + 1.5 + 2 = 5.5, weight 1
    10:30  d a                d counted: score -1.5, weight 0.9; x
    10:45  r d a              r rejected; x x
    11:00  d' r a             r rejected; x x: an edit is not news. YES 0.41
    11:15  (304)              the strays are dead
    11:30  b d' r a           b late: its hour ends at 11:00, the last heartbeat less five minutes is 11:10
    11:45  e b d' r a         e counted: score 5.5, weight 0.7
    12:00  (304)              YES 0.45
    """
    assert truth(one_of_each) == Truth(
        hours={
            TEN: ["2", "4.000000", "2.075000", "0.950000"],
            ELEVEN: ["1", "5.500000", "3.850000", "0.700000"],
        },
        joined={
            TEN: {
                "signal_delta": None, "prev_rss_signal": None, "price": "0.400000", "prev_price": None,
                "price_delta": "0.000000", "price_status": "observed",
            },
            ELEVEN: {
                "signal_delta": "1.775000", "prev_rss_signal": "2.075000", "price": "0.410000",
                "prev_price": "0.400000", "price_delta": "0.010000", "price_status": "observed",
            },
        },
        lags={
            TEN: {
                "signal_delta": None, "price_delta": "0.000000", "lag_flag": False, "confidence": None,
                "max_signal_delta": None, "price_status": "observed",
            },
            ELEVEN: {  # 1 x 0.5 + 0.99 x 0.3 + 0.7 x 0.2
                "signal_delta": "1.775000", "price_delta": "0.010000", "lag_flag": True, "confidence": "0.9370",
                "max_signal_delta": "1.775000", "price_status": "observed",
            },
        },
        news={
            "in": 14 + 1 + 9 * 3, "counted": 3, "late": 1, "duplicate": 10, "dead": 1, "heartbeat": 9 * 3,
            "served": 18, "produced": 14, "rejected": 4,
        },
        prices={
            "in": 3 + 1 + 9 * 3, "used": 3, "not_used": 0, "late": 0, "duplicate": 0, "dead": 1, "heartbeat": 9 * 3,
            "produced": 3, "rejected": 3,
        },
        late_news=[("m", "b")],
        late_prices=[],
        dead_news={"not a JSON object": 1},
        dead_prices={"market_slug is missing": 1},
        metas={"m": [(at(f"{hour}:00"), "2026-03-18T18:00:00Z") for hour in (10, 11, 12)]},
    )  # fmt: skip


def test_the_price_at_an_hour_s_end_may_have_moved_where_that_at_its_start_has_not() -> None:
    lag = truth(one_of_each, "window_end").lags[ELEVEN]

    assert (lag["price_delta"], lag["lag_flag"], lag["confidence"]) == ("0.040000", False, "0.9280")


def test_another_alignment_is_an_error() -> None:
    with pytest.raises(ValueError, match="alignment is 'middle', neither window_start nor window_end"):
        truth(one_of_each, "middle")


# ---- time and lateness -------------------------------------------------------------------------


def late_behind(*before: dict[str, Any], strays: Any = ()) -> list[tuple[str, str]]:
    """Whether an item of 10:59:59 that shows at 11:10 is late behind these."""
    straggler = shown("11:10", item("late", "10:59:59", "Fed"))
    return truth(small(*before, straggler, strays=list(strays))).late_news


@pytest.mark.parametrize(("seen", "fate"), [("11:05:00", [("m", "late")]), ("11:04:59", [])])
def test_an_hour_closes_when_five_minutes_more_than_its_end_were_seen(seen: str, fate: list[Any]) -> None:
    fast_clock = shown("10:55", item("ahead", seen, "Fed"))

    assert late_behind(fast_clock) == fate


@pytest.mark.parametrize(
    ("published", "moves"),
    [
        (at("11:05"), True),
        (at("11:04:59"), False),
        ("2026-01-05T11:05:00.000Z", True),
        ("2026-01-05T11:05:00+00:00", False),
        ("2099-01-01T00:00:00Z", False),
        (["11:05"], False),
        (None, False),
    ],
)
def test_a_dead_record_moves_time_if_its_time_is_real(published: Any, moves: bool) -> None:
    dead = stray("11:10", NEWS, "m", {"published_at": published, "source_weight": 7})

    assert late_behind(strays=[dead]) == ([("m", "late")] if moves else [])


def test_only_its_own_partition_s_time_makes_a_record_late() -> None:
    ahead = {"kind": "heartbeat", "published_at": at("11:06")}
    same, other = ("m", next(k for k in "abcdef" if partition(k) != partition("m")))

    assert late_behind(strays=[stray("11:10", NEWS, same, ahead)]) == [("m", "late")]
    assert late_behind(strays=[stray("11:10", NEWS, other, ahead)]) == []


def test_markets_of_one_partition_are_produced_together_in_order_of_time() -> None:
    """Feed after feed, the second market's item of 10:59 would come behind the first's of 11:05, and be late."""
    neighbour = next(slug for slug in map(str, range(99)) if partition(slug) == partition("m"))
    entries = [
        shown("11:00", item("x", "11:05", "Fed")),
        shown("11:00", item("x", "10:59", "Fed"), market=neighbour),
    ]

    found = truth(small(*entries, markets=[market(), market(neighbour)]))

    assert (found.late_news, sorted(found.hours)) == ([], sorted([(neighbour, at("10:00")), ELEVEN]))


def test_an_id_says_something_only_beside_its_market() -> None:
    entries = [shown("10:10", item("x", "10:05", "Fed"), market=slug) for slug in ("m", "n")]

    counts = truth(small(*entries, markets=[market(), market("n")])).news

    assert (counts["counted"], counts["duplicate"]) == (2, 0)


def partition(key: str) -> int:
    return partitions.partition(key.encode(), 3)


# ---- what the producer does --------------------------------------------------------------------


@pytest.mark.parametrize(("published", "count"), [("10:25", "produced"), ("10:25:01", "rejected")])
def test_an_item_may_be_ten_minutes_ahead_of_its_poll_and_no_more(published: str, count: str) -> None:
    counts = truth(small(shown("10:10", item("a", published, "Fed")), end="10:15")).news

    assert {name: counts[name] for name in ("produced", "rejected") if counts[name]} == {count: 1}


@pytest.mark.parametrize(
    ("published", "polls"),
    [
        ("10:25", [1, 0, 0]),
        ("10:40", [1, 1, 0]),  # news at the second poll
        ("10:56", [1, 1, 1]),
        ("2026-01-06T10:15:00Z", [1, 1, 1]),
        ("2026-01-06T10:15:01Z", [1, 0, 0]),  # it comes a day later, or never
    ],
)
def test_a_feed_with_an_item_ahead_of_its_poll_is_read_again(published: str, polls: list[int]) -> None:
    entry = shown("10:10", item("a", published, "Fed"))

    served = [truth(small(entry, end=end)).news["served"] for end in ("10:00", "10:15", "10:30", "10:45")]

    assert [after - before for before, after in pairwise(served)] == polls


@pytest.mark.parametrize(
    ("date", "hour"),
    [
        ("2026-01-05T05:20:00-05:00", TEN),
        ("Mon, 05 Jan 2026 05:20:00 -0500", TEN),
        ("Mon, 05 Jan 2026 05:20:00 EST", TEN),
        ("Mon, 05 Jan 2026 10:20:00 GMT", TEN),
        ("2026-01-05T10:20:00.250Z", TEN),
        ("2026-01-05T10:20:00", None),
        ("Mon, 05 Jan 2026 10:20:00", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_feed_s_date_is_read_with_its_zone_or_rejected(date: str, hour: Any) -> None:
    found = truth(small(shown("10:25", {**item("a", None, "Fed"), "date_published": date})))

    assert list(found.hours) == ([hour] if hour else [])
    assert found.news["rejected"] == (0 if hour else 1)


def test_an_item_without_an_id_is_known_by_its_address() -> None:
    one, other = item("x", "10:05", "Fed"), item("y", "10:16", "Fed")
    del one["id"], other["id"]

    counts = truth(small(shown("10:10", one), shown("10:20", other), end="10:30")).news

    assert (counts["counted"], counts["duplicate"]) == (2, 1)


def test_words_are_counted_in_title_and_text_as_whole_words_of_any_case() -> None:
    words = item("a", "10:05", "FED's rate-hike: federal hikers, corporate rates")
    del words["content_text"], words["authors"]
    words["content_html"] = "<p>Dovish&nbsp;fed</p><rate>x"

    assert truth(small(shown("10:10", words))).hours[TEN] == ["1", "6.000000", "4.200000", "0.700000"]


served_at = [
    ("one failure", fault("10:15", "feed", 503, 1), [1, 1]),
    ("three", fault("10:15", "feed", 429, 3), [1, 1]),
    ("four: made up for by the next", fault("10:15", "feed", 500, 4), [0, 1]),
    ("dropped four times", fault("10:15", "feed", 0, 4), [0, 1]),
    ("not temporary: tried once", fault("10:15", "feed", 404, 1), [0, 1]),
    ("no answer in a 200", fault("10:15", "feed", 200, 1, body="<html>"), [0, 1]),
    ("the next is unchanged", fault("10:30", "feed", 500, 4), [1, 1]),
    ("forgotten: the one after next is whole", fault("10:30", "feed", 200, 1, body="<html>"), [1, 1, 2]),
]


@pytest.mark.parametrize(
    ("failing", "served"), [each[1:] for each in served_at], ids=[s[0] for s in served_at]
)
def test_a_poll_that_fails_in_the_end_brings_nothing(failing: dict[str, Any], served: list[int]) -> None:
    clocks = ("10:15", "10:30", "10:45")[: len(served)]

    counts = [truth(small(first, faults=[failing], end=end)).news["served"] for end in clocks]

    assert counts == served


# ---- prices ------------------------------------------------------------------------------------


def prices_of(**by_hour: Any) -> list[tuple[Any, Any, Any, Any]]:
    """What becomes of these quotes at 10, 11, 12: (price, prev_price, price_delta, price_status)."""
    news = [shown(f"{hour}:05", item(f"n{hour}", f"{hour}:01", "")) for hour in (10, 11, 12)]
    joined = truth(small(*news, prices={"m": book(**by_hour)}, end="13:00")).joined
    names = ("price", "prev_price", "price_delta", "price_status")
    return [tuple(joined["m", at(f"{hour}:00")][name] for name in names) for hour in (10, 11, 12)]  # type: ignore[misc]


def test_a_change_is_against_the_last_price_however_old() -> None:
    assert prices_of(h10="0.4", h12="0.47") == [
        ("0.400000", None, "0.000000", "observed"),
        ("0.400000", "0.400000", "0.000000", "carried"),
        ("0.470000", "0.400000", "0.070000", "observed"),
    ]


def test_without_a_price_to_carry_there_is_none() -> None:
    missing = (None, None, "0.000000", "missing")

    assert prices_of(h12="0.4") == [missing, missing, ("0.400000", None, "0.000000", "observed")]


def test_beyond_0_and_1_a_price_is_clamped_and_says_so() -> None:
    assert prices_of(h10="1.7", h11=-0.2, h12=sides("1.0", "1.0000002")) == [
        ("1.000000", None, "0.000000", "clamped"),
        ("0.000000", "1.000000", "-1.000000", "clamped"),
        ("1.000000", "0.000000", "1.000000", "clamped"),
    ]


def test_prices_are_rounded_half_up_before_they_are_compared() -> None:
    assert [price[0::2] for price in prices_of(h10=sides("0.4", "0.400001"), h11="0.4000004", h12=0.41)] == [
        ("0.400001", "0.000000"),
        ("0.400000", "-0.000001"),
        ("0.410000", "0.010000"),
    ]


@pytest.mark.parametrize(
    "no_quote",
    [{}, {"BUY": "0.5"}, sides("NaN"), sides("0.5", "n/a"), sides(True), sides("1e12"), sides("Infinity"), sides([])],
)  # fmt: skip
def test_half_a_book_is_no_quote(no_quote: Any) -> None:
    assert [price[3] for price in prices_of(h10="0.4", h11=no_quote, h12="0.4")] == [
        "observed",
        "carried",
        "observed",
    ]


@pytest.mark.parametrize(
    ("failing", "statuses", "dead"),
    [
        (fault("11:00", "gamma", 500, 3), ["observed"] * 3, 0),
        (fault("11:00", "gamma", 500), ["observed", "missing", "observed"], 1),
        (fault("11:00", "gamma", 404, 1), ["observed", "missing", "observed"], 1),
        (fault("11:00", "gamma", 200, 1, body="[]"), ["observed", "missing", "observed"], 1),
        (fault("11:00", "clob", 500), ["observed", "carried", "observed"], 0),
        (fault("11:00", "clob", 200, 1, body="[]"), ["observed", "carried", "observed"], 0),
        (fault("10:00", "clob", 0), ["missing", "observed", "observed"], 2),
    ],
)
def test_a_market_that_cannot_be_asked_is_not_a_price_that_cannot(
    failing: dict[str, Any], statuses: list[str], dead: int
) -> None:
    both = {hour: {"Yes": sides("0.4"), "No": sides("0.6")} for hour in book(h10=0, h11=0, h12=0, h13=0)}
    news = [shown(f"{hour}:05", item(f"n{hour}", f"{hour}:01", "")) for hour in (10, 11, 12)]

    found = truth(small(*news, prices={"m": both}, end="13:00", faults=[failing]))

    assert [row["price_status"] for row in found.joined.values()] == statuses
    assert found.prices["rejected"] == dead
    assert len(found.metas["m"]) == (3 if failing["what"] == "gamma" and dead else 4)


def test_the_order_book_fails_requests_not_markets() -> None:
    """Six failures: four tries of the first market, two of the second, whose third succeeds."""
    quoted = {at("10:00"): {"Yes": sides("0.4"), "No": sides("0.6")}}
    slugs = ("m", "n", "o")
    made = small(
        markets=[market(slug) for slug in slugs], prices=dict.fromkeys(slugs, quoted), end="10:00",
        faults=[fault("10:00", "clob", 503, 6)],
    )  # fmt: skip

    counts = truth(made).prices

    assert (counts["produced"], counts["rejected"]) == (4, 2)


def price_row(**changed: Any) -> dict[str, Any]:
    row = {
        "market_slug": "m", "outcome": "Yes", "price": 0.5, "prev_price": None, "price_delta": 0.1,
        "price_status": "observed", "event_time": at("11:00"), **changed,
    }  # fmt: skip
    return {name: value for name, value in row.items() if name not in changed or value is not None}


def fates(*strays: dict[str, Any]) -> dict[str, int]:
    counts = truth(small(prices={"m": book(h10="0.4", h11="0.4", h12="0.4")}, strays=list(strays))).prices
    return {name: counts[name] for name in ("used", "not_used", "late", "duplicate", "dead") if counts[name]}


@pytest.mark.parametrize(
    ("arrives", "row", "fate"),
    [
        ("11:00", price_row(), {"used": 3, "duplicate": 1}),  # it was before ours: ours is the repeat
        ("11:01", price_row(), {"used": 3, "duplicate": 1}),
        ("11:01", price_row(outcome="YES"), {"used": 3, "duplicate": 1}),
        ("11:00", price_row(outcome="yes"), {"used": 3, "duplicate": 1}),
        ("11:01", price_row(event_time="2026-01-05T11:00:00.000Z"), {"used": 3, "duplicate": 1}),
        ("11:00", price_row(outcome="No"), {"used": 3, "not_used": 1}),
        ("11:10", price_row(event_time=at("09:00")), {"used": 3, "late": 1}),
        ("10:10", price_row(event_time=at("09:00")), {"used": 4}),
        ("11:10", price_row(event_time=at("09:00"), outcome="No"), {"used": 3, "late": 1}),
        ("11:10", price_row(event_time=at("11:05")), {"used": 3, "dead": 1}),
    ],
)
def test_the_first_price_of_an_hour_counts_if_it_is_in_time(
    arrives: str, row: dict[str, Any], fate: dict[str, int]
) -> None:
    assert fates(stray(arrives, PRICES, f"m|{row['outcome']}", row)) == fate


def test_a_late_price_is_told_as_it_was_written() -> None:
    rows = [price_row(outcome=outcome, event_time="2026-01-05T09:00:00.000Z") for outcome in ("yES", "Yes")]

    found = truth(small(strays=[stray("11:10", PRICES, "m|Yes", row) for row in rows]))

    assert (found.late_prices, found.prices["duplicate"]) == ([("m", "yES", at("09:00"))], 1)


def test_a_price_is_joined_as_its_record_has_it() -> None:
    made = small(first, strays=[stray("10:00", PRICES, "m|Yes", price_row(event_time=at("10:00")))])

    assert truth(made).joined[TEN] == {
        "signal_delta": None, "prev_rss_signal": None, "price": "0.500000", "prev_price": None,
        "price_delta": "0.100000", "price_status": "observed",
    }  # fmt: skip


# ---- gates -------------------------------------------------------------------------------------


def news_row(**changed: Any) -> dict[str, Any]:
    row = {
        "market_slug": "m", "item_id": "s", "source": "x", "article_score": 1, "source_weight": 0.5,
        "published_at": at("10:01"), **changed,
    }  # fmt: skip
    return {name: value for name, value in row.items() if value is not None}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'{"a": NaN}', "not a JSON object"),
        (b'{"a": "\xff"}', "not a JSON object"),
        (b"", "not a JSON object"),
        (news_row(published_at="1970-01-01T00:00:00Z"), "published_at is not a UTC time that has come"),
        (news_row(published_at="2026-13-01T00:00:00Z"), "published_at is not a UTC time that has come"),
        (news_row(published_at=5, kind="heartbeat"), "published_at is not a UTC time that has come"),
        (news_row(published_at=None, source=""), "published_at is not a UTC time that has come"),
        (news_row(market_slug="", item_id=""), "market_slug is missing"),
        (news_row(item_id=None), "item_id is missing"),
        (news_row(source={"name": "x"}, article_score="x"), "source is missing"),
        (news_row(article_score=True), "article_score is not a number"),
        (news_row(article_score=1_000_000), "article_score is not a number"),
        (news_row(article_score=-1e6), "article_score is not a number"),
        (news_row(source_weight=1.01), "source_weight is not between 0 and 1"),
        (news_row(source_weight=None), "source_weight is not between 0 and 1"),
        (news_row(article_score=999_999.5, source_weight=1), None),
    ],
)
def test_the_first_reason_of_a_dead_news_record(value: Any, reason: str | None) -> None:
    found = truth(small(strays=[stray("10:10", NEWS, "m", value)]))

    assert found.dead_news == ({reason: 1} if reason else {})
    assert found.news["dead"] + found.news["counted"] == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (price_row(event_time="now"), "event_time is not a UTC time that has come"),
        (price_row(market_slug=None, outcome=None), "market_slug is missing"),
        (price_row(outcome="", event_time=at("10:01")), "outcome is missing"),
        (price_row(event_time="2026-01-05T10:00:00.001Z", price=2), "event_time is not a full hour"),
        (price_row(price=1.000001), "price is not between 0 and 1"),
        (price_row(price=None), "price is not between 0 and 1"),
        (price_row(price_delta=-1.1), "price_delta is not between -1 and 1"),
        (price_row(price_status=None), "price_status is not observed, carried or clamped"),
        (price_row(price=0, price_delta=-1, price_status="carried"), None),
        ({"kind": "heartbeat", "event_time": at("10:01")}, None),
    ],
)
def test_the_first_reason_of_a_dead_price_record(row: dict[str, Any], reason: str | None) -> None:
    found = truth(small(strays=[stray("10:10", PRICES, "m|Yes", row)]))

    assert found.dead_prices == ({reason: 1} if reason else {})


# ---- signals -----------------------------------------------------------------------------------


def test_a_quiet_hour_is_not_the_previous_hour() -> None:
    entries = [
        shown(f"{hour}:05", item(hour, f"{hour}:01", "Fed " * score))
        for hour, score in [("10", 1), ("12", 5)]
    ]

    row = truth(small(*entries, end="14:00")).lags[TWELVE]

    assert (row["signal_delta"], row["lag_flag"], row["confidence"]) == (None, False, None)


@pytest.mark.parametrize(
    ("scores", "delta", "flag"), [((0, 1), "1.000000", False), ((0, 1.0001), "1.000100", True)]
)
def test_the_threshold_of_the_signal_itself_is_no_lag(
    scores: tuple[float, float], delta: str, flag: bool
) -> None:
    rows = [
        news_row(item_id=str(hour), article_score=score, source_weight=1, published_at=at(f"{hour}:01"))
        for hour, score in zip((10, 11), scores, strict=True)
    ]
    made = small(
        strays=[stray(f"{hour}:05", NEWS, "m", row) for hour, row in zip((10, 11), rows, strict=True)]
    )

    lag = truth(made).lags[ELEVEN]

    assert (lag["signal_delta"], lag["lag_flag"]) == (delta, flag)


@pytest.mark.parametrize(
    ("price", "flag"), [("0.42", False), ("0.38", False), ("0.4199", True), ("0.3801", True)]
)
def test_the_threshold_of_the_price_itself_is_no_lag(price: str, flag: bool) -> None:
    entries = [shown("10:05", item("a", "10:01", "")), shown("11:05", item("b", "11:01", "Fed"))]

    lag = truth(small(*entries, prices={"m": book(h10="0.4", h11=price)})).lags[ELEVEN]

    assert lag["lag_flag"] is flag


@pytest.mark.parametrize(
    ("closes", "failing", "flag"),
    [
        ("12:00", (), True),  # it ends with the window
        ("11:59:59", (), False),
        ("11:59:59", [fault("12:00", "gamma", 500)], True),  # nobody knew it yet
        (
            None,
            [fault(f"{hour}:00", "gamma", 500) for hour in (10, 11, 12)],
            True,
        ),  # nobody ever knew anything
    ],
)
def test_there_is_no_flag_beyond_the_close_as_it_was_known(
    closes: str | None, failing: Any, flag: bool
) -> None:
    entries = [shown("10:05", item("a", "10:01", "")), shown("11:05", item("b", "11:01", "Fed"))]

    made = small(*entries, markets=[market(closed_time=closes)], faults=list(failing), end="13:00")

    assert truth(made).lags[ELEVEN]["lag_flag"] is flag


@pytest.mark.parametrize(
    ("closes", "known", "flag"),
    [
        (None, [at("11:30"), at("11:30"), None, None], True),  # it trades on
        ("11:45", [at("11:30"), at("11:30"), at("11:45"), at("11:45")], False),
        ("11:15", [at("11:30"), at("11:30"), at("11:15"), at("11:15")], False),
    ],
)
def test_a_plan_that_has_passed_closes_no_market_that_trades(
    closes: str | None, known: list[Any], flag: bool
) -> None:
    entries = [shown("10:05", item("a", "10:01", "")), shown("11:05", item("b", "11:01", "Fed"))]

    found = truth(small(*entries, markets=[market(closed_time=closes, end_date=at("11:30"))], end="13:00"))

    assert [close for _, close in found.metas["m"]] == known
    assert found.lags[ELEVEN]["lag_flag"] is flag


def test_a_closed_market_is_described_and_not_priced() -> None:
    made = small(markets=[market(closed_time="10:30")], prices={"m": book(h10="0.4", h11="0.4", h12="0.4")})

    found = truth(made)

    assert found.prices["produced"] == 1
    assert found.metas["m"] == [
        (at("10:00"), "2026-03-18T18:00:00Z"),
        (at("11:00"), at("10:30")),
        (at("12:00"), at("10:30")),
    ]


def test_the_highest_change_is_that_of_the_168_hours_that_end_with_this_one() -> None:
    """It rises by 4 in hour 1, then by 2 in every other hour."""
    moments = [START + timedelta(hours=hour) for hour in range(180)]
    entries = [
        {
            "market": "m",
            "from": to_wire(moment + timedelta(minutes=5)),
            "until": to_wire(moment + timedelta(minutes=50)),
            "item": item(str(hour), to_wire(moment), "Fed Fed" if hour == 1 else "Fed" * (hour % 2)),
        }
        for hour, moment in enumerate(moments)
    ]

    found = truth({**small(*entries), "start": to_wire(START), "end": to_wire(moments[-1])}).lags

    highest = [found["m", to_wire(moments[hour])]["max_signal_delta"] for hour in (0, 1, 2, 168, 169, 170)]
    assert highest == [None, "4.000000", "4.000000", "4.000000", "2.000000", "2.000000"]


def test_where_nothing_rose_the_share_of_the_highest_is_0() -> None:
    entries = [shown("10:05", item("a", "10:01", "Fed")), shown("11:05", item("b", "11:01", ""))]

    lag = truth(small(*entries)).lags[ELEVEN]

    assert (lag["max_signal_delta"], lag["confidence"]) == ("-2.000000", "0.5000")  # 0.3 + 0.2


def test_the_first_sight_of_an_item_counts_not_its_edit() -> None:
    entries = [
        shown("10:05", item("a", "10:01", "Fed"), until="10:20"),
        shown("10:20", item("a", "10:01", "Fed hike")),
    ]

    assert truth(small(*entries)).hours == {TEN: ["1", "2.000000", "2.000000", "1.000000"]}


def test_means_are_rounded_half_up_to_six_digits() -> None:
    rows = [
        news_row(item_id=str(n), article_score=score, source_weight=0.5)
        for n, score in enumerate((1, 1, 0.5))
    ]

    found = truth(small(strays=[stray("10:10", NEWS, "m", row) for row in rows]))

    assert found.hours == {TEN: ["3", "2.500000", "0.416667", "0.500000"]}


# ---- partitions, and independence --------------------------------------------------------------

#: Kafka's own test vectors
VECTORS = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}


def test_a_key_s_hash_is_java_s() -> None:
    assert {key: oracle.murmur2(key.encode()) for key in VECTORS} == VECTORS


@given(st.binary(max_size=40))
def test_two_readings_of_the_hash_agree(key: bytes) -> None:
    assert oracle.murmur2(key) & 0xFFFFFFFF == partitions.murmur2(key)


def foreign(source: str) -> list[str]:
    """What this text takes from elsewhere than Python's own library, and how it could get around saying so."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level + (node.module or ""))
        elif isinstance(node, ast.Name) and node.id in ("__import__", "exec", "eval", "open", "compile"):
            found.append(node.id)
    return [name for name in found if name.partition(".")[0] not in sys.stdlib_module_names - {"importlib"}]


def test_the_oracle_takes_nothing_from_us_or_anybody_but_python() -> None:
    assert foreign(inspect.getsource(oracle)) == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from capstone_marketlag.wire import from_wire", "capstone_marketlag.wire"),
        ("import labs.phase1_quality", "labs.phase1_quality"),
        ("from . import wire", "."),
        ("import feedparser", "feedparser"),
        ("import importlib", "importlib"),
        ("def f():\n    from labkit.paths import ROOT", "labkit.paths"),
        ("x = __import__('labs')", "__import__"),
        ("x = open('labs/x.sql').read()", "open"),
    ],
)
def test_the_check_of_the_oracle_s_imports_sees_them(line: str, name: str) -> None:
    assert foreign(f"{inspect.getsource(oracle)}\n{line}\n") == [name]
