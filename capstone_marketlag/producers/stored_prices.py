"""The last price of each outcome, kept between runs: one protocol, a file or a table of DynamoDB behind it.

A row is replaced only by a later hour, in one conditional write: of two runs that overlap, or of a run
that comes late, neither can take a price back.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from capstone_marketlag import pieces
from capstone_marketlag.wire import from_wire, to_wire
from labkit.errors import LabError

#: how long DynamoDB keeps a price: longer than any gap that a price is carried over
KEPT_SECONDS = 30 * 86_400


class StoredPrices(Protocol):
    """What the price producer needs of a store. Keys: market_slug|outcome."""

    def get(self, key: str) -> Any | None:
        """The last HourlyPrice of that key, or None."""

    def put(self, key: str, price: Any) -> bool:
        """Store an HourlyPrice unless a later or the same hour is there; whether it was stored."""


def opened(where: str) -> StoredPrices:
    """The store that the setting price_store names.

    Raises LabError: it is a table of DynamoDB, and boto3 is missing.
    """
    table = re.fullmatch(r"dynamodb://(.+)\?region=(.+)", where)
    if table is None:
        return SqlitePrices(Path(where))
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        raise LabError(
            f"{where} needs boto3, which is not here.", "AWS Lambda brings it along.", "pip install boto3"
        ) from error
    client = boto3.client("dynamodb", region_name=table[2])
    return DynamoDbPrices(table[1], client, (BotoCoreError, ClientError))


class SqlitePrices:
    """The store in a file, for one machine. Raises LabError: the file cannot be used."""

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
        return _price(*row) if row is not None else None

    def put(self, key: str, price: Any) -> bool:
        with self._connection() as connection:
            done = connection.execute(
                "INSERT INTO prices VALUES (:key, :event_time, :price, :prev_price, :status) "
                "ON CONFLICT (key) DO UPDATE SET "
                "event_time = excluded.event_time, price = excluded.price, "
                "prev_price = excluded.prev_price, status = excluded.status "
                "WHERE excluded.event_time > prices.event_time",  # wire times sort as text
                {"key": key, "prev_price": None, **_texts(price)},
            )
            return done.rowcount == 1

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """One transaction, and closed afterwards: sqlite3's own context manager closes nothing."""
        try:
            connection = sqlite3.connect(self._path, timeout=10)
            try:
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise LabError(
                f"The stored prices in {self._path} cannot be used ({error}).",
                "They are a file of SQLite's.",
                "move that file away, or name another: MARKETLAG_PRICE_STORE",
            ) from error


class DynamoDbPrices:
    """The store in a table of DynamoDB, for Lambdas. Raises LabError: DynamoDB refused, or did not answer.

    The table's partition key is `key` (a string), its TTL attribute `expires_at` (epoch seconds).
    client: boto3's for dynamodb. failures: the errors it raises.
    """

    def __init__(
        self,
        table: str,
        client: Any,
        failures: tuple[type[Exception], ...],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._table, self._client, self._failures, self._now = table, client, failures, now

    def get(self, key: str) -> Any | None:
        with self._said():
            answer = self._client.get_item(
                TableName=self._table, Key={"key": {"S": key}}, ConsistentRead=True
            )
        item = {name: next(iter(value.values())) for name, value in answer.get("Item", {}).items()}
        # DynamoDB deletes what expired when it comes to it, days later
        if not item or int(item["expires_at"]) <= self._now():
            return None
        return _price(item["event_time"], item["price"], item.get("prev_price"), item["status"])

    def put(self, key: str, price: Any) -> bool:
        # texts, not DynamoDB's numbers: they sort as times and come back digit by digit
        item = {name: {"S": text} for name, text in {"key": key, **_texts(price)}.items()}
        item["expires_at"] = {"N": str(int(self._now()) + KEPT_SECONDS)}
        with self._said():
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(event_time) OR event_time < :new",
                    ExpressionAttributeValues={":new": item["event_time"]},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What boto3 raises, as a sentence."""
        try:
            yield
        except self._failures as error:
            raise LabError(
                f"The stored prices in DynamoDB's table {self._table} cannot be used ({error}).",
                "The run needs to read and write them.",
                "check the table, the region and the role's dynamodb:GetItem and dynamodb:PutItem",
            ) from error


def _texts(price: Any) -> dict[str, str]:
    """An HourlyPrice as texts; prev_price only where there is one."""
    texts = {"event_time": to_wire(price.event_time), "price": str(price.price), "status": price.status}
    return texts if price.prev_price is None else {**texts, "prev_price": str(price.prev_price)}


def _price(event_time: str, price: str, before: str | None, status: str) -> Any:
    """The HourlyPrice of those texts."""
    return pieces.python("market_prices").HourlyPrice(
        from_wire(event_time), Decimal(price), Decimal(before) if before is not None else None, status
    )
