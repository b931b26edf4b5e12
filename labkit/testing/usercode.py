"""The user's own Python on its way to a worker: by value, so that what runs is what the file says now.

A worker that is kept imports a module once: by reference an edit would not count, and a module that was
loaded by its path could not be imported at all. Classes that arrive by value get a place in the worker's
modules, for there values are pickled by reference.
"""

from __future__ import annotations

import importlib
import io
import os
import pickle
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

from labkit.errors import LabError
from labkit.paths import shown

_LIBRARY = Path(__file__).resolve().parent.parent
_INSTALLED = tuple(
    {str(Path(place).resolve()) for name, place in sysconfig.get_paths().items() if "lib" in name}
)


@contextmanager
def by_value() -> Iterator[list[str]]:
    """Within it functions and classes of the user's modules are pickled with their code; their files.

    Modules that are imported meanwhile belong to them. What cannot be pickled is a LabError that names it.
    """
    import cloudpickle

    sent: dict[str, ModuleType] = {}

    def send(value: Any, protocol: int | None = None) -> bytes:
        _register(sent)
        try:
            return pickle.dumps(_Sent(dumps(value, protocol)))
        except (TypeError, pickle.PicklingError) as error:
            raise _cannot_be_sent(error, sent) from error

    _register(sent)
    original, cloudpickle.dumps = cloudpickle.dumps, send
    try:
        yield [str(_file(module)) for module in sent.values()]
    finally:
        cloudpickle.dumps = original
        for name, module in sent.items():
            if name in cloudpickle.list_registry_pickle_by_value():
                cloudpickle.unregister_pickle_by_value(module)


def _register(sent: dict[str, ModuleType]) -> None:
    """Let the user's modules be pickled by value, those that are not yet; one file may be several modules."""
    import cloudpickle

    known = cloudpickle.list_registry_pickle_by_value()
    for module in list(sys.modules.values()):
        if _file(module) is not None and module.__name__ not in sent:
            sent[module.__name__] = module
            if module.__name__ != "__main__" and module.__name__ not in known:
                cloudpickle.register_pickle_by_value(module)


def _cannot_be_sent(error: Exception, sent: Mapping[str, ModuleType]) -> LabError:
    """The same in a sentence: which global of which file."""
    where = "Something that a function uses"
    for module in sent.values():
        for name, value in vars(module).items():
            if not name.startswith("__") and _why_not(value) == str(error):
                where = f"`{name}` of {shown(Path(str(_file(module))))}"
    return LabError(
        f"{where} cannot be sent to a worker: {error}.",
        "What a function uses of its module is sent along, by value.",
        "make it in open(), or inside of the function",
    )


def _why_not(value: Any) -> str | None:
    """Why this value alone cannot be pickled; None: it can, or it is code, whose own globals tell."""
    if isinstance(value, (type, ModuleType)) or callable(value):
        return None
    try:
        dumps(value)
    except (TypeError, pickle.PicklingError) as error:
        return str(error)
    return None


def dumps(value: Any, protocol: int | None = None) -> bytes:
    """The value as cloudpickle has it, but classes make themselves known where they arrive."""
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, obj: Any) -> Any:
            reduced = super().reducer_override(obj)
            if isinstance(obj, type) and isinstance(reduced, tuple) and len(reduced) == 6:
                return (*reduced[:5], partial(settle_in, reduced[5]))
            return reduced

    with io.BytesIO() as file:
        Pickler(file, protocol).dump(value)
        return file.getvalue()


class _Sent:
    """Something on its way to a worker, which makes itself ready before it takes it."""

    def __init__(self, pickled: bytes) -> None:
        self.pickled = pickled

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        return arrive, (self.pickled,)


def arrive(pickled: bytes) -> Any:
    """The value again, where it is used."""
    if "_pemja" in sys.modules:  # Java has it put there; a client has not
        _without_a_gateway()
    return pickle.loads(pickled)


@cache
def _without_a_gateway() -> None:
    """From now on no Python of this TaskManager starts a JVM: what would is refused, as in a process.

    PyFlink asks one for a Duration where a state with a TTL is opened, for a setting of RocksDB that nobody
    reads then (FLINK-40628); it takes seconds, and the JVM stays.
    """
    from pyflink.datastream.state import StateTtlConfig

    def settle(self: Any, query_time_after_num_entries: int, periodic_compaction_time: Any = None) -> None:
        self._query_time_after_num_entries = query_time_after_num_entries
        self._periodic_compaction_time = periodic_compaction_time

    StateTtlConfig.CleanupStrategies.RocksdbCompactFilterCleanupStrategy.__init__ = settle
    os.environ["PYFLINK_GATEWAY_DISABLED"] = "true"


def settle_in(finish: Callable[[type, Any], Any], cls: type, state: Any) -> None:
    """Finish a class that came by value, and let it be found under its module's name."""
    finish(cls, state)
    parts = cls.__module__.split(".")
    for length in range(1, len(parts) + 1):
        name = ".".join(parts[:length])
        try:
            importlib.import_module(name)
        except ImportError:
            sys.modules[name] = ModuleType(name)
    if "." not in cls.__qualname__:
        setattr(sys.modules[cls.__module__], cls.__qualname__, cls)


def _file(module: ModuleType) -> str | None:
    """The file of a module that is neither installed nor of this library."""
    file = getattr(module, "__file__", None)
    return _own(file) if isinstance(module, ModuleType) and file else None


@cache  # asked of every module, whenever something is sent
def _own(file: str) -> str | None:
    """The file in full, if it is the user's own Python."""
    if not file.endswith(".py") or file.startswith(_INSTALLED) or "site-packages" in file:
        return None
    path = str(Path(file).resolve())
    return None if path.startswith((*_INSTALLED, str(_LIBRARY))) else path
