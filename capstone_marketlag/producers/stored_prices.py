"""The last price of each outcome, kept between runs: one protocol, an embedded store behind it.

A row is replaced only by a later hour, in one conditional write: of two runs that overlap, or of a run
that comes late, neither can take a price back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from capstone_marketlag import pieces
from capstone_marketlag.wire import from_wire, to_wire


class StoredPrices(Protocol):
    """What the price producer needs of a store. Keys: market_slug|outcome."""

    def get(self, key: str) -> Any | None:
        """The last HourlyPrice of that key, or None."""

    def put(self, key: str, price: Any) -> bool:
        """Store an HourlyPrice unless a later or the same hour is there; whether it was stored."""


class SqlitePrices:
    """The store in a file, for one machine."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self._connection() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS prices (key TEXT PRIMARY KEY, event_time TEXT NOT NULL, "
                "price TEXT NOT NULL, prev_price TEXT, status TEXT NOT NULL)"
            )

    def get(self, key: str) -> Any | None:
        with self._connection() as connection:
            query = "SELECT event_time, price, prev_price, status FROM prices WHERE key = ?"
            row = connection.execute(query, (key,)).fetchone()
        if row is None:
            return None
        event_time, price, before, status = row
        return pieces.python("market_prices").HourlyPrice(
            from_wire(event_time), Decimal(price), Decimal(before) if before is not None else None, status
        )

    def put(self, key: str, price: Any) -> bool:
        before = str(price.prev_price) if price.prev_price is not None else None
        with self._connection() as connection:
            done = connection.execute(
                "INSERT INTO prices VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
                "event_time = excluded.event_time, price = excluded.price, "
                "prev_price = excluded.prev_price, status = excluded.status "
                "WHERE excluded.event_time > prices.event_time",  # wire times sort as text
                (key, to_wire(price.event_time), str(price.price), before, price.status),
            )
            return done.rowcount == 1

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """One transaction, and closed afterwards: sqlite3's own context manager closes nothing."""
        connection = sqlite3.connect(self._path, timeout=10)
        try:
            with connection:
                yield connection
        finally:
            connection.close()
