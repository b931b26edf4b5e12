"""One `demo` as a process of its own, and the summary that it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from labkit.paths import ROOT


def run(seed: int, hours: int, alignment: str = "window_start") -> dict[str, Any]:
    """summary.json of that world, right or wrong. Raises SystemExit: the demo failed before it had one."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        which = [f"--seed={seed}", f"--hours={hours}", f"--to={out}"]
        done = subprocess.run(
            [sys.executable, "-m", "capstone_marketlag", "demo", *which],
            cwd=ROOT, env={**os.environ, "MARKETLAG_ALIGNMENT": alignment}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if not (out / "summary.json").exists():
            raise SystemExit(f"seed {seed}, {hours} hours, {alignment}:\n{done.stdout}{done.stderr}")
        summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
        return summary
