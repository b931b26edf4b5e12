"""assert_rows: what differs is said, and a comparison that would compare nothing is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from labkit.errors import LabError
from labkit.testing import assert_rows

OSLO = {"city": "Oslo", "n": 2, "total": Decimal("3.0")}
ROME = {"city": "Rome", "n": 1, "total": Decimal("1.5")}


def test_only_the_chosen_columns_are_compared() -> None:
    assert_rows([OSLO, ROME], [{"city": "Rome", "n": 1}, {"city": "Oslo", "n": 2}], columns=["city", "n"])
    with pytest.raises(AssertionError, match="n is 1, expected 3"):
        assert_rows([OSLO, ROME], [{"city": "Rome", "n": 3}, {"city": "Oslo", "n": 2}], columns=["city", "n"])


@pytest.mark.parametrize("columns", [["citi"], ["city", "citi"]])
def test_a_column_that_no_expected_row_has_compares_nothing_and_is_refused(columns: list[str]) -> None:
    with pytest.raises(LabError) as refused:
        assert_rows([OSLO], [{"city": "Rome", "n": 9}], columns=columns)

    assert str(refused.value) == (
        "columns has `citi`, which none of the expected rows has. They have city, n. "
        "Next: name a column of theirs, or leave columns out"
    )


def test_a_column_that_the_result_does_not_have_is_named_with_what_it_has() -> None:
    with pytest.raises(
        AssertionError, match=r"^1 rows. No row has the column seen; there are city, n, total$"
    ):
        assert_rows([OSLO], [{"seen": "10:00"}], columns=["seen"])


def test_a_column_that_some_rows_have_is_compared_in_those() -> None:
    assert_rows([{"a": 1}, {"b": 2}], [{"a": 1}, {"b": 2}], columns=["a", "b"])
    with pytest.raises(AssertionError, match="column a is missing"):
        assert_rows([{"b": 2}, {"a": 1}], [{"a": 1}, {"b": 2}], columns=["a", "b"], ordered=True)


@pytest.mark.parametrize(
    ("got", "expected", "says"),
    [
        ([OSLO], [], "1 instead of 0 rows. too many: city='Oslo' n=2 total=3.0"),
        ([], [ROME], "0 instead of 1 rows. missing: city='Rome' n=1 total=1.5"),
    ],
)
def test_where_one_side_is_empty_the_other_is_shown(got: list[Any], expected: list[Any], says: str) -> None:
    with pytest.raises(AssertionError) as red:
        assert_rows(got, expected)

    assert str(red.value).splitlines()[0] == says
    with pytest.raises(AssertionError):
        assert_rows(got, expected, columns=["city"])
    assert_rows([], [], columns=["city"])
