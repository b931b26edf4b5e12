"""Which of the learner's pieces a run of the whole system may take: those that are right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from labkit.course import check, memory
from labkit.course.curriculum import Curriculum
from labkit.course.folders import Folders
from labkit.course.verdict import Outcome


def outcomes(
    folders: Folders, curriculum: Curriculum, slugs: Iterable[str]
) -> Iterator[tuple[str, Outcome | None]]:
    """For each of these parts that the learner has a piece of: its outcome; None: no lab checks it yet.

    A piece that was changed since its last check is checked now. Raises LabError: it cannot be.
    """
    for slug in slugs:
        if not (folders.mine / curriculum.parts[slug].with_stem(slug).name).exists():
            continue
        lab = curriculum.labs.get(slug)
        if lab is None:
            yield slug, None
        else:
            yield slug, memory.outcome(folders, lab) or check.check(folders, lab).run.outcome
