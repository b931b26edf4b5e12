"""How long PostgreSQL keeps rows: judged and counted hours 90 days, what a source answered 30 days.

A judged hour is as old as its judgement (detected_at): whoever replays old hours, or catches up on them,
finds them for 90 days, and the index on that column finds what is to go. A counted hour has no such time: it
is as old as its end, when it could first be told. Kafka deletes by itself, as topics.toml says.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from capstone_marketlag import tables
from capstone_marketlag.settings import Settings

#: table -> the column that says how old a row is, and the days it is kept
KEPT = {
    tables.LAG_SIGNALS: ("detected_at", 90),
    tables.SIGNALS: ("window_end", 90),
    tables.API_HEALTH: ("logged_at", 30),
}


def delete_old(settings: Settings, now: datetime) -> dict[str, int]:
    """Delete the rows that are older than their table keeps them; how many, by table.

    now: with its zone. All of it or nothing. Raises LabError: the database refuses, or does not answer.
    """
    utc = now.astimezone(timezone.utc).replace(tzinfo=None)  # as the columns are
    deleted = {}
    with tables.transaction(settings) as cursor:
        for table, (column, days) in KEPT.items():
            cursor.execute(f"DELETE FROM {table} WHERE {column} < %s", (utc - timedelta(days=days),))
            deleted[table] = cursor.rowcount
    return deleted
