"""The job `signals`: news, prices -> gates -> first sight -> late split -> hourly signal with its price move.

All SQL, from the pieces. It is compiled to a plan before it runs: the plan names each operator for good, so
that a savepoint fits the same job in any process and at any parallelism.

./lab run capstone_marketlag/jobs/signals.py      settings from MARKETLAG_…, or the services of ./lab up
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from capstone_marketlag import local, pieces, tables, topics
from capstone_marketlag.application import GROUPS
from capstone_marketlag.jobs.common import SQL, connectors, filled_statements, options
from capstone_marketlag.partitions import keys_for_all
from capstone_marketlag.settings import Settings
from labkit.sqltext import Statement, starts_a_job
from labkit.table_env import OPTIONS, execute

if TYPE_CHECKING:
    from pyflink.table import TableEnvironment

NAME = "signals"

#: a plan holds names of tables, not their options: no password in it, and another broker fits it too
_PLAN_OPTIONS = {
    "table.plan.compile.catalog-objects": "IDENTIFIER",
    "table.plan.restore.catalog-objects": "IDENTIFIER",
}


def job_options(settings: Settings) -> dict[str, str]:
    """What the job asks of Flink."""
    return {**options(settings, NAME), **_PLAN_OPTIONS}


def script(settings: Settings) -> list[tuple[str, Statement]]:
    """Every statement of the job in order, with the name of its file: pieces, sinks, statement set.

    A piece describes: what it writes to see for itself (kafka_to_print) is no part of this job.
    """
    with_price = topics.plan()[topics.SIGNALS_WITH_PRICE]
    values = {
        "news_topic": topics.NEWS,
        "price_topic": topics.PRICES,
        "price_hours_back": "1" if settings.alignment == "window_end" else "0",
        "partition_keys": ", ".join(f"'{key}'" for key in keys_for_all(with_price.partitions)),
        "group": GROUPS[NAME],
        "prefix": GROUPS[NAME],
        **connectors(settings),
    }
    parts = [each for slug in pieces.SIGNALS for each in filled_statements(pieces.path(slug), values)]
    ours = [each for name in ("sinks.sql", "signals.sql") for each in filled_statements(SQL / name, values)]
    return [*((file, each) for file, each in parts if not starts_a_job(each)), *ours]


def submit(environment: TableEnvironment, settings: Settings, plan: Path) -> str:
    """Run the job from its plan, which is compiled first if the file is not there; the job's id.

    Raises LabError: a statement is refused, or the plan does not fit.
    """
    compile_plan(environment, settings, plan)
    result = execute(environment, Statement(f"EXECUTE PLAN '{plan}'", 1), plan.name)
    client = result.get_job_client()
    assert client is not None, "a plan is executed as a job"
    return str(client.get_job_id())


def compile_plan(environment: TableEnvironment, settings: Settings, plan: Path) -> None:
    """Define all that the job names, and write its plan if there is none yet. Raises LabError: as submit."""
    *definitions, (name, statement_set) = script(settings)
    for file, statement in definitions:
        execute(environment, statement, file)
    if plan.exists():
        return
    plan.parent.mkdir(parents=True, exist_ok=True)
    body = statement_set.text[statement_set.text.index("STATEMENT SET") :]
    compiled = f"COMPILE PLAN '{plan}' FOR {body}"
    execute(environment, replace(statement_set, text=compiled), name)


def main() -> None:
    """Submit the job to the cluster that `flink run` names, with the settings of the environment.

    Raises LabError: a topic is not as planned, or a statement is refused.
    """
    from pyflink.table import EnvironmentSettings, TableEnvironment

    settings = local.settings()
    topics.ensure(settings)
    tables.ensure(settings)
    environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    for key, value in {**OPTIONS, **job_options(settings)}.items():
        environment.get_config().set(key, value)
    with tempfile.TemporaryDirectory() as folder:  # this job starts anew: its plan is made anew
        submit(environment, settings, Path(folder) / "signals.json")


if __name__ == "__main__":
    main()
