"""What a scripted job has really left in a topic and in a table: also when it crashed on the way."""

from __future__ import annotations

from collections import Counter

import psycopg2
import pytest
from confluent_kafka import Producer

from labkit.errors import LabError
from labkit.services.kafka import Kafka
from labkit.services.postgres import Postgres
from labkit.testing import (
    assert_rows,
    checkpoint,
    crash,
    printed,
    read_table,
    read_topic,
    row,
    run_sql,
    watermark,
)  # fmt: skip

READINGS = {
    "readings": "city STRING, celsius DOUBLE, seen_at TIMESTAMP(3), WATERMARK FOR seen_at AS SOURCE_WATERMARK()"
}
SCRIPT = [
    row(at="10:00", city="Oslo", celsius=1.0),
    checkpoint(),
    row(at="10:01", city="Rome", celsius=2.0),
    crash(),
    watermark("11:00"),
    row(at="11:01", city="Oslo", celsius=3.0),
]


def test_only_what_was_committed_is_read(kafka: Kafka, topic: str) -> None:
    producer = Producer({"bootstrap.servers": kafka.address, "transactional.id": "t", "log_level": 0})
    producer.init_transactions(10)
    for value, commits in (("kept", True), ("thrown away", False)):
        producer.begin_transaction()
        producer.produce(topic, value, key="k")
        producer.flush(10)
        producer.commit_transaction(10) if commits else producer.abort_transaction(10)

    assert [record.text for record in read_topic(kafka.address, topic)] == ["kept"]
    assert [r.text for r in read_topic(kafka.address, topic, committed=False)] == ["kept", "thrown away"]


@pytest.mark.parametrize(("guarantee", "rome"), [("at-least-once", {1, 2}), ("exactly-once", {1})])
def test_a_sink_to_kafka_and_a_crash(kafka: Kafka, topic: str, guarantee: str, rome: set[int]) -> None:
    transactions = "'sink.transactional-id-prefix' = 'x', 'properties.transaction.timeout.ms' = '60000',"
    sql = f"""
        CREATE TEMPORARY TABLE copied (city STRING, celsius DOUBLE) WITH (
          'connector' = 'kafka', 'topic' = '{topic}', 'properties.bootstrap.servers' = '{kafka.address}',
          'format' = 'json', {transactions if guarantee == "exactly-once" else ""} 'sink.delivery-guarantee' = '{guarantee}');
        INSERT INTO copied SELECT city, celsius FROM readings;
    """

    run_sql(sql, SCRIPT, schema=READINGS, timeout=60)

    found = Counter(record.text for record in read_topic(kafka.address, topic))
    assert found.pop('{"city":"Rome","celsius":2.0}') in rome  # what came behind the checkpoint is read again
    assert found == {'{"city":"Oslo","celsius":1.0}': 1, '{"city":"Oslo","celsius":3.0}': 1}


def test_a_sink_to_postgresql(postgres: Postgres) -> None:
    with psycopg2.connect(postgres.dsn) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE hottest (city text PRIMARY KEY, celsius float8)")
    options = ", ".join(f"'{key}' = '{value}'" for key, value in postgres.jdbc.items())
    sql = f"""
        CREATE TEMPORARY TABLE hottest (city STRING, celsius DOUBLE, PRIMARY KEY (city) NOT ENFORCED)
        WITH ('connector' = 'jdbc', {options}, 'table-name' = 'hottest');
        INSERT INTO hottest SELECT city, MAX(celsius) FROM readings GROUP BY city;
    """

    result = run_sql(sql, SCRIPT, schema=READINGS, query="readings", timeout=60)

    assert len(result.rows) == 3
    assert_rows(
        read_table(postgres.dsn, "hottest"),
        [{"city": "Oslo", "celsius": 3.0}, {"city": "Rome", "celsius": 2.0}],
    )
    assert read_table(postgres.dsn, "SELECT count(*) AS n FROM hottest") == [{"n": 2}]
    with pytest.raises(LabError, match='nowhere cannot be read: relation "nowhere" does not exist'):
        read_table(postgres.dsn, "nowhere")


def test_a_topic_that_is_not_there_and_a_broker_that_is_not(kafka: Kafka) -> None:
    with pytest.raises(LabError, match="Topic nowhere cannot be read"):
        read_topic(kafka.address, "nowhere")
    with pytest.raises(LabError, match=r"127\.0\.0\.1:9 does not answer"):
        read_topic("127.0.0.1:9", "x", seconds=1)


def test_what_a_print_sink_writes_is_in_the_task_manager_s_output() -> None:
    sql = "CREATE TABLE shown (n INT) WITH ('connector' = 'print'); INSERT INTO shown VALUES (1), (2);"

    with printed() as lines:
        run_sql(sql, {}, schema={}, query={})

        assert lines() == ["+I[1]", "+I[2]"]
