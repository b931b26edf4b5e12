"""PostgreSQL's table lag_signals_history for one check, and what a piece has written into it.

It is the table of postgres.sql without what would refuse a row, and its key is the one that the piece
declares: a database that refuses ends the job and its TaskManager, and a wrong row that can be looked at
teaches more. Beside it a table `arrivals` keeps every row that Flink sent, in order, with its statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2

from labkit.errors import LabError
from labkit.testing import Step, Table, clock, describe_sql, ms, run_sql
from labkit.testing.failures import told_by_java
from labkit.testing.flink import flink
from labkit.warm.services import Schema, schema
from labs.shared.judged import LAG_SIGNALS

TABLE = "lag_signals_history"
#: what the system's settings say in a check
SETTINGS = {"jdbc_batch": "50", "jdbc_flush_seconds": "1", "jdbc_retries": "3"}

_POSTGRES = (Path(__file__).parent / "postgres.sql").read_text()
_LENIENT = f"""
    CREATE TABLE lenient AS TABLE {TABLE} WITH NO DATA;
    DROP TABLE {TABLE};
    ALTER TABLE lenient RENAME TO {TABLE};
"""
_ARRIVALS = f"""
    CREATE TABLE arrivals (LIKE {TABLE}, statement text DEFAULT current_query(), place bigserial);
    CREATE FUNCTION arrive() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO arrivals SELECT NEW.*; RETURN NEW; END $$;
    CREATE TRIGGER arrive BEFORE INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION arrive();
"""


@contextmanager
def history(key: Sequence[str]) -> Iterator[History]:
    """The empty table, with that key. Raises LabError: PostgreSQL could not be started."""
    with schema() as database, closing(psycopg2.connect(database.dsn)) as connection:
        connection.autocommit = True
        found = History(database, connection)
        found.ask(_POSTGRES + _LENIENT + _POSTGRES + _ARRIVALS)
        if key:
            found.ask(f"CREATE UNIQUE INDEX ON {TABLE} ({', '.join(key)}) NULLS NOT DISTINCT")
        yield found


def described(piece: Path, **settings: str) -> Table:
    """The table that a piece declares. Raises LabError: its SQL cannot be read."""
    nowhere = {"url": "jdbc:postgresql://127.0.0.1/nowhere", "username": "nobody", "password": "none"}
    values = {**_values(nowhere), **settings}
    return describe_sql(piece, TABLE, schema={"lag_signals": LAG_SIGNALS}, values=values)


def seconds_of(duration: str) -> float:
    """A duration as Flink's connectors read it: `10 s`, `2 min`, `500` (milliseconds), `PT1M`.

    Raises CodeError: they read none in it.
    """
    with flink() as it, told_by_java(f"The duration {duration}"):
        return float(it.java.org.apache.flink.util.TimeUtils.parseDuration(duration).toMillis()) / 1000


class History:
    """The table of one check."""

    def __init__(self, database: Schema, connection: Any) -> None:
        self._database = database
        self._connection = connection

    def ask(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What PostgreSQL answers now."""
        with self._connection.cursor() as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall()) if cursor.description else []

    def columns(self) -> dict[str, str]:
        """PostgreSQL's type of each column."""
        query = """SELECT column_name, data_type FROM information_schema.columns
                   WHERE table_schema = current_schema AND table_name = %s"""
        return dict(self.ask(query, [TABLE]))

    def rows(self) -> list[dict[str, Any]]:
        """All rows, by market and hour."""
        return self._rows(f"SELECT * FROM {TABLE} ORDER BY market, window_start, detected_at")

    def arrivals(self) -> list[dict[str, Any]]:
        """Every row that Flink sent, first to last, with its statement."""
        return self._rows("SELECT * FROM arrivals ORDER BY place")

    def _rows(self, query: str) -> list[dict[str, Any]]:
        """Rows as a person writes them: "10:00" for a time of the scripts' day, text for a number."""
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            names = [column.name for column in cursor.description]
            return [dict(zip(names, map(_said, row), strict=True)) for row in cursor.fetchall()]

    def add(self, judgement: Step) -> None:
        """A row that somebody else has written before."""
        fields = judgement.fields
        marks = ", ".join(["%s"] * len(fields))
        values = [_stored(*field) for field in fields.items()]
        self.ask(f"INSERT INTO {TABLE} ({', '.join(fields)}) VALUES ({marks})", values)
        self.ask("TRUNCATE arrivals")

    def write(self, sql: Path | Sequence[Path | str], script: Sequence[Step]) -> None:
        """Run a piece, or more beside it, on these judgements to their end. Raises LabError: it is wrong."""
        values = _values(self._database.jdbc)
        # step by step: of two rows that wait in the sink with one key, it would send only the second
        run_sql(sql, script, schema={"lag_signals": LAG_SIGNALS}, query={}, values=values, each_step=True)

    @contextmanager
    def writing(self, piece: Path, hours: int) -> Iterator[Callable[[], int]]:
        """Within it the piece's job goes on, without checkpoints, after so many judgements in one go.

        Gives a function: how many of them a sink beside it has written by now, whose timer has the interval
        of the settings. Raises LabError: the job cannot be run.
        """
        with closing(psycopg2.connect(self._database.dsn)) as holder, ThreadPoolExecutor(1) as pool:
            holder.autocommit = True
            holder.cursor().execute(_HELD)
            values = {**_values(self._database.jdbc), "hours": str(hours)}
            never = {"execution.checkpointing.interval": "1 h"}
            job = pool.submit(
                lambda: run_sql([_BURST, piece], [], schema={}, query={}, values=values, options=never)
            )

            def beside() -> int:
                if job.done():
                    job.result()  # raises what ended it
                    raise LabError("The job has ended, and its input has not.")
                return int(self.ask("SELECT count(*) FROM beside")[0][0])

            try:
                yield beside
            finally:
                holder.close()  # and with it the lock that the end of the input waits for
            job.result()


#: a view without rows, which does not say so before a lock is free: an input that goes on
_HELD = """
    CREATE FUNCTION wait() RETURNS SETOF int LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock_shared(hashtext(current_schema)); END $$;
    CREATE VIEW held AS SELECT wait AS n FROM wait();
    CREATE TABLE beside (n int);
    SELECT pg_advisory_lock(hashtext(current_schema));
"""
_BURST = """
CREATE TABLE burst (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '100000',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '${hours}');
CREATE TABLE held (n INT) WITH ('connector' = 'jdbc', 'table-name' = 'held', ${jdbc});
CREATE TABLE beside (n INT) WITH ('connector' = 'jdbc', 'table-name' = 'beside', ${jdbc},
  'sink.buffer-flush.max-rows' = '100000', 'sink.buffer-flush.interval' = '${jdbc_flush_seconds} s');
CREATE VIEW numbers AS SELECT n FROM burst UNION ALL SELECT n FROM held;
CREATE VIEW lag_signals AS
SELECT
  'fed' AS market, CAST(NULL AS STRING) AS question, TO_TIMESTAMP_LTZ(n * 3600000, 3) AS window_start,
  CAST(NULL AS DECIMAL(16, 6)) AS signal_delta, CAST(NULL AS DECIMAL(16, 6)) AS max_signal_delta,
  CAST(0 AS DECIMAL(10, 6)) AS price_delta, FALSE AS lag_flag, CAST(NULL AS DECIMAL(5, 4)) AS confidence,
  CAST(0 AS DECIMAL(16, 6)) AS rss_signal, CAST(NULL AS DECIMAL(16, 6)) AS prev_rss_signal,
  CAST(1 AS DECIMAL(16, 6)) AS source_weight_avg, CAST(NULL AS DECIMAL(10, 6)) AS price,
  CAST(NULL AS DECIMAL(10, 6)) AS prev_price, 'missing' AS price_status,
  TO_TIMESTAMP_LTZ((n + 1) * 3600000, 3) AS detected_at
FROM numbers;
INSERT INTO beside SELECT n FROM numbers;
"""


def _values(jdbc: dict[str, str]) -> dict[str, str]:
    """What a piece leaves open; each on one line, so that its file's lines stay where they are."""
    return {**SETTINGS, "jdbc": ", ".join(f"'{key}' = '{value}'" for key, value in jdbc.items())}


def _stored(name: str, value: Any) -> Any:
    """A field of a script's row as PostgreSQL takes it."""
    if name not in ("window_start", "detected_at"):
        return value
    return datetime.fromtimestamp(ms(value) / 1000, timezone.utc).replace(tzinfo=None)


def _said(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock(ms(value))
    return str(value) if isinstance(value, Decimal) else value
