"""Whether the demo is right on worlds that nobody chose, and how well its flags fit them.

    .venv/bin/python bench/seeds.py [seeds] [hours]

Each seed is drawn anew and printed, its world played once, aligned by one of the two ways in turn: that run
is conserved and equal to the oracle, or not. Precision and recall are of both ways: of the other one the
oracle tells them. Ends with 1 if any run was not right.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import demos
from figures import machine
from rich.console import Console
from rich.table import Table

ALIGNMENTS = ("window_start", "window_end")


def main(count: int = 3, hours: int = 6) -> None:
    console = Console(highlight=False)
    table = Table(
        "seed", "aligned by", "conserved", "equal", "planted", "precision", "recall",
        title=f"{count} seeds, {hours} hours each, {machine()}",
    )  # fmt: skip
    wrong = []
    for number in range(count):
        seed, ran = int.from_bytes(os.urandom(4), "big"), ALIGNMENTS[number % 2]
        summary = demos.run(seed, hours, ran)
        right = summary["conserved"] and summary["oracle_equal"]
        console.print(f"seed {seed}, aligned by {ran}: {'right' if right else 'WRONG'}")
        for alignment in ALIGNMENTS:
            table.add_row(str(seed), alignment, *said(summary, alignment))
        if not right:
            wrong.append(f"MARKETLAG_ALIGNMENT={ran} make demo SEED={seed} HOURS={hours}")
    console.print(table)
    if wrong:
        raise SystemExit("\n".join(["Not right:", *wrong]))


def said(summary: dict[str, Any], alignment: str) -> list[str]:
    """One row of the table; - for what was not asked of that alignment, or is a share of nothing."""
    fits, ran = summary["lags"][alignment], summary["alignment"] == alignment
    verdict = [str(summary[name]).lower() if ran else "-" for name in ("conserved", "oracle_equal")]
    shares = ["-" if fits[name] is None else f"{fits[name]:.2f}" for name in ("precision", "recall")]
    return [*verdict, str(summary["lags"]["planted"]), *shares]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
