"""What a person reads of a check: under ten lines, in words, with colour only on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence

from labkit.course.curriculum import Lab
from labkit.course.verdict import GOOD, NOTEBOOK_STEP, Outcome, Verdict, first_red, together

_COLOURS = {
    Outcome.REFERENCE: "36",
    Outcome.TO_DO: "33",
    Outcome.WRONG: "31",
    Outcome.RIGHT: "32",
    Outcome.ERROR: "31",
}


def coloured(text: str, outcome: Outcome) -> str:
    """The text in the outcome's colour, on a terminal that wants colours."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{_COLOURS[outcome]}m{text}\x1b[0m"


def red(lab: Lab, verdicts: Sequence[Verdict], planned: int, *, full: bool = False) -> Iterator[str]:
    """The first step that is not right, and how many others are not. full: all that pytest knows."""
    verdict = first_red(verdicts)
    if verdict is None:
        return
    yield from one(lab, verdict, full=full)
    if tally := counted(verdicts, planned):
        yield tally
    yield f"Next: {next_step(lab, verdict)}"


def one(lab: Lab, verdict: Verdict, *, full: bool = False) -> Iterator[str]:
    """What happened, what was expected, and the learner's own line."""
    yield coloured(f"{lab.slug}, {_step(lab, verdict.step)}: {verdict.outcome}", verdict.outcome)
    yield f"  {verdict.says}"
    for word, value in (("expected", verdict.expected), ("got", verdict.got)):
        lines = value.splitlines()
        for number, line in enumerate(lines[:3]):
            yield f"    {word if number == 0 else '':<9} {_cut(line)}"
    if verdict.where:
        yield f"  at {verdict.where}"
    if full and verdict.full:
        yield from (f"  | {line}" for line in verdict.full.splitlines())


def counted(verdicts: Sequence[Verdict], planned: int) -> str:
    """How many checks are right, and how many behind the first red one are not."""
    good = sum(verdict.outcome in GOOD for verdict in verdicts)
    later = sum(verdict.outcome not in GOOD for verdict in verdicts) - 1
    missing = planned - len(verdicts)
    parts = [f"{good} of {max(planned, len(verdicts))} checks right"]
    if later > 0:
        parts.append(f"{later} later not yet")
    if missing > 0:
        parts.append(f"{missing} not run")
    return "  " + ", ".join(parts) + "."


def next_step(lab: Lab, verdict: Verdict) -> str:
    """What to type next."""
    if verdict.outcome is Outcome.ERROR:
        return f"./lab check {lab.slug} -v"
    if verdict.step == NOTEBOOK_STEP:
        return f"open {lab.folder.name}/lab.ipynb: ./lab check {lab.slug} -v shows the cell"
    return f"./lab hint {lab.slug} {verdict.step}"


def phases(labs: Mapping[str, Lab], verdicts: Mapping[str, Sequence[Verdict]]) -> Iterator[str]:
    """The closing table: whose each phase is."""
    found: dict[str, list[Lab]] = {}
    for lab in labs.values():
        found.setdefault(lab.phase, []).append(lab)
    for phase, of_phase in sorted(found.items()):
        outcomes = {lab.slug: together(verdicts.get(lab.slug, [])) for lab in of_phase}
        yield whose(phase, outcomes)


def whose(phase: str, outcomes: Mapping[str, Outcome]) -> str:
    """`phase2_pyflink: 3 of 15 yours; to do: state; wrong: windows`."""
    right = sum(outcome is Outcome.RIGHT for outcome in outcomes.values())
    line = f"{phase}: {right} of {len(outcomes)} yours"
    for outcome in (Outcome.TO_DO, Outcome.WRONG, Outcome.ERROR):
        slugs = [slug for slug, each in outcomes.items() if each is outcome]
        if slugs:
            line += f"; {outcome}: {', '.join(slugs)}"
    return line


def _step(lab: Lab, step: int) -> str:
    if step == NOTEBOOK_STEP:
        return "notebook"
    title = lab.reference.steps.get(step)
    return f"step {step} ({title})" if title else f"step {step}"


def _cut(line: str) -> str:
    return line if len(line) <= 200 else line[:198] + " …"
