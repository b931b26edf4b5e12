"""The rules and when they are due: in virtual time, in wall time, and after what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstone_marketlag.producers import schedule
from capstone_marketlag.wire import from_wire
from labkit.errors import LabError


def at(clock: str, day: int = 5) -> datetime:
    return from_wire(f"2026-01-{day:02}T{clock}{':00' if clock.count(':') == 1 else ''}Z")


class Called:
    """Handlers that note when and for what they were called, and fail when told to."""

    def __init__(self, fail: Callable[[str, str], bool] = lambda who, when: False) -> None:
        self.seen: list[tuple[str, str, str]] = []
        self._fail = fail
        self.handlers = {"rss": self._handler("rss"), "prices": self._handler("prices")}

    def _handler(self, who: str) -> schedule.Handler:
        def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
            when = event["time"][11:19]
            self.seen.append((when, who, event["detail"].get("only", "")))
            if self._fail(who, when):
                raise LabError("Kafka is away.")
            return {"n": len(self.seen)}

        return handler


# ---- virtual time ------------------------------------------------------------------------------


def test_a_tick_sets_the_clock_then_calls_rss_then_prices_or_their_heartbeat() -> None:
    called = Called()
    clock = lambda now: called.seen.append((f"{now:%H:%M:%S}", "clock", ""))  # noqa: E731

    runs = list(schedule.play(at("10:45"), at("11:15"), clock, called.handlers))

    assert called.seen == [
        ("10:45:00", "clock", ""), ("10:45:00", "rss", ""), ("10:45:00", "prices", "heartbeat"),
        ("11:00:00", "clock", ""), ("11:00:00", "rss", ""), ("11:00:00", "prices", ""),
        ("11:15:00", "clock", ""), ("11:15:00", "rss", ""), ("11:15:00", "prices", "heartbeat"),
    ]  # fmt: skip
    assert runs == [
        (at("10:45"), "marketlag-rss", {"n": 2}), (at("10:45"), "marketlag-price-heartbeat", {"n": 3}),
        (at("11:00"), "marketlag-rss", {"n": 5}), (at("11:00"), "marketlag-prices", {"n": 6}),
        (at("11:15"), "marketlag-rss", {"n": 8}), (at("11:15"), "marketlag-price-heartbeat", {"n": 9}),
    ]  # fmt: skip


def test_an_event_is_what_eventbridge_sends() -> None:
    assert schedule.event(at("10:15"), schedule.PRICE_HEARTBEAT) == {
        "version": "0",
        "source": "aws.scheduler",
        "detail-type": "Scheduled Event",
        "time": "2026-01-05T10:15:00Z",
        "resources": ["arn:aws:scheduler:::schedule/default/marketlag-price-heartbeat"],
        "detail": {"only": "heartbeat"},
    }


@given(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)))
def test_ticks_lie_on_the_quarters_of_the_hour_from_the_first_that_is_not_past(start: datetime) -> None:
    start = start.replace(tzinfo=timezone.utc)

    ticks = list(islice(schedule.ticks(start), 5))

    assert timedelta(0) <= ticks[0][0] - start < schedule.TICK
    assert [moment - ticks[0][0] for moment, _ in ticks] == [schedule.TICK * n for n in range(5)]
    assert all((moment.minute % 15, moment.second, moment.microsecond) == (0, 0, 0) for moment, _ in ticks)
    assert [[rule.name for rule in rules] for moment, rules in ticks] == [
        ["marketlag-rss", "marketlag-prices" if moment.minute == 0 else "marketlag-price-heartbeat"]
        for moment, _ in ticks
    ]


# ---- wall time ---------------------------------------------------------------------------------


class Wall:
    """A wall clock that moves as it is slept on, until it rings."""

    def __init__(self, now: datetime, until: datetime) -> None:
        self.time, self._until = now, until

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds <= 30
        self.time += timedelta(seconds=seconds)
        if self.time > self._until:
            raise KeyboardInterrupt


def run(called: Called, wall: Wall, report: Callable[[schedule.Run], None] = lambda run: None) -> None:
    with pytest.raises(KeyboardInterrupt):
        schedule.run_live(called.handlers, report, wall.now, wall.sleep)


def test_a_live_run_starts_at_once_and_goes_on_with_the_quarters_of_the_hour() -> None:
    called = Called()
    reported: list[schedule.Run] = []

    run(called, Wall(at("10:43:20"), at("11:16")), reported.append)

    assert called.seen == [
        ("10:43:20", "rss", ""), ("10:43:20", "prices", ""),
        ("10:45:00", "rss", ""), ("10:45:00", "prices", "heartbeat"),
        ("11:00:00", "rss", ""), ("11:00:00", "prices", ""),
        ("11:15:00", "rss", ""), ("11:15:00", "prices", "heartbeat"),
    ]  # fmt: skip
    assert reported[:2] == [
        (at("10:43:20"), "marketlag-rss", {"n": 1}), (at("10:43:20"), "marketlag-prices", {"n": 2}),
    ]  # fmt: skip


def test_a_start_on_the_quarter_is_not_a_run_twice() -> None:
    called = Called()

    run(called, Wall(at("10:45") + timedelta(milliseconds=300), at("11:01")))

    assert [when for when, who, _ in called.seen if who == "rss"] == ["10:45:00", "11:00:00"]


def test_runs_that_take_their_time_do_not_shift_the_next() -> None:
    wall = Wall(at("10:00"), at("11:01"))

    def takes_minutes(who: str, when: str) -> bool:
        wall.time += timedelta(minutes=3, seconds=7)
        return False

    called = Called(takes_minutes)
    run(called, wall)

    assert [when for when, who, _ in called.seen if who == "rss"] == [
        f"{t}:00" for t in ("10:00", "10:15", "10:30", "10:45", "11:00")
    ]


def test_a_failed_run_is_said_and_made_up_for_at_the_next_tick(caplog: pytest.LogCaptureFixture) -> None:
    called = Called(lambda who, when: (who, when) == ("prices", "11:00:00"))
    reported: list[schedule.Run] = []

    run(called, Wall(at("10:50"), at("11:31")), reported.append)

    assert [each for each in called.seen if each[0] > "10:50:00"] == [
        ("11:00:00", "rss", ""), ("11:00:00", "prices", ""),
        ("11:15:00", "rss", ""), ("11:15:00", "prices", ""),
        ("11:30:00", "rss", ""), ("11:30:00", "prices", "heartbeat"),
    ]  # fmt: skip
    assert len(reported) == len(called.seen) - 1
    assert [line.getMessage() for line in caplog.records] == ["marketlag-prices failed: Kafka is away."]


def test_one_producer_s_failure_does_not_keep_the_other_from_its_run() -> None:
    called = Called(lambda who, when: who == "rss")

    run(called, Wall(at("10:50"), at("11:01")))

    assert [each[:2] for each in called.seen] == [
        ("10:50:00", "rss"), ("10:50:00", "prices"), ("11:00:00", "rss"), ("11:00:00", "prices"),
    ]  # fmt: skip


def test_after_a_long_sleep_the_missed_ticks_are_one_run() -> None:
    wall = Wall(at("10:50"), at("12:16", day=7))
    nights = iter([timedelta(hours=49)])

    class Laptop(Wall):
        def sleep(self, seconds: float) -> None:
            self.time += next(nights, timedelta(0))
            super().sleep(seconds)

    called = Called()
    run(called, Laptop(wall.time, at("12:16", day=7)))

    assert called.seen == [
        ("10:50:00", "rss", ""), ("10:50:00", "prices", ""),
        ("11:50:30", "rss", ""), ("11:50:30", "prices", ""),
        ("12:00:00", "rss", ""), ("12:00:00", "prices", ""),
        ("12:15:00", "rss", ""), ("12:15:00", "prices", "heartbeat"),
    ]  # fmt: skip


def test_other_errors_are_not_swallowed() -> None:
    def broken(event: dict[str, Any], context: object) -> dict[str, Any]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        schedule.run_live({"rss": broken, "prices": broken}, lambda run: None)
