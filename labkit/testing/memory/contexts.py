"""What a function is given in place of Flink's contexts: in open(), and at each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyflink.datastream import RuntimeContext, TimeDomain, TimerService
from pyflink.datastream.state import (
    AggregatingStateDescriptor,
    ListStateDescriptor,
    MapStateDescriptor,
    ReducingStateDescriptor,
    ValueStateDescriptor,
)
from pyflink.metrics import Counter, Distribution, Meter, MetricGroup

from labkit.testing.memory.errors import Refused
from labkit.testing.memory.state import (
    HarnessAggregatingState,
    HarnessBroadcastState,
    HarnessListState,
    HarnessMapState,
    HarnessReducingState,
    HarnessValueState,
)

if TYPE_CHECKING:
    from labkit.testing.memory.core import Harness

NO_WATERMARK = -(2**63)


class HarnessRuntimeContext(RuntimeContext):  # type: ignore[misc]
    """The runtime context: one subtask of one, the harness's state and metrics."""

    def __init__(self, harness: Harness, attempt: int) -> None:
        self._harness, self._attempt = harness, attempt

    def get_task_name(self) -> str:
        return type(self._harness.function).__name__

    def get_task_name_with_subtasks(self) -> str:
        return f"{self.get_task_name()} (1/1)"

    def get_number_of_parallel_subtasks(self) -> int:
        return 1

    def get_max_number_of_parallel_subtasks(self) -> int:
        return 128

    def get_index_of_this_subtask(self) -> int:
        return 0

    def get_attempt_number(self) -> int:
        return self._attempt

    def get_job_parameter(self, key: str, default_value: str) -> str:
        return self._harness.parameters.get(key, default_value)

    def get_metrics_group(self) -> MetricGroup:
        return HarnessMetrics(self._harness.counters)

    def get_state(self, state_descriptor: ValueStateDescriptor) -> Any:
        return HarnessValueState(self._store(state_descriptor), state_descriptor)

    def get_list_state(self, state_descriptor: ListStateDescriptor) -> Any:
        return HarnessListState(self._store(state_descriptor), state_descriptor)

    def get_map_state(self, state_descriptor: MapStateDescriptor) -> Any:
        return HarnessMapState(self._store(state_descriptor), state_descriptor)

    def get_reducing_state(self, state_descriptor: ReducingStateDescriptor) -> Any:
        return HarnessReducingState(self._store(state_descriptor), state_descriptor)

    def get_aggregating_state(self, state_descriptor: AggregatingStateDescriptor) -> Any:
        return HarnessAggregatingState(self._store(state_descriptor), state_descriptor)

    def _store(self, descriptor: Any) -> Any:
        if not self._harness.keyed:
            raise Refused(f"State {descriptor.name!r}: this stream has no key. Keyed state needs key_by().")
        return self._harness.store


class HarnessContext(TimerService):  # type: ignore[misc]
    """The context of one call, and its timer service."""

    def __init__(
        self, harness: Harness, timestamp: int | None, broadcast: bool, domain: TimeDomain | None
    ) -> None:
        self._harness, self._timestamp = harness, timestamp
        self._broadcast, self._domain = broadcast, domain

    def timestamp(self) -> int:
        """Of the record, or of the timer, in ms; of a record that has none as in Flink: the lowest number."""
        return NO_WATERMARK if self._timestamp is None else self._timestamp

    def timer_service(self) -> TimerService:
        if self._broadcast:
            raise Refused("A broadcast record has no key, and no timers.")
        return self

    def time_domain(self) -> TimeDomain:
        if self._domain is None:
            raise Refused("time_domain() is there in on_timer() only.")
        return self._domain

    def get_current_key(self) -> Any:
        if self._harness.store.key is None:
            raise Refused("This record has no key.")
        return self._harness.store.key[1]

    def get_broadcast_state(self, state_descriptor: MapStateDescriptor) -> HarnessBroadcastState:
        cells = self._harness.broadcast_cells.setdefault(state_descriptor.name, {})
        return HarnessBroadcastState(cells, state_descriptor, self._broadcast)

    # ---- the timer service ---------------------------------------------------------------------

    def current_processing_time(self) -> int:
        return self._harness.store.now

    def current_watermark(self) -> int:
        return self._harness.reached

    def register_event_time_timer(self, timestamp: int) -> None:
        self._harness.event_timers.add(self._timer(timestamp))

    def delete_event_time_timer(self, timestamp: int) -> None:
        self._harness.event_timers.discard(self._timer(timestamp))

    def register_processing_time_timer(self, timestamp: int) -> None:
        self._harness.processing_timers.add(self._timer(timestamp))

    def delete_processing_time_timer(self, timestamp: int) -> None:
        self._harness.processing_timers.discard(self._timer(timestamp))

    def _timer(self, timestamp: int) -> tuple[int, tuple[type, Any]]:
        if not isinstance(timestamp, int) or isinstance(timestamp, bool):
            raise Refused(f"A timer's time is an int of milliseconds, not {timestamp!r}.")
        if self._harness.store.key is None:
            raise Refused("A timer belongs to a key, and this stream has none: it needs key_by().")
        return timestamp, self._harness.store.key


class HarnessMetrics(MetricGroup):  # type: ignore[misc]
    """Metrics that count into the harness's counters; gauges are kept as they are."""

    def __init__(self, counters: dict[str, Any], prefix: str = "") -> None:
        self._counters, self._prefix = counters, prefix

    def add_group(self, name: str, extra: str | None = None) -> MetricGroup:
        return HarnessMetrics(self._counters, self._prefix)

    def counter(self, name: str) -> Counter:
        return _Count(self._counters, name)

    def gauge(self, name: str, obj: Callable[[], int]) -> None:
        self._counters[name] = obj

    def meter(self, name: str, time_span_in_seconds: int = 60) -> Meter:
        return _Count(self._counters, name)

    def distribution(self, name: str) -> Distribution:
        return _Count(self._counters, name)


class _Count(Counter, Meter, Distribution):  # type: ignore[misc]
    def __init__(self, counters: dict[str, Any], name: str) -> None:
        self._counters, self._name = counters, name
        counters.setdefault(name, 0)

    def inc(self, n: int = 1) -> None:
        self._counters[self._name] += n

    def dec(self, n: int = 1) -> None:
        self._counters[self._name] -= n

    def mark_event(self, value: int = 1) -> None:
        self._counters[self._name] += value

    def update(self, value: int) -> None:
        self._counters[self._name] = value

    def get_count(self) -> int:
        return int(self._counters[self._name])
