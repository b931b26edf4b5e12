"""How long it takes from `git clone` to the first green check, by the four commands of the first page.

    .venv/bin/python bench/first_check.py

Seconds of each command, twice: in an empty home (everything is downloaded), then in a new clone with that
home's caches. The learner's own typing is not in it: the solution is put in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from labkit.paths import ROOT


def main() -> None:
    table = Table("command", "cold", "warm", title=f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        cold, warm = (walk(Path(folder), home) for _ in range(2))
    for name, seconds in cold.items():
        table.add_row(name, f"{seconds:.1f}", f"{warm[name]:.1f}")
    table.add_row("together", f"{sum(cold.values()):.1f}", f"{sum(warm.values()):.1f}")
    Console().print(table)


def walk(folder: Path, home: Path) -> dict[str, float]:
    """The seconds of each command, in a clone in this folder. Raises SystemExit: one went wrong."""
    clone = folder / "clone"
    others = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "XDG_"))}
    env = {**others, "HOME": str(home)}
    took = {}

    def run(name: str, *command: str, expected: int = 0, cwd: Path = clone) -> None:
        started = time.monotonic()
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
        took[name] = time.monotonic() - started
        if done.returncode != expected:
            raise SystemExit(f"{name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    run("git clone", "git", "clone", "--quiet", str(ROOT), str(clone), cwd=folder)
    run("./lab start first_query", "./lab", "start", "first_query")
    run("./lab check (red)", "./lab", "check", expected=1)
    run("(the solution)", "./lab", "solution", "--take")
    run("./lab check (green)", "./lab", "check")
    subprocess.run(["./lab", "down", "--all", "--data"], cwd=clone, env=env, check=True, capture_output=True)
    shutil.rmtree(clone)
    return {name: seconds for name, seconds in took.items() if not name.startswith("(")}


if __name__ == "__main__":
    main()
