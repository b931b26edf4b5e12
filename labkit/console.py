"""What is printed, and how: rich on a terminal, plain lines everywhere else.

rich is imported when something is printed with it: it takes longer than all else that `./lab check` imports.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    out: Console
    err: Console


def __getattr__(name: str) -> Console:
    """`out` and `err`, made when first asked for."""
    if name not in ("out", "err"):
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return _console(name)


@cache
def _console(name: str) -> Console:
    from rich.console import Console

    return Console(stderr=name == "err", highlight=False, soft_wrap=True)


def download_bar() -> Progress:
    """A progress bar in bytes; where nobody looks it draws nothing, for its line would be broken."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    err = _console("err")
    return Progress(
        TextColumn("  {task.description:<44.44}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=err,
        disable=not err.is_terminal,
    )


@contextmanager
def stage(what: str, seconds: dict[str, float] | None = None, at: Callable[[], str] = str) -> Iterator[None]:
    """Say what is being done and how long it took; remember the seconds under that name.

    at: how far it is, in words; asked four times a second where somebody is looking.
    """
    started = time.monotonic()
    err = _console("err")
    if err.is_terminal:
        with err.status(_Progress(what, at)):
            yield
    else:
        yield
    took = time.monotonic() - started
    if seconds is not None:
        seconds[what] = round(took, 2)
    err.print(f"  {what:<44} {took:6.1f} s", markup=False)


@dataclass(frozen=True)
class _Progress:
    """A text that is asked for anew at each refresh."""

    what: str
    at: Callable[[], str]

    def __rich__(self) -> str:
        return f"{self.what} … {self.at()}"
