"""Labs in Python, once in process mode, PyFlink's default: their checks run in a thread of the TaskManager."""

from __future__ import annotations

from pathlib import Path

import pytest

from capstone_marketlag import pieces
from labkit.course.answers import answers
from labkit.course.curriculum import Curriculum
from labkit.paths import ROOT
from labkit.testing import run_stream
from labs.phase2_pyflink.lab06_state.test_state import WEEK, WEEK_TOLD, told
from labs.shared.hours import judged

PROCESS = {"python.execution-mode": "process"}
STATE = Curriculum(ROOT / "labs").lab("state")

#: the reference, and the right answers whose values go to the worker by other serialisers
PIECES = {"the reference": STATE.reference.solved()} | {
    answer.name: answer.piece
    for answer in answers(STATE).right
    if answer.name.startswith(("Decimals", "ListState", "one dict in a ValueState"))
}


@pytest.mark.parametrize("name", PIECES)
def test_state(name: str, tmp_path: Path) -> None:
    piece = tmp_path / "state.py"
    piece.write_text(PIECES[name])
    changes = pieces.load("state", piece).Changes
    result = run_stream(lambda hours: judged(hours, changes), WEEK, options=PROCESS, timeout=120)

    assert told(result) == WEEK_TOLD


def test_every_kind_of_state_among_the_right_answers_is_tried() -> None:
    assert len(PIECES) == 4
