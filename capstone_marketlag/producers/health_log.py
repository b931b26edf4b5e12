"""What went to ops.api_health, in PostgreSQL as well: api_health_log, for whoever asks in SQL.

The topic has the record. So a database that is away fails no run: it costs each run some seconds at most, and
one warning for as long as it is away.
"""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import Any

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ

from capstone_marketlag import logs
from capstone_marketlag.wire import from_wire

_INSERT = """
INSERT INTO api_health_log (source, logged_at, status, response_time_ms, error_message) VALUES {rows}
ON CONFLICT (source, logged_at) DO UPDATE SET
  status = excluded.status,
  response_time_ms = excluded.response_time_ms,
  error_message = excluded.error_message
"""

_log = logs.get("producer.health")


class HealthLog:
    """The table in the database at that address, by one connection that is kept from run to run.

    seconds: how long the database may take to connect, and to store what a run says.
    """

    def __init__(self, postgres: str, seconds: float = 3) -> None:
        self._postgres, self._seconds = postgres, seconds
        self._connection: Any = None
        self._away = False

    def write(self, records: Sequence[dict[str, Any]]) -> bool:
        """Store these values of ops.api_health in one statement; whether they are stored. Never raises.

        A run that is repeated replaces what it stored. Of several records of one source and time (two
        markets, one service) the worst is stored.
        """
        rows = _rows(records)
        if not rows:
            return True
        # a connection that was kept may have been cut since: only a new one tells what is the matter
        tries = 1 if self._connection is None else 2
        for left in reversed(range(tries)):
            try:
                self._store(rows)
            except psycopg2.Error as error:
                self._drop()
                if not left:
                    self._say(error)
            else:
                self._say(None)
                return True
        return False

    def _store(self, rows: list[tuple[Any, ...]]) -> None:
        deadline = time.monotonic() + self._seconds
        if self._connection is None:
            # not blocking: a server that hangs would hold the run for ever
            self._connection = psycopg2.connect(self._postgres, async_=True, client_encoding="utf8")
            _wait(self._connection, deadline)
        cursor = self._connection.cursor()
        values = ", ".join(["(%s, %s, %s, %s, %s)"] * len(rows))
        cursor.execute(_INSERT.format(rows=values), [value for row in rows for value in row])
        _wait(self._connection, deadline)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _say(self, problem: psycopg2.Error | None) -> None:
        """One line when an outage begins, and one when it ends."""
        if problem and not self._away:
            reason = (str(problem).strip() or type(problem).__name__).splitlines()[0]
            _log.warning("api_health_log cannot be written (%s); ops.api_health has the records", reason)
        if not problem and self._away:
            _log.info("api_health_log is written again")
        self._away = problem is not None


def _rows(records: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """One row for each source and time: of a failed and a good record the failed, of two alike the slower."""
    worst: dict[tuple[str, str], dict[str, Any]] = {}
    for record in sorted(records, key=lambda each: (bool(each["error_message"]), each["response_time_ms"])):
        worst[record["source"], record["logged_at"]] = record
    return [
        (
            _storable(record["source"]),
            from_wire(record["logged_at"]).replace(tzinfo=None),
            record["status"],
            record["response_time_ms"],
            _storable(record["error_message"]),
        )
        for record in worst.values()
    ]


def _storable(text: str) -> str:
    """The text without what JSON can hold and PostgreSQL cannot: zero bytes and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _wait(connection: Any, deadline: float) -> None:
    """Until the connection has done what it was told. Raises psycopg2.OperationalError: not by then."""
    while (state := connection.poll()) != POLL_OK:
        sockets, left = [connection.fileno()], max(0.0, deadline - time.monotonic())
        reading, writing = (sockets, []) if state == POLL_READ else ([], sockets)
        if not any(select.select(reading, writing, [], left)):
            raise psycopg2.OperationalError("it does not answer in time")
