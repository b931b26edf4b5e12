"""A PostgreSQL for checks: each gets a schema of its own in it."""

from __future__ import annotations

from contextlib import closing

import psycopg2

from labkit.warm.services import postgres, schema


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
