"""Functions of a user, to be run in the harness and on Flink."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import (
    AggregateFunction,
    DataStream,
    KeyedBroadcastProcessFunction,
    KeyedCoProcessFunction,
    KeyedProcessFunction,
    OutputTag,
    ProcessFunction,
)
from pyflink.datastream.state import (
    AggregatingStateDescriptor,
    ListStateDescriptor,
    MapStateDescriptor,
    ReducingStateDescriptor,
    ValueStateDescriptor,
)

HOUR = 3_600_000
LATE = OutputTag("late", Types.STRING())
RULES = MapStateDescriptor("rules", Types.STRING(), Types.DOUBLE())


@dataclass(frozen=True)
class Reading:
    city: str
    celsius: float


class HourlyMaximum(KeyedProcessFunction):  # type: ignore[misc]
    """The highest reading of each hour, when the hour is over; late ones to the side."""

    def open(self, runtime_context: Any) -> None:
        self._highest = runtime_context.get_map_state(
            MapStateDescriptor("highest", Types.LONG(), Types.DOUBLE())
        )
        self._late = runtime_context.get_metrics_group().counter("late")

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        end = ctx.timestamp() // HOUR * HOUR + HOUR
        if end <= ctx.timer_service().current_watermark():
            self._late.inc()
            yield LATE, f"{value['city']} {value['celsius']}"
            return
        before = self._highest.get(end)
        if before is None or value["celsius"] > before:
            self._highest.put(end, value["celsius"])
        ctx.timer_service().register_event_time_timer(end)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        yield Row(ctx.get_current_key(), timestamp, self._highest.get(timestamp))
        self._highest.remove(timestamp)


class EveryState(KeyedProcessFunction):  # type: ignore[misc]
    """All five kinds of keyed state at once."""

    def open(self, runtime_context: Any) -> None:
        self._count = runtime_context.get_state(ValueStateDescriptor("count", Types.LONG()))
        self._all = runtime_context.get_list_state(ListStateDescriptor("all", Types.DOUBLE()))
        self._sum = runtime_context.get_reducing_state(
            ReducingStateDescriptor("sum", lambda a, b: a + b, Types.DOUBLE())
        )
        self._mean = runtime_context.get_aggregating_state(
            AggregatingStateDescriptor("mean", Mean(), Types.PICKLED_BYTE_ARRAY())
        )
        self._seen = runtime_context.get_map_state(
            MapStateDescriptor("seen", Types.DOUBLE(), Types.PICKLED_BYTE_ARRAY())
        )

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        celsius = value["celsius"]
        count = (self._count.value() or 0) + 1
        self._count.update(count)
        self._all.add(celsius)
        self._sum.add(celsius)
        self._mean.add(celsius)
        self._seen.put(celsius, [*(self._seen.get(celsius) or []), count])
        yield (
            ctx.get_current_key(), count, list(self._all.get()), self._sum.get(), self._mean.get(),
            sorted(self._seen.items()), ctx.timestamp(),
        )  # fmt: skip
        if count == 3:
            self._all.clear()
            self._count.clear()
            self._seen.remove(celsius)


class Mean(AggregateFunction):  # type: ignore[misc]
    def create_accumulator(self) -> tuple[float, int]:
        return 0.0, 0

    def add(self, value: float, accumulator: tuple[float, int]) -> tuple[float, int]:
        return accumulator[0] + value, accumulator[1] + 1

    def get_result(self, accumulator: tuple[float, int]) -> float:
        return accumulator[0] / accumulator[1]

    def merge(self, acc_a: tuple[float, int], acc_b: tuple[float, int]) -> tuple[float, int]:
        return acc_a[0] + acc_b[0], acc_a[1] + acc_b[1]


class Timers(KeyedProcessFunction):  # type: ignore[misc]
    """Timers in every way: twice the same, one in the past, a deleted one, one set by a timer."""

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        service, now = ctx.timer_service(), ctx.timestamp()
        service.register_event_time_timer(now + HOUR)
        service.register_event_time_timer(now + HOUR)
        service.register_event_time_timer(now - HOUR)
        service.register_event_time_timer(now + 2 * HOUR)
        service.delete_event_time_timer(now + 2 * HOUR)
        yield ctx.get_current_key(), "row", now, service.current_watermark()

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        service = ctx.timer_service()
        if timestamp % (24 * HOUR) < 12 * HOUR:
            service.register_event_time_timer(timestamp + 4 * HOUR)
        yield ctx.get_current_key(), "timer", timestamp, ctx.timestamp(), service.current_watermark()


class Threshold(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """Readings above the threshold of their city, which is broadcast."""

    def open(self, runtime_context: Any) -> None:
        self._count = runtime_context.get_state(ValueStateDescriptor("count", Types.LONG()))

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        count = (self._count.value() or 0) + 1
        self._count.update(count)
        limit = ctx.get_broadcast_state(RULES).get(value["city"])
        if limit is not None and value["celsius"] > limit:
            yield value["city"], value["celsius"], count

    def process_broadcast_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        ctx.get_broadcast_state(RULES).put(value["city"], value["limit"])
        yield "rule", value["city"], value["limit"]

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        yield from ()


class Meet(KeyedCoProcessFunction):  # type: ignore[misc]
    """Two streams that remember each other's last value; a timer says goodbye."""

    def open(self, runtime_context: Any) -> None:
        self._left = runtime_context.get_state(ValueStateDescriptor("left", Types.STRING()))
        self._right = runtime_context.get_state(ValueStateDescriptor("right", Types.STRING()))

    def process_element1(self, value: Any, ctx: Any) -> Iterator[Any]:
        self._left.update(value["v"])
        ctx.timer_service().register_event_time_timer(ctx.timestamp() + HOUR)
        yield "left", value["v"], self._right.value()

    def process_element2(self, value: Any, ctx: Any) -> Iterator[Any]:
        self._right.update(value["w"])
        yield "right", value["w"], self._left.value()

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        yield "timer", self._left.value(), self._right.value()


class Plain(ProcessFunction):  # type: ignore[misc]
    """No key: only the record, its time and the watermark."""

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        yield Reading(value.city, value.celsius + 1), ctx.timestamp(), ctx.timer_service().current_watermark()
        if value.celsius < 0:
            yield LATE, "cold"


def by_city(value: Any) -> str:
    city: str = value["city"]
    return city


def keyed(function: Any) -> Any:
    """A build function: keyed by city, with the late ones to the side."""

    def build(stream: DataStream) -> Any:
        done = stream.key_by(by_city, Types.STRING()).process(function)
        return done, {LATE: done.get_side_output(LATE)}

    return build
