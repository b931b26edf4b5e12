"""How long services take to be ready, alone and together, first time and again; and their memory.

    .venv/bin/python bench/startup.py [rounds]

Seconds from the call to the answer over each service's own protocol. `first` includes making its data;
jars and packages are there. Memory: sum of PSS of all processes, idle.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

from rich.console import Console
from rich.table import Table

from labkit.services import process
from labkit.services.stack import DEFAULT, Stack


def main(rounds: int) -> None:
    console = Console()
    table = Table(
        "services", "first", "again", "stop", "MB", title=f"median of {rounds} rounds, {os.cpu_count()} cores"
    )
    for names in (("kafka",), ("postgres",), ("flink",), ("registry",), DEFAULT):
        firsts, agains, stops, memories = [], [], [], []
        for _ in range(rounds):
            with Stack(f"bench-{os.getpid()}") as stack:
                firsts.append(_seconds(partial(stack.up, *names, owned=True)))
                memories.append(process.pss(stack.pids()) / 1e6)
                stops.append(_seconds(stack.down))
                agains.append(_seconds(partial(stack.up, *names, owned=True)))
            stack.remove()
        figures = [f"{statistics.median(values):.1f}" for values in (firsts, agains, stops)]
        table.add_row(" ".join(names), *figures, f"{statistics.median(memories):.0f}")
    console.print(table)


def _seconds(call: Callable[[], object]) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
