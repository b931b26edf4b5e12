"""The checks of one lab in a child process: it has a time limit, its output is capped, it can be killed.

The child is a fork: a process that has imported pytest once (a proof, a class to grade, a watch) starts
each further run in a few milliseconds. What it says comes through one pipe as lines of JSON, what the
learner's code prints through another. It leads a process group of its own, and the group is ended with it.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from labkit.course import mine
from labkit.course.curriculum import Lab
from labkit.course.verdict import NOTEBOOK_STEP, Outcome, Verdict, first_red, together

#: more than this in one run is a print in an endless loop
FLOOD = 2_000_000
_KEPT = 4_000  # of what one check printed, from its end
_GRACE = 2.0  # seconds beyond the limit, in which the child may say itself where it was
_TO_COLLECT = 30.0  # seconds until the checks are collected, on a machine that is very busy


@dataclass(frozen=True)
class Job:
    """What is to be run: the piece in mine/ (own) or the reference; with fail_fast only to the first red."""

    lab: Lab
    mine: Path
    own: bool = True
    fail_fast: bool = False
    notebook: bool = True


@dataclass
class Run:
    """What came of it. planned: how many checks there are; printed: by check, what was printed."""

    lab: Lab
    verdicts: list[Verdict] = field(default_factory=list)
    planned: int = 0
    printed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def outcome(self) -> Outcome:
        return together(self.verdicts)

    @property
    def red(self) -> Verdict | None:
        return first_red(self.verdicts)


def run(job: Job, on_verdict: Callable[[Run, Verdict], None] | None = None) -> Run:
    """Run the checks. on_verdict hears each verdict as soon as it is there."""
    return _Parent(job, on_verdict or (lambda run, verdict: None)).run()


# ---- the parent ----------------------------------------------------------------------------------


class _Parent:
    def __init__(self, job: Job, on_verdict: Callable[[Run, Verdict], None]) -> None:
        self.job = job
        self.on_verdict = on_verdict
        self.result = Run(job.lab)
        self.running: tuple[str, int] | None = None  # the check that runs: its name and step
        self.events = b""  # what has come of the events, as far as it was not heard yet
        self.output = bytearray()  # all that was printed, with a mark where each check begins
        self.finished = False
        self.deadline = time.monotonic() + _TO_COLLECT

    def run(self) -> Run:
        started = time.monotonic()
        events, say = os.pipe()
        output, print_ = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            _child(self.job, say, print_)
        os.close(say)
        os.close(print_)
        try:
            how = self._follow(pid, events, output)
        finally:
            with suppress(ProcessLookupError):  # nothing of the group is left
                os.killpg(pid, signal.SIGKILL)
            with suppress(ChildProcessError):  # waited for already
                os.waitpid(pid, 0)
            os.close(events)
            os.close(output)
        if not self.finished and Outcome.ERROR not in [each.outcome for each in self.result.verdicts]:
            self._verdict(self._cut_off(how))
        self.result.seconds = round(time.monotonic() - started, 3)
        return self.result

    def _follow(self, pid: int, events: int, output: int) -> str:
        """Listen until the child has ended. How it ended, where it did not end of itself."""
        with selectors.DefaultSelector() as selector:
            for pipe in (events, output):
                os.set_blocking(pipe, False)
                selector.register(pipe, selectors.EVENT_READ)
            while True:
                selector.select(0.05)
                ended, status = os.waitpid(pid, os.WNOHANG)
                # in this order: when a verdict is heard, all that was printed before it is there
                self.events += self._taken(selector, events)
                self.output += self._taken(selector, output)
                self._hear()
                if len(self.output) > FLOOD:
                    size = f"{FLOOD // 1_000_000} MB"
                    return f"printed more than {size} and was ended: a print in an endless loop?"
                if ended:
                    return _how(status)
                if time.monotonic() > self.deadline:
                    return (
                        f"did not finish within {self.job.lab.time_limit:g} s and was ended: an endless loop?"
                    )

    def _taken(self, selector: selectors.BaseSelector, pipe: int) -> bytes:
        """What is in that pipe now; a pipe that has ended is no longer listened to."""
        found = b""
        while pipe in selector.get_map() and len(found) <= FLOOD:
            try:
                data = os.read(pipe, 65536)
            except BlockingIOError:
                break
            if not data:
                selector.unregister(pipe)
            found += data
        return found

    def _hear(self) -> None:
        *lines, self.events = self.events.split(b"\n")
        for line in lines:
            event = json.loads(line)
            if event["event"] == "planned":
                self.result.planned = event["checks"]
                self.deadline = time.monotonic() + self.job.lab.time_limit + _GRACE
            elif event["event"] == "start":
                self.running = event["item"], event["step"]
            elif event["event"] == "verdict":
                self._verdict(Verdict.from_json(event["verdict"]))
            else:
                self.finished = True

    def _verdict(self, verdict: Verdict) -> None:
        _, mark, text = bytes(self.output).rpartition(_mark(verdict.item))
        if mark and (printed := text.partition(_MARK)[0][-_KEPT:]):
            self.result.printed[verdict.item] = printed.decode(errors="replace")
        self.result.verdicts.append(verdict)
        self.on_verdict(self.result, verdict)

    def _cut_off(self, how: str) -> Verdict:
        """The verdict of the check in which the run ended."""
        if self.running is None:
            last = self.output.decode(errors="replace").strip().splitlines()
            says = f"The checks of {self.job.lab.slug} could not be started: {last[-1] if last else how}"
            return Verdict("", 0, Outcome.ERROR, says, full="\n".join(last))
        item, step = self.running
        outcome = Outcome.WRONG if self.job.own else Outcome.ERROR
        return Verdict(item, step, outcome, f"{self.job.lab.slug} {how}")


#: in what is printed: here a check begins
_MARK = b"\0check\0"


def _mark(item: str) -> bytes:
    return _MARK + item.encode() + b"\0"


def _how(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}: out of memory, or somebody ended it"
    return f"ended Python in the middle of the check (exit code {code})"


# ---- the child -----------------------------------------------------------------------------------


def _child(job: Job, say: int, print_: int) -> NoReturn:
    """Never returns: what the parent had to clean up is the parent's."""
    code = 1
    try:
        atexit._clear()
        gc.disable()  # until the checks are collected: imports make no garbage worth 50 ms
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, pipe in ((0, nothing), (1, print_), (2, print_)):
            os.dup2(pipe, number)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # for as long as the process lives
        sys.stdout = open(1, "w", closefd=False, errors="backslashreplace")  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
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

    lab = job.lab
    labs = lab.folder.parent.parent
    os.environ.update(
        {"LAB_MINE": str(job.mine), "LAB_LABS": str(labs), mine.ONLY: lab.slug if job.own else ""}
    )
    if (labs / "__init__.py").exists():
        sys.path.insert(0, str(labs.parent))  # labs.shared of these labs, wherever they stand
    notebook = [str(lab.notebook)] if job.notebook and lab.notebook.exists() else []
    arguments = [
        "-c", os.devnull, "--rootdir", str(labs), "--confcutdir", str(labs), "--import-mode", "importlib",
        "--disable-plugin-autoload", "-p", "labkit.pytest_plugin", "--collect-in-virtualenv", "--capture=no",
        *(part for name in _NOT_NEEDED for part in ("-p", f"no:{name}")),
        *(["-x"] if job.fail_fast else []),
        str(lab.test_file), *notebook,
    ]  # fmt: skip
    return int(pytest.main(arguments, plugins=[teller]))


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
        sys.stdout.flush()
        os.write(1, _mark(item.name))
        mark = item.get_closest_marker("step")
        self._tell("start", item=item.name, step=mark.args[0] if mark else NOTEBOOK_STEP)

    def pytest_runtest_logreport(self, report: Any) -> None:
        verdict = getattr(report, "verdict", None)
        if verdict is not None:
            self._tell("verdict", verdict=replace(verdict, full=verdict.full[:50_000]).to_json())

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus in (0, 1):  # all checks were run: passed, or failed
            self._tell("end")
