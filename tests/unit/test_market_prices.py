"""The rules of the hourly price, on the shapes that the services really send."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from capstone_marketlag import pieces

piece = pieces.python("market_prices")
HOUR = datetime(2026, 1, 5, 10, tzinfo=timezone.utc)
YES, NO = "7" * 77, "8" * 77


def gamma(**changes: Any) -> bytes:
    """Gamma's answer for a market with two outcomes: lists inside of texts, as it writes them. …: left out."""
    document = {
        "slug": "fed", "question": "Will it?", "endDate": "2026-03-18T00:00:00Z", "closed": False,
        "outcomes": '["Yes", "No"]', "clobTokenIds": json.dumps([YES, NO]),
    }  # fmt: skip
    present = {name: value for name, value in {**document, **changes}.items() if value is not ...}
    return json.dumps(present).encode()


def quoted(yes: Any, no: Any = None) -> bytes:
    return json.dumps({YES: yes, NO: no}).encode()


def price(text: str, before: str | None = None, hours: int = 0, status: str = "observed") -> Any:
    stored = Decimal(before) if before is not None else None
    return piece.HourlyPrice(HOUR + timedelta(hours=hours), Decimal(text), stored, status)


# ---- Gamma ---------------------------------------------------------------------------------------


def test_a_market_pairs_outcomes_and_tokens_by_their_place() -> None:
    close = datetime(2026, 3, 18, tzinfo=timezone.utc)

    assert piece.market(gamma(), HOUR) == piece.Market(
        "fed", "Will it?", close, False, {"Yes": YES, "No": NO}
    )


@pytest.mark.parametrize(
    "body",
    [
        gamma(outcomes='["No", "Yes"]', clobTokenIds=json.dumps([NO, YES])),
        gamma(outcomes=["Yes", "No"], clobTokenIds=[YES, NO]),
        gamma(clobTokenIds=None, positionIds=[YES, NO]),
        gamma(clobTokenIds=f"[{YES}, {NO}]"),
        b"[" + gamma() + b"]",
        gamma(outcomes='[" Yes", "No "]', volume="12", events=[{"slug": "e"}]),
    ],
)
def test_every_form_of_a_market_gives_the_same_tokens(body: bytes) -> None:
    assert piece.market(body, HOUR).tokens == {"Yes": YES, "No": NO}


@pytest.mark.parametrize(
    ("changes", "close"),
    [
        ({"endDate": "2026-03-18T01:02:03.12345Z"}, "2026-03-18T01:02:03+00:00"),
        ({"endDate": "2026-01-05T10:00:01Z"}, "2026-01-05T10:00:01+00:00"),
        ({"endDate": "2026-01-05T10:00:00Z"}, "None"),  # it trades on: Polymarket resolves later
        ({"endDate": "2025-12-31T00:00:00Z"}, "None"),
        ({"endDate": "2026-03-18T00:00:00"}, "None"),
        ({"endDate": None}, "None"),
        ({"closedTime": "2026-01-01 02:07:01+00"}, "2026-03-18T00:00:00+00:00"),
    ],
)
def test_an_open_market_closes_when_it_is_planned_to_and_never_in_the_past(
    changes: dict[str, Any], close: str
) -> None:
    found = piece.market(gamma(**changes), HOUR)

    assert (found.closed, found.close_time.isoformat() if found.close_time else "None") == (False, close)


@pytest.mark.parametrize(
    ("changes", "close"),
    [
        ({"closedTime": "2026-01-01 02:07:01+00"}, "2026-01-01T02:07:01+00:00"),
        ({"closedTime": "2026-01-05 10:00:00+00"}, "2026-01-05T10:00:00+00:00"),
        ({"closedTime": "2026-01-05 10:00:01+00"}, "2026-01-05T10:00:00+00:00"),  # its clock, or ours
        ({"closedTime": "soon", "endDate": "2026-01-05T10:00:00Z"}, "2026-01-05T10:00:00+00:00"),
        ({"closedTime": "soon"}, "2026-01-05T09:59:59+00:00"),
        ({}, "2026-01-05T09:59:59+00:00"),
        ({"endDate": None}, "2026-01-05T09:59:59+00:00"),
    ],
)
def test_a_closed_market_closed_before_it_was_asked_for(changes: dict[str, Any], close: str) -> None:
    found = piece.market(gamma(closed=True, **changes), HOUR)

    assert (found.closed, found.close_time.isoformat()) == (True, close)


@pytest.mark.parametrize(
    ("closed", "read"),
    [(True, True), ("true", True), (False, False), ("false", False), (None, False), (..., False)],
)
def test_whether_a_market_is_closed_is_read_as_gamma_may_write_it(closed: Any, read: bool) -> None:
    assert piece.market(gamma(closed=closed), HOUR).closed is read


@pytest.mark.parametrize(
    ("changes", "open_"),
    [
        ({"endDate": "2025-12-31T00:00:00Z"}, True),
        ({"closed": True}, False),
        ({"closed": True, "endDate": None}, False),
        ({"closed": True, "closedTime": "2026-01-05 09:59:59+00"}, False),
        ({"closed": True, "closedTime": "2026-01-05 10:00:00+00"}, True),
    ],
)
def test_an_hour_may_be_flagged_for_as_long_as_its_market_trades(
    changes: dict[str, Any], open_: bool
) -> None:
    """The hour that ends as the market is asked for, by the rule of the piece enrichment."""
    enrichment, closes = pieces.python("enrichment"), piece.market(gamma(**changes), HOUR).close_time
    known = enrichment.Meta("Will it?", round(closes.timestamp() * 1000) if closes else None)

    assert enrichment.still_open(known, round(HOUR.timestamp() * 1000)) is open_


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"null", b"[]", b"{}", b"[1]", b"[{}, {}]", b"\xff", gamma(slug=""), gamma(outcomes="[]"),
        gamma(outcomes="not json"), gamma(clobTokenIds=None), gamma(clobTokenIds="[1]"),
        gamma(outcomes='["Yes", "Yes"]'), gamma(outcomes='["Yes", "YES"]'), gamma(outcomes='["", "No"]'),
        gamma(clobTokenIds='["7", "7"]'), gamma(clobTokenIds='["", ""]'), gamma(clobTokenIds="[null, null]"),
        gamma(clobTokenIds="[true, false]"), gamma(clobTokenIds=...), b'{"data": {"slug": "fed"}}',
        gamma(outcomes='[{"a": 1}, "No"]'), b"[" * 100_000,
        b'{"slug": 1e99999999999999999999}',
    ],
)  # fmt: skip
def test_what_is_no_market_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        piece.market(body, HOUR)


def test_half_a_character_can_still_be_written() -> None:
    found = piece.market(gamma(outcomes='["Yes\\ud83d", "No"]', question="Why\ud83d"), HOUR)

    assert (found.question, list(found.tokens)) == ("Why?", ["Yes?", "No"])


# ---- quotes --------------------------------------------------------------------------------------


def test_both_sides_of_every_token_are_asked_for() -> None:
    assert piece.quote_request(piece.market(gamma(), HOUR)) == [
        {"token_id": YES, "side": "BUY"},
        {"token_id": YES, "side": "SELL"},
        {"token_id": NO, "side": "BUY"},
        {"token_id": NO, "side": "SELL"},
    ]


@pytest.mark.parametrize(
    ("sides", "middle"),
    [
        ({"BUY": "0.44", "SELL": "0.46"}, "0.45"),
        ({"BUY": 0.1, "SELL": 0.2}, "0.15"),
        ({"BUY": 1.4, "SELL": "1.6"}, "1.5"),
        ({"BUY": "0.44"}, None),
        ({"SELL": "0.44"}, None),
        ({"BUY": None, "SELL": "0.4"}, None),
        ({"BUY": "NaN", "SELL": "0.4"}, None),
        ({"BUY": "9e9999999", "SELL": "9e9999999"}, None),
        ({"BUY": "-1e6", "SELL": "0.4"}, None),
        ({"BUY": "-999999", "SELL": "0.4"}, "-499999.3"),
        ({"BUY": "1e-999999", "SELL": "0"}, "5e-1000000"),
        ({"BUY": "Infinity", "SELL": "0.4"}, None),
        ({"BUY": "", "SELL": "0.4"}, None),
        ({"BUY": True, "SELL": "0.4"}, None),
        ({"BUY": [1], "SELL": "0.4"}, None),
        (None, None),
        ("0.4", None),
        (0.4, None),
    ],
)
def test_a_quote_is_the_middle_of_both_sides_or_nothing(sides: Any, middle: str | None) -> None:
    market = piece.market(gamma(), HOUR)

    assert piece.quotes(quoted(sides), market) == {"Yes": Decimal(middle) if middle else None, "No": None}


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"Too Many Requests"', b"Too Many Requests"])
def test_what_is_no_quote_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        piece.quotes(body, piece.market(gamma(), HOUR))


# ---- the hourly price ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quote", "stored", "row", "delta"),
    [
        ("0.45", None, price("0.45"), "0"),
        ("0.45", price("0.40", hours=-1), price("0.45", "0.40"), "0.05"),
        ("0.45", price("0.40", hours=-9), price("0.45", "0.40"), "0.05"),
        (None, price("0.40", "0.3", hours=-1), price("0.40", "0.40", status="carried"), "0"),
        (None, None, None, None),
        ("1.7", price("0.9", hours=-1), price("1", "0.9", status="clamped"), "0.1"),
        ("-0.2", None, price("0", status="clamped"), "0"),
        ("0", None, price("0"), "0"),
        ("1", None, price("1"), "0"),
        ("0.4500005", price("0.4", hours=-1), price("0.450001", "0.4"), "0.050001"),
        ("0.45000049999", None, price("0.45"), "0"),
        ("0.0000005", None, price("0.000001"), "0"),
        ("0.9999999", None, price("1"), "0"),
        ("1.0000001", None, price("1", status="clamped"), "0"),
        ("-0.0000001", None, price("0", status="clamped"), "0"),
        ("1e-400000", None, price("0"), "0"),
        ("0.99", price("0.45", "0.40"), price("0.45", "0.40"), "0.05"),
        ("0.99", price("0.45", hours=1), None, None),
    ],
    ids=["first", "next", "after a gap", "missing", "missing at first", "above one", "below zero", "zero", "one",
         "half up", "not half", "least", "nearly one", "just above one", "just below zero", "next to nothing",
         "repeated run", "late run"],
)  # fmt: skip
def test_the_price_of_an_hour(quote: str | None, stored: Any, row: Any, delta: str | None) -> None:
    found = piece.hourly_price(HOUR, Decimal(quote) if quote else None, stored)

    assert found == row
    if found is not None:
        assert found.delta == Decimal(str(delta))


quotes = st.lists(st.one_of(st.none(), st.decimals(-2, 2, places=8)), min_size=1, max_size=30)


@given(quotes)
def test_deltas_add_up_to_where_the_price_went(series: list[Decimal | None]) -> None:
    stored, rows = None, []
    for hour, quote in enumerate(series):
        row = piece.hourly_price(HOUR + timedelta(hours=hour), quote, stored)
        if row is not None:
            stored = row
            rows.append(row)

    assert all(0 <= row.price <= 1 for row in rows)
    assert all(row.price.as_tuple().exponent == -6 for row in rows)
    if rows:
        assert rows[0].price + sum((row.delta for row in rows), Decimal(0)) == rows[-1].price


@given(quotes, st.randoms())
def test_runs_repeated_and_late_change_nothing(series: list[Decimal | None], random_: Any) -> None:
    assume(series[0] is not None)  # before the first price a repeated run may be the first that finds one

    def play(disturbed: bool) -> list[Any]:
        stored, rows = None, []
        for hour, quote in enumerate(series):
            again = [hour] * random_.randint(1, 3) + [random_.randint(0, hour)] if disturbed else [hour]
            for each in again:
                noise = quote if each == hour and not rows[hour:] else Decimal("0.123")
                row = piece.hourly_price(HOUR + timedelta(hours=each), noise, stored)
                if row is not None:
                    stored = row
                    if row not in rows:
                        rows.append(row)
        return rows

    assert play(disturbed=True) == play(disturbed=False)
