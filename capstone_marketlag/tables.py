"""The tables that readers see, made true on a database: sql/postgres.sql, and that of the lab jdbc_sink."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from psycopg2.extensions import cursor as Cursor

from capstone_marketlag import pieces
from capstone_marketlag.settings import Settings
from labkit.errors import LabError

SIGNALS = "rss_signals_hourly"
LAG_SIGNALS = "lag_signals_history"
API_HEALTH = "api_health_log"
NAMES = (SIGNALS, LAG_SIGNALS, API_HEALTH)


def ensure(settings: Settings) -> None:
    """Create the tables that are missing. Raises LabError: the database refuses, or does not answer."""
    ours = Path(__file__).parent / "sql" / "postgres.sql"
    with transaction(settings) as cursor:
        for file in (ours, pieces.given("jdbc_sink", "postgres.sql")):
            cursor.execute(file.read_text())


def check_takes_rows(settings: Settings) -> None:
    """Nothing where the application may write its rows. Raises LabError: it may not; or as `ensure`."""
    refused = ""
    with transaction(settings) as cursor:
        try:
            cursor.execute(f"INSERT INTO {LAG_SIGNALS} SELECT * FROM {LAG_SIGNALS} WHERE FALSE")
        except psycopg2.Error as error:
            refused = _reason(error)
            cursor.connection.rollback()
    if refused:
        raise LabError(
            f"PostgreSQL takes no rows: {refused}.",
            "Nothing is lost: the jobs try again from their last checkpoint, until it does.",
            "mend that; then python -m capstone_marketlag status",
        )


@contextmanager
def transaction(settings: Settings) -> Iterator[Cursor]:
    """A cursor whose statements are all done or none. Raises LabError: as `ensure`."""
    try:
        connection = psycopg2.connect(settings.postgres, connect_timeout=5)
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise LabError(
            f"PostgreSQL cannot be asked: {_reason(error)}.",
            "MARKETLAG_POSTGRES names a database; the application makes its tables.",
            "./lab up postgres",
        ) from error


def _reason(error: psycopg2.Error) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
