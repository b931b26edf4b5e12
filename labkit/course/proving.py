"""Every check is proven, on trees exactly as a learner has them: one piece in mine/, all else the reference.

    stub          red, to do, at its first TODO; the same when the first steps are written already
    reference     green, also in another dress and with the wrong answers in its comments
    wrong answer  wrong at its step or before, with its own sentence and nobody else's
    right answer  green
    mutations     those that no check notices are listed; they do not fail

A check that reads the learner's text is caught by the dress: what the program does stays, its words change.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from labkit.course import cells, disguise, runner
from labkit.course.answers import Answer, Answers, answers
from labkit.course.child import Job
from labkit.course.curriculum import Lab
from labkit.course.mutations import Mutation, mutations
from labkit.course.runner import Run
from labkit.course.verdict import NOTEBOOK_STEP, Outcome

#: seconds that a mutation has beyond three times the longest check before it counts as one that never ends
_SPARE = 5


@dataclass
class Proof:
    """What was proven of a lab: how many runs, what does not hold, which mutations nobody noticed."""

    lab: Lab
    runs: int = 0
    failures: list[str] = field(default_factory=list)
    mutants: int = 0
    survivors: list[Mutation] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return not self.failures


def prove(
    lab: Lab,
    *,
    with_mutations: bool = True,
    everywhere: bool = False,
    on_run: Callable[[str, Run], None] = lambda what, run: None,
) -> Proof:
    """Prove the checks of a lab; on_run hears of each run. Raises LabError: its answers are not right."""
    _import(lab)
    known = answers(lab)
    proof = Proof(lab)
    with tempfile.TemporaryDirectory(prefix="lab-prove-") as folder:
        prover = _Prover(proof, Path(folder), known, on_run)
        for failure in prover.failures():
            proof.failures.append(failure)
        if with_mutations and proof.holds:
            prover.mutate(everywhere=everywhere)
    return proof


def _import(lab: Lab) -> None:
    """What every run imports, here once: each is a fork of this process."""
    import labkit.course.plugin
    import labkit.testing  # noqa: F401

    if lab.suffix == ".py":  # for SQL not: there a learner's check has no PyFlink in its process
        import pyflink.fn_execution  # noqa: F401
    if lab.notebook.exists() and cells.can_run():
        cells.preload()


class _Prover:
    def __init__(self, proof: Proof, mine: Path, known: Answers, on_run: Callable[[str, Run], None]) -> None:
        self.proof = proof
        self.lab = proof.lab
        self.mine = mine
        self.known = known
        self.on_run = on_run
        self.longest = 0.0

    def failures(self) -> Iterator[str]:
        """What does not hold, one sentence each."""
        yield from self._reference()
        yield from self._stubs()
        for answer in self.known.wrong:
            yield from self._wrong(answer)
        for answer in self.known.right:
            yield from self._green(f"right answer `{answer.name}`", answer.piece, notebook=True)

    def mutate(self, *, everywhere: bool) -> None:
        """Try every mutation, and list those that no check notices.

        Some never end: they are not waited for as long as a learner's own loop would be.
        """
        self.lab = replace(self.lab, time_limit=min(self.lab.time_limit, 3 * self.longest + _SPARE))
        tried = mutations(self.lab.reference, everywhere=everywhere)
        self.proof.mutants = len(tried)
        listed = {mutation.change for mutation in tried}
        self.proof.stale = [change for change in self.known.equivalent if change not in listed]
        for mutation in tried:
            if mutation.change in self.known.equivalent:
                continue
            what = f"mutation {mutation.change}"  # most are noticed by the checks of their own step
            if self._run(what, mutation.text, fail_fast=True, begin=mutation.step).red is None:
                self.proof.survivors.append(mutation)

    def _run(
        self, what: str, text: str | None, *, fail_fast: bool = False, notebook: bool = False, begin: int = 0
    ) -> Run:
        """The checks with this text as the learner's piece; None: with no piece."""
        piece = self.mine / self.lab.file_name
        piece.unlink(missing_ok=True)
        if text is not None:
            piece.write_bytes(text.encode())
        self.proof.runs += 1
        run = runner.run(Job(self.lab, self.mine, fail_fast=fail_fast, notebook=notebook, begin=begin))
        self.proof.seconds += run.seconds
        self.longest = max(self.longest, run.seconds)
        self.on_run(what, run)
        return run

    def _green(self, what: str, text: str | None, *, notebook: bool = False) -> Iterator[str]:
        run = self._run(what, text, notebook=notebook)
        if red := run.red:
            why = f" ({red.where})" if red.where else ""
            yield f"{what} is red at step {_step(red.step)}: {red.says}{why}"
        elif run.planned == 0:
            yield f"{what}: no check was run"

    def _reference(self) -> Iterator[str]:
        reference = self.lab.reference
        failed = list(self._green("the reference", None, notebook=True))
        yield from failed
        if failed:
            return
        solved = reference.solved()
        restyled = disguise.restyled(solved, self.lab.suffix)
        dress = "the reference in another layout"
        hint = ": does a check read the text?"
        for failure in self._green(dress, restyled):
            yield failure + hint
        quoted = disguise.quoting(solved, self.lab.suffix, [answer.piece for answer in self.known.wrong])
        for failure in self._green("the reference with the wrong answers in its comments", quoted):
            yield failure + hint

    def _stubs(self) -> Iterator[str]:
        reference = self.lab.reference
        steps = sorted(reference.steps)
        if not steps:
            yield "the reference has no marked block: there is nothing to write"
        for done, step in zip([0, *steps], steps, strict=False):
            what = f"the stub, written up to step {done}," if done else "the stub"
            run = self._run(what, reference.stub(done), fail_fast=done > 0)
            red = run.red
            if red is None:
                yield f"{what} is green: no check needs step {step}"
            elif (red.outcome, red.at) != (Outcome.TO_DO, step):
                yield f"{what} is {red.outcome} at step {_step(red.at)}, not to do at step {step}: {red.says}"
            elif red.step < step:
                yield f"{what} cannot be checked: {red.item}, of step {red.step}, needs step {step}"
        if steps:
            copied = disguise.quoting(reference.stub(), self.lab.suffix, [reference.solved()])
            what = "the stub with the solution in comments"
            if self._run(what, copied).red is None:
                yield f"{what} is green: a check reads the text"

    def _wrong(self, answer: Answer) -> Iterator[str]:
        what = f"wrong answer `{answer.name}`"
        red = self._run(what, answer.piece, fail_fast=True, notebook=True).red
        if red is None:
            yield f"{what} is green: no check notices it"
            return
        if red.outcome is not Outcome.WRONG:
            yield f"{what} is {red.outcome} at step {_step(red.at)}, not wrong: {red.says}"
            return
        if answer.says not in red.says:
            yield f"{what} gets another sentence than its own: {red.says}"
        if red.step > answer.step and red.step != NOTEBOOK_STEP:
            yield f"{what} is red at step {red.step}, behind its step {answer.step}"
        for other in self.known.wrong:
            if other.says != answer.says and other.says in red.says:
                yield f"{what} gets the sentence of `{other.name}`: {red.says}"


def _step(step: int) -> str:
    return "notebook" if step == NOTEBOOK_STEP else str(step)
