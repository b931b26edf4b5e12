"""The tables that readers see, made true on a database: sql/postgres.sql."""

from __future__ import annotations

from pathlib import Path

import psycopg2

from capstone_marketlag.settings import Settings

SIGNALS = "rss_signals_hourly"
LAG_SIGNALS = "lag_signals_history"
API_HEALTH = "api_health_log"
NAMES = (SIGNALS, LAG_SIGNALS, API_HEALTH)


def ensure(settings: Settings) -> None:
    """Create the tables that are missing."""
    connection = psycopg2.connect(settings.postgres)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute((Path(__file__).parent / "sql" / "postgres.sql").read_text())
    finally:
        connection.close()
