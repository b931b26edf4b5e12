"""How long a demo takes, stage by stage, and its memory: from the summary that each run leaves.

    .venv/bin/python bench/demo.py [runs] [hours] [seed]

Seconds of each stage and megabytes at the peak (sum of PSS); least, median and most of the runs. A stage that
only a first run has is of that run alone.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable
from typing import Any

import demos
from figures import machine
from rich.console import Console
from rich.table import Table


def main(runs: int = 3, hours: int = 240, seed: int = 1) -> None:
    table = Table(
        "stage", "least", "median", "most", title=f"{runs} runs of {hours} hours, seed {seed}, {machine()}"
    )
    for name, values in by_stage(demos.run(seed, hours) for _ in range(runs)).items():
        table.add_row(name, *spread(values))
    Console().print(table)


def by_stage(summaries: Iterable[dict[str, Any]]) -> dict[str, list[float]]:
    """What each run took, by stage; the peak of memory last. Raises SystemExit: a run was not right."""
    found: dict[str, list[float]] = {}
    peaks = []
    for summary in summaries:
        if not (summary["conserved"] and summary["oracle_equal"]):
            raise SystemExit(f"A run was not right, its time is no figure: {summary['first_difference']}")
        for stage, seconds in summary["seconds"].items():
            found.setdefault(stage, []).append(seconds)
        peaks.append(summary["peak_memory_mb"])
    return {**found, "MB at the peak": peaks}


def spread(values: list[float]) -> list[str]:
    """Least, median and most."""
    return [f"{value:.1f}" for value in (min(values), statistics.median(values), max(values))]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
