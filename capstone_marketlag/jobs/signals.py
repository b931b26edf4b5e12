"""The job `signals`: raw news -> gate -> first sight -> late split -> hourly signal -> topics and table.

./lab run capstone_marketlag/jobs/signals.py      settings from MARKETLAG_…, or the services of ./lab up
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from capstone_marketlag import local, pieces, tables, topics
from capstone_marketlag.settings import Settings, sql_options
from labkit.paths import shown
from labkit.sqltext import Statement, filled, statements
from labkit.table_env import OPTIONS, execute

if TYPE_CHECKING:
    from pyflink.table import TableEnvironment

GROUP = "marketlag-signals"
NAME = "signals"
_SQL = Path(__file__).resolve().parent.parent / "sql"


def options(settings: Settings) -> dict[str, str]:
    """What the job asks of Flink, job by job: options in config.yaml would be ignored."""
    return {
        "pipeline.name": NAME,
        "parallelism.default": str(settings.parallelism),
        "execution.checkpointing.interval": f"{settings.checkpoint_seconds} s",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.min-pause": f"{settings.checkpoint_pause_seconds} s",
        "execution.checkpointing.timeout": f"{settings.checkpoint_timeout_seconds} s",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "30 s",
    }


def script(settings: Settings) -> list[tuple[str, Statement]]:
    """Every statement of the job in order, with the name of its file: pieces, sinks, statement set."""
    values = {
        "news_topic": topics.NEWS,
        "group": GROUP,
        "kafka_properties": settings.kafka_table(),
        "exactly_once": _exactly_once(settings),
        "jdbc": _jdbc(settings),
    }
    files = [pieces.path(slug) for slug in pieces.SIGNALS]
    files += [_SQL / "sinks.sql", _SQL / "signals.sql"]
    return [
        # filled one by one: a value of several lines must not move the lines of the others
        (shown(file), replace(statement, text=filled(statement.text, values)))
        for file in files
        for statement in statements(file.read_text())
    ]


def submit(environment: TableEnvironment, settings: Settings) -> str:
    """Run the script on the cluster; the job's id. Raises LabError: a statement is refused."""
    result = None
    for name, statement in script(settings):
        result = execute(environment, statement, name)
    client = result.get_job_client() if result else None
    assert client is not None, "the script ends with the statement set"
    return str(client.get_job_id())


def _exactly_once(settings: Settings) -> str:
    delivery = {
        "connector": "kafka",
        "sink.delivery-guarantee": "exactly-once",
        "properties.transaction.timeout.ms": str(settings.transaction_timeout_seconds * 1000),
    }
    return f"{sql_options(delivery)},\n  {settings.kafka_table()}"


def _jdbc(settings: Settings) -> str:
    return sql_options(
        {
            **settings.jdbc(),
            "sink.buffer-flush.max-rows": str(settings.jdbc_batch),
            "sink.buffer-flush.interval": f"{settings.jdbc_flush_seconds} s",
            "sink.max-retries": str(settings.jdbc_retries),
        }
    )


def main() -> None:
    """Submit the job to the cluster that `flink run` names, with the settings of the environment.

    Raises LabError: a topic is not as planned, or a statement is refused.
    """
    from pyflink.table import EnvironmentSettings, TableEnvironment

    settings = local.settings()
    topics.ensure(settings)
    tables.ensure(settings)
    environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    for key, value in {**OPTIONS, **options(settings)}.items():
        environment.get_config().set(key, value)
    submit(environment, settings)


if __name__ == "__main__":
    main()
