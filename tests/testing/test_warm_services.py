"""A PostgreSQL and a broker for checks: each gets a schema and topics of its own in them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, closing

import psycopg2
import pytest
from confluent_kafka import Producer

from labkit.checking import Wrong
from labkit.course.explain import from_the_machinery
from labkit.errors import LabError
from labkit.services.service import Service
from labkit.testing import read_topic
from labkit.warm.services import answering, kafka, postgres, schema, topics
from tests.services.conftest import kill


def ask(address: str, query: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(address)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall()) if cursor.description else []


def test_two_checks_at_once_do_not_see_each_others_tables() -> None:
    with schema() as one, schema() as other:
        for number, each in enumerate((one, other)):
            ask(each.dsn, f"CREATE TABLE readings AS SELECT {number} AS n")

        assert [ask(each.dsn, "SELECT n FROM readings") for each in (one, other)] == [[(0,)], [(1,)]]


def test_flink_finds_the_schema_at_the_same_address() -> None:
    with schema() as mine:
        assert mine.jdbc["url"].endswith(f"?options=-csearch_path%3D{mine.name}")


def test_nothing_is_left_of_a_check() -> None:
    with schema() as mine:
        ask(mine.dsn, "CREATE TABLE readings (n int)")

    assert ask(postgres().dsn, f"SELECT nspname FROM pg_namespace WHERE nspname = '{mine.name}'") == []


def test_two_checks_at_once_do_not_see_each_others_records() -> None:
    with topics({"readings": 1}) as one, topics({"readings": 2}) as other:
        for number, each in enumerate((one, other)):
            producer = Producer({"bootstrap.servers": each.address})
            producer.produce(each.name("readings"), str(number), timestamp=1)  # of 1970: kept all the same
            assert producer.flush(10) == 0

        found = [read_topic(each.address, each.name("readings")) for each in (one, other)]
        assert [[(record.text, record.timestamp) for record in each] for each in found] == [
            [("0", 1)],
            [("1", 1)],
        ]


def test_no_topic_is_left_of_a_check() -> None:
    with topics({"readings": 1}) as mine:
        pass

    with pytest.raises(LabError, match="cannot be read"):
        read_topic(kafka().address, mine.name("readings"))


def test_a_broker_that_is_gone_is_told_in_a_sentence() -> None:
    with pytest.raises(LabError, match=r"Kafka no longer answers \(.*\)\. Next: run it again"), answering():
        Producer({"bootstrap.servers": "127.0.0.1:9", "log_level": 0}).list_topics(timeout=0.5)


@pytest.mark.parametrize(
    ("called", "within", "server"),
    [("PostgreSQL", schema, postgres), ("Kafka", lambda: topics({"readings": 1}), kafka)],
    ids=["postgres", "kafka"],
)
def test_a_service_that_is_killed_in_the_middle_of_a_check_is_nobodys_wrong_answer(
    called: str, within: Callable[[], AbstractContextManager[object]], server: Callable[[], Service]
) -> None:
    def killed_in_the_middle() -> None:
        with within():
            for owned in server().record.processes.values():
                kill(owned.pid)
            raise Wrong("The table has no rows.")

    with pytest.raises(LabError, match=f"{called} was ended in the middle") as told:
        killed_in_the_middle()

    assert from_the_machinery(told.value)
    with within():
        assert server().usable()  # started anew


@pytest.mark.parametrize("within", [schema, lambda: topics({"readings": 1})], ids=["postgres", "kafka"])
def test_the_control_a_wrong_answer_stays_one_where_the_service_stands(
    within: Callable[[], AbstractContextManager[object]],
) -> None:
    with pytest.raises(Wrong, match="no rows"), within():
        raise Wrong("The table has no rows.")
