"""Stacks for tests that start and kill: a name of their own, and nothing left afterwards, asserted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from labkit.paths import ROOT
from labkit.services import process
from labkit.services.stack import Stack

T = TypeVar("T")


@pytest.fixture
def own_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A stack that this test may kill as it likes; whatever it leaves behind fails the test."""
    it = Stack(re.sub(r"[^\w.-]", "-", f"t{os.getpid()}-{request.node.name[:50]}"))
    yield it
    it.remove()
    assert process.marked(it.dir) == []


@pytest.fixture
def lab(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ./lab … as a person would; extra environment by env=."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "lab", *arguments], capture_output=True, text=True, timeout=180,
            env={**os.environ, **(env or {})}, cwd=tmp_path,
        )  # fmt: skip

    return run


def start_python(code: str, *arguments: str, **env: str) -> subprocess.Popen[str]:
    """A Python process of its own that runs this code."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **env},
    )  # fmt: skip


def seen(pids: Iterable[int], look: Callable[[psutil.Process], T]) -> list[T]:
    """What `look` finds of each process; none of one that ended meanwhile, as children and backends do at any time."""
    found = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            found.append(look(psutil.Process(pid)))
    return found


def listening(pids: Iterable[int]) -> set[str]:
    """The addresses on which these processes listen."""
    return {
        connection.laddr.ip.removeprefix("::ffff:")
        for connections in seen(pids, lambda each: each.net_connections("inet"))
        for connection in connections
        if connection.status == psutil.CONN_LISTEN
    }


def gone_within(seconds: float, stack: Path) -> bool:
    """Whether every process of that stack ends within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not process.marked(stack):
            return True
        time.sleep(0.1)
    return False


def kill(pid: int) -> None:
    """kill -9, and wait until the kernel has taken the process away."""
    os.kill(pid, signal.SIGKILL)
    process.until(lambda: not process.Owned(pid, _created(pid)).running(), 10, lambda: None)


def _created(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0
