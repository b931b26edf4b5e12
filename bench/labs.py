"""How long a learner waits for an answer: `./lab check LAB` as a whole process, from Enter to the prompt.

    .venv/bin/python bench/labs.py [rounds] [lab ...]

Seconds, median and 95th percentile. `red`: the lab's known wrong answers, each once a round, to their first
red step. `green`: the solution, all of its checks. `cold`: the first check after everything was ended, green.
What is checked lies in a folder of its own, but .lab remembers it: run it in a clone of yours.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import machine, p95
from rich.console import Console
from rich.table import Table

from labkit.course.answers import answers
from labkit.course.curriculum import Curriculum, Lab
from labkit.paths import ROOT, labs
from labkit.warm.stack import WarmStack

_GREEN, _RED = 0, 1


def main(rounds: int, slugs: list[str]) -> None:
    table = Table(
        "lab", "red", "p95", "green", "p95", "cold",
        title=f"{rounds} rounds, {machine()}",
    )  # fmt: skip
    found = [lab for lab in Curriculum(labs()).labs.values() if not slugs or lab.slug in slugs]
    with tempfile.TemporaryDirectory() as folder:
        for lab in found:
            mine = Path(folder) / lab.slug
            mine.mkdir()
            solution, wrong = lab.reference.solved(), answers(lab).wrong
            WarmStack("warm", resident=True).remove()
            cold = seconds(lab, mine, solution, _GREEN)
            red = [seconds(lab, mine, answer.piece, _RED) for _ in range(rounds) for answer in wrong]
            green = [seconds(lab, mine, solution, _GREEN) for _ in range(rounds * 5)]
            table.add_row(lab.slug, *figures(red), *figures(green), f"{cold:.1f}")
    Console().print(table)


def seconds(lab: Lab, mine: Path, piece: str, expected: int) -> float:
    """How long one check takes. Raises SystemExit: it did not end as it should."""
    (mine / lab.file_name).write_text(piece)
    command, env = [ROOT / "lab", "check", lab.slug], {**os.environ, "LAB_MINE": str(mine)}
    started = time.monotonic()
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    took = time.monotonic() - started
    if done.returncode != expected:
        raise SystemExit(
            f"{lab.slug} ended with {done.returncode}, not {expected}:\n{done.stdout}{done.stderr}"
        )
    return took


def figures(values: list[float]) -> tuple[str, str]:
    """Median and 95th percentile."""
    return f"{statistics.median(values):.2f}", f"{p95(values):.2f}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1, sys.argv[2:])
