"""Keyed state in memory, by Flink's rules: by key, typed, copied, expiring by processing time."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pyflink.common.typeinfo import BasicType, BasicTypeInfo
from pyflink.datastream.state import (
    AggregatingState,
    BroadcastState,
    ListState,
    MapState,
    ReducingState,
    StateDescriptor,
    StateTtlConfig,
    ValueState,
)

from labkit.testing.memory.errors import Refused

_INTEGERS = (BasicType.BYTE, BasicType.SHORT, BasicType.INT, BasicType.LONG, BasicType.BIG_INT)
_PYTHON: dict[BasicType, tuple[type, ...]] = {
    BasicType.STRING: (str,),
    BasicType.CHAR: (str,),
    BasicType.BOOLEAN: (bool,),
    BasicType.FLOAT: (float,),
    BasicType.DOUBLE: (float,),
    BasicType.BIG_DEC: (Decimal,),
    **{each: (int,) for each in _INTEGERS},
}
_BITS = {BasicType.BYTE: 8, BasicType.SHORT: 16, BasicType.INT: 32, BasicType.LONG: 64}


_GONE = object()


@dataclass
class Cell:
    """A stored value, as bytes: what a function does to an object it got or gave changes nothing here."""

    data: bytes
    touched: int

    def load(self) -> Any:
        return pickle.loads(self.data)


@dataclass
class Store:
    """All keyed state of one function: by state name, by key."""

    cells: dict[str, dict[Any, Any]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    #: (type, key) of the record or timer that is processed; None: neither is
    key: tuple[type, Any] | None = None
    #: processing time
    now: int = 0

    def of_key(self, name: str, doing: str) -> dict[Any, Any]:
        if self.key is None:
            raise Refused(
                f"State {name!r}: {doing} outside of a key. Keyed state is there while a record or a timer "
                "of a key is processed; not in open(), and not for broadcast records."
            )
        return self.cells.setdefault(name, {})

    def declare(self, kind: str, descriptor: StateDescriptor) -> None:
        known = self.kinds.setdefault(descriptor.name, f"{kind} of {descriptor.type_info}")
        if known != f"{kind} of {descriptor.type_info}":
            raise Refused(
                f"State {descriptor.name!r} is {known} and {kind} of {descriptor.type_info}: "
                "one name, one state."
            )

    def left(self) -> dict[Any, dict[str, Any]]:
        """What is stored, by key and name; what has expired is not in it."""
        found: dict[Any, dict[str, Any]] = {}
        for name, keys in self.cells.items():
            for (_, key), content in keys.items():
                if content.is_empty(self.now):
                    continue
                found.setdefault(key, {})[name] = content.shown(self.now)
        return found


class Ttl:
    """How long a cell lives, counted in processing time from its last write (or read)."""

    def __init__(self, config: StateTtlConfig | None) -> None:
        self.milliseconds: int | None = None
        self.on_read = self.shows_expired = False
        if config is not None and config.is_enabled():
            self.milliseconds = config.get_ttl().to_milliseconds()
            self.on_read = config.get_update_type() == StateTtlConfig.UpdateType.OnReadAndWrite
            visibility = config.get_state_visibility()
            self.shows_expired = visibility == StateTtlConfig.StateVisibility.ReturnExpiredIfNotCleanedUp

    def expired(self, cell: Cell, now: int) -> bool:
        return self.milliseconds is not None and now >= cell.touched + self.milliseconds


@dataclass
class Content:
    """What one state holds for one key: cells by map key, by position, or the only one under None."""

    ttl: Ttl
    cells: dict[Any, Cell] = field(default_factory=dict)
    single: bool = False
    mapped: bool = False

    def alive(self, now: int) -> dict[Any, Cell]:
        return {at: cell for at, cell in self.cells.items() if not self.ttl.expired(cell, now)}

    def is_empty(self, now: int) -> bool:
        return not self.alive(now)

    def shown(self, now: int) -> Any:
        alive = self.alive(now)
        if self.single:
            return alive[None].load()
        if self.mapped:
            return {at: cell.load() for at, cell in alive.items()}
        return [cell.load() for cell in alive.values()]


class _Keyed:
    """What all keyed states have in common."""

    def __init__(self, store: Store, descriptor: StateDescriptor) -> None:
        store.declare(type(self).__name__.removeprefix("Harness"), descriptor)
        self._store = store
        self._name = descriptor.name
        self._type = descriptor.type_info
        self._ttl = Ttl(descriptor._ttl_config)

    def clear(self) -> None:
        self._store.of_key(self._name, "clear()").pop(self._store.key, None)

    def _content(self, doing: str) -> Content:
        keys = self._store.of_key(self._name, doing)
        fresh = Content(self._ttl, single=self._single, mapped=isinstance(self, HarnessMapState))
        found: Content = keys.setdefault(self._store.key, fresh)
        return found

    _single = False

    def _cell(self, value: Any, type_info: Any, doing: str) -> Cell:
        return Cell(packed(value, type_info, f"State {self._name!r}: {doing}"), self._store.now)

    def _read(self, content: Content, at: Any, otherwise: Any = None) -> Any:
        """The value in that place. One that has expired is gone, or is shown for the last time."""
        cell = content.cells.get(at)
        if cell is None:
            return otherwise
        if self._ttl.expired(cell, self._store.now):
            del content.cells[at]
            return cell.load() if self._ttl.shows_expired else otherwise
        if self._ttl.on_read:
            cell.touched = self._store.now
        return cell.load()


class HarnessValueState(_Keyed, ValueState):  # type: ignore[misc]
    _single = True

    def value(self) -> Any:
        return self._read(self._content("value()"), None)

    def update(self, value: Any) -> None:
        content = self._content("update()")
        if value is None:
            raise Refused(f"State {self._name!r}: update(None). To remove the value there is clear().")
        content.cells[None] = self._cell(value, self._type, "update()")


class HarnessListState(_Keyed, ListState):  # type: ignore[misc]
    def get(self) -> Iterator[Any]:
        content = self._content("get()")
        for at in list(content.cells):
            value = self._read(content, at, _GONE)
            if value is not _GONE:
                yield value

    def add(self, value: Any) -> None:
        content = self._content("add()")
        if value is None:
            raise Refused(f"State {self._name!r}: add(None). A list state holds no None.")
        cell = self._cell(value, self._type.elem_type, "add()")
        content.cells[max(content.cells, default=-1) + 1] = cell

    def add_all(self, values: Iterable[Any]) -> None:
        for value in values:
            self.add(value)

    def update(self, values: Iterable[Any]) -> None:
        self.clear()
        self.add_all(values)

    def __iter__(self) -> Iterator[Any]:
        return self.get()


class HarnessMapState(_Keyed, MapState):  # type: ignore[misc]
    def get(self, key: Any) -> Any:
        return self._read(self._content("get()"), key)

    def put(self, key: Any, value: Any) -> None:
        packed(key, self._type._key_type_info, f"State {self._name!r}: put(), the key")
        cell = self._cell(value, self._type._value_type_info, "put()")
        self._content("put()").cells[key] = cell

    def put_all(self, dict_value: Mapping[Any, Any]) -> None:
        for key, value in dict_value.items():
            self.put(key, value)

    def remove(self, key: Any) -> None:
        self._content("remove()").cells.pop(key, None)

    def contains(self, key: Any) -> bool:
        return self._read(self._content("contains()"), key, _GONE) is not _GONE

    def items(self) -> Iterator[tuple[Any, Any]]:
        content = self._content("items()")
        size = len(content.cells)
        for key in list(content.cells):
            if len(content.cells) != size:
                raise Refused(
                    f"State {self._name!r}: entries were removed or added while it is iterated over. "
                    "Flink fails at the next one; iterate over a list of it."
                )
            value = self._read(content, key, _GONE)
            size = len(content.cells)  # reading drops what has expired
            if value is not _GONE:
                yield key, value

    def keys(self) -> Iterator[Any]:
        for key, _ in self.items():
            yield key

    def values(self) -> Iterator[Any]:
        for _, value in self.items():
            yield value

    def is_empty(self) -> bool:
        return next(self.items(), None) is None


class HarnessReducingState(_Keyed, ReducingState):  # type: ignore[misc]
    _single = True

    def __init__(self, store: Store, descriptor: Any) -> None:
        super().__init__(store, descriptor)
        self._reduce: Callable[[Any, Any], Any] = descriptor.get_reduce_function().reduce

    def get(self) -> Any:
        return self._read(self._content("get()"), None)

    def add(self, value: Any) -> None:
        if value is None:
            self.clear()
            return
        before = self.get()
        after = value if before is None else self._reduce(before, value)
        self._content("add()").cells[None] = self._cell(after, self._type, "add()")


class HarnessAggregatingState(_Keyed, AggregatingState):  # type: ignore[misc]
    _single = True

    def __init__(self, store: Store, descriptor: Any) -> None:
        super().__init__(store, descriptor)
        self._function = descriptor.get_agg_function()

    def get(self) -> Any:
        accumulator = self._read(self._content("get()"), None)
        return None if accumulator is None else self._function.get_result(accumulator)

    def add(self, value: Any) -> None:
        if value is None:
            self.clear()
            return
        accumulator = self._read(self._content("add()"), None)
        if accumulator is None:
            accumulator = self._function.create_accumulator()
        after = self._function.add(value, accumulator)
        self._content("add()").cells[None] = self._cell(after, self._type, "add()")


class HarnessBroadcastState(BroadcastState):  # type: ignore[misc]
    """Broadcast state: one map for all keys; only broadcast records may write it."""

    def __init__(self, cells: dict[Any, bytes], descriptor: Any, writable: bool) -> None:
        self._cells, self._type, self._writable = cells, descriptor.type_info, writable
        self._name = descriptor.name

    def get(self, key: Any) -> Any:
        data = self._cells.get(key)
        return None if data is None else pickle.loads(data)

    def contains(self, key: Any) -> bool:
        return key in self._cells

    def items(self) -> Iterator[tuple[Any, Any]]:
        return ((key, pickle.loads(data)) for key, data in list(self._cells.items()))

    def keys(self) -> Iterator[Any]:
        return iter(list(self._cells))

    def values(self) -> Iterator[Any]:
        return (value for _, value in self.items())

    def is_empty(self) -> bool:
        return not self._cells

    def put(self, key: Any, value: Any) -> None:
        self._check("put()")
        packed(key, self._type._key_type_info, f"Broadcast state {self._name!r}: put(), the key")
        self._cells[key] = packed(
            value, self._type._value_type_info, f"Broadcast state {self._name!r}: put()"
        )

    def put_all(self, dict_value: Mapping[Any, Any]) -> None:
        for key, value in dict_value.items():
            self.put(key, value)

    def remove(self, key: Any) -> None:
        self._check("remove()")
        self._cells.pop(key, None)

    def clear(self) -> None:
        self._check("clear()")
        self._cells.clear()

    def _check(self, doing: str) -> None:
        if not self._writable:
            raise Refused(
                f"Broadcast state {self._name!r}: {doing} for a record of the keyed side. Each subtask would "
                "have another one: only process_broadcast_element may write."
            )


def packed(value: Any, type_info: Any, what: str) -> bytes:
    """The value as it is stored. Raises Refused: it is not of that type."""
    if isinstance(type_info, BasicTypeInfo):
        fitting = _PYTHON.get(type_info._basic_type)
        wrong = fitting is not None and (
            not isinstance(value, fitting) or (isinstance(value, bool) and bool not in fitting)
        )
        if wrong:
            raise Refused(f"{what}: {value!r} is a {type(value).__name__}, the state's type is {type_info}.")
        bits = _BITS.get(type_info._basic_type)
        if bits and not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise Refused(
                f"{what}: {value!r} is too large for {type_info} of {bits} bits: process mode fails on it."
            )
    try:
        return pickle.dumps(value)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise Refused(f"{what}: {value!r} cannot be stored ({error}).") from error
