"""What the settings say about PostgreSQL reaches every table that the jobs write."""

from __future__ import annotations

import re

from capstone_marketlag import pieces
from capstone_marketlag.jobs.common import SQL, connectors, filled_statements
from capstone_marketlag.settings import Settings
from labkit.paths import labs

SETTINGS = Settings(jdbc_batch=9, jdbc_flush_seconds=7, jdbc_retries=5, postgres="postgresql://ann:pw@db/lag")


def options(text: str) -> dict[str, str]:
    return dict(re.findall(r"^ *'([\w.-]+)' = '([^']*)'", text, re.MULTILINE))


def test_each_table_has_the_address_the_batch_the_interval_and_the_retries() -> None:
    values = {**connectors(SETTINGS), "prefix": "p", "group": "g"}
    files = [SQL / "sinks.sql", labs() / pieces.LABS["jdbc_sink"]]

    tables = [
        options(statement.text)
        for file in files
        for _, statement in filled_statements(file, values)
        if "'connector' = 'jdbc'" in statement.text
    ]

    names = [table.pop("table-name") for table in tables]
    assert names == ["rss_signals_hourly", "lag_signals_history"]
    assert all(
        table
        == {
            "connector": "jdbc",
            "url": "jdbc:postgresql://db:5432/lag",
            "username": "ann",
            "password": "pw",
            "sink.buffer-flush.max-rows": "9",
            "sink.buffer-flush.interval": "7 s",
            "sink.max-retries": "5",
        }
        for table in tables
    )


def test_what_postgresql_is_told_stands_beside_the_part() -> None:
    assert (
        "CREATE TABLE IF NOT EXISTS lag_signals_history"
        in pieces.given("jdbc_sink", "postgres.sql").read_text()
    )
