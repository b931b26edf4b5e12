"""Tests of Flink SQL and PyFlink with scripted time, on the real engine, and of keyed functions in memory.

script       what arrives and what goes wrong, as a list
run_sql      SQL on scripts; run_stream: PyFlink's DataStream on scripts
results      what came out: changes with their kinds, and when each was out
plans        what Flink would run a query with
compare      rows against expected rows
harness      a process function alone, without Flink: state, timers, side outputs, snapshots
"""

from __future__ import annotations

from labkit.testing.compare import assert_rows
from labkit.testing.plans import Plan, assert_plan
from labkit.testing.results import Change, Result, Results
from labkit.testing.script import Step, checkpoint, clock, crash, ms, row, settle, watermark
from labkit.testing.sql import explain_sql, run_sql, run_sql_scenarios
from labkit.testing.tables import Table, describe_sql

__all__ = [
    "Change",
    "Plan",
    "Result",
    "Results",
    "Step",
    "Table",
    "assert_plan",
    "assert_rows",
    "checkpoint",
    "clock",
    "crash",
    "describe_sql",
    "explain_sql",
    "ms",
    "row",
    "run_sql",
    "run_sql_scenarios",
    "settle",
    "watermark",
]
