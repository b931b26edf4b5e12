"""Tests of Flink SQL and PyFlink with scripted time, on the real engine, and of keyed functions in memory.

script       what arrives and what goes wrong, as a list
run_sql      SQL on scripts; run_stream: PyFlink's DataStream on scripts
results      what came out: changes with their kinds, and when each was out
plans        what Flink would run a query with
compare      rows against expected rows
harness      a process function alone, without Flink: state, timers, side outputs, snapshots
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.testing.compare import assert_rows
from labkit.testing.plans import Plan, assert_plan
from labkit.testing.readback import Record, printed, read_table, read_topic
from labkit.testing.results import Change, Result, Results
from labkit.testing.script import Step, checkpoint, clock, crash, ms, row, settle, watermark
from labkit.testing.sql import explain_sql, run_sql, run_sql_scenarios
from labkit.testing.stream import run_stream
from labkit.testing.tables import Table, describe_sql

if TYPE_CHECKING:
    from labkit.testing.memory import Harness, Refused, Snapshot, harness

__all__ = [
    "Change",
    "Harness",
    "Plan",
    "Record",
    "Refused",
    "Result",
    "Results",
    "Snapshot",
    "Step",
    "Table",
    "assert_plan",
    "assert_rows",
    "checkpoint",
    "clock",
    "crash",
    "describe_sql",
    "explain_sql",
    "harness",
    "ms",
    "printed",
    "read_table",
    "read_topic",
    "row",
    "run_sql",
    "run_sql_scenarios",
    "run_stream",
    "settle",
    "watermark",
]


def __getattr__(name: str) -> Any:
    """The harness comes when it is asked for: it brings PyFlink along, which SQL does not need."""
    if name in ("Harness", "Refused", "Snapshot", "harness"):
        from labkit.testing import memory

        return getattr(memory, name)
    raise AttributeError(name)
