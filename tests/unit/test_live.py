"""`produce --live`: real addresses' shapes, a broker in this process, and the sentences before the first run."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import KafkaError, KafkaException

from capstone_marketlag import logs, topics
from capstone_marketlag.__main__ import cli
from capstone_marketlag.dump import read_topic
from capstone_marketlag.producers import live, schedule
from capstone_marketlag.producers.clients import utc_now
from capstone_marketlag.settings import Settings
from capstone_marketlag.topics import NEWS, PRICES
from labkit.errors import LabError

MARKET = {
    "question": "Will it?", "endDate": "2030-03-18T00:00:00Z", "closed": False,
    "outcomes": '["Yes", "No"]', "clobTokenIds": '["7", "8"]',
}  # fmt: skip


class World:
    """Gamma, the CLOB and a feed on one address."""

    def __init__(self) -> None:
        self.markets: dict[str, Any] = {"fed": MARKET}
        self.feed: tuple[int, Any] = (
            200,
            {"items": [{"id": "a", "title": "Hike", "date_published": "2026-01-05T10:00:00Z"}]},
        )

    def answer(self, path: str) -> tuple[int, Any]:
        if path.startswith("/markets/slug/"):
            market = self.markets.get(path.removeprefix("/markets/slug/"))
            return (200, {"slug": "x", **market}) if market else (404, {"error": "slug not found"})
        if path == "/prices":
            return 200, {token: {"BUY": "0.4", "SELL": "0.5"} for token in "78"}
        return self.feed


@pytest.fixture
def world(broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    it = World()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, document = it.answer(self.path)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, format: str, *arguments: object) -> None: ...

    monkeypatch.setattr(logs, "configure", lambda *_: None)
    # librdkafka's broker makes topics by itself, and knows nothing of their configuration
    monkeypatch.setattr(topics, "_ensure", lambda settings: [])
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        for name, value in {
            "KAFKA": broker, "GAMMA_URL": base, "CLOB_URL": base, "FEED_URL": f"{base}/{{market}}.json",
            "PRICE_STORE": str(tmp_path / "prices.sqlite"),
        }.items():  # fmt: skip
            monkeypatch.setenv(f"MARKETLAG_{name}", value)
        yield it
        server.shutdown()


def markets_of(broker: str, topic: str) -> list[str]:
    values = [json.loads(row["value"]) for row in read_topic(Settings(kafka=broker), topic)]
    return sorted(value["market_slug"] for value in values if "kind" not in value)


def test_once_is_one_run_of_everything(world: World, broker: str, capsys: pytest.CaptureFixture[str]) -> None:
    world.markets["ecb"] = MARKET

    live.produce(["fed", "ecb"], once=True)

    assert markets_of(broker, NEWS) == ["ecb", "fed"]
    assert markets_of(broker, PRICES) == ["ecb", "ecb", "fed", "fed"]
    lines = [line.split("  ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "marketlag-rss              2 served, 2 produced, 0 dead, 4 heartbeats, fed HTTP 200, ecb HTTP 200",
        "marketlag-prices           4 produced, 0 carried, 0 clamped, 0 dead, 4 heartbeats",
    ]


def test_ctrl_c_ends_a_live_run_with_one_sentence(
    world: World, broker: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(schedule.run_live, "__defaults__", (utc_now, interrupted))
    live.produce(["fed"])

    assert markets_of(broker, NEWS) == ["fed"]
    assert capsys.readouterr().err.splitlines()[-1].startswith("Stopped. ")


@pytest.mark.parametrize(
    ("market", "sentence"),
    [
        (None, "Polymarket has no market other."),
        ({**MARKET, "closed": True, "endDate": None}, "Market other is closed: nothing will move any more."),
        ({**MARKET, "outcomes": '["Up", "Down"]'}, "Market other is about Up or Down, not about Yes or No."),
        ({**MARKET, "outcomes": "[]"}, "Gamma did not say what market other is (0 outcomes, 2 tokens)."),
    ],
)  # fmt: skip
def test_a_market_that_cannot_be_followed_is_one_sentence_and_nothing_is_sent(
    world: World, broker: str, market: Any, sentence: str
) -> None:
    world.markets["other"] = market

    with pytest.raises(LabError) as error:
        live.produce(["fed", "other"], once=True)

    assert error.value.happened == sentence
    assert error.value.next_step
    with pytest.raises(LabError, match=r"^Topic rss\.events is not there\."):  # nothing was sent that made it
        markets_of(broker, NEWS)


@pytest.mark.parametrize("outcomes", ['["No", "Yes"]', '["YES", "NO"]', '["yes", "maybe"]'])
def test_a_market_with_a_yes_in_any_place_and_spelling_can_be_followed(
    world: World, broker: str, outcomes: str
) -> None:
    world.markets["fed"] = {**MARKET, "outcomes": outcomes}

    live.produce(["fed"], once=True)

    assert markets_of(broker, PRICES) == ["fed", "fed"]


def test_a_feed_has_to_be_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARKETLAG_FEED_URL")

    with pytest.raises(LabError, match=r"^No news feed is named\."):
        live.produce(["fed"])


@pytest.mark.parametrize(
    ("markets", "feed", "said"),
    [
        (["fed", "https://polymarket.com/event/rates/fed-hike?tid=1"], None,
         ("--market https://polymarket.com/event/rates/fed-hike?tid=1 is no slug.", "--market fed-hike")),
        (["Fed hike"], None, ("--market Fed hike is no slug.", "--market SLUG")),
        (["fed,,ecb"], None, ("--market fed,,ecb is no slug.", "--market SLUG")),
        ([""], None, ("--market  is no slug.", "--market SLUG")),
        (["fed"], "ftp://me:S3CRET@h/{market}?key=S3CRET",
         ("--feed ftp://h/{market}?key=… is no address of a feed.", "--feed https://…")),
        (["fed"], "h/{market}", ("--feed h/{market} is no address of a feed.", "--feed https://…")),
        (["fed"], "", ("--feed  is no address of a feed.", "--feed https://…")),
        (["fed", "ecb"], "https://h/rss",
         ("--feed https://h/rss is one feed for 2 markets.",
          "put {market} where the address has the market's slug, or name one market")),
    ],
)  # fmt: skip
def test_what_was_typed_and_is_wrong_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch, markets: list[str], feed: str | None, said: tuple[str, str]
) -> None:
    for name in ("MARKETS", "FEED_URL"):
        monkeypatch.delenv(f"MARKETLAG_{name}", raising=False)

    with pytest.raises(LabError) as error:
        live.produce(markets, feed or ("https://h/{market}" if feed is None else feed), once=True)

    assert (error.value.happened, error.value.next_step) == said
    assert "MARKETLAG" not in str(error.value)


def test_what_the_environment_says_and_is_wrong_is_named_as_it_is_set(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKETLAG_FEED_URL", "https://h/rss")

    with pytest.raises(LabError, match=r"^MARKETLAG_FEED_URL is one feed for 2 markets\."):
        live.produce(["fed", "ecb"], once=True)


def test_a_broker_that_is_away_is_one_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(settings: Settings) -> list[str]:
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    monkeypatch.setattr(topics, "_ensure", away)

    with pytest.raises(LabError, match=r"^Kafka does not answer at .+ \(.+\)\. Next: \./lab up kafka$"):
        live.produce(["fed"], once=True)


def test_the_command_hands_its_options_on(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    monkeypatch.setattr(live, "produce", lambda *arguments: given.append(arguments))

    line = ["produce", "--live", "--market", "a", "--market", "b", "--feed", "https://h/{market}", "--once"]
    result = CliRunner().invoke(cli, line, catch_exceptions=False)

    assert (result.exit_code, given) == (0, [(("a", "b"), "https://h/{market}", True)])


def test_without_live_the_command_says_what_it_is_for() -> None:
    result = CliRunner().invoke(cli, ["produce"])

    assert str(result.exception).startswith(
        "Without --live nothing is produced. With it, real markets are asked; make demo"
    )
