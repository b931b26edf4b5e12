"""Times on the wire: one form, and back."""

from __future__ import annotations

import doctest
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstone_marketlag import wire
from capstone_marketlag.wire import from_wire, to_wire


def at(hour: int, zone_hours: float = 0, microsecond: int = 0) -> datetime:
    zone = timezone(timedelta(hours=zone_hours))
    return datetime(2026, 1, 5, hour, 0, 0, microsecond, tzinfo=zone)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (at(10), "2026-01-05T10:00:00Z"),
        (at(10, zone_hours=-5), "2026-01-05T15:00:00Z"),
        (at(3, zone_hours=5.5), "2026-01-04T21:30:00Z"),
        (at(10, microsecond=123_456), "2026-01-05T10:00:00.123Z"),
        (at(10, microsecond=999_999), "2026-01-05T10:00:00.999Z"),
        (datetime(999, 1, 1, tzinfo=timezone.utc), "0999-01-01T00:00:00Z"),
    ],
)
def test_every_time_leaves_as_utc_to_the_second_or_the_millisecond(moment: datetime, text: str) -> None:
    assert to_wire(moment) == text


def test_a_wire_time_comes_back_in_utc() -> None:
    moment = from_wire("2026-01-05T10:00:00.123Z")

    assert (moment, moment.tzinfo) == (at(10, microsecond=123_000), timezone.utc)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Z",
        "2026-01-05T10:00:00",
        "2026-01-05T10:00:00+00:00",
        "2026-01-05T11:00:00+01:00Z",
        "2026-01-05T10:00:00z",
        "2026-13-05T10:00:00Z",
        "2026-01-05T10:00:00Z ",
        "yesterdayZ",
    ],
)
def test_what_is_not_utc_with_z_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_wire(text)


zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=zones))
def test_there_and_back_loses_less_than_a_millisecond(moment: datetime) -> None:
    assert timedelta(0) <= moment - from_wire(to_wire(moment)) < timedelta(milliseconds=1)


whole = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=timezone.utc)
)


@given(whole, whole)
def test_whole_seconds_sort_as_text_as_they_sort_in_time(one: datetime, other: datetime) -> None:
    """The replay server and the scheduler compare wire times as text."""
    assert (to_wire(one) < to_wire(other)) == (one < other)


def test_the_examples_in_the_docstrings_hold() -> None:
    results = doctest.testmod(wire)

    assert (results.failed, results.attempted > 0) == (0, True)
