"""How long a learner waits for the first red step, by kind of lab, beside PyFlink as it comes; with targets.

    .venv/bin/python bench/feedback.py [checks] [lab ...]

Each is a whole `./lab check LAB`, in seconds. `red`: to the line that names the first red step, of so many of
the lab's known wrong answers (20), spread over all of them. `green`: to the prompt, with the solution, as
often. `first ever` and `cold`: as `red`, once, after everything was ended; ever, as on the first
day, without the archives of Java's classes that are made when nobody has checked anything for a minute.
`default PyFlink`: the same kind of question to a job of its own, `python job.py`, with a cluster inside that
process. All in one run, so that the ratios hold on a busy machine too. A `!` is over its target; a check that
said something else is counted, and not in the figures.

It runs in a .lab of its own with this one's jars, and ends all of it: what yours remembers stays as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

from figures import machine, p95
from rich.console import Console
from rich.table import Table

from labkit.course.answers import answers
from labkit.course.curriculum import Curriculum, Lab
from labkit.elsewhere import elsewhere
from labkit.paths import CLASS_DATA, ROOT, labs
from labkit.services import java

GREEN_IN_REDS, COLD = 3.0, 8.0
TOYS = ROOT / "tests" / "fixtures" / "tiny_curriculum" / "labs"

#: behind the solution of `state`: right in memory, and an exception where Flink's worker runs it
_ONLY_A_WORKER_RAISES = """

import sys

_highest = Changes.highest


def _raises(self, hour):
    if "_pemja" in sys.modules:
        raise ValueError("in a worker")
    return _highest(self, hour)


Changes.highest = _raises
"""

_DEFAULT_SQL = '''
from pyflink.table import EnvironmentSettings, TableEnvironment
tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
tables.execute_sql("""CREATE TEMPORARY VIEW readings AS SELECT * FROM (VALUES
  ('Oslo', CAST(1.0 AS DOUBLE), TIMESTAMP '2026-01-05 10:00:00')) AS t(city, celsius, seen_at)""")
with tables.execute_sql("SELECT city, AVG(celsius) FROM readings GROUP BY city").collect() as rows:
    assert len(list(rows)) == 1
'''
_DEFAULT_PYTHON = """
from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction, StreamExecutionEnvironment
from pyflink.datastream.state import ValueStateDescriptor
class Nth(KeyedProcessFunction):
    def open(self, context):
        self.n = context.get_state(ValueStateDescriptor("n", Types.LONG()))
    def process_element(self, value, ctx):
        self.n.update((self.n.value() or 0) + 1)
        yield self.n.value()
environment = StreamExecutionEnvironment.get_execution_environment()
environment.set_parallelism(1)
keyed = environment.from_collection(["a", "a"], Types.STRING()).key_by(lambda value: value)
with keyed.process(Nth(), Types.LONG()).execute_and_collect() as found:
    assert list(found) == [1, 2]
"""


@dataclass(frozen=True)
class Kind:
    """What a lab is measured for. target: seconds to the first red step.

    red: what makes its solution wrong, in place of its wrong answers. default: the job beside it.
    """

    name: str
    slug: str
    target: float
    red: str = ""
    default: str = ""
    root: Path = field(default_factory=labs)

    @property
    def lab(self) -> Lab:
        return Curriculum(self.root).lab(self.slug)


KINDS = (
    Kind("pure, a toy", "mean", 0.5, root=TOYS),
    Kind("SQL", "first_query", 1.0, default=_DEFAULT_SQL),
    Kind("Python worker", "state", 2.0, red=_ONLY_A_WORKER_RAISES, default=_DEFAULT_PYTHON),
    Kind("services", "jdbc_sink", 3.0),
    Kind("injected restart", "late_events", 8.0),
)


def main(checks: int, slugs: Sequence[str]) -> None:
    table = Table(
        "kind", "lab", "red p95", "target", "green p95", "ratio", "first ever", "cold", "default PyFlink",
        "said other",
        title=f"seconds; {checks} checks, {machine()}",
        caption=f"! over its target; ratio: green by red, {GREEN_IN_REDS:g}, cold {COLD:g}",
    )  # fmt: skip
    with elsewhere() as folder:
        bench = Bench(folder)
        for kind in (each for each in KINDS if not slugs or each.slug in slugs):
            table.add_row(kind.name, kind.slug, *bench.row(kind, checks))
    console = Console()
    Console(width=max(console.width, 110)).print(table)


class Bench:
    """Checks in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.archives = folder / CLASS_DATA.name
        self.archives.unlink()  # ours
        self.mine = folder / "mine"
        self.mine.mkdir()
        self.env = {**os.environ, "LAB_DIR": str(folder), "LAB_MINE": str(self.mine)}
        self.other = 0

    def row(self, kind: Kind, checks: int) -> list[str]:
        """The cells of a kind, behind its name and its lab's."""
        self.other = 0
        lab = kind.lab
        solution, wrong = lab.reference.solved(), [answer.piece for answer in answers(lab).wrong]
        spread = min(checks, len(wrong))
        pieces = (
            [solution + kind.red] if kind.red else [wrong[n * len(wrong) // spread] for n in range(spread)]
        )
        self.end()
        shutil.rmtree(self.archives, ignore_errors=True)
        first = self.check(kind, pieces[0], red=True)
        reds = [self.check(kind, piece, red=True) for piece in islice(cycle(pieces), checks)]
        greens = [self.check(kind, solution, red=False) for _ in range(checks)]
        self.archive()
        self.end()
        cold = self.check(kind, pieces[0], red=True)
        red, green = p95(reds), p95(greens)
        default = [self.default(kind.default) for _ in range(max(1, checks // 5))] if kind.default else []
        return [
            cell(red, kind.target), f"{kind.target:g}", cell(green), cell(green / red, GREEN_IN_REDS),
            cell(p95([first]), COLD), cell(p95([cold]), COLD), cell(p95(default)) if default else "",
            str(self.other) if self.other else "",
        ]  # fmt: skip

    def check(self, kind: Kind, piece: str, *, red: bool) -> float | None:
        """Seconds to the first red step, or to the prompt of a green check; None: it said something else."""
        (self.mine / kind.lab.file_name).write_text(piece)
        command = [str(ROOT / "lab"), "check", kind.slug]
        env = {**self.env, "LAB_LABS": str(kind.root)}
        started = time.monotonic()
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            first = process.stdout.readline()
            took = time.monotonic() - started
            process.stdout.read()
        if not red:
            took = time.monotonic() - started
        right, wrong = f"{kind.slug}: right\n", first.startswith(kind.slug) and first.endswith(": wrong\n")
        if wrong if red else first == right:
            return took
        self._other(f"{kind.name}: {first.strip() or 'nothing was said'}")
        return None

    def default(self, job: str) -> float | None:
        """Seconds of `python job.py`; None: it failed."""
        file = self.mine.parent / "job.py"
        file.write_text(job)
        env = java.environment()  # and its workers are started as `python`, as behind `./lab env`
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
        started = time.monotonic()
        done = subprocess.run([sys.executable, file], env=env, capture_output=True, text=True, check=False)
        took = time.monotonic() - started
        if done.returncode == 0:
            return took
        self._other(f"job.py: {done.stderr.strip()[-300:]}")
        return None

    def _other(self, said: str) -> None:
        print(said, file=sys.stderr)  # noqa: T201
        self.other += 1

    def archive(self) -> None:
        """Do at once what the engine's keeper does after a minute."""
        now = "from labkit.warm.stack import WarmStack; WarmStack('warm', resident=True).archive()"
        subprocess.run([sys.executable, "-c", now], env=self.env, cwd=ROOT, check=True)

    def end(self) -> None:
        """Nothing of it runs."""
        subprocess.run([ROOT / "lab", "down", "--all"], env=self.env, capture_output=True, check=True)


def cell(value: float, target: float = float("inf")) -> str:
    """With a mark where it is over its target."""
    return f"{value:.2f}{' !' if value > target else ''}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20, sys.argv[2:])
