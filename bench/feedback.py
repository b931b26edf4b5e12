"""How long one test takes, as a whole process: warm, and beside it PyFlink as it comes.

    .venv/bin/python bench/feedback.py [rounds]

Seconds from the start of `python` to its end, median and 95th percentile; all in one run, so that the
ratios hold on a busy machine too. `cold` is the first use after everything was ended; `default PyFlink` is
the same question to a job of its own, `python job.py`, with a cluster inside that process.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from figures import machine, p95
from rich.console import Console
from rich.table import Table

from labkit.paths import ROOT
from labkit.services import java
from labkit.warm.stack import WarmStack

_SCHEMA = "city STRING, celsius DOUBLE, seen_at TIMESTAMP(3), WATERMARK FOR seen_at AS SOURCE_WATERMARK()"
_HOURLY = """SELECT city, window_start, AVG(celsius) AS celsius
FROM TUMBLE(TABLE readings, DESCRIPTOR(seen_at), INTERVAL '1' HOUR) GROUP BY city, window_start, window_end"""
_SQL = f'''
from labkit.testing import checkpoint, crash, row, run_sql, watermark
script = [row(at="10:00", city="Oslo", celsius=1), {{more}} watermark("11:00"), row(at="11:30", city="Oslo")]
result = run_sql("", script, schema={{{{"readings": "{_SCHEMA}"}}}}, query="""{_HOURLY}""")
assert len(result.before_end.rows) == 1
'''
_PYTHON = """
from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction
from pyflink.datastream.state import ValueStateDescriptor
from labkit.testing import checkpoint, crash, row, run_stream
class Nth(KeyedProcessFunction):
    def open(self, context):
        self.n = context.get_state(ValueStateDescriptor("n", Types.LONG()))
    def process_element(self, value, ctx):
        self.n.update((self.n.value() or 0) + 1)
        yield value, self.n.value()
numbered = lambda s: s.key_by(lambda v: v, Types.STRING()).process(Nth())
result = run_stream(numbered, [row("a"), {more} row("a")])
assert result.rows == [("a", 1), ("a", 2)]
"""
_HARNESS = """
from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction
from pyflink.datastream.state import ValueStateDescriptor
from labkit.testing import harness, row
class Nth(KeyedProcessFunction):
    def open(self, context):
        self.n = context.get_state(ValueStateDescriptor("n", Types.LONG()))
    def process_element(self, value, ctx):
        self.n.update((self.n.value() or 0) + 1)
        yield value, self.n.value()
assert harness(Nth(), key=str).play([row("a"), row("a")]).rows == [("a", 1), ("a", 2)]
"""
_DEFAULT = '''
from pyflink.table import EnvironmentSettings, TableEnvironment
tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
tables.execute_sql("""CREATE TEMPORARY VIEW raw AS SELECT * FROM (VALUES
  ('Oslo', CAST(1.0 AS DOUBLE), TIMESTAMP '2026-01-05 10:00:00')) AS t(city, celsius, seen_at)""")
with tables.execute_sql("SELECT city, AVG(celsius) FROM raw GROUP BY city").collect() as rows:
    assert len(list(rows)) == 1
'''
CASES = {
    "harness, no JVM": _HARNESS,
    "SQL scenario": _SQL.format(more=""),
    "SQL scenario, restart": _SQL.format(more="checkpoint(), crash(),"),
    "Python keyed function": _PYTHON.format(more=""),
    "Python keyed function, restart": _PYTHON.format(more="checkpoint(), crash(),"),
}


def main(rounds: int) -> None:
    table = Table("case", "median", "p95", "worst", title=f"{rounds} rounds, {machine()}")
    WarmStack("warm", resident=True).remove()
    table.add_row("cold, first SQL scenario", *[f"{seconds(CASES['SQL scenario']):.2f}"] * 3)
    seconds(CASES["Python keyed function"])
    found: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(rounds):
        for name, code in CASES.items():
            found[name].append(seconds(code))
    default = [seconds(_DEFAULT) for _ in range(max(1, rounds // 5))]
    for name, values in {**found, "default PyFlink, python job.py": default}.items():
        table.add_row(
            name, *(f"{value:.2f}" for value in (statistics.median(values), p95(values), max(values)))
        )
    Console().print(table)


def seconds(code: str) -> float:
    """How long a Python process takes that runs this code."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=java.environment(), check=True)
    return time.monotonic() - started


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
