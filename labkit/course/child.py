"""The process in which a learner's code runs: a fork that imports pytest, and then is given its job.

It is forked before it is known what to check, so that pytest is imported while the parent looks things up;
in a process that has imported pytest already (a proof, a class to grade, a watch) it starts in milliseconds.
What happens goes to the parent as lines of JSON through one pipe, what Python code prints through a second,
and all else that comes out of the process and what it starts (JVMs, warnings) through a third.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import pickle
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from labkit import waiting
from labkit.course import mine
from labkit.course.curriculum import Lab
from labkit.course.verdict import NOTEBOOK_STEP, Outcome, Verdict


@dataclass(frozen=True)
class Job:
    """What is to be run: the piece in mine/ (own) or the reference; with fail_fast only to the first red.

    begin: the step whose checks come first; 0: all in their order.
    """

    lab: Lab
    mine: Path
    own: bool = True
    fail_fast: bool = False
    notebook: bool = True
    begin: int = 0


class Child:
    """A child that waits for its job, and is ended with its `with` block, and all that it started.

    events, printed, noise: the pipes to listen to.
    """

    def __init__(self) -> None:
        job, self._job = os.pipe()
        self.events, say = os.pipe()
        self.printed, print_ = os.pipe()
        self.noise, mutter = os.pipe()
        self._open = [self._job, self.events, self.printed, self.noise]
        self._status: int | None = None
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._job)
            _live(job, say, print_, mutter)
        for end in (job, say, print_, mutter):
            os.close(end)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *error: object) -> None:
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)  # it may not lead its group yet
            self._status = os.waitpid(self.pid, 0)[1]
        with suppress(ProcessLookupError):  # nothing of the group is left
            os.killpg(self.pid, signal.SIGKILL)
        while self._open:
            os.close(self._open.pop())

    def give(self, job: Job) -> None:
        """Say what is to be run."""
        self._open.remove(self._job)
        with os.fdopen(self._job, "wb") as pipe:
            pickle.dump(job, pipe)

    def ended(self) -> int | None:
        """The status it ended with, if it has ended of itself."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = status if pid else None
        return self._status


#: in what is printed: here a check begins
MARK = b"\0check\0"


def mark(item: str) -> bytes:
    return MARK + item.encode() + b"\0"


def _live(job_pipe: int, say: int, print_: int, mutter: int) -> NoReturn:
    """Never returns: what the parent has to clean up is the parent's."""
    code = 1
    try:
        atexit._clear()
        gc.disable()  # until the checks are collected: imports make no garbage worth 50 ms
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, end in ((0, nothing), (1, mutter), (2, mutter)):
            os.dup2(end, number)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # for as long as the process lives
        sys.stdout = open(print_, "w", closefd=False, errors="backslashreplace")  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)

        with os.fdopen(job_pipe, "rb") as pipe:
            text = pipe.read()
        if text:  # else the parent found that there is nothing to check
            job: Job = pickle.loads(text)
            # somebody may kill the parent: a loop without an end does not outlive it for long
            signal.setitimer(signal.ITIMER_VIRTUAL, 2 * job.lab.time_limit + 10)
            code = _pytest(job, Teller(say, job.lab))
            atexit._run_exitfuncs()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


#: plugins of pytest that no lab needs: the time to the first red step is what a learner waits for
_NOT_NEEDED = (
    "cacheprovider", "terminal", "faulthandler", "doctest", "junitxml", "pastebin", "stepwise", "setuponly",
    "setupplan", "unittest", "legacypath", "unraisableexception", "threadexception",
)  # fmt: skip


def _pytest(job: Job, teller: Teller) -> int:
    import pytest

    from labkit.course import cells

    lab = job.lab
    labs = lab.folder.parent.parent
    with_notebook = job.notebook and lab.notebook.exists() and cells.can_run()
    # now, while nothing of the learner's is in here
    spare = [WithSpare(cells.Spare())] if with_notebook and cells.preloaded() else []
    os.environ.update(
        {"LAB_MINE": str(job.mine), "LAB_LABS": str(labs), mine.ONLY: lab.slug if job.own else ""}
    )
    if (labs / "__init__.py").exists():
        sys.path.insert(0, str(labs.parent))  # labs.shared of these labs, wherever they stand
    os.environ.pop("PYTEST_ADDOPTS", None)  # somebody's habits elsewhere
    arguments = [
        "-c", os.devnull, "--rootdir", str(labs), "--confcutdir", str(labs), "--import-mode", "importlib",
        "--disable-plugin-autoload", "-p", "labkit.pytest_plugin", "--collect-in-virtualenv", "--capture=no",
        *(part for name in _NOT_NEEDED for part in ("-p", f"no:{name}")),
        *(["-x"] if job.fail_fast else []),
        str(lab.test_file), *([str(lab.notebook)] if with_notebook else []),
    ]  # fmt: skip
    waiting.tell(teller.waits, teller.goes_on)
    return int(pytest.main(arguments, plugins=[teller, First(job.begin), *spare]))


class Teller:
    """A pytest plugin that tells the parent what happens, a line of JSON each."""

    def __init__(self, pipe: int, lab: Lab) -> None:
        self.pipe = pipe
        self.lab = lab

    def _tell(self, event: str, **values: Any) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        data = json.dumps({"event": event, **values}).encode() + b"\n"
        while data:
            data = data[os.write(self.pipe, data) :]

    def waits(self, text: str) -> None:
        self._tell("waits", text=text)

    def goes_on(self) -> None:
        self._tell("goes on")

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self._error(f"{self.lab.test_file.name} cannot be collected", report.longreprtext)

    def pytest_internalerror(self, excrepr: Any) -> None:
        self._error("pytest itself failed", str(excrepr))

    def _error(self, what: str, text: str) -> None:
        last = [line.removeprefix("E").strip() for line in text.splitlines() if line.strip()]
        says = f"{what}: {last[-1] if last else 'no reason given'}"
        self._tell("verdict", verdict=Verdict("", 0, Outcome.ERROR, says, full=text).to_json())

    def pytest_collection_finish(self, session: Any) -> None:
        gc.freeze()
        gc.enable()
        self._tell("planned", checks=len(session.items))

    def pytest_runtest_setup(self, item: Any) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.write(stream.fileno(), mark(item.name))
        self._tell("start", item=item.name, step=_step(item))

    def pytest_runtest_logreport(self, report: Any) -> None:
        verdict = getattr(report, "verdict", None)
        if verdict is not None:
            self._tell("verdict", verdict=replace(verdict, full=verdict.full[:50_000]).to_json())

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus in (0, 1):  # all checks were run: passed, or failed
            self._tell("end")


class WithSpare:
    """A pytest plugin: what runs a notebook's cells waits already."""

    def __init__(self, spare: Any) -> None:
        self.spare = spare

    def pytest_configure(self, config: Any) -> None:
        from labkit.course import notebook

        config.stash[notebook.SPARE] = self.spare


class First:
    """A pytest plugin that puts the checks of a step before all others; 0: of none."""

    def __init__(self, step: int) -> None:
        self.step = step

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        if self.step:
            items.sort(key=lambda item: _step(item) != self.step)


def _step(item: Any) -> int:
    marker = item.get_closest_marker("step")
    return int(marker.args[0]) if marker else NOTEBOOK_STEP
