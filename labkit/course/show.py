"""What a person reads of a check: under ten lines, in words, with colour only on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence

from labkit.course import memory
from labkit.course.curriculum import Curriculum, Lab
from labkit.course.folders import Folders
from labkit.course.runner import Run
from labkit.course.verdict import GOOD, NOTEBOOK_STEP, Outcome, Verdict, first_red, together

_COLOURS = {
    Outcome.REFERENCE: "36",
    Outcome.TO_DO: "33",
    Outcome.WRONG: "31",
    Outcome.RIGHT: "32",
    Outcome.ERROR: "31",
}
#: lines between the sentence and what comes next: with these a red step takes less than ten
_ROOM = 5


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


def one(lab: Lab, verdict: Verdict, *, full: bool = False, room: int = _ROOM) -> Iterator[str]:
    """What happened, what was expected, and the learner's own line. room: lines below the sentence."""
    yield coloured(f"{lab.slug}, {_step(lab, verdict.at)}: {verdict.outcome}", verdict.outcome)
    yield f"  {verdict.says}"
    room -= bool(verdict.where)
    values = [pair for pair in (("expected", verdict.expected), ("got", verdict.got)) if pair[1]]
    for word, value in values:
        for number, line in enumerate(value.splitlines()[: room // len(values)]):
            yield f"    {word if number == 0 else '':<9} {_cut(line)}"
    if not values:
        yield from (f"    {_cut(line)}" for line in verdict.details.splitlines()[:room])
    if verdict.where:
        yield f"  at {_cut(verdict.where)}"
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
        return f"./lab notebook {lab.slug}; ./lab check {lab.slug} -v shows the cell"
    return f"./lab hint {lab.slug} {verdict.at}"


def phases(labs: Mapping[str, Lab], verdicts: Mapping[str, Sequence[Verdict]]) -> Iterator[str]:
    """The closing table: whose each phase is."""
    found: dict[str, list[Lab]] = {}
    for lab in labs.values():
        found.setdefault(lab.phase, []).append(lab)
    for phase, of_phase in sorted(found.items()):
        outcomes = {lab.slug: together(verdicts.get(lab.slug, [])) for lab in of_phase}
        yield whose(phase, outcomes)


def whose(phase: str, outcomes: Mapping[str, Outcome | None], *, only_right: bool = False) -> str:
    """`phase2_pyflink: 3 of 15 yours; to do: state; wrong: windows`."""
    right = sum(outcome is Outcome.RIGHT for outcome in outcomes.values())
    line = f"{phase}: {right} of {len(outcomes)} yours"
    if only_right:
        return line
    for outcome in (Outcome.TO_DO, Outcome.WRONG, Outcome.ERROR):
        slugs = [slug for slug, each in outcomes.items() if each is outcome]
        if slugs:
            line += f"; {outcome}: {', '.join(slugs)}"
    return line


def worth_doing(labs: Sequence[Lab], outcomes: Mapping[str, Outcome | None]) -> str:
    """The labs that are not right yet, with their minutes; nothing if all are, or none was begun."""
    if all(outcome is Outcome.REFERENCE for outcome in outcomes.values()):
        return ""
    left = [f"{lab.slug} ({lab.minutes} min)" for lab in labs if outcomes[lab.slug] is not Outcome.RIGHT]
    return f"Worth doing: {', '.join(left)}" if left else ""


def lab_line(lab: Lab, outcome: Outcome | None, red: Verdict | None = None) -> str:
    """A lab on a line: its name, its outcome, and what it is or what is wrong with it."""
    word = str(outcome) if outcome else "changed"
    padded = f"{word:<11}"
    text = f"step {red.at}: {_cut(red.says)}" if red else lab.title
    return f"  {lab.slug:<20} {coloured(padded, outcome) if outcome else padded} {text}"


def right(folders: Folders, lab: Lab, run: Run, *, edited: bool = False) -> Iterator[str]:
    """Every check passed. edited: of the lab's files as they are, which decide nothing."""
    yield coloured(f"{lab.slug}: {run.outcome}", run.outcome)
    steps = len({verdict.step for verdict in run.verdicts} - {NOTEBOOK_STEP})
    yield f"  {len(run.verdicts)} checks of {steps} step{'s' if steps > 1 else ''} pass, {run.seconds:.1f} s."
    if run.outcome is Outcome.RIGHT and edited:
        yield "  So say the lab's files as they are here; MarketLag goes by the committed ones."
    elif run.outcome is Outcome.RIGHT:
        yield f"  MarketLag runs on your {lab.slug} now."
        if lab.discussion.exists():
            yield f"  What it costs, and what else would do: {folders.shown(lab.discussion)}"


def told(lab: Lab, run: Run, verdict: Verdict, *, full: bool = False) -> Iterator[str]:
    """The same with what the check printed, in no more lines: the last two; full: all, whoever printed it."""
    noise = run.noise.get(verdict.item, "") if full else ""
    lines = (run.printed.get(verdict.item, "") + noise).rstrip("\n").splitlines()
    shown = [f"  printed   {_cut(line)}" for line in (lines if full else lines[-2:])]
    yield from one(lab, verdict, full=full, room=_ROOM - (0 if full else len(shown)))
    if len(lines) > len(shown):
        shown[-1] += f"   ({len(lines) - len(shown)} lines before: ./lab check {lab.slug} -v)"
    yield from shown


def after(folders: Folders, curriculum: Curriculum, lab: Lab) -> str:
    """What to type when this lab is right: the next one of the path that is not."""
    others = list(curriculum.labs.values())
    place = [other.slug for other in others].index(lab.slug)
    for other in [*others[place + 1 :], *others[:place]]:
        if memory.outcome(folders, other) is not Outcome.RIGHT:
            started = (folders.mine / other.file_name).exists()
            return f"./lab {'check' if started else 'start'} {other.slug}"
    return "make demo, on your parts; ./lab report"


def status(folders: Folders, curriculum: Curriculum) -> Iterator[str]:
    """Where somebody is on the path, and what comes next."""
    from labkit.course.check import in_work, strays

    outcomes = {lab: memory.outcome(folders, lab) for lab in curriculum.labs.values()}
    for phase, labs in curriculum.phases.items():
        yield f"  {whose(phase, {lab.slug: outcomes[lab] for lab in labs})}"
    for path in strays(folders, curriculum):
        yield f"  {folders.shown(path)} belongs to no lab: it is not used."
    if all(outcome is Outcome.REFERENCE for outcome in outcomes.values()):
        first = next(iter(curriculum.labs), None)
        yield f"Next: ./lab start {first}" if first else "Next: make demo"
        return
    lab = in_work(folders, curriculum)
    outcome = outcomes[lab]
    if outcome is Outcome.RIGHT:
        yield f"Next: {after(folders, curriculum, lab)}"
        return
    yield f"In work: {lab.slug} ({outcome or 'changed since its last check'}), {folders.shown(lab.readme)}"
    yield f"Next: edit {folders.shown(folders.mine / lab.file_name)}, then ./lab check"


def _step(lab: Lab, step: int) -> str:
    if step == NOTEBOOK_STEP:
        return "notebook"
    title = lab.reference.steps.get(step)
    return f"step {step} ({title})" if title else f"step {step}"


def _cut(line: str) -> str:
    return line if len(line) <= 200 else line[:198] + " …"
