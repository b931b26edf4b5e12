"""The harness says what Flink says: the same scripts on both, also with crashes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pyflink.common import Types

from labkit.testing import checkpoint, crash, harness, row, run_stream, watermark
from labkit.testing.results import Result
from tests.testing.functions import (
    LATE,
    RULES,
    EveryState,
    HourlyMaximum,
    Meet,
    Plain,
    Reading,
    Threshold,
    Timers,
    by_city,
    keyed,
)


def reading(at: str, city: str, celsius: float) -> Any:
    return row(at=at, city=city, celsius=celsius)


WEATHER = [
    reading("10:00", "Oslo", 1.0),
    watermark("10:10"),
    reading("10:05", "Rome", 12.0),
    reading("10:50", "Oslo", 3.0),
    watermark("11:00"),
    reading("10:59", "Oslo", 9.0),
    reading("11:01", "Oslo", 2.0),
    watermark("11:30"),
    reading("12:30", "Rome", 5.0),
]
STORM = [
    *WEATHER[:3], checkpoint(), *WEATHER[3:6], crash(), WEATHER[6], checkpoint(), crash(), *WEATHER[7:], crash(),
]  # fmt: skip
CRASH_AT_ONCE = [crash(), *WEATHER[:2], crash(), *WEATHER[2:]]


def both(
    build: Callable[..., Any], alone: Any, script: Any, inputs: Any = None
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    names = list(inputs) if inputs else ["input"]
    return told(run_stream(build, script, inputs=inputs or {"input": None})), told(alone(names).play(script))


def told(result: Result) -> list[tuple[Any, ...]]:
    """All that can be told of a result, and of its side outputs."""
    return [
        # a side output's record has no timestamp in thread mode
        (name, plain(c.row), c.after, c.by, c.at_end, c.attempt, c.time if name == "main" else None)
        for name, each in {"main": result, **result.side}.items()
        for c in each.seen
    ] + [("kept", plain(row_)) for row_ in result.rows]


def plain(value: Any) -> Any:
    """Types.ROW comes back as a tuple of values, or a dict; alone it is a Row."""
    return tuple(value) if type(value).__name__ == "Row" else value


@pytest.mark.parametrize(
    "script", [WEATHER, STORM, CRASH_AT_ONCE, []], ids=["calm", "storm", "crash first", "nothing"]
)
@pytest.mark.parametrize("function", [HourlyMaximum, EveryState, Timers], ids=lambda each: each.__name__)
def test_keyed_functions(function: Any, script: Any) -> None:
    on_flink, alone = both(
        keyed(function()), lambda names: harness(function(), by_city, inputs=names), script
    )

    assert on_flink == alone


@pytest.mark.parametrize("crashes", [False, True])
def test_two_keyed_inputs(crashes: bool) -> None:
    script = [
        row(to="a", at="10:00", k="x", v="p"), row(to="b", at="10:01", k="x", w="q"), watermark("11:00", to="a"),
        row(to="b", at="10:30", k="y", w="r"), *([checkpoint()] if crashes else []), watermark("10:59", to="b"),
        row(to="a", at="10:31", k="y", v="s"), *([crash()] if crashes else []), watermark("12:00"),
        row(to="b", at="12:31", k="y", w="t"),
    ]  # fmt: skip

    def build(a: Any, b: Any) -> Any:
        return (
            a.key_by(lambda v: v["k"], Types.STRING())
            .connect(b.key_by(lambda v: v["k"], Types.STRING()))
            .process(Meet())
        )

    on_flink, alone = both(
        build, lambda names: harness(Meet(), lambda v: v["k"], inputs=names), script, {"a": None, "b": None}
    )

    assert on_flink == alone


@pytest.mark.parametrize("crashes", [False, True])
def test_a_broadcast_input(crashes: bool) -> None:
    script = [
        row(to="readings", at="10:00", city="Oslo", celsius=9.0),
        row(to="rules", at="10:00", city="Oslo", limit=5.0),
        row(to="readings", at="10:01", city="Oslo", celsius=9.0),
        *([checkpoint()] if crashes else []),
        row(to="rules", at="10:00", city="Oslo", limit=10.0),
        row(to="readings", at="10:02", city="Oslo", celsius=9.0),
        *([crash()] if crashes else []),
        row(to="readings", at="10:03", city="Oslo", celsius=11.0),
    ]

    def build(readings: Any, rules: Any) -> Any:
        return readings.key_by(by_city, Types.STRING()).connect(rules.broadcast(RULES)).process(Threshold())

    on_flink, alone = both(
        build,
        lambda names: harness(Threshold(), by_city, inputs=names),
        script,
        {"readings": None, "rules": None},
    )

    assert on_flink == alone


def test_no_key_and_objects_of_the_users_own_classes() -> None:
    script = [row(Reading("Oslo", 1.0), at="10:00"), watermark("10:30"), row(Reading("Rome", -1.0))]

    def build(stream: Any) -> Any:
        done = stream.process(Plain())
        return done, {LATE: done.get_side_output(LATE)}

    on_flink, alone = both(build, lambda names: harness(Plain(), inputs=names), script)

    assert on_flink == alone
    assert on_flink[0][1][0] == Reading("Oslo", 2.0)
