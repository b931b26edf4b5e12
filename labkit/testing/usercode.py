"""The user's own Python on its way to a worker: by value, so that what runs is what the file says now.

A worker that is kept imports a module once: by reference an edit would not count, and a module that was
loaded by its path could not be imported at all. Classes that arrive by value get a place in the worker's
modules, for there values are pickled by reference.
"""

from __future__ import annotations

import importlib
import io
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

_LIBRARY = Path(__file__).resolve().parent.parent
_INSTALLED = tuple(
    {str(Path(place).resolve()) for name, place in sysconfig.get_paths().items() if "lib" in name}
)


@contextmanager
def by_value() -> Iterator[list[str]]:
    """Within it functions and classes of the user's modules are pickled with their code; their files."""
    import cloudpickle

    registered, files = [], []
    for module in list(sys.modules.values()):
        file = _file(module)
        if file is None:
            continue
        files.append(file)
        if (
            module.__name__ != "__main__"
            and module.__name__ not in cloudpickle.list_registry_pickle_by_value()
        ):
            cloudpickle.register_pickle_by_value(module)
            registered.append(module)
    original, cloudpickle.dumps = cloudpickle.dumps, dumps
    try:
        yield files
    finally:
        cloudpickle.dumps = original
        for module in registered:
            cloudpickle.unregister_pickle_by_value(module)


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
    if not isinstance(module, ModuleType) or not file or not file.endswith(".py"):
        return None
    if file.startswith(_INSTALLED) or "site-packages" in file:
        return None
    path = str(Path(file).resolve())
    return None if path.startswith((*_INSTALLED, str(_LIBRARY))) else path
