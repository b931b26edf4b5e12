"""The detector's rules at their edges."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from capstone_marketlag import pieces

piece = pieces.python("confidence")
D = Decimal
deltas = st.decimals(-50, 50, places=6)
moves = st.decimals(-1, 1, places=4)
weights = st.decimals(0, 1, places=2)


@pytest.mark.parametrize(
    ("signal_delta", "price_delta", "flag"),
    [
        ("1.000001", "0", True),
        ("1.0", "0", False),
        ("5", "0.0199", True),
        ("5", "-0.0199", True),
        ("5", "0.02", False),
        ("5", "-0.02", False),
        ("5", "-0.5", False),
        ("-5", "0", False),
        ("0", "0", False),
    ],
)
def test_both_thresholds_are_exclusive_and_the_price_counts_either_way(
    signal_delta: str, price_delta: str, flag: bool
) -> None:
    assert piece.lag_flag(D(signal_delta), D(price_delta)) is flag


def test_differences_at_the_edge_are_exact() -> None:
    assert piece.lag_flag(D("2.2") - D("1.2"), D(0)) is False
    assert piece.lag_flag(D(5), D("0.12") - D("0.10")) is False


def test_an_hour_after_a_gap_has_no_delta_and_no_flag() -> None:
    assert piece.lag_flag(None, D(0)) is False


def test_thresholds_are_settings() -> None:
    assert piece.lag_flag(D("0.6"), D("0.04"), piece.Thresholds(D("0.5"), D("0.05"))) is True


@pytest.mark.parametrize(
    ("signal_delta", "highest", "price_delta", "weight", "sure"),
    [
        ("4", "4", "0", "1", "1.0000"),
        ("2", "4", "0.01", "0.9", "0.7270"),
        ("2", "0", "0", "1", "0.5000"),
        ("-2", "-1", "0", "1", "0.5000"),
        ("-4", "4", "0", "0", "0.0000"),
        ("9", "3", "0", "1", "1.0000"),
        ("1", "3", "0", "0", "0.4667"),
        ("0", "5", "-1", "0", "0.0000"),
    ],
    ids=["all of it", "the formula", "no highest", "a highest below zero", "held at 0", "held at 1", "rounded",
         "a price that moved by all"],
)  # fmt: skip
def test_confidence(signal_delta: str, highest: str, price_delta: str, weight: str, sure: str) -> None:
    found = piece.confidence(D(signal_delta), D(highest), D(price_delta), D(weight))

    assert str(found) == sure


@given(deltas, deltas, moves, weights)
def test_confidence_is_between_0_and_1(
    delta: Decimal, highest: Decimal, move: Decimal, weight: Decimal
) -> None:
    assert 0 <= piece.confidence(delta, highest, move, weight) <= 1


@given(deltas, deltas, moves, moves, weights)
def test_a_price_that_moved_less_never_makes_it_less_sure(
    delta: Decimal, highest: Decimal, one: Decimal, other: Decimal, weight: Decimal
) -> None:
    assume(abs(one) <= abs(other))

    assert piece.confidence(delta, highest, one, weight) >= piece.confidence(delta, highest, other, weight)


@given(deltas, moves)
def test_a_flag_needs_both_a_move_of_the_news_and_a_still_price(delta: Decimal, move: Decimal) -> None:
    assert piece.lag_flag(delta, move) == (delta > 1 and -D("0.02") < move < D("0.02"))
