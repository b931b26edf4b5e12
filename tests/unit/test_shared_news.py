"""The watermarks that labs' scripts have are those of a Kafka source: of the slowest partition, and forgotten."""

from __future__ import annotations

from labkit.testing import Step, clock, crash
from labs.shared.news import heartbeat, news, read


def watermarks(*script: Step) -> list[str]:
    return [clock(step.at) for step in read(script) if step.kind == "watermark"]


def test_a_watermark_is_the_newest_time_less_five_minutes_and_the_millisecond_of_the_window() -> None:
    assert watermarks(news("a", "10:00"), news("b", "10:30")) == ["09:54:59.999", "10:24:59.999"]


def test_an_older_row_moves_nothing() -> None:
    assert watermarks(news("a", "10:00"), news("b", "09:30")) == ["09:54:59.999"]


def test_the_slowest_partition_tells() -> None:
    script = [
        news("a", "10:00"),
        heartbeat("10:20", partition=1),
        heartbeat("10:30"),
        heartbeat("10:10", partition=1),
    ]

    assert watermarks(*script) == ["09:54:59.999", "10:14:59.999"]


def test_a_source_that_was_restarted_has_none_until_each_partition_has_spoken() -> None:
    script = [
        news("a", "10:00"),
        heartbeat("10:20", partition=1),
        crash(),
        news("b", "10:01"),
        heartbeat("10:05", 1),
    ]

    assert watermarks(*script) == ["09:54:59.999", "09:55:59.999"]
