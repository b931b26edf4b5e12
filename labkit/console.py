"""What is printed, and how: rich on a terminal, plain lines everywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def download_bar() -> Progress:
    """A progress bar in bytes; on a pipe it draws nothing until its end."""
    return Progress(
        TextColumn("  {task.description:<44.44}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=err,
    )


@contextmanager
def stage(what: str, seconds: dict[str, float] | None = None) -> Iterator[None]:
    """Say what is being done and how long it took; remember the seconds under that name."""
    started = time.monotonic()
    if err.is_terminal:
        with err.status(f"{what} …"):
            yield
    else:
        yield
    took = time.monotonic() - started
    if seconds is not None:
        seconds[what] = round(took, 2)
    err.print(f"  {what:<44} {took:6.1f} s", markup=False)


@contextmanager
def progress(start: datetime, end: datetime) -> Iterator[Callable[[datetime], None]]:
    """A bar of virtual time; call what it gives with the moment that is reached. On a pipe it draws nothing."""
    if not err.is_terminal:
        yield lambda moment: None
        return
    columns = (TextColumn("  {task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        bar = bars.add_task("", total=(end - start).total_seconds())

        def at(moment: datetime) -> None:
            done = (moment - start).total_seconds()
            bars.update(bar, completed=done, description=f"{moment:%Y-%m-%d %H:%M}")

        yield at
