"""What both jobs ask of Flink, and the connector options that their SQL files leave open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from capstone_marketlag import pieces
from capstone_marketlag.settings import Settings, sql_options
from labkit.paths import shown
from labkit.sqltext import Statement, filled, statements
from labkit.table_env import execute

if TYPE_CHECKING:
    from pyflink.table import TableEnvironment

SQL = Path(__file__).resolve().parent.parent / "sql"


def options(settings: Settings, name: str) -> dict[str, str]:
    """What a job asks of Flink, job by job: options in config.yaml would be ignored.

    First the session of the parts list, then what the settings say: those win. Raises LabError: as session().
    """
    return {
        **pieces.session(),
        "pipeline.name": name,
        "parallelism.default": str(settings.parallelism),
        "execution.checkpointing.interval": f"{settings.checkpoint_seconds} s",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.min-pause": f"{settings.checkpoint_pause_seconds} s",
        "execution.checkpointing.timeout": f"{settings.checkpoint_timeout_seconds} s",
        "execution.checkpointing.max-concurrent-checkpoints": "1",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "30 s",
        # the wall clock's hours after which a first sight is forgotten; windows forget by event time
        "table.exec.state.ttl": f"{settings.state_ttl_hours} h",
        # rows that only ever come once need no operator that remembers them for an upsert
        "table.exec.sink.upsert-materialize": "NONE",
    }


def connectors(settings: Settings) -> dict[str, str]:
    """The values of ${kafka_properties}, ${exactly_once}, ${jdbc} and the settings of its flush."""
    delivery = {
        "connector": "kafka",
        "key.format": "raw",
        "key.fields": "record_key",
        "value.format": "json",
        "value.fields-include": "EXCEPT_KEY",
        "value.json.timestamp-format.standard": "ISO-8601",
        "value.json.encode.decimal-as-plain-number": "true",
        "sink.delivery-guarantee": "exactly-once",
        "properties.transaction.timeout.ms": str(settings.transaction_timeout_seconds * 1000),
    }
    return {
        "kafka_properties": settings.kafka_table(),
        "exactly_once": f"{sql_options(delivery)},\n  {settings.kafka_table()}",
        "jdbc": sql_options(settings.jdbc()),
        "jdbc_batch": str(settings.jdbc_batch),
        "jdbc_flush_seconds": str(settings.jdbc_flush_seconds),
        "jdbc_retries": str(settings.jdbc_retries),
    }


def filled_statements(file: Path, values: Mapping[str, str]) -> list[tuple[str, Statement]]:
    """A SQL file's statements with their values, each with the file's name.

    Filled one by one: a value of several lines must not move the lines of the others.
    """
    return [
        (shown(file), replace(statement, text=filled(statement.text, values)))
        for statement in statements(file.read_text())
    ]


def run_file(environment: TableEnvironment, file: Path, values: Mapping[str, str]) -> None:
    """Run every statement of a SQL file. Raises LabError: one is refused; its file and line are named."""
    for name, statement in filled_statements(file, values):
        execute(environment, statement, name)
