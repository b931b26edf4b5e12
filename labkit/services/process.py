"""Processes we started: known by pid *and* start time, marked by their environment, ended as a group.

A pid alone is not an identity (the kernel gives it away again). LAB_STACK in the environment names
the stack's folder, so that a process whose record was never written is still found and still ours.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from labkit.errors import LabError
from labkit.paths import shown

MARK = "LAB_STACK"
T = TypeVar("T")
_SAME_START = 2.0  # seconds; the boot time that start times are counted from is adjusted by NTP


@dataclass(frozen=True)
class Owned:
    """A process of ours. created: seconds since the epoch, as psutil gives it."""

    pid: int
    created: float

    def running(self) -> bool:
        """Whether that very process still runs (a zombie does not)."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _SAME_START
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def spawn(
    argv: Sequence[str | os.PathLike[str]],
    *,
    stack: Path,
    output: Path,
    env: dict[str, str],
    cwd: Path,
) -> Owned:
    """Start a process in a session of its own, its output appended to that file.

    Raises LabError when the program cannot be started or the file cannot be written.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("ab") as log:
            child = subprocess.Popen(
                [os.fspath(part) for part in argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**env, MARK: str(stack)},
                cwd=cwd,
                start_new_session=True,
            )
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise LabError(
            f"{Path(argv[0]).name} could not be started ({error.strerror or error}).",
            f"Its log would be {shown(output)}.",
            "./lab doctor",
        ) from error
    _children.append(child)
    return Owned(child.pid, psutil.Process(child.pid).create_time())


_children: list[subprocess.Popen[bytes]] = []  # kept so that ended ones are reaped, not zombies


def reap() -> None:
    """Collect the exit status of children that ended."""
    _children[:] = [child for child in _children if child.poll() is None]


def end(processes: Iterable[Owned], grace: float = 10.0) -> None:
    """Ask each process and its group to end; after `grace` seconds, make them."""
    waiting = [process for process in processes if process.running()]
    for process in waiting:
        _signal_group(process.pid, signal.SIGCONT)  # a stopped process cannot hear SIGTERM
        _signal_group(process.pid, signal.SIGTERM)
    until(lambda: not any(p.running() for p in waiting), grace, lambda: None)
    for process in waiting:
        _signal_group(process.pid, signal.SIGKILL)  # the leader, or children it left behind
    until(lambda: not any(p.running() for p in waiting), 10, lambda: None)
    reap()


def _signal_group(pid: int, number: signal.Signals) -> None:
    """The process and, where it leads one, its group: the workers of a process that was killed lead none."""
    for send in (os.killpg, os.kill):
        with suppress(ProcessLookupError):  # no group of that name, or it ended by itself
            send(pid, number)


def marked(stack: Path) -> list[Owned]:
    """Every process on this machine that carries the stack's mark, whoever recorded it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == str(stack):
                found.append(Owned(process.pid, process.create_time()))
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue  # gone, or another user's: then not ours either
    return [process for process in found if process.running()]


def working_in(folder: Path) -> list[Owned]:
    """Every process whose working directory is that folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder):
                found.append(Owned(process.pid, process.create_time()))
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return [process for process in found if process.running()]


def descendants(pids: Iterable[int]) -> set[int]:
    """The pids of all their children, grandchildren and so on."""
    found: set[int] = set()
    for pid in pids:
        try:
            found |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
        except psutil.NoSuchProcess:
            continue
    return found


def until(ready: Callable[[], T], seconds: float, on_timeout: Callable[[], None], every: float = 0.05) -> T:
    """Ask `ready` until it says something true; after `seconds` call on_timeout, which may raise."""
    deadline = time.monotonic() + seconds
    while True:
        reap()
        answer = ready()
        if answer:
            return answer
        if time.monotonic() > deadline:
            on_timeout()
            return answer
        time.sleep(every)


def pss(pids: Iterable[int]) -> int:
    """Proportional set size of these processes in bytes; those that ended count as nothing."""
    total = 0
    for pid in pids:
        try:
            memory = psutil.Process(pid).memory_full_info()
            total += getattr(memory, "pss", memory.uss)  # macOS has no PSS
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total
