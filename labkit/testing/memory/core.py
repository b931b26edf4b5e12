"""A process function alone, without Flink and without a JVM, in milliseconds.

    h = harness(CountPerCity(), key=lambda reading: reading["city"])
    h.process({"city": "Oslo"}, at="10:00")     # what it gives
    h.watermark("11:00")                        # what the timers give
    h.state, h.timers, h.side("late"), h.counters
    h.restore(h.snapshot())                     # a fresh copy of the function, with its state

`play` runs a script and gives a result as run_stream does: the same test, without the engine.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cloudpickle
from pyflink.datastream import OutputTag, TimeDomain

from labkit.testing.memory.contexts import NO_WATERMARK, HarnessContext, HarnessRuntimeContext
from labkit.testing.memory.errors import Refused
from labkit.testing.memory.state import Store
from labkit.testing.results import Change, Result, Sides
from labkit.testing.script import CHECKPOINT, CRASH, ROW, WATERMARK, Script, Step, Time, ms, single

END = 2**63 - 1
_MAIN = "result"
Key = Callable[[Any], Any]


@dataclass(frozen=True)
class Snapshot:
    """A function's state and timers at one moment, as a checkpoint holds them."""

    data: bytes


class Harness:
    """One process function with its state, timers and outputs."""

    def __init__(
        self, function: Any, keys: Sequence[Key | None], inputs: Sequence[str], parameters: Mapping[str, str]
    ) -> None:
        self._original = _pickled(function)
        self._keys = dict(zip(inputs, keys, strict=True))
        self._inputs = list(inputs)
        self.parameters = dict(parameters)
        self.keyed = any(key is not None for key in keys)
        self.counters: dict[str, Any] = {}
        self._attempt = -1
        self._recorded: list[tuple[str, Any, int | None]] = []
        #: the watermark of the function: the lowest of its inputs'
        self.reached = NO_WATERMARK
        self._begin()

    # ---- driving it ----------------------------------------------------------------------------

    def process(self, value: Any, at: Time | None = None, to: str | None = None) -> list[Any]:
        """A record arrives; what the function gives for it. to: which input, where there are several."""
        name = to or self._inputs[0]
        if name not in self._keys:
            raise Refused(f"There is no input {name!r}, but {', '.join(self._inputs)}.")
        key = self._keys[name]
        timestamp = None if at is None else ms(at)
        self.store.key = None if key is None else _key(key, value)
        context = HarnessContext(self, timestamp, self._is_broadcast(name), None)
        return self._collect(self._method(name)(copy.deepcopy(value), context), timestamp)

    def broadcast(self, value: Any, at: Time | None = None) -> list[Any]:
        """A broadcast record arrives; what the function gives for it."""
        return self.process(value, at, self._inputs[1])

    def watermark(self, at: Time, to: str | None = None) -> list[Any]:
        """Event time goes on, in this input or in all; what the timers that are due give, earliest first."""
        moment = ms(at)
        for name in [to] if to else self._inputs:
            self._watermarks[name] = max(self._watermarks[name], moment)
        reached = min(self._watermarks.values())
        if reached <= self.reached:
            return []
        self.reached = reached
        return self._fire(self.event_timers, reached, TimeDomain.EVENT_TIME)

    def processing_time(self, at: Time) -> list[Any]:
        """The clock goes on to this time; what the processing-time timers that are due give."""
        self.store.now = ms(at)
        return self._fire(self.processing_timers, self.store.now, TimeDomain.PROCESSING_TIME)

    def end(self) -> list[Any]:
        """The end of the input: every event-time timer is due."""
        return self.watermark(END)

    def snapshot(self) -> Snapshot:
        """State and timers now. What the function keeps in itself is not in it."""
        return Snapshot(
            pickle.dumps(
                (self.store.cells, self.store.kinds, self.broadcast_cells, self.event_timers,
                 self.processing_timers, self.store.now)
            )
        )  # fmt: skip

    def restore(self, snapshot: Snapshot | None = None) -> Harness:
        """A restart: a fresh copy of the function, with that state; None: with none.

        Watermarks begin anew: no checkpoint holds them.
        """
        now = self.store.now
        self._begin(snapshot)
        self.store.now = max(now, self.store.now)
        return self

    # ---- what is there -------------------------------------------------------------------------

    @property
    def outputs(self) -> list[Any]:
        """All it has given so far."""
        return [value for name, value, _ in self._recorded if name == _MAIN]

    def side(self, tag: OutputTag | str) -> list[Any]:
        """All it has given to this side output."""
        wanted = tag.tag_id if isinstance(tag, OutputTag) else tag
        return [value for name, value, _ in self._recorded if name == wanted]

    @property
    def state(self) -> dict[Any, dict[str, Any]]:
        """What is stored, by key and state name; empty states are left out."""
        return self.store.left()

    @property
    def declared(self) -> dict[str, str]:
        """The keyed states that the function has asked for, and what each is a state of."""
        return dict(self.store.kinds)

    @property
    def broadcast_state(self) -> dict[str, dict[Any, Any]]:
        """What is stored for all keys, by state name."""
        return {
            name: {key: pickle.loads(data) for key, data in cells.items()}
            for name, cells in self.broadcast_cells.items()
        }

    @property
    def timers(self) -> dict[Any, list[int]]:
        """The timers that wait, by key: those of event time and those of the clock."""
        found: dict[Any, list[int]] = {}
        waiting = [*self.event_timers, *self.processing_timers]
        for moment, (_, key) in sorted(waiting, key=lambda timer: timer[0]):
            found.setdefault(key, []).append(moment)
        return found

    # ---- a whole script ------------------------------------------------------------------------

    def play(self, script: Script | Mapping[str, Script]) -> Result:
        """Play a script to its end, from a fresh start; a result as run_stream gives it."""
        self._attempt, self._recorded, self.counters = -1, [], {}
        self._begin()
        steps = [step for step in single(script, self._inputs) if step.kind != "settle"]
        player = _Player(self, steps)
        player.play()
        return player.result()

    # ---- inside --------------------------------------------------------------------------------

    def _begin(self, snapshot: Snapshot | None = None) -> None:
        self._attempt += 1
        self.store = Store()
        self.broadcast_cells: dict[str, dict[Any, bytes]] = {}
        self.event_timers: set[tuple[int, Any]] = set()
        self.processing_timers: set[tuple[int, Any]] = set()
        self._watermarks = dict.fromkeys(self._inputs, NO_WATERMARK)
        self.reached = NO_WATERMARK
        self.function = pickle.loads(self._original)
        if snapshot is not None:
            (self.store.cells, self.store.kinds, self.broadcast_cells, self.event_timers,
            self.processing_timers,
             self.store.now) = pickle.loads(snapshot.data)  # fmt: skip
        if hasattr(self.function, "open"):
            self.function.open(HarnessRuntimeContext(self, self._attempt))

    def _is_broadcast(self, name: str) -> bool:
        return name == self._inputs[-1] and hasattr(self.function, "process_broadcast_element")

    def _method(self, name: str) -> Callable[[Any, Any], Any]:
        if self._is_broadcast(name):
            method = self.function.process_broadcast_element
        elif len(self._inputs) == 2 and hasattr(self.function, "process_element1"):
            method = (self.function.process_element1, self.function.process_element2)[
                self._inputs.index(name)
            ]
        else:
            method = self.function.process_element
        found: Callable[[Any, Any], Any] = method
        return found

    def _fire(self, timers: set[tuple[int, Any]], reached: int, domain: TimeDomain) -> list[Any]:
        given = []
        while due := [timer for timer in timers if timer[0] <= reached]:
            timer = min(due, key=lambda each: (each[0], repr(each[1][1])))
            timers.discard(timer)
            moment, self.store.key = timer
            context = HarnessContext(self, moment, False, domain)
            stamp = moment if domain == TimeDomain.EVENT_TIME else None
            given += self._collect(self.function.on_timer(moment, context), stamp)
        return given

    def _collect(self, given: Any, timestamp: int | None) -> list[Any]:
        if given is None:
            return []
        if not isinstance(given, Iterable) or isinstance(given, (str, bytes, Mapping)):
            raise Refused(
                f"The function gave {given!r}: Flink iterates over what it gives. Say yield, not return."
            )
        main = []
        for value in given:
            if isinstance(value, tuple) and value and isinstance(value[0], OutputTag):
                self._recorded.append((value[0].tag_id, copy.deepcopy(value[1]), timestamp))
            else:
                main.append(copy.deepcopy(value))
                self._recorded.append((_MAIN, main[-1], timestamp))
        return main


class _Player:
    """A script on a harness, and what came out when."""

    def __init__(self, harness: Harness, steps: Sequence[Step]) -> None:
        self._harness, self._steps = harness, steps
        self._seen: dict[str, list[dict[str, Any]]] = {_MAIN: []}
        self._kept: dict[str, int] = {}

    def play(self) -> None:
        harness = self._harness
        snapshot: Snapshot | None = None
        next_step, restored, attempt = 0, 0, 0
        crashed: set[int] = set()
        while next_step < len(self._steps):
            step = self._steps[next_step]
            if step.kind == CHECKPOINT:
                snapshot, restored = harness.snapshot(), next_step + 1
                self._kept = {name: len(seen) for name, seen in self._seen.items()}
            elif step.kind == CRASH and next_step not in crashed:
                crashed.add(next_step)
                for name, seen in self._seen.items():
                    for change in seen[self._kept.get(name, 0) :]:
                        change["keep"] = False
                harness.restore(snapshot)
                next_step, attempt = restored, attempt + 1
                continue
            elif step.kind == ROW:
                value = step.value if step.value is not None else dict(step.fields)
                self._record(partial(harness.process, value, step.at, step.to), step, attempt, False)
            elif step.kind == WATERMARK and step.at is not None:
                before = harness.reached
                self._record(partial(harness.watermark, step.at, step.to), step, attempt, False)
                if harness.reached != before:
                    self._passed(harness.reached, attempt)
            next_step += 1
        self._record(harness.end, None, attempt, True)

    def _record(self, act: Callable[[], Any], step: Step | None, attempt: int, at_end: bool) -> None:
        harness = self._harness
        known = len(harness._recorded)
        after = None if harness.reached == NO_WATERMARK else harness.reached
        act()
        for name, value, time in harness._recorded[known:]:
            self._seen.setdefault(name, []).append(
                {"kind": "+I", "row": value, "after": after, "by": None, "at_end": at_end, "step": step,
                 "attempt": attempt, "time": time, "keep": True}
            )  # fmt: skip

    def _passed(self, watermark: int, attempt: int) -> None:
        for seen in self._seen.values():
            for change in reversed(seen):
                if change["by"] is not None or change["attempt"] != attempt:
                    break
                change["by"] = watermark

    def result(self) -> Result:
        counters = {name: count for name, count in self._harness.counters.items() if isinstance(count, int)}
        results = {}
        for name, seen in self._seen.items():
            keep = [change.pop("keep") for change in seen]
            results[name] = Result(name, [Change(**change) for change in seen], keep, counters)
        main = results.pop(_MAIN)
        main.side = Sides(results)
        return main


def harness(
    function: Any,
    key: Key | Sequence[Key | None] | None = None,
    *,
    inputs: Sequence[str] | None = None,
    parameters: Mapping[str, str] | None = None,
) -> Harness:
    """A harness for a ProcessFunction, a Keyed-, Co-, Broadcast- one or a mixture of these.

    key: the key_by function; a pair of them for two keyed inputs; a broadcast input has none. inputs: names
    of the inputs, to be used as to=; parameters: what get_job_parameter gives. Raises Refused: it is no
    process function, cannot be pickled, or does what Flink refuses.
    """
    if isinstance(function, type):
        raise Refused(f"{function.__name__} is a class. A function is expected: {function.__name__}().")
    broadcast = hasattr(function, "process_broadcast_element")
    if not any(hasattr(function, name) for name in ("process_element", "process_element1")):
        raise Refused(
            f"{type(function).__name__} is no process function. run_stream runs any function, "
            "and a plain one is tested by calling it."
        )
    two = broadcast or hasattr(function, "process_element1")
    names = list(
        inputs or (("input",) if not two else ("input", "broadcast") if broadcast else ("first", "second"))
    )
    if key is None or callable(key):
        keys: Sequence[Key | None] = [key, None] if broadcast else [key] * len(names)
    else:
        keys = key
    return Harness(function, keys, names, parameters or {})


def _pickled(function: Any) -> bytes:
    try:
        return bytes(cloudpickle.dumps(function))
    except Exception as error:
        raise Refused(
            f"{type(function).__name__} cannot be pickled ({error}), and Flink ships it so. "
            "What cannot be pickled is made in open()."
        ) from error


def _key(key: Key, value: Any) -> tuple[type, Any]:
    found = key(value)
    if found is None:
        raise Refused(f"The key of {value!r} is None: Flink refuses such a record.")
    try:
        hash(found)
    except TypeError:
        raise Refused(
            f"The key of {value!r} is {found!r}, a {type(found).__name__}: "
            "a key must be hashable, and never change."
        ) from None
    return type(found), found
