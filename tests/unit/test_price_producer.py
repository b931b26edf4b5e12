"""The price producer against real HTTP and librdkafka's own broker: rows, carried prices, dead letters."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from capstone_marketlag import pieces
from capstone_marketlag.dump import read_topic
from capstone_marketlag.producers import polymarket
from capstone_marketlag.producers.http import Getter
from capstone_marketlag.producers.kafka_out import KafkaOut
from capstone_marketlag.producers.stored_prices import SqlitePrices
from capstone_marketlag.settings import Settings
from capstone_marketlag.topics import API_HEALTH, DEAD_PRICES, MARKET_META, PRICES

NOW = datetime(2026, 1, 5, 10, tzinfo=timezone.utc)
YES, NO = "7" * 77, "8" * 77
GAMMA = {
    "slug": "fed", "question": "Will it?", "endDate": "2026-03-18T00:00:00Z", "closed": False,
    "outcomes": '["Yes", "No"]', "clobTokenIds": json.dumps([YES, NO]),
}  # fmt: skip


class Exchange:
    """Gamma and the CLOB on one address. What they answer next can be changed at any time."""

    def __init__(self) -> None:
        self.gamma: tuple[int, Any] = (200, GAMMA)
        self.clob: tuple[int, Any] = (200, {})
        self.asked: list[Any] = []

    def quote(self, yes: str | None, no: str | None) -> None:
        sides = {token: {"BUY": p, "SELL": p} for token, p in ((YES, yes), (NO, no)) if p is not None}
        self.clob = (200, sides)


@pytest.fixture
def exchange() -> Iterator[tuple[Exchange, str]]:
    it = Exchange()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(*(it.gamma if self.path == "/markets/slug/fed" else (404, {})))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            it.asked.append(json.loads(body))
            self._answer(*(it.clob if self.path == "/prices" else (404, {})))

        def _answer(self, status: int, document: Any) -> None:
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield it, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def clients(exchange: tuple[Exchange, str], tmp_path: Path) -> Iterator[polymarket.Clients]:
    mock = Producer({"bootstrap.servers": "x", "test.mock.num.brokers": 1})
    broker = next(iter(mock.list_topics(timeout=10).brokers.values()))
    settings = Settings(
        kafka=f"127.0.0.1:{broker.port}", market="fed", gamma_url=exchange[1], clob_url=exchange[1]
    )
    yield polymarket.Clients(
        settings, KafkaOut(settings), Getter(sleep=lambda _: None), SqlitePrices(tmp_path / "prices.sqlite")
    )
    del mock


def rows(clients: polymarket.Clients, topic: str) -> list[dict[str, Any]]:
    return [json.loads(row["value"]) for row in read_topic(clients.settings, topic)]


def prices(clients: polymarket.Clients) -> list[tuple[str, str, Any, Any, float, str]]:
    """(hour, outcome, price, prev_price, delta, status) of every row that is no heartbeat, in order."""
    found = [row for row in rows(clients, PRICES) if row.get("kind") != "heartbeat"]
    names = ("event_time", "outcome", "price", "prev_price", "price_delta", "price_status")
    return sorted(tuple(row[name] for name in names) for row in found)  # type: ignore[misc]


def test_an_hour_gives_one_row_an_outcome_and_time_goes_on_in_every_partition(
    exchange: tuple[Exchange, str], clients: polymarket.Clients
) -> None:
    exchange[0].quote("0.44", "0.56")
    counts = polymarket.poll(NOW, clients)

    partitions = clients.kafka.partitions(PRICES)
    assert prices(clients) == [
        ("2026-01-05T10:00:00Z", "No", 0.56, None, 0.0, "observed"),
        ("2026-01-05T10:00:00Z", "Yes", 0.44, None, 0.0, "observed"),
    ]
    by_partition = {
        n: [r for r in read_topic(clients.settings, PRICES) if r["partition"] == n] for n in partitions
    }
    assert all(json.loads(records[-1]["value"])["kind"] == "heartbeat" for records in by_partition.values())
    assert counts == {
        "produced": 2, "carried": 0, "clamped": 0, "dead": 0, "closed": False, "heartbeats": len(partitions),
    }  # fmt: skip
    assert exchange[0].asked == [pieces.python("market_prices").quote_request(
        pieces.python("market_prices").market(json.dumps(GAMMA).encode()))]  # fmt: skip


def test_the_market_is_described_beside_its_prices(
    exchange: tuple[Exchange, str], clients: polymarket.Clients
) -> None:
    exchange[0].quote("0.44", "0.56")
    polymarket.poll(NOW, clients)

    assert rows(clients, MARKET_META) == [{
        "market_slug": "fed", "question": "Will it?", "close_time": "2026-03-18T00:00:00Z",
        "yes_token_id": YES, "no_token_id": NO, "timezone": "UTC",
    }]  # fmt: skip
    assert [(r["source"], r["status"], r["error_message"]) for r in rows(clients, API_HEALTH)] == [
        ("gamma", 200, ""), ("clob", 200, ""),
    ]  # fmt: skip


def test_prices_are_carried_clamped_and_never_made_up(
    exchange: tuple[Exchange, str], clients: polymarket.Clients
) -> None:
    for hour, quote in enumerate([(None, "0.5"), ("0.40", "0.6"), (None, None), ("1.3", "-1")]):
        exchange[0].quote(*quote)
        polymarket.poll(NOW + timedelta(hours=hour), clients)

    assert [row for row in prices(clients) if row[1] == "Yes"] == [
        ("2026-01-05T11:00:00Z", "Yes", 0.4, None, 0.0, "observed"),
        ("2026-01-05T12:00:00Z", "Yes", 0.4, 0.4, 0.0, "carried"),
        ("2026-01-05T13:00:00Z", "Yes", 1.0, 0.4, 0.6, "clamped"),
    ]
    assert [letter["reason"] for letter in rows(clients, DEAD_PRICES)] == [
        "no price for Yes: none quoted or stored"
    ]


def test_a_repeated_run_sends_the_very_same_rows_and_a_late_one_none(
    exchange: tuple[Exchange, str], clients: polymarket.Clients
) -> None:
    exchange[0].quote("0.40", "0.60")
    polymarket.poll(NOW, clients)
    exchange[0].quote("0.45", "0.55")
    polymarket.poll(NOW + timedelta(hours=1), clients)
    first = prices(clients)
    exchange[0].quote("0.99", "0.01")
    polymarket.poll(NOW + timedelta(hours=1, minutes=3), clients)
    late = polymarket.poll(NOW, clients)

    assert prices(clients) == sorted([*first, *first[2:]])
    assert (late["produced"], late["dead"]) == (0, 2)


@pytest.mark.parametrize(
    ("gamma", "reason"),
    [
        ((404, {}), "no market: HTTP 404"),
        ((200, b"<html>"), "no market: not JSON (JSONDecodeError)"),
        ((200, {**GAMMA, "clobTokenIds": None}), "no market: 2 outcomes, 0 tokens"),
        ((500, {}), "no market: HTTP 500"),
    ],
)
def test_without_a_market_there_is_a_reason_and_time_goes_on(
    exchange: tuple[Exchange, str], clients: polymarket.Clients, gamma: tuple[int, Any], reason: str
) -> None:
    exchange[0].gamma = gamma
    counts = polymarket.poll(NOW, clients)

    assert [letter["reason"] for letter in rows(clients, DEAD_PRICES)] == [reason]
    assert {row["kind"] for row in rows(clients, PRICES)} == {"heartbeat"}
    assert (counts["produced"], counts["dead"]) == (0, 1)
    assert exchange[0].asked == []


def test_a_closed_market_is_described_and_not_priced(
    exchange: tuple[Exchange, str], clients: polymarket.Clients
) -> None:
    exchange[0].gamma = (200, {**GAMMA, "closed": True, "closedTime": "2026-01-04 02:07:01+00"})
    counts = polymarket.poll(NOW, clients)

    assert counts["closed"] is True
    assert rows(clients, MARKET_META)[0]["close_time"] == "2026-01-04T02:07:01Z"
    assert exchange[0].asked == []


def test_a_price_is_never_taken_back(tmp_path: Path) -> None:
    row = pieces.python("market_prices").HourlyPrice
    store = SqlitePrices(tmp_path / "a folder" / "prices.sqlite")
    later, earlier = (row(NOW + timedelta(hours=n), Decimal("0.10"), None, "observed") for n in (1, 0))

    assert store.get("k") is None
    assert [store.put("k", each) for each in (later, earlier, later)] == [True, False, False]
    assert SqlitePrices(tmp_path / "a folder" / "prices.sqlite").get("k") == later
