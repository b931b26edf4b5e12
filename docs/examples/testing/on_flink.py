"""A job of streams on Flink, with a crash in the middle; and the harness that agrees."""

from collections.abc import Iterator
from typing import Any

from pyflink.common import Types
from pyflink.datastream import DataStream, KeyedProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from labkit.testing import checkpoint, crash, harness, row, run_stream, watermark

ALARMS = OutputTag("alarms", Types.STRING())


class Nth(KeyedProcessFunction):
    """Numbers the readings of each sensor; the first of all is an alarm."""

    def open(self, runtime_context: RuntimeContext) -> None:
        self._count = runtime_context.get_state(ValueStateDescriptor("count", Types.LONG()))

    def process_element(self, value: dict, ctx: KeyedProcessFunction.Context) -> Iterator[Any]:
        count = (self._count.value() or 0) + 1
        self._count.update(count)
        if count == 1:
            yield ALARMS, value["sensor"]
        yield value["sensor"], count


def numbered(readings: DataStream) -> tuple[DataStream, dict[OutputTag, DataStream]]:
    """The job: a function of its inputs, so that a test and production call the same."""
    done = readings.key_by(lambda value: value["sensor"], Types.STRING()).process(Nth())
    return done, {ALARMS: done.get_side_output(ALARMS)}


SCRIPT = [
    row(at="10:00", sensor="a"),
    row(at="10:01", sensor="b"),
    checkpoint(),
    row(at="10:02", sensor="a"),
    watermark("10:05"),
    crash(),  # a's second reading was not in the checkpoint: it is read again
    row(at="10:06", sensor="a"),
]


def test_a_crash_loses_nothing_and_counts_nothing_twice() -> None:
    result = run_stream(numbered, SCRIPT)

    assert result.rows == [("a", 1), ("b", 1), ("a", 2), ("a", 3)]
    assert result.repeated == [("a", 2)]  # what a sink without transactions would have shown twice
    assert result.side["alarms"].rows == ["a", "b"]


def test_the_harness_says_the_same() -> None:
    alone = harness(Nth(), key=lambda value: value["sensor"]).play(SCRIPT)

    assert alone.rows == run_stream(numbered, SCRIPT).rows
