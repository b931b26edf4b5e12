"""The checks of one lab, run in a child process: it has a time limit, its output is capped, it can be killed.

Nothing of it is left running: the child leads a process group of its own, and the group is ended with it.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from labkit.busy import busy
from labkit.course.child import MARK, Child, Job, mark
from labkit.course.curriculum import Lab
from labkit.course.verdict import Outcome, Verdict, first_red, together

#: more than this in one run is a print in an endless loop
FLOOD = 2_000_000
_KEPT = 4_000  # of what one check printed, from its end
_GRACE = 2.0  # seconds beyond the limit, in which the child may say itself where it was
_TO_COLLECT = 30.0  # seconds until the checks are collected, on a machine that is very busy


@dataclass
class Run:
    """What came of it. planned: how many checks there are. printed, noise: what came out, by check."""

    lab: Lab
    verdicts: list[Verdict] = field(default_factory=list)
    planned: int = 0
    printed: dict[str, str] = field(default_factory=dict)
    noise: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def outcome(self) -> Outcome:
        return together(self.verdicts)

    @property
    def red(self) -> Verdict | None:
        return first_red(self.verdicts)


def run(
    job: Job,
    on_verdict: Callable[[Run, Verdict], None] | None = None,
    child: Child | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> Run:
    """Run the checks. child: one that waits already.

    on_verdict hears each verdict as soon as it is there; on_wait a sentence of what the checks wait for, such
    as a download: its time is none of theirs.
    """
    with child or Child() as it:
        listener = _Listener(job, on_verdict or (lambda run, verdict: None), on_wait or (lambda text: None))
        return listener.listen(it)


class _Listener:
    def __init__(
        self, job: Job, on_verdict: Callable[[Run, Verdict], None], on_wait: Callable[[str], None]
    ) -> None:
        self.job = job
        self.on_verdict = on_verdict
        self.on_wait = on_wait
        self.result = Run(job.lab)
        self.running: tuple[str, int] | None = None  # the check that runs: its name and step
        self.events = b""  # what has come of the events, as far as it was not heard yet
        self.printed = bytearray()  # all that was printed, with a mark where each check begins
        self.noise = bytearray()
        self.finished = False
        self.deadline = time.monotonic() + _TO_COLLECT
        self.waits_since: float | None = None

    def listen(self, child: Child) -> Run:
        started = time.monotonic()
        child.give(self.job)
        how = self._follow(child)
        if not self.finished and Outcome.ERROR not in [each.outcome for each in self.result.verdicts]:
            self._verdict(self._cut_off(how))
        self.result.seconds = round(time.monotonic() - started, 3)
        return self.result

    def _follow(self, child: Child) -> str:
        """Listen until the child has ended. How it ended, where it did not end of itself."""
        with selectors.DefaultSelector() as selector:
            for pipe in (child.events, child.printed, child.noise):
                os.set_blocking(pipe, False)
                selector.register(pipe, selectors.EVENT_READ)
            while True:
                selector.select(0.05)
                status = child.ended()
                # in this order: when a verdict is heard, all that was printed before it is there
                self.events += self._taken(selector, child.events)
                self.printed += self._taken(selector, child.printed)
                self.noise += self._taken(selector, child.noise)
                self._hear()
                if len(self.printed) + len(self.noise) > FLOOD:
                    size = f"{FLOOD // 1_000_000} MB"
                    return f"printed more than {size} and was ended: a print in an endless loop?"
                if status is not None:
                    return _how(status)
                if self.waits_since is None and time.monotonic() > self.deadline:
                    limit = f"{self.job.lab.time_limit:g} s"
                    return f"did not finish within {limit} and was ended: an endless loop?{busy()}"

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
            elif event["event"] == "waits":
                self.waits_since = self.waits_since or time.monotonic()
                self.on_wait(event["text"])
            elif event["event"] == "goes on":
                self.deadline += time.monotonic() - (self.waits_since or time.monotonic())
                self.waits_since = None
            else:
                self.finished = True

    def _verdict(self, verdict: Verdict) -> None:
        for output, kept in ((self.printed, self.result.printed), (self.noise, self.result.noise)):
            _, found, text = bytes(output).rpartition(mark(verdict.item))
            if found and (tail := text.partition(MARK)[0][-_KEPT:]):
                kept[verdict.item] = tail.decode(errors="replace")
        self.result.verdicts.append(verdict)
        self.on_verdict(self.result, verdict)

    def _cut_off(self, how: str) -> Verdict:
        """The verdict of the check in which the run ended."""
        if self.running is None:
            last = self.noise.decode(errors="replace").strip().splitlines()
            says = f"The checks of {self.job.lab.slug} could not be started: {last[-1] if last else how}"
            return Verdict("", 0, Outcome.ERROR, says, full="\n".join(last))
        item, step = self.running
        outcome = Outcome.WRONG if self.job.own else Outcome.ERROR
        return Verdict(item, step, outcome, f"{self.job.lab.slug} {how}")


def _how(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}: out of memory, or somebody ended it"
    return f"ended Python in the middle of the check (exit code {code})"
