"""A run of the whole system takes the right pieces of the learner's, and says which it leaves out."""

from __future__ import annotations

import os

from labkit.course import fitness, mine
from labkit.course.verdict import Outcome
from tests.engine.conftest import Learner

PARTS = ("greeting", "squares", "late_rows")


def outcomes(learner: Learner) -> dict[str, Outcome | None]:
    return dict(fitness.outcomes(learner.folders, learner.curriculum, PARTS))


def test_only_what_is_there_is_judged_and_what_was_changed_is_checked_now(learner: Learner) -> None:
    assert outcomes(learner) == {}

    learner.answers("greeting", 1, 'return f"Hello, {name}"')
    assert outcomes(learner) == {"greeting": Outcome.WRONG}

    learner.writes("greeting", learner.lab("greeting").reference.solved())
    assert outcomes(learner) == {"greeting": Outcome.RIGHT}

    learner.types("start", "late_rows")
    assert outcomes(learner) == {"greeting": Outcome.RIGHT, "late_rows": Outcome.TO_DO}


def test_several_pieces_may_count_and_the_others_do_not(monkeypatch) -> None:
    monkeypatch.setitem(os.environ, mine.ONLY, "greeting,late_rows")

    assert [slug for slug in (*PARTS, "greet", "") if mine.counts(slug)] == ["greeting", "late_rows"]
