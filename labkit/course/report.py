"""The way so far, as Markdown: what is done, which wrong answers were met, and what they taught."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import memory
from labkit.course.answers import answers
from labkit.course.curriculum import Curriculum, Lab
from labkit.course.folders import Folders
from labkit.course.verdict import Outcome


def report(folders: Folders, curriculum: Curriculum) -> Iterator[str]:
    """The report's lines."""
    entries = list(memory.journal(folders))
    done = {slug: memory.outcome(folders, lab) for slug, lab in curriculum.labs.items()}
    right = sum(outcome is Outcome.RIGHT for outcome in done.values())
    yield "# My way through the labs"
    yield ""
    yield f"{right} of {len(done)} labs are done."
    for phase, labs in curriculum.phases.items():
        yield ""
        yield f"## {phase}"
        yield ""
        yield "| lab | what it builds | |"
        yield "|---|---|---|"
        for lab in labs:
            outcome = done[lab.slug] or "not checked since it changed"
            yield f"| {lab.title} (`{lab.slug}`) | {lab.builds} | {outcome} |"
    lessons = {slug: list(_lessons(curriculum.labs[slug], entries)) for slug in curriculum.labs}
    if any(lessons.values()):
        yield ""
        yield "## What I got wrong, and what it taught"
        for slug, taught in lessons.items():
            if taught:
                yield ""
                yield f"### {curriculum.labs[slug].title}"
                yield ""
                yield from taught


def _lessons(lab: Lab, entries: list[memory.Entry]) -> Iterator[str]:
    """The wrong answers that were met, recognised by their sentence, in the order they were met."""
    met = {
        entry.says: entry for entry in entries if entry.slug == lab.slug and entry.outcome is Outcome.WRONG
    }
    told = set()
    for says in met:
        for answer in answers(lab).wrong:
            if answer.says in says and answer.teaches not in told:
                told.add(answer.teaches)
                yield f"- {says} **{answer.teaches}**"
                break
