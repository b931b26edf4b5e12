"""Labs in Python, once in process mode, PyFlink's default: their checks run in a thread of the TaskManager."""

from __future__ import annotations

from capstone_marketlag import pieces
from labkit.paths import ROOT
from labkit.testing import run_stream
from labs.phase2_pyflink.lab06_state.test_state import WEEK, WEEK_TOLD, told
from labs.shared.hours import judged

PROCESS = {"python.execution-mode": "process"}


def test_state() -> None:
    changes = pieces.load("state", ROOT / "labs" / pieces.LABS["state"]).Changes
    result = run_stream(lambda hours: judged(hours, changes), WEEK, options=PROCESS, timeout=120)

    assert told(result) == WEEK_TOLD
