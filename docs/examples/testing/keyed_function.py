"""A keyed function alone: its state, its timers and a restart, without Flink and in milliseconds."""

from collections.abc import Iterator
from typing import Any

from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from labkit.testing import harness, ms

HOUR = 3_600_000
ALARMS = OutputTag("alarms", Types.STRING())


class Silence(KeyedProcessFunction):
    """Says which sensor has been silent for an hour; a reading below -40 is an alarm."""

    def open(self, runtime_context: RuntimeContext) -> None:
        self._last = runtime_context.get_state(ValueStateDescriptor("last", Types.LONG()))

    def process_element(self, value: dict, ctx: KeyedProcessFunction.Context) -> Iterator[Any]:
        last = self._last.value()
        if last is None or ctx.timestamp() > last:
            if last is not None:
                ctx.timer_service().delete_event_time_timer(last + HOUR)
            self._last.update(ctx.timestamp())
            ctx.timer_service().register_event_time_timer(ctx.timestamp() + HOUR)
        if value["celsius"] < -40:
            yield ALARMS, f"{value['sensor']}: {value['celsius']}"

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Any]:
        self._last.clear()
        yield ctx.get_current_key()


def sensor(value: dict) -> str:
    return value["sensor"]


def test_an_hour_without_a_reading_is_silence() -> None:
    h = harness(Silence(), key=sensor)
    h.process({"sensor": "a", "celsius": 1.0}, at="10:00")
    h.process({"sensor": "a", "celsius": 1.0}, at="10:30")
    h.process({"sensor": "a", "celsius": 1.0}, at="10:10")  # out of order: changes nothing

    assert h.timers == {"a": [ms("11:30")]}
    assert h.watermark("11:29") == []
    assert h.watermark("11:30") == ["a"]
    assert (h.state, h.timers) == ({}, {})  # nothing stays behind for a sensor that is gone


def test_a_restart_forgets_nothing() -> None:
    h = harness(Silence(), key=sensor)
    h.process({"sensor": "a", "celsius": 1.0}, at="10:00")

    h.restore(h.snapshot())

    assert h.watermark("11:00") == ["a"]


def test_an_alarm_goes_to_the_side() -> None:
    h = harness(Silence(), key=sensor)

    assert h.process({"sensor": "a", "celsius": -55.0}, at="10:00") == []
    assert h.side(ALARMS) == ["a: -55.0"]
