"""The stores of last prices: one contract for both.

DynamoDB itself was not run here, and boto3 is not installed. `Table` stands in for boto3's client: it takes the
two calls that DynamoDbPrices makes, refuses every other form of them, and has of conditional writes the one
condition that is used. What is tested is our code on top of that, not Amazon's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from capstone_marketlag import pieces
from capstone_marketlag.producers import stored_prices
from capstone_marketlag.producers.stored_prices import DynamoDbPrices, SqlitePrices, StoredPrices, opened
from capstone_marketlag.wire import to_wire
from labkit.errors import LabError

NOW = datetime(2026, 1, 5, 10, tzinfo=timezone.utc)


class ClientError(Exception):
    """botocore's, as far as it is caught."""


class ConditionalCheckFailed(ClientError):
    """What a refused conditional write raises; in boto3 a ClientError too."""


class Table:
    """boto3's client of DynamoDB with one table, for the calls that DynamoDbPrices makes."""

    exceptions = SimpleNamespace(ConditionalCheckFailedException=ConditionalCheckFailed)

    def __init__(self) -> None:
        self.items: dict[str, dict[str, dict[str, str]]] = {}

    def get_item(self, *, TableName: str, Key: dict[str, Any], ConsistentRead: bool) -> dict[str, Any]:
        assert (TableName, ConsistentRead) == ("prices", True)
        [(name, value)] = Key.items()
        assert (name, list(value)) == ("key", ["S"])
        item = self.items.get(value["S"])
        return {"Item": dict(item)} if item else {}  # a missing item is no key at all in the answer

    def put_item(
        self,
        *,
        TableName: str,
        Item: dict[str, dict[str, str]],
        ConditionExpression: str,
        ExpressionAttributeValues: dict[str, dict[str, str]],
    ) -> dict[str, Any]:
        assert TableName == "prices"
        assert ConditionExpression == "attribute_not_exists(event_time) OR event_time < :new"
        assert all(
            kind in ("S", "N") and type(text) is str
            for value in Item.values()
            for kind, text in value.items()
        )
        there = self.items.get(Item["key"]["S"], {})
        if "event_time" in there and not there["event_time"]["S"] < ExpressionAttributeValues[":new"]["S"]:
            raise ConditionalCheckFailed
        self.items[Item["key"]["S"]] = Item
        return {}


def dynamodb(table: Any, now: float = NOW.timestamp()) -> DynamoDbPrices:
    return DynamoDbPrices("prices", table, (ClientError,), lambda: now)


def price(text: str, before: str | None = None, hours: int = 0) -> Any:
    stored = Decimal(before) if before is not None else None
    return pieces.python("market_prices").HourlyPrice(
        NOW + timedelta(hours=hours), Decimal(text), stored, "observed"
    )


@pytest.fixture(params=["sqlite", "dynamodb"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], StoredPrices]:
    """Opens the store; again: another process with the same store."""
    table = Table()
    if request.param == "sqlite":
        return lambda: SqlitePrices(tmp_path / "a folder" / "prices.sqlite")
    return lambda: dynamodb(table)


# ---- the contract ------------------------------------------------------------------------------


def test_what_was_never_stored_is_nothing(reopen: Callable[[], StoredPrices]) -> None:
    assert reopen().get("fed|Yes") is None


@pytest.mark.parametrize(
    ("text", "before"), [("0.440000", None), ("0.440000", "0.100001"), ("0.000000", "1.000000")]
)
def test_a_price_comes_back_digit_by_digit(
    reopen: Callable[[], StoredPrices], text: str, before: str | None
) -> None:
    assert reopen().put("fed|Yes", price(text, before))

    found: Any = reopen().get("fed|Yes")
    assert [found, str(found.price), str(found.prev_price)] == [price(text, before), text, str(before)]


def test_a_price_is_never_taken_back(reopen: Callable[[], StoredPrices]) -> None:
    later, earlier, again = price("0.1", hours=1), price("0.2"), price("0.3", hours=1)

    assert [reopen().put("k", each) for each in (later, earlier, again)] == [True, False, False]
    assert reopen().get("k") == later


def test_a_later_price_replaces_the_whole_row(reopen: Callable[[], StoredPrices]) -> None:
    first, second = price("0.2", "0.1"), price("0.3", hours=1)

    assert [reopen().put("k", each) for each in (first, second)] == [True, True]
    assert reopen().get("k") == second


def test_outcomes_do_not_see_each_other(reopen: Callable[[], StoredPrices]) -> None:
    reopen().put("fed|Yes", price("0.2", hours=5))
    reopen().put("fed|No", price("0.8"))

    assert [reopen().get(key) for key in ("fed|Yes", "fed|No", "fed|yes")] == [
        price("0.2", hours=5),
        price("0.8"),
        None,
    ]


# ---- DynamoDB ----------------------------------------------------------------------------------


def test_a_row_has_texts_a_ttl_and_no_float() -> None:
    table = Table()
    dynamodb(table).put("fed|Yes", price("0.440000", "0.430000"))

    assert table.items == {
        "fed|Yes": {
            "key": {"S": "fed|Yes"},
            "event_time": {"S": to_wire(NOW)},
            "price": {"S": "0.440000"},
            "prev_price": {"S": "0.430000"},
            "status": {"S": "observed"},
            "expires_at": {"N": str(int(NOW.timestamp()) + 30 * 86_400)},
        }
    }


def test_what_expired_is_gone_though_dynamodb_still_has_it() -> None:
    table = Table()
    dynamodb(table).put("k", price("0.44"))
    end = NOW.timestamp() + stored_prices.KEPT_SECONDS

    assert [dynamodb(table, at).get("k") for at in (end - 1, end)] == [price("0.44"), None]
    assert dynamodb(table, end).put("k", price("0.55", hours=721))
    assert dynamodb(table, end).get("k") == price("0.55", hours=721)


def test_a_table_that_refuses_is_one_sentence() -> None:
    def refuse(**_: Any) -> Any:
        raise ClientError("ResourceNotFoundException")

    store = dynamodb(SimpleNamespace(get_item=refuse, put_item=refuse, exceptions=Table.exceptions))

    for ask in (lambda: store.get("k"), lambda: store.put("k", price("0.1"))):
        with pytest.raises(
            LabError, match=r"^The stored prices in DynamoDB's table prices cannot be used \(Resource"
        ):
            ask()


# ---- which store -------------------------------------------------------------------------------


def test_the_setting_names_a_file_or_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    boto3, errors = ModuleType("boto3"), ModuleType("botocore.exceptions")

    def client(*names: str, **more: str) -> Table:
        asked.append((names, more))
        return Table()

    boto3.client = client  # type: ignore[attr-defined]
    errors.BotoCoreError = errors.ClientError = ClientError  # type: ignore[attr-defined]
    for name, module in {
        "boto3": boto3,
        "botocore": ModuleType("botocore"),
        "botocore.exceptions": errors,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)

    stores = [opened(str(tmp_path / "prices.sqlite")), opened("dynamodb://prices?region=eu-west-1")]

    assert [type(store) for store in stores] == [SqlitePrices, DynamoDbPrices]
    assert asked == [(("dynamodb",), {"region_name": "eu-west-1"})]
    assert stores[1].put("k", price("0.1"))


def test_without_boto3_the_table_s_store_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)  # as if it were not installed

    with pytest.raises(LabError) as error:
        opened("dynamodb://prices?region=eu-west-1")

    assert error.value.next_step == "pip install boto3"


def test_a_file_that_is_no_store_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "prices.sqlite"
    file.write_text("this is not a database, and it is long enough to be seen as such" * 10)

    with pytest.raises(
        LabError, match=r"^The stored prices in .*prices\.sqlite cannot be used \(file is not a database\)"
    ):
        SqlitePrices(file)
