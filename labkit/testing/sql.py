"""SQL on scripts: the user's statements between scripted tables and a recorded query."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, overload

from labkit.errors import LabError
from labkit.testing import plans, results, schema
from labkit.testing.flink import flink
from labkit.testing.pipeline import Pipeline, Setup, Statements
from labkit.testing.results import Result, Results
from labkit.testing.script import ROW, Script, Step, crashes, single, stepwise

Queries = str | Mapping[str, str]
AnyScript = Script | Mapping[str, Script]
TIMEOUT = 30.0
#: so many jobs of one call are on the cluster at once
_ABREAST = 4
_ONLY = "the script"


@overload
def run_sql(
    sql: Statements,
    script: AnyScript,
    *,
    schema: Mapping[str, str],
    query: str,
    options: Mapping[str, str] | None = ...,
    values: Mapping[str, str] | None = ...,
    setup: Setup | None = ...,
    each_step: bool = ...,
    timeout: float = ...,
) -> Result: ...
@overload
def run_sql(
    sql: Statements,
    script: AnyScript,
    *,
    schema: Mapping[str, str],
    query: Mapping[str, str],
    options: Mapping[str, str] | None = ...,
    values: Mapping[str, str] | None = ...,
    setup: Setup | None = ...,
    each_step: bool = ...,
    timeout: float = ...,
) -> Results: ...
def run_sql(
    sql: Statements,
    script: AnyScript,
    *,
    schema: Mapping[str, str],
    query: Queries | None = None,
    options: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    setup: Setup | None = None,
    each_step: bool = False,
    timeout: float = TIMEOUT,
) -> Result | Results:
    """What the query gives when these inputs arrive as the script says, with the statements in between.

    sql: SQL text, files, or both in order; ${name} in them stands for `values`. schema: the columns of each
    input, as in CREATE TABLE. query: a table, a view or a SELECT; several by name give Results. setup:
    called with PyFlink's StreamTableEnvironment first, to register functions. each_step: settle after every
    step, so that each change knows the step that caused it (about 20 ms a step).
    Raises LabError: a statement is wrong (file, line and why), the job failed or took longer than `timeout`
    seconds.
    """
    found = run_sql_scenarios(
        sql, {_ONLY: script}, schema=schema, query=query, options=options, values=values, setup=setup,
        each_step=each_step, timeout=timeout,
    )  # fmt: skip
    only: Result | Results = found[_ONLY]
    return only


def run_sql_scenarios(
    sql: Statements,
    scripts: Mapping[str, AnyScript],
    *,
    schema: Mapping[str, str],
    query: Queries | None = None,
    options: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    setup: Setup | None = None,
    each_step: bool = False,
    timeout: float = TIMEOUT,
) -> dict[str, Any]:
    """As run_sql, with several scripts: planned once, one job for each, several of them at a time."""
    schemas = _schemas(schema)
    played = {name: _played(script, schemas, each_step) for name, script in scripts.items()}
    restarts = max(map(crashes, played.values()), default=0)
    found: dict[str, Any] = {}
    with flink() as it, ExitStack() as until_planned:
        pipeline = Pipeline(it, schemas, options or {}, setup, restarts, until_planned)
        pipeline.run(sql, values or {})
        job = pipeline.job(_named(query))
        waiting: list[Any] = []
        for name, script in played.items():
            if len(waiting) == _ABREAST:
                _collect(waiting.pop(0), query, timeout, found)
            waiting.append((name, job.submit(name, script, _records(script, schemas))))
        for each in waiting:
            _collect(each, query, timeout, found)
    return found


def explain_sql(
    sql: Statements,
    *,
    schema: Mapping[str, str],
    query: Queries | None = None,
    options: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
    setup: Setup | None = None,
) -> plans.Plan:
    """The plan of the query, or of several and all INSERTs of the statements as one job; nothing is run.

    Raises LabError: a statement is wrong.
    """
    with flink() as it, ExitStack() as until_planned:
        pipeline = Pipeline(it, _schemas(schema), options or {}, setup, 0, until_planned)
        pipeline.run(sql, values or {})
        return plans.read(pipeline.explained(_named(query)))


# ---- inside ------------------------------------------------------------------------------------


def _schemas(texts: Mapping[str, str]) -> dict[str, schema.Schema]:
    return {name: schema.parse(name, text) for name, text in texts.items()}


def _named(query: Queries | None) -> dict[str, str]:
    return {"result": query} if isinstance(query, str) else dict(query or {})


def _played(script: AnyScript, schemas: Mapping[str, schema.Schema], each_step: bool) -> list[Step]:
    steps = single(script, list(schemas))
    for step in steps:
        if step.kind == "watermark" and not schemas[step.to or ""].scripted:
            raise LabError(
                f"{step}, but {step.to} makes its watermarks from its rows.",
                "The script's watermarks are for a table with WATERMARK FOR … AS SOURCE_WATERMARK().",
            )
    return stepwise(steps) if each_step else steps


def _records(script: Sequence[Step], schemas: Mapping[str, schema.Schema]) -> list[Any]:
    return [
        (schemas[step.to].time_of(step), json.dumps(schemas[step.to].record(step)))
        if step.kind == ROW and step.to
        else None
        for step in script
    ]


def _collect(waiting: Any, query: Queries | None, timeout: float, found: dict[str, Any]) -> None:
    name, running = waiting
    try:
        lines = running.wait(timeout)
    except LabError as error:
        if name == _ONLY:
            raise
        raise LabError(f"{name}: {error.happened}", error.expected, error.next_step) from error
    each = {query_: results.result(query_, lines, running.script) for query_ in _named(query)}
    found[name] = each["result"] if isinstance(query, str) else Results(each)
