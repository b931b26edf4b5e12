"""The harness alone: state, timers, restarts, expiry, and what Flink would refuse. No JVM."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from pyflink.common import Time, Types
from pyflink.datastream import KeyedProcessFunction, ProcessFunction
from pyflink.datastream.state import (
    ListStateDescriptor,
    MapStateDescriptor,
    StateTtlConfig,
    ValueStateDescriptor,
)

from labkit.testing import Refused, crash, harness, ms, row, watermark
from tests.testing.functions import (
    LATE,
    EveryState,
    HourlyMaximum,
    Plain,
    Reading,
    Threshold,
    Timers,
    by_city,
)


def oslo(celsius: float = 1.0) -> dict[str, Any]:
    return {"city": "Oslo", "celsius": celsius}


class Stateful(KeyedProcessFunction):  # type: ignore[misc]
    """Does to its state what the record says: a function of (state, context)."""

    def __init__(self, descriptor: Any) -> None:
        self._descriptor = descriptor

    def open(self, runtime_context: Any) -> None:
        kind = type(self._descriptor).__name__.removesuffix("StateDescriptor").lower()
        get = {"value": "get_state", "list": "get_list_state", "map": "get_map_state"}[kind]
        self._state = getattr(runtime_context, get)(self._descriptor)

    def process_element(self, value: Callable[[Any, Any], Any], ctx: Any) -> Iterator[Any]:
        yield value(self._state, ctx)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        yield "timer", timestamp, ctx.time_domain().name


def stateful(descriptor: Any) -> Any:
    return harness(Stateful(descriptor), key=lambda value: "k")


COUNT = ValueStateDescriptor("count", Types.LONG())


# ---- the ordinary way --------------------------------------------------------------------------


def test_a_function_step_by_step() -> None:
    h = harness(HourlyMaximum(), key=by_city)

    assert h.process(oslo(1.0), at="10:00") == []
    assert h.process(oslo(3.0), at="10:30") == []
    assert h.state == {"Oslo": {"highest": {ms("11:00"): 3.0}}}
    assert h.timers == {"Oslo": [ms("11:00")]}
    assert [tuple(r) for r in h.watermark("11:00")] == [("Oslo", ms("11:00"), 3.0)]
    assert h.process(oslo(9.0), at="10:59") == []
    assert h.side(LATE) == h.side("late") == ["Oslo 9.0"]
    assert h.counters == {"late": 1}
    assert (h.state, h.timers) == ({}, {})


def test_a_record_without_a_time_has_flinks_lowest() -> None:
    h = stateful(COUNT)

    assert h.process(lambda state, ctx: ctx.timestamp()) == [-(2**63)]


@pytest.mark.parametrize(
    ("function", "says"),
    [(HourlyMaximum, r"HourlyMaximum is a class\. A function is expected: HourlyMaximum\(\)"),
     (len, r"builtin_function_or_method is no process function")],
)  # fmt: skip
def test_what_is_no_process_function(function: Any, says: str) -> None:
    with pytest.raises(Refused, match=says):
        harness(function)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_a_number_that_its_type_cannot_hold_is_refused(value: int) -> None:
    h = stateful(ValueStateDescriptor("small", Types.INT()))
    h.process(lambda state, ctx: state.update(2**31 - 1))

    with pytest.raises(Refused, match=r"is too large for .* of 32 bits: process mode fails on it"):
        h.process(lambda state, ctx: state.update(value))


def test_timers_of_either_clock_are_left() -> None:
    def both(state: Any, ctx: Any) -> None:
        ctx.timer_service().register_event_time_timer(ms("12:00"))
        ctx.timer_service().register_processing_time_timer(ms("11:00"))

    h = stateful(COUNT)
    h.process(both, at="10:00")

    assert h.timers == {"k": [ms("11:00"), ms("12:00")]}
    h.processing_time("11:00")
    assert h.timers == {"k": [ms("12:00")]}


def test_a_restart_at_every_event_changes_nothing() -> None:
    script = [
        row(oslo(c), at=at) for c, at in ((1.0, "10:00"), (5.0, "10:20"), (2.0, "11:10"), (7.0, "11:50"))
    ]
    expected = harness(HourlyMaximum(), key=by_city).play([*script, watermark("12:00")]).rows

    for crashed_after in range(len(script) + 1):
        h = harness(HourlyMaximum(), key=by_city)
        for number, step in enumerate(script):
            if number == crashed_after:
                h.restore(h.snapshot())
            h.process(dict(step.fields), step.at)
        h.restore(h.snapshot())
        assert h.watermark("12:00") == expected


def test_what_a_function_keeps_in_itself_is_gone_after_a_restart() -> None:
    class Forgetful(KeyedProcessFunction):  # type: ignore[misc]
        count = 0

        def process_element(self, value: Any, ctx: Any) -> Iterator[int]:
            self.count += 1
            yield self.count

    h = harness(Forgetful(), key=lambda v: v)

    assert (h.process("a"), h.process("b"), h.restore(h.snapshot()).process("a")) == ([1], [2], [1])


def test_the_function_that_was_given_is_never_touched() -> None:
    function = Timers()
    function.seen = []  # type: ignore[attr-defined]

    harness(function, key=by_city).process(oslo(), at="10:00")

    assert not hasattr(function, "_store")
    assert function.seen == []  # type: ignore[attr-defined]


def test_a_restart_without_a_snapshot_starts_with_nothing() -> None:
    h = harness(EveryState(), key=by_city)
    h.process(oslo(), at="10:00")

    assert h.restore().state == {}


def test_timers_fire_in_order_of_time_whatever_their_key() -> None:
    h = harness(Timers(), key=by_city)
    h.process(oslo(), at="14:00")
    h.process({"city": "Rome"}, at="13:30")

    assert [(key, at) for key, _, at, _, _ in h.watermark("20:00")] == [
        ("Rome", ms("12:30")), ("Oslo", ms("13:00")), ("Rome", ms("14:30")), ("Oslo", ms("15:00")),
    ]  # fmt: skip


def test_processing_time_goes_on_by_hand() -> None:
    h = stateful(COUNT)
    h.processing_time("10:00")
    h.process(lambda s, ctx: ctx.timer_service().register_processing_time_timer(ms("10:05")))

    assert h.processing_time("10:04") == []
    assert h.processing_time("10:05") == [("timer", ms("10:05"), "PROCESSING_TIME")]


def test_two_inputs_hold_the_lower_watermark() -> None:
    h = harness(Threshold(), key=by_city)
    h.watermark("11:00", to="input")

    assert h.reached < 0
    h.watermark("10:00", to="broadcast")
    assert h.reached == ms("10:00")


def test_a_broadcast_record_is_there_for_every_key() -> None:
    h = harness(Threshold(), key=by_city)

    assert h.process(oslo(9.0)) == []
    assert h.broadcast({"city": "Oslo", "limit": 5.0}) == [("rule", "Oslo", 5.0)]
    assert h.process(oslo(9.0)) == [("Oslo", 9.0, 2)]
    assert h.broadcast_state == {"rules": {"Oslo": 5.0}}


def test_no_key() -> None:
    h = harness(Plain())

    assert h.process(Reading("Oslo", -1.0), at="10:00")[0][0] == Reading("Oslo", 0.0)
    assert h.side("late") == ["cold"]


def test_a_script_gives_a_result() -> None:
    result = harness(HourlyMaximum(), key=by_city).play(
        [row(oslo(1.0), at="10:00"), watermark("10:30"), crash()]
    )

    assert result.before_end.rows == []
    assert [tuple(r) for r in result.rows] == [("Oslo", ms("11:00"), 1.0)]


def test_it_takes_milliseconds() -> None:
    h = harness(EveryState(), key=by_city)
    started = time.perf_counter()
    for n in range(200):
        h.process({"city": f"city {n % 10}", "celsius": float(n)}, at=n)

    assert time.perf_counter() - started < 2.0  # 10 ms a record on a busy machine; it is about 0.1


# ---- expiry ------------------------------------------------------------------------------------


def ttl(**more: Any) -> StateTtlConfig:
    builder = StateTtlConfig.new_builder(Time.hours(1))
    if more.get("on_read"):
        builder.set_update_type(StateTtlConfig.UpdateType.OnReadAndWrite)
    if more.get("show"):
        builder.set_state_visibility(StateTtlConfig.StateVisibility.ReturnExpiredIfNotCleanedUp)
    return builder.build()


def expiring(descriptor: Any, **more: Any) -> Any:
    descriptor.enable_time_to_live(ttl(**more))
    h = stateful(descriptor)
    h.processing_time("10:00")
    return h


def test_a_time_to_live_counts_processing_time_and_not_event_time() -> None:
    h = expiring(ValueStateDescriptor("v", Types.LONG()))
    h.process(lambda s, ctx: s.update(1), at="10:00")
    h.watermark("23:00")

    assert h.process(lambda s, ctx: s.value(), at="23:30") == [1]
    h.processing_time("11:00")
    assert h.process(lambda s, ctx: s.value(), at="10:01") == [None]
    assert h.state == {}


def test_a_read_prolongs_life_only_where_it_is_told_to() -> None:
    for on_read, left in ((False, [None]), (True, [1])):
        h = expiring(ValueStateDescriptor("v", Types.LONG()), on_read=on_read)
        h.process(lambda s, ctx: s.update(1))
        h.processing_time("10:50")
        h.process(lambda s, ctx: s.value())
        h.processing_time("11:40")

        assert h.process(lambda s, ctx: s.value()) == left


def test_what_has_expired_may_be_shown_once_more() -> None:
    h = expiring(ValueStateDescriptor("v", Types.LONG()), show=True)
    h.process(lambda s, ctx: s.update(1))
    h.processing_time("12:00")

    assert h.process(lambda s, ctx: (s.value(), s.value())) == [(1, None)]


def test_entries_of_maps_and_lists_expire_one_by_one() -> None:
    for descriptor, put, left in (
        (MapStateDescriptor("m", Types.STRING(), Types.LONG()), lambda s, v: s.put(str(v), v), [("2", 2)]),
        (ListStateDescriptor("l", Types.LONG()), lambda s, v: s.add(v), [2]),
    ):
        h = expiring(descriptor)
        h.process(lambda s, ctx, put=put: put(s, 1))
        h.processing_time("10:30")
        h.process(lambda s, ctx, put=put: put(s, 2))
        h.processing_time("11:15")

        assert h.process(lambda s, ctx: list(s.items() if hasattr(s, "items") else s.get())) == [left]


# ---- what Flink refuses ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("descriptor", "act", "sentence"),
    [
        (COUNT, lambda s, ctx: s.update("1"), "'1' is a str, the state's type is Long"),
        (COUNT, lambda s, ctx: s.update(True), "True is a bool"),
        (COUNT, lambda s, ctx: s.update(None), r"update\(None\). To remove the value there is clear\(\)"),
        (ValueStateDescriptor("d", Types.DOUBLE()), lambda s, ctx: s.update(1), "1 is a int"),
        (ListStateDescriptor("l", Types.LONG()), lambda s, ctx: s.add(None), r"add\(None\)"),
        (MapStateDescriptor("m", Types.STRING(), Types.LONG()), lambda s, ctx: s.put(1, 1), "1 is a int"),
        (MapStateDescriptor("m", Types.STRING(), Types.LONG()), lambda s, ctx: s.put("1", "1"), "'1' is a str"),
        (COUNT, lambda s, ctx: ctx.timer_service().register_event_time_timer(1.5), "int of milliseconds, not 1.5"),
        (COUNT, lambda s, ctx: ctx.time_domain(), r"in on_timer\(\) only"),
    ],
)  # fmt: skip
def test_wrong_types_and_nones(descriptor: Any, act: Any, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        stateful(descriptor).process(act)


def test_a_map_is_not_changed_while_it_is_iterated_over() -> None:
    h = stateful(MapStateDescriptor("m", Types.STRING(), Types.LONG()))
    h.process(lambda s, ctx: s.put_all({"a": 1, "b": 2, "d": 4}))
    for change in (lambda s: s.remove("a"), lambda s: s.put("c", 3)):
        with pytest.raises(
            Refused, match="State 'm': entries were removed or added while it is iterated over"
        ):
            h.process(lambda s, ctx, change=change: [change(s) for _ in s])
    h.process(lambda s, ctx: [s.remove(key) for key in list(s.keys())])

    assert h.state == {}


def test_the_states_that_a_function_asked_for_are_known_before_any_is_written() -> None:
    assert stateful(COUNT).declared == {COUNT.name: "ValueState of Long"}


def test_a_change_of_a_stored_object_counts_only_when_it_is_put_back() -> None:
    h = stateful(ValueStateDescriptor("v", Types.PICKLED_BYTE_ARRAY()))
    h.process(lambda s, ctx: s.update([1]))
    h.process(lambda s, ctx: s.value().append(2))

    assert h.process(lambda s, ctx: s.value()) == [[1]]


def test_state_in_open_has_no_key_yet() -> None:
    class Early(KeyedProcessFunction):  # type: ignore[misc]
        def open(self, runtime_context: Any) -> None:
            runtime_context.get_state(COUNT).update(0)

        def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
            yield value

    with pytest.raises(Refused, match=r"update\(\) outside of a key.*not in open\(\)"):
        harness(Early(), key=by_city)


def test_no_key_no_state_and_no_timers() -> None:
    class State(ProcessFunction):  # type: ignore[misc]
        def open(self, runtime_context: Any) -> None:
            runtime_context.get_state(COUNT)

        def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
            yield value

    class Timer(ProcessFunction):  # type: ignore[misc]
        def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
            ctx.timer_service().register_event_time_timer(1)
            yield value

    with pytest.raises(Refused, match="this stream has no key"):
        harness(State())
    with pytest.raises(Refused, match="this stream has none"):
        harness(Timer()).process(1)


@pytest.mark.parametrize(
    ("key", "sentence"), [(lambda v: None, "is None"), (lambda v: [v], "must be hashable")]
)
def test_a_key_is_hashable_and_not_none(key: Any, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        harness(Timers(), key=key).process(oslo(), at="10:00")


def test_a_function_must_be_pickled_and_must_yield() -> None:
    class Returns(ProcessFunction):  # type: ignore[misc]
        def process_element(self, value: Any, ctx: Any) -> Any:
            return value

    class Holds(Returns):
        def __init__(self) -> None:
            self.lock = __import__("threading").Lock()

    with pytest.raises(Refused, match="Holds cannot be pickled"):
        harness(Holds())
    with pytest.raises(Refused, match="Say yield, not return"):
        harness(Returns()).process(1)


def test_only_broadcast_records_write_broadcast_state() -> None:
    class Writes(Threshold):
        def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
            from tests.testing.functions import RULES

            ctx.get_broadcast_state(RULES).put("x", 1.0)
            yield value

    with pytest.raises(Refused, match="only process_broadcast_element may write"):
        harness(Writes(), key=by_city).process(oslo())


def test_one_name_one_state() -> None:
    class Twice(Plain):
        def open(self, runtime_context: Any) -> None:
            runtime_context.get_state(ValueStateDescriptor("x", Types.LONG()))
            runtime_context.get_state(ValueStateDescriptor("x", Types.STRING()))

    with pytest.raises(Refused, match="one name, one state"):
        harness(Twice(), key=lambda v: v.city)


def test_times_are_those_of_scripts() -> None:
    h = harness(Plain())

    [(_, at, reached)] = h.process(Reading("Oslo", 1.0), at=datetime(2026, 1, 5, 10, tzinfo=timezone.utc))

    assert (at, reached) == (ms("10:00"), -(2**63))
