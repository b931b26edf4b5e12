"""What a CREATE TABLE declares."""

from __future__ import annotations

import pytest

from labkit.errors import LabError
from labkit.testing import Table, describe_sql

SINK = """
CREATE TABLE readings_history (
  PRIMARY KEY (city, seen_at) NOT ENFORCED,
  city STRING, seen_at TIMESTAMP(3), celsius DECIMAL(5, 2), `window` INT
) WITH ('connector' = 'jdbc', 'url' = '${url}', 'table-name' = 'readings', 'sink.max-retries' = '3');
INSERT INTO readings_history SELECT no_such_column FROM nowhere;
"""


def test_a_table_is_described_as_flink_has_understood_it_whatever_becomes_of_its_inserts() -> None:
    found = describe_sql(SINK, "readings_history", values={"url": "jdbc:postgresql://nowhere/readings"})

    assert found == Table(
        {"city": "STRING", "seen_at": "TIMESTAMP(3)", "celsius": "DECIMAL(5, 2)", "window": "INT"},
        ("city", "seen_at"),
        {
            "connector": "jdbc",
            "url": "jdbc:postgresql://nowhere/readings",
            "table-name": "readings",
            "sink.max-retries": "3",
        },
    )


def test_a_table_without_a_key_has_none() -> None:
    found = describe_sql("CREATE TABLE t (n INT) WITH ('connector' = 'blackhole')", "t")

    assert found.key == ()


def test_a_table_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(LabError, match=r"The table readings: .*not found"):
        describe_sql("", "readings")
