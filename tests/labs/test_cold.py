"""A phase of the path with LAB_COLD=1, where nothing is kept warm: the same answers, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from labkit.paths import ROOT
from labkit.services import process

#: three labs that start Flink and Kafka, in half a minute: the checks alone, without the notebooks
CHECKS = sorted((ROOT / "labs" / "phase0_setup").glob("*/test_*.py"))


def left_of(folder: Path) -> list[str]:
    """Whatever still runs with that .lab."""
    found = []
    for each in psutil.process_iter():
        try:
            if each.environ().get("LAB_DIR") == str(folder) or str(folder) in " ".join(each.cmdline()):
                found.append(" ".join(each.cmdline()))
        except psutil.Error:  # gone meanwhile, or somebody else's
            continue
    return found


def test_a_phase_is_right_without_the_warm_parts_and_leaves_nothing(elsewhere: Path) -> None:
    environment = {**os.environ, "LAB_DIR": str(elsewhere), "LAB_COLD": "1"}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--reference", *map(str, CHECKS)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip

    assert run.returncode == 0, run.stdout[-4000:]
    assert "phase0_setup" in run.stdout
    assert not (elsewhere / "stacks" / "warm").exists()
    process.until(
        lambda: not left_of(elsewhere), 30, lambda: pytest.fail(f"still there: {left_of(elsewhere)}")
    )
