"""A check at every save: the file is looked at five times a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from labkit.errors import LabError

_EVERY = 0.2


def watch(path: Path, changed: Callable[[], None], goes_on: Callable[[], bool] = lambda: True) -> None:
    """Call `changed` now and after every change of the file. Raises LabError: the file is gone."""
    import labkit.course.plugin  # noqa: F401  # and pytest, here once: each check is a fork of this process

    seen = None
    while goes_on():
        state = _state(path)
        if state is None:
            time.sleep(_EVERY)  # an editor that replaces the file takes it away for a moment
            state = _state(path)
        if state is None:
            raise LabError(f"{path.name} is gone.", "Its last text is saved.", f"./lab saved {path.stem}")
        if state != seen:
            seen = state
            changed()
        time.sleep(_EVERY)


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        now = path.stat()
    except FileNotFoundError:
        return None
    return now.st_mtime_ns, now.st_size, now.st_ino
