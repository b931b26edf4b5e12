"""When a step of a script has settled: the barrier's part in scripted.Run, moment by moment, in a JVM but no job.

In a job these moments are microseconds apart. One source, one recorder; barriers are named by their checkpoint.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.services.process import until
from labkit.testing.flink import flink


class Run:
    """A scripted.Run, whose methods belong to its package."""

    def __init__(self, java: Any, journal: Path) -> None:
        self._java = java
        self._class = java.java.lang.Thread.currentThread().getContextClassLoader().loadClass("scripted.Run")
        [made] = self._class.getDeclaredConstructors()
        made.setAccessible(True)
        self._run = made.newInstance(self._values(1, 1, str(journal)))

    def _values(self, *values: Any) -> Any:
        array = self._java.java.lang.reflect.Array.newInstance(
            self._java.java.lang.Class.forName("java.lang.Object"), len(values)
        )
        for place, value in enumerate(values):
            array[place] = value
        return array

    def tell(self, name: str, *values: Any) -> Any:
        [method] = [each for each in self._class.getDeclaredMethods() if each.getName() == name]
        method.setAccessible(True)
        return method.invoke(self._run, self._values(*values))

    def settling(self) -> threading.Thread:
        """A settling that has begun."""
        thread = threading.Thread(target=self.tell, args=("settle", False), daemon=True)
        thread.start()
        field = self._class.getDeclaredField("settling")
        field.setAccessible(True)
        until(lambda: bool(field.get(self._run)), 5, lambda: pytest.fail("no settling began within 5 s"))
        return thread


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with flink() as it:
        found = Run(it.java, tmp_path / "journal.jsonl")
        found.tell("join", 0, 0)
        yield found


def test_by_a_barrier_that_leaves_the_source_and_reaches_the_recorder(run: Run) -> None:
    thread = run.settling()
    run.tell("snapshot", 1)
    run.tell("reached", 1)

    thread.join(5)
    assert not thread.is_alive()


def test_by_a_barrier_that_was_at_the_recorder_of_the_same_task_already(run: Run) -> None:
    """Within a task the last operator takes its part of a checkpoint first; here a settling begins in between."""
    run.tell("reached", 1)
    thread = run.settling()
    run.tell("snapshot", 1)

    thread.join(5)
    assert not thread.is_alive()


def test_not_by_a_barrier_that_left_before(run: Run) -> None:
    run.tell("snapshot", 1)  # behind other steps than these
    thread = run.settling()
    run.tell("reached", 1)

    thread.join(0.3)
    assert thread.is_alive()
    run.tell("snapshot", 2)
    run.tell("reached", 2)
    thread.join(5)
    assert not thread.is_alive()


def test_not_twice_by_the_same_barrier(run: Run) -> None:
    first = run.settling()
    run.tell("snapshot", 1)
    run.tell("reached", 1)
    first.join(5)

    second = run.settling()
    second.join(0.3)
    assert second.is_alive()
    run.tell("reached", 2)
    run.tell("snapshot", 2)
    second.join(5)
    assert not second.is_alive()
