"""The price producer against real HTTP and librdkafka's own broker: rows, carried prices, dead letters."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from capstone_marketlag import pieces
from capstone_marketlag.dump import read_topic
from capstone_marketlag.producers import kafka_out, polymarket, schedule
from capstone_marketlag.producers.clients import Clients
from capstone_marketlag.settings import Settings
from capstone_marketlag.topics import API_HEALTH, DEAD_PRICES, MARKET_META, PRICES
from labkit.errors import LabError

NOW = datetime(2026, 1, 5, 10, tzinfo=timezone.utc)
HOUR = "2026-01-05T10:00:00Z"
HEARTBEAT = {"kind": "heartbeat", "fetched_at": HOUR, "timezone": "UTC"}
#: of every topic of the broker in librdkafka
PARTITIONS = 4
YES, NO = "7" * 77, "8" * 77
GAMMA = {
    "slug": "fed", "question": "Will it?", "endDate": "2026-03-18T00:00:00Z", "closed": False,
    "outcomes": '["Yes", "No"]', "clobTokenIds": json.dumps([YES, NO]),
}  # fmt: skip


class Exchange:
    """Gamma and the CLOB on one address. What they answer next can be changed at any time."""

    def __init__(self) -> None:
        self.gamma: dict[str, tuple[int, Any]] = {"fed": (200, GAMMA)}
        self.clob: tuple[int, Any] = (200, {})
        self.asked: list[Any] = []
        self.url = ""

    def quote(self, yes: str | None, no: str | None) -> None:
        sides = {token: {"BUY": p, "SELL": p} for token, p in ((YES, yes), (NO, no)) if p is not None}
        self.clob = (200, sides)


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    it = Exchange()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(*it.gamma.get(self.path.removeprefix("/markets/slug/"), (404, {})))

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
        it.url = f"http://127.0.0.1:{server.server_port}"
        yield it
        server.shutdown()


@pytest.fixture
def open_clients(exchange: Exchange, broker: str, tmp_path: Path) -> Callable[..., Clients]:
    """open_clients("fed", …): clients of a producer for those markets."""

    def clients(*markets: str) -> Clients:
        settings = Settings(
            kafka=broker,
            markets=",".join(markets),
            gamma_url=exchange.url,
            clob_url=exchange.url,
            price_store=str(tmp_path / "prices.sqlite"),
        )
        return replace(Clients.of(settings, sleep=lambda _: None), health=None)  # no database here

    return clients


@pytest.fixture
def clients(open_clients: Callable[..., Clients]) -> Clients:
    return open_clients("fed")


def rows(clients: Clients, topic: str) -> list[dict[str, Any]]:
    return [json.loads(row["value"]) for row in read_topic(clients.settings, topic)]


def run_counts(**what: Any) -> dict[str, Any]:
    """What a run returns, where nothing else happened."""
    nothing = {"produced": 0, "carried": 0, "clamped": 0, "dead": 0, "heartbeats": PARTITIONS, "closed": []}
    return nothing | what


def prices(clients: Clients) -> list[tuple[str, str, Any, Any, float, str]]:
    """(hour, outcome, price, prev_price, delta, status) of every row that is no heartbeat, in order."""
    found = [row for row in rows(clients, PRICES) if row.get("kind") != "heartbeat"]
    names = ("event_time", "outcome", "price", "prev_price", "price_delta", "price_status")
    return sorted(tuple(row[name] for name in names) for row in found)


def test_an_hour_gives_one_row_an_outcome_and_time_goes_on_in_every_partition(
    exchange: Exchange, clients: Clients
) -> None:
    exchange.quote("0.44", "0.56")
    counts = polymarket.poll(NOW, clients)

    partitions = clients.kafka.partitions(PRICES)
    assert prices(clients) == [
        ("2026-01-05T10:00:00Z", "No", 0.56, None, 0.0, "observed"),
        ("2026-01-05T10:00:00Z", "Yes", 0.44, None, 0.0, "observed"),
    ]
    by_partition = {
        n: [r for r in read_topic(clients.settings, PRICES) if r["partition"] == n] for n in partitions
    }
    assert [(records[-1]["key"], json.loads(records[-1]["value"])) for records in by_partition.values()] == [
        ("heartbeat", HEARTBEAT | {"event_time": HOUR}) for _ in partitions
    ]
    assert counts == run_counts(produced=2)
    assert exchange.asked == [pieces.python("market_prices").quote_request(
        pieces.python("market_prices").market(json.dumps(GAMMA).encode(), NOW))]  # fmt: skip


def test_the_market_is_described_beside_its_prices(exchange: Exchange, clients: Clients) -> None:
    exchange.quote("0.44", "0.56")
    polymarket.poll(NOW, clients)

    # of one partition in the plan, of four here
    assert sorted(rows(clients, MARKET_META), key=lambda row: "kind" in row) == [{
        "market_slug": "fed", "question": "Will it?", "close_time": "2026-03-18T00:00:00Z",
        "yes_token_id": YES, "no_token_id": NO, "fetched_at": HOUR, "timezone": "UTC",
    }, HEARTBEAT]  # fmt: skip
    assert [(r["source"], r["status"], r["error_message"]) for r in rows(clients, API_HEALTH)] == [
        ("gamma", 200, ""), ("clob", 200, ""),
    ]  # fmt: skip


def test_prices_are_carried_clamped_and_never_made_up(exchange: Exchange, clients: Clients) -> None:
    for hour, quote in enumerate([(None, "0.5"), ("0.40", "0.6"), (None, None), ("1.3", "-1")]):
        exchange.quote(*quote)
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
    exchange: Exchange, clients: Clients
) -> None:
    exchange.quote("0.40", "0.60")
    polymarket.poll(NOW, clients)
    exchange.quote("0.45", "0.55")
    polymarket.poll(NOW + timedelta(hours=1), clients)
    first = prices(clients)
    exchange.quote("0.99", "0.01")
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
    exchange: Exchange, clients: Clients, gamma: tuple[int, Any], reason: str
) -> None:
    exchange.gamma["fed"] = gamma
    counts = polymarket.poll(NOW, clients)

    assert [letter["reason"] for letter in rows(clients, DEAD_PRICES)] == [reason]
    assert {row["kind"] for row in rows(clients, PRICES)} == {"heartbeat"}
    assert (counts["produced"], counts["dead"]) == (0, 1)
    assert exchange.asked == []


def test_a_closed_market_is_described_and_not_priced(exchange: Exchange, clients: Clients) -> None:
    exchange.gamma["fed"] = (200, {**GAMMA, "closed": True, "closedTime": "2026-01-04 02:07:01+00"})
    counts = polymarket.poll(NOW, clients)

    [meta] = [row for row in rows(clients, MARKET_META) if "kind" not in row]
    assert meta["close_time"] == "2026-01-04T02:07:01Z"
    assert counts == run_counts(closed=["fed"])
    assert exchange.asked == []


def test_prices_go_out_with_six_digits_and_the_change_is_their_difference(
    exchange: Exchange, clients: Clients
) -> None:
    for hour, quote in enumerate(["0.1234565", "0.3"]):
        exchange.quote(quote, None)
        polymarket.poll(NOW + timedelta(hours=hour), clients)

    assert prices(clients) == [
        ("2026-01-05T10:00:00Z", "Yes", 0.123457, None, 0.0, "observed"),
        ("2026-01-05T11:00:00Z", "Yes", 0.3, 0.123457, 0.176543, "observed"),
    ]


# ---- several markets ---------------------------------------------------------------------------


def test_markets_are_looked_at_in_the_order_of_the_list(
    exchange: Exchange, open_clients: Callable[..., Clients]
) -> None:
    ecb = {**GAMMA, "slug": "another name", "clobTokenIds": '["1", "2"]'}
    exchange.gamma |= {"ecb": (200, ecb), "boe": (200, {**GAMMA, "closed": True})}
    exchange.quote("0.44", "0.56")
    clients = open_clients("ecb", "boe", "fed")

    counts = polymarket.poll(NOW, clients)

    # nothing is quoted for the tokens of ecb; boe is closed
    assert [[each["token_id"] for each in asked] for asked in exchange.asked] == [
        ["1", "1", "2", "2"],
        [YES, YES, NO, NO],
    ]
    assert sorted(row["market_slug"] for row in rows(clients, PRICES) if "kind" not in row) == ["fed", "fed"]
    assert sorted(row.get("market_slug", "heartbeat") for row in rows(clients, MARKET_META)) == [
        "boe",
        "ecb",
        "fed",
        "heartbeat",
    ]
    assert counts == run_counts(produced=2, dead=2, closed=["boe"])


@pytest.mark.parametrize(
    "gamma",
    [
        (404, {}), (500, {}), (200, b"<html>"), (200, b"[" * 100_000), (200, {**GAMMA, "outcomes": "[]"}),
        (200, {**GAMMA, "question": "?" * 1_100_000}),
    ],
    ids=["unknown", "down", "no JSON", "deep", "no outcomes", "too large"],
)  # fmt: skip
def test_a_market_that_fails_costs_no_other_market_its_rows(
    exchange: Exchange, open_clients: Callable[..., Clients], gamma: tuple[int, Any]
) -> None:
    exchange.gamma["bad"] = gamma
    exchange.quote("0.44", "0.56")
    clients = open_clients("bad", "fed")

    counts = polymarket.poll(NOW, clients)

    assert [row[1] for row in prices(clients)] == ["No", "Yes"]
    assert [letter["reason"][:11] for letter in rows(clients, DEAD_PRICES)] == ["no market: "]
    assert counts == run_counts(produced=2, dead=1)


@pytest.mark.parametrize("clob", [(500, {}), (200, b"Too Many Requests"), (200, []), (200, {})])
def test_without_quotes_the_last_prices_are_carried(
    exchange: Exchange, clients: Clients, clob: tuple[int, Any]
) -> None:
    exchange.quote("0.44", "0.56")
    polymarket.poll(NOW, clients)
    exchange.clob = clob

    counts = polymarket.poll(NOW + timedelta(hours=1), clients)

    assert [row[1:] for row in prices(clients)][2:] == [
        ("No", 0.56, 0.56, 0.0, "carried"), ("Yes", 0.44, 0.44, 0.0, "carried"),
    ]  # fmt: skip
    assert counts == run_counts(produced=2, carried=2)


# ---- events ------------------------------------------------------------------------------------


@pytest.mark.parametrize("detail", [{"only": "heartbeat"}, '{"only": "heartbeat"}'])
def test_between_the_hours_there_is_only_a_heartbeat(
    clients: Clients, exchange: Exchange, detail: Any
) -> None:
    event = schedule.event(NOW + timedelta(minutes=15), schedule.PRICE_HEARTBEAT)

    counts = polymarket.run(event | {"detail": detail}, clients)

    quarter = {"fetched_at": "2026-01-05T10:15:00Z"}
    assert rows(clients, PRICES) == [HEARTBEAT | quarter | {"event_time": quarter["fetched_at"]}] * PARTITIONS
    assert rows(clients, MARKET_META) == [HEARTBEAT | quarter]
    assert counts == run_counts()
    assert exchange.asked == []


@pytest.mark.parametrize("detail", [{}, "{}", None])
def test_without_a_word_of_it_the_markets_are_looked_at(
    clients: Clients, exchange: Exchange, detail: Any
) -> None:
    exchange.quote("0.44", "0.56")

    counts = polymarket.run({"time": HOUR, "detail": detail}, clients)

    assert counts == run_counts(produced=2)


def test_an_event_that_asks_for_something_else_is_refused(clients: Clients) -> None:
    with pytest.raises(LabError, match=r"^The event asks for only 'news'\."):
        polymarket.run({"time": HOUR, "detail": {"only": "news"}}, clients)


def test_what_a_run_lives_with_is_logged(
    exchange: Exchange, clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "marketlag")
    exchange.quote("1.7", "0.56")
    polymarket.poll(NOW, clients)
    exchange.clob = (503, {})
    polymarket.poll(NOW + timedelta(hours=1), clients)

    said = [(line.getMessage(), line.__dict__["key"], line.__dict__["event_time"]) for line in caplog.records]
    assert said == [
        ("the price was clamped", "fed|Yes", HOUR),
        ("clob gave nothing: HTTP 503", "fed", "2026-01-05T11:00:00Z"),
        ("the price was carried", "fed|Yes", "2026-01-05T11:00:00Z"),
        ("the price was carried", "fed|No", "2026-01-05T11:00:00Z"),
    ]


def test_rows_that_were_not_acknowledged_are_the_same_in_the_next_run(
    exchange: Exchange, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.quote("0.44", "0.56")
    sent: list[Any] = []
    with monkeypatch.context() as patch:
        patch.setattr(
            kafka_out.KafkaOut, "send", lambda _, topic, key, value, partition=-1: sent.append(value)
        )
        patch.setattr(kafka_out.KafkaOut, "flush", lambda _: (_ for _ in ()).throw(LabError("not stored")))
        with pytest.raises(LabError):
            polymarket.poll(NOW, clients)
    exchange.quote("0.99", "0.01")

    polymarket.poll(NOW + timedelta(minutes=15), clients)

    assert [(row[0], row[2]) for row in prices(clients)] == [(HOUR, 0.56), (HOUR, 0.44)]
