"""The RSS producer: over real HTTP into a real broker (librdkafka's own, in this process)."""

from __future__ import annotations

import base64
import gzip
import json
import re
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from confluent_kafka import Producer

from capstone_marketlag import logs
from capstone_marketlag.dump import read_topic
from capstone_marketlag.producers import http, kafka_out, rss, schedule
from capstone_marketlag.producers.clients import Clients, warm
from capstone_marketlag.producers.http import Answer, Getter
from capstone_marketlag.producers.kafka_out import KafkaOut
from capstone_marketlag.producers.records import named
from capstone_marketlag.settings import Settings
from capstone_marketlag.topics import API_HEALTH, DEAD_NEWS, NEWS
from labkit.errors import LabError

MARKET = "fed-hike"
#: what the broker in librdkafka gives to a topic that it makes
PARTITIONS = [0, 1, 2, 3]


# ---- a feed ------------------------------------------------------------------------------------

Script = tuple[int, dict[str, str], bytes]


class FeedServer:
    """Answers each request with the next line of a script, and its last line ever after.

    of: a script for each market; `urls` is the address of all of them.
    """

    def __init__(self, *script: Script, **of: list[Script]) -> None:
        self.scripts = {"feed": list(script), **of}
        self.asked_of: dict[str, list[str | None]] = {name: [] for name in self.scripts}
        self.asked = self.asked_of["feed"]  # the If-None-Match of each request
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"feed": self}))
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.urls = f"http://127.0.0.1:{self._server.server_address[1]}/{{market}}.json"
        self.url = self.urls.replace("{market}", "feed")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    feed: FeedServer

    def do_GET(self) -> None:
        name = self.path.strip("/").removesuffix(".json")
        self.feed.asked_of[name].append(self.headers.get("If-None-Match"))
        script = self.feed.scripts[name]
        status, headers, body = script.pop(0) if len(script) > 1 else script[0]
        time.sleep(float(headers.get("X-Wait", 0)))
        with suppress(ConnectionError):  # who asked has given up
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """The tests count requests themselves."""


@pytest.fixture
def serve() -> Iterator[Callable[..., FeedServer]]:
    """serve(answer, …): a feed server with that script; serve(market=[answer, …]): with one for each."""
    servers: list[FeedServer] = []

    def start(*script: Script, **of: list[Script]) -> FeedServer:
        servers.append(FeedServer(*script, **of))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def ok(body: bytes = b"{}", etag: str = "", kind: str = "application/feed+json") -> Script:
    return 200, {"Content-Type": kind, **({"ETag": etag} if etag else {})}, body


def fails(status: int = 500, **headers: str) -> Script:
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, b"sorry"


UNCHANGED: Script = (304, {}, b"")


def refused() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def asked(url: str, timeout: float = 10) -> tuple[Answer, list[float]]:
    """The answer, without its milliseconds, and how long was waited between the tries."""
    waits: list[float] = []
    answer = Getter(waits.append, timeout).get(url)
    assert answer.milliseconds >= 0
    return Answer(answer.status, answer.body, answer.content_type, 0, answer.error), waits


# ---- GET ---------------------------------------------------------------------------------------


def test_a_good_answer_is_taken_at_once(serve: Callable[..., FeedServer]) -> None:
    feed = serve(ok(b"body"))

    assert asked(feed.url) == (Answer(200, b"body", "application/feed+json"), [])
    assert len(feed.asked) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_failure_that_may_pass_is_tried_four_times_with_longer_and_longer_waits(
    serve: Callable[..., FeedServer], status: int
) -> None:
    feed = serve(fails(status))

    assert asked(feed.url) == (Answer(status, error=f"HTTP {status}"), [1, 2, 4])
    assert len(feed.asked) == 4


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_the_first_good_answer_ends_the_tries(serve: Callable[..., FeedServer], failures: int) -> None:
    feed = serve(*[fails(503)] * failures, ok(b"body"))

    assert asked(feed.url) == (Answer(200, b"body", "application/feed+json"), [1, 2, 4][:failures])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_a_failure_that_stays_is_not_tried_again(serve: Callable[..., FeedServer], status: int) -> None:
    feed = serve(fails(status))

    assert asked(feed.url) == (Answer(status, error=f"HTTP {status}"), [])
    assert len(feed.asked) == 1


@pytest.mark.parametrize(
    ("after", "waited"),
    [
        ("3", 3),
        ("0", 1),
        ("86400", 10),
        ("", 1),
        ("-5", 1),
        ("1.5", 1),
        ("soon", 1),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 1),
    ],
)
def test_a_server_that_asks_for_patience_gets_it_within_reason(
    serve: Callable[..., FeedServer], after: str, waited: float
) -> None:
    feed = serve(fails(429, Retry_After=after), ok())

    assert asked(feed.url)[1] == [waited]


@pytest.mark.parametrize(("seconds", "least", "most"), [(7, 5, 7), (-60, 1, 1), (86_400, 10, 10)])
def test_a_server_may_ask_for_patience_until_a_date(
    serve: Callable[..., FeedServer], seconds: int, least: float, most: float
) -> None:
    until = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=seconds), usegmt=True)
    feed = serve(fails(429, Retry_After=until), ok())

    [waited] = asked(feed.url)[1]

    assert least <= waited <= most


@pytest.mark.parametrize("after", ["Wed, 21 Oct 2099 07:28:00", "Wed, 41 Oct 2099 07:28:00 GMT", "²"])
def test_patience_that_cannot_be_read_is_none(serve: Callable[..., FeedServer], after: str) -> None:
    feed = serve(fails(429, Retry_After=after), ok())

    assert asked(feed.url)[1] == [1]


@pytest.mark.parametrize(("encoding", "packed"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_body_that_is_packed_is_unpacked(
    serve: Callable[..., FeedServer], encoding: str, packed: Callable[[bytes], bytes]
) -> None:
    feed = serve((200, {"Content-Encoding": encoding, "Content-Type": "text/xml"}, packed(b"body")))

    assert asked(feed.url) == (Answer(200, b"body", "text/xml"), [])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_an_address_that_has_moved_is_followed(serve: Callable[..., FeedServer], status: int) -> None:
    feed = serve(feed=[(status, {"Location": "/moved.json"}, b"")], moved=[ok(b"body")])

    assert asked(feed.url) == (Answer(200, b"body", "application/feed+json"), [])


def test_nobody_there_is_status_zero_after_four_tries() -> None:
    assert asked(f"http://{refused()}/feed.json") == (Answer(0, error="ConnectionError"), [1, 2, 4])


def test_an_answer_that_does_not_come_is_status_zero_after_four_tries(
    serve: Callable[..., FeedServer],
) -> None:
    feed = serve((200, {"X-Wait": "0.3"}, b"too late"))

    assert asked(feed.url, timeout=0.05) == (Answer(0, error="ReadTimeout"), [1, 2, 4])
    assert len(feed.asked) == 4


def test_a_body_without_an_end_is_given_up(
    serve: Callable[..., FeedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MOST_BYTES", 1000)
    feed = serve(ok(b"x" * 2000))

    assert asked(feed.url) == (Answer(0, error="more than 1000 bytes"), [1, 2, 4])


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        ("Transfer-Encoding: chunked", b"1\r\nx\r\n"),
        ("Content-Length: 100000", b"x"),
        ("Connection: close", b"x"),
    ],
)
def test_a_body_that_drips_is_given_up_in_time(head: str, drop: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = Event()

        def drip() -> None:
            with suppress(OSError):
                while not stop.is_set():
                    peer, _ = server.accept()
                    Thread(target=feed, args=(peer,), daemon=True).start()

        def feed(peer: socket.socket) -> None:
            with suppress(OSError), peer:
                peer.recv(65_536)
                peer.sendall(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode())
                while not stop.wait(0.02):
                    peer.sendall(drop)

        thread = Thread(target=drip, daemon=True)
        thread.start()
        answer, waited = asked(f"http://127.0.0.1:{server.getsockname()[1]}/feed.json", timeout=0.2)
        stop.set()

    assert (answer, waited) == (Answer(0, error="not complete within 0.2 s"), [1, 2, 4])


def test_an_answer_that_is_cut_off_is_no_answer(serve: Callable[..., FeedServer]) -> None:
    cut = (200, {"Content-Length": "100", "ETag": '"cut"'}, b"half of")
    feed = serve(cut, ok(b"whole"))

    assert asked(feed.url) == (Answer(200, b"whole", "application/feed+json"), [1])
    assert feed.asked == [None, None]


def test_the_tag_of_the_last_whole_answer_is_sent_and_a_304_is_an_answer(
    serve: Callable[..., FeedServer],
) -> None:
    feed = serve(
        ok(b"one", etag='"1"'),
        UNCHANGED,
        fails(500, ETag='"error"'),
        ok(b"two", etag='"2"'),
        fails(404, ETag='"gone"'),
        UNCHANGED,
    )
    getter = Getter(sleep=lambda _: None)

    answers = [getter.get(feed.url) for _ in range(5)]

    assert [(a.status, a.body, a.error) for a in answers] == [
        (200, b"one", ""),
        (304, b"", ""),
        (200, b"two", ""),
        (404, b"", "HTTP 404"),
        (304, b"", ""),
    ]
    assert feed.asked == [None, '"1"', '"1"', '"1"', '"2"', '"2"']


def test_what_is_forgotten_is_asked_for_whole_and_nothing_else_is(serve: Callable[..., FeedServer]) -> None:
    feed, other = serve(ok(etag='"f"')), serve(ok(etag='"o"'))
    getter = Getter()
    getter.get(feed.url)
    getter.get(other.url)

    getter.forget(feed.url)
    getter.forget("http://127.0.0.1/never-seen")
    getter.get(feed.url)
    getter.get(other.url)

    assert (feed.asked, other.asked) == ([None, None], [None, '"o"'])


# ---- a broker ----------------------------------------------------------------------------------


class Impatient(Producer):  # type: ignore[misc]
    """The same client, which gives up after a moment."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__({**config, "delivery.timeout.ms": 300, "linger.ms": 0})

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Any:
        return super().list_topics(topic, timeout=min(timeout, 0.3))


def clients(
    broker: str, url: str, getter: Getter | None = None, markets: str = MARKET, late: timedelta = timedelta(0)
) -> Clients:
    """late: how long after NOW the run really comes."""
    settings = Settings(kafka=broker, markets=markets, feed_url=url)
    http = getter or Getter(sleep=lambda _: None)
    return Clients(settings, KafkaOut(settings), http, now=lambda: NOW + late)


def run_counts(served: int, produced: int, **statuses: int) -> dict[str, Any]:
    """What a run returns. statuses: of each market's feed, fed for fed-hike."""
    return {
        "served": served, "produced": produced, "dead": served - produced, "heartbeats": len(PARTITIONS),
        "statuses": {{"fed": MARKET}.get(name, name): status for name, status in statuses.items()},
    }  # fmt: skip


def values(broker: str, topic: str) -> list[tuple[int, str, Any]]:
    """(partition, key, value) of every record of a topic, in order within each partition."""
    rows = read_topic(Settings(kafka=broker), topic)
    return [(row["partition"], row["key"], json.loads(row["value"])) for row in rows]


NOW = datetime(2026, 1, 5, 10, 15, tzinfo=timezone.utc)
RUN = "2026-01-05T10:15:00Z"


def feed_of(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": list(entries)}).encode()


def entry(identity: str, published: str | None = "10:00", title: str = "quiet") -> dict[str, Any]:
    date = {"date_published": f"2026-01-05T{published}:00Z"} if published else {}
    return {"id": identity, "title": title, "authors": [{"name": "Reuters"}], **date}


def test_an_item_becomes_one_scored_event(broker: str, serve: Callable[..., FeedServer]) -> None:
    body = feed_of(
        {
            **entry("a", title="Fed: rate, rate"),
            "url": "https://n.example/a",
            "content_text": "A dovish hike?",
            "authors": [{"name": "Bloomberg"}],
        }
    )

    counts = rss.poll(NOW, clients(broker, serve(ok(body)).url))

    [event] = [(key, value) for _, key, value in values(broker, NEWS) if "item_id" in value]
    assert event == (
        MARKET,
        {
            "market_slug": MARKET,
            "item_id": "a",
            "title": "Fed: rate, rate",
            "link": "https://n.example/a",
            "summary": "A dovish hike?",
            "published_at": "2026-01-05T10:00:00Z",
            "fetched_at": RUN,
            "source": "Bloomberg",
            "source_weight": 0.9,
            "keywords": ["dovish", "fed", "hike", "rate"],
            "keyword_scores": {"fed": 2.0, "rate": 3.0, "dovish": -1.5, "hike": 2.0},
            "article_score": 5.5,
            "timezone": "UTC",
        },
    )
    assert counts == run_counts(1, 1, fed=200)


def test_a_run_writes_its_items_in_order_of_time_and_then_a_heartbeat_to_every_partition(
    broker: str, serve: Callable[..., FeedServer]
) -> None:
    feed = serve(ok(feed_of(entry("newest", "10:14"), entry("oldest", "08:00"), entry("middle", "09:30"))))
    heartbeat = {
        "kind": "heartbeat",
        "published_at": RUN,
        "fetched_at": RUN,
        "timezone": "UTC",
    }

    rss.poll(NOW, clients(broker, feed.url))

    written = values(broker, NEWS)
    [home] = {partition for partition, _, value in written if "item_id" in value}
    assert [
        (partition, value.get("item_id", value)) for partition, _, value in written if partition == home
    ] == [
        (home, "oldest"),
        (home, "middle"),
        (home, "newest"),
        (home, heartbeat),
    ]
    assert [(partition, key, value) for partition, key, value in written if partition != home] == [
        (partition, "heartbeat", heartbeat) for partition in PARTITIONS if partition != home
    ]


def test_keys_go_where_java_s_hash_sends_them(broker: str) -> None:
    """Java's murmur2 of these keys, by Kafka's own test vectors; librdkafka's default (CRC32) differs."""
    murmur2 = {"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536}
    out = KafkaOut(Settings(kafka=broker))

    for key in murmur2:
        out.send("t", key, {})
    out.flush()

    assert {key: partition for partition, key, _ in values(broker, "t")} == {
        key: (number & 0x7FFFFFFF) % len(PARTITIONS) for key, number in murmur2.items()
    }


def test_what_is_no_news_becomes_a_dead_letter_with_its_reason(
    broker: str, serve: Callable[..., FeedServer]
) -> None:
    undated = entry("undated", None)
    feed = serve(ok(feed_of(undated, entry("ahead", "10:26"), entry("in time", "10:25"))))

    counts = rss.poll(NOW, clients(broker, feed.url))

    letters = [(key, value) for _, key, value in values(broker, DEAD_NEWS)]
    originals = [base64.b64decode(value.pop("original")).decode() for _, value in letters]
    assert json.loads(originals[0]) == undated
    assert json.loads(originals[1]) == {
        "item_id": "ahead",
        "title": "quiet",
        "link": "",
        "summary": "",
        "source": "Reuters",
        "published_at": "2026-01-05T10:26:00Z",
    }
    assert letters == [
        (
            MARKET,
            {
                "reason": why,
                "stage": "producer",
                "source_topic": None,
                "source_partition": None,
                "source_offset": None,
                "first_seen": RUN,
            },
        )
        for why in ("there is no date", "published_at is ahead of the poll: 2026-01-05T10:26:00Z")
    ]
    assert counts == run_counts(3, 1, fed=200)


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (ok(feed_of()), 200, ""),
        (UNCHANGED, 304, ""),
        (fails(500), 500, "HTTP 500"),
        (fails(404), 404, "HTTP 404"),
        (ok(b'{"items": null}'), 200, "not a JSON feed (TypeError)"),
        (ok(b"<html>502</html>", kind="text/html"), 200, "neither JSON Feed nor RSS nor Atom"),
    ],
)
def test_every_run_leaves_heartbeats_and_one_health_record_whatever_the_feed_did(
    broker: str, serve: Callable[..., FeedServer], answer: Script, status: int, error: str
) -> None:
    feed = serve(answer)

    counts = rss.poll(NOW, clients(broker, feed.url))

    [(_, key, health)] = values(broker, API_HEALTH)
    assert isinstance(health.pop("response_time_ms"), int)
    assert (key, health) == (
        feed.url,
        {"source": feed.url, "status": status, "error_message": error, "logged_at": RUN},
    )
    assert [value["kind"] for _, _, value in values(broker, NEWS)] == ["heartbeat"] * len(PARTITIONS)
    assert counts == run_counts(0, 0, fed=status)


def test_a_feed_that_has_not_changed_is_not_produced_again(
    broker: str, serve: Callable[..., FeedServer]
) -> None:
    feed = serve(ok(feed_of(entry("a")), etag='"1"'), UNCHANGED)
    warm = clients(broker, feed.url)

    runs = [rss.poll(NOW + timedelta(minutes=15 * n), warm) for n in range(2)]

    assert [(run["statuses"][MARKET], run["produced"]) for run in runs] == [(200, 1), (304, 0)]
    assert feed.asked == [None, '"1"']


def test_a_body_that_could_not_be_used_is_asked_for_again(
    broker: str, serve: Callable[..., FeedServer]
) -> None:
    feed = serve(ok(b"<html>maintenance</html>", etag='"html"'), ok(feed_of(entry("a")), etag='"feed"'))
    warm = clients(broker, feed.url)

    runs = [rss.poll(NOW, warm) for _ in range(2)]

    assert [run["produced"] for run in runs] == [0, 1]
    assert feed.asked == [None, None]


# ---- a broker that refuses ---------------------------------------------------------------------


def nobody(url: str, getter: Getter | None = None, markets: str = MARKET) -> Clients:
    """Clients of a broker that refuses, which notice it soon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kafka_out, "Producer", Impatient)
        return clients(refused(), url, getter, markets)


def test_records_that_are_not_acknowledged_are_an_error_once() -> None:
    out = nobody("http://unused").kafka
    out.send(NEWS, "m", {})
    out.send(NEWS, "m", b"bytes")

    with pytest.raises(LabError) as error:
        out.flush()

    assert error.value.happened == "2 records were not acknowledged by Kafka (Local: Message timed out)."
    out.flush()  # what was said is not said again


def test_a_broker_that_refuses_is_an_error_of_ours(serve: Callable[..., FeedServer]) -> None:
    feed = serve(ok(feed_of(entry("a"))))

    with pytest.raises(LabError):
        rss.poll(NOW, nobody(feed.url))


def test_what_could_not_be_stored_is_asked_for_again(broker: str, serve: Callable[..., FeedServer]) -> None:
    feed = serve(ok(feed_of(entry("a")), etag='"1"'))
    getter = Getter()
    with pytest.raises(LabError):
        rss.poll(NOW, nobody(feed.url, getter))

    rss.poll(NOW, clients(broker, feed.url, getter))

    assert feed.asked == [None, None]


@pytest.mark.parametrize("letter", ["x", "€", "\U0001f600"])
def test_an_item_that_is_too_large_becomes_a_dead_letter_and_costs_no_other_item(
    broker: str, serve: Callable[..., FeedServer], letter: str
) -> None:
    large = {**entry("large", "09:00"), "content_text": letter * 1_100_000}
    undated = {**entry("undated", None), "content_text": letter * 1_100_000}
    feed = serve(ok(feed_of(entry("a", "08:00"), large, entry("b"), undated)))

    counts = rss.poll(NOW, clients(broker, feed.url))

    assert [value["item_id"] for _, _, value in values(broker, NEWS) if "item_id" in value] == ["a", "b"]
    letters = [value for _, _, value in values(broker, DEAD_NEWS)]
    assert [re.sub(r"\d+", "N", value["reason"]) for value in letters] == [
        "there is no date",
        "the record has N bytes, more than Kafka takes",
    ]
    assert base64.b64decode(letters[1]["original"]).decode().startswith('{"item_id": "large", ')
    assert counts == run_counts(4, 2, fed=200)


@pytest.mark.parametrize(("late", "ahead"), [("0:10", "10:35"), ("0:14", "10:39"), ("3:00", "13:25")])
def test_news_is_ahead_of_its_fetch_not_of_when_the_run_was_due(
    broker: str, serve: Callable[..., FeedServer], late: str, ahead: str
) -> None:
    hours, minutes = map(int, late.split(":"))
    delay = timedelta(hours=hours, minutes=minutes)
    beyond = {**entry("beyond"), "date_published": f"2026-01-05T{ahead}:01Z"}
    feed = serve(ok(feed_of(beyond, entry("in time", ahead))))

    counts = rss.poll(NOW, clients(broker, feed.url, late=delay))

    [item] = [value for _, _, value in values(broker, NEWS) if "item_id" in value]
    assert (item["item_id"], item["fetched_at"]) == ("in time", f"{NOW + delay:%Y-%m-%dT%H:%M:%SZ}")
    assert [value["reason"] for _, _, value in values(broker, DEAD_NEWS)] == [
        f"published_at is ahead of the poll: 2026-01-05T{ahead}:01Z"
    ]
    assert {value["published_at"] for _, _, value in values(broker, NEWS) if "kind" in value} == {RUN}
    assert counts == run_counts(2, 1, fed=200)


@pytest.mark.parametrize(
    ("date", "again"),
    [
        ("2026-01-05T10:25:00Z", '"1"'),
        ("2026-01-05T10:25:01Z", None),
        ("2026-01-06T10:15:00Z", None),
        ("2026-01-06T10:15:01Z", '"1"'),  # it comes a day later, or never
    ],
)
def test_a_feed_with_an_item_that_is_ahead_is_read_again(
    broker: str, serve: Callable[..., FeedServer], date: str, again: str | None
) -> None:
    feed = serve(ok(feed_of({**entry("ahead"), "date_published": date}), etag='"1"'))
    getter = Getter()

    for _ in range(2):
        rss.poll(NOW, clients(broker, feed.url, getter))

    assert feed.asked == [None, again]


# ---- several markets ---------------------------------------------------------------------------


def test_the_items_of_all_markets_are_one_run_in_order_of_time_market_and_item(
    broker: str, serve: Callable[..., FeedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds = serve(
        zeta=[ok(feed_of(entry("b", "09:00"), entry("d", "10:00"), entry("a", "10:00")))],
        alpha=[ok(feed_of(entry("c", "10:00"), entry("e", "08:00"), entry("undated", None)))],
    )
    both = clients(broker, feeds.urls, markets="zeta,alpha")
    sent: list[Any] = []
    send = both.kafka.send

    def noted(*record: Any) -> None:
        sent.append(record)
        send(*record)

    monkeypatch.setattr(both.kafka, "send", noted)

    counts = rss.poll(NOW, both)

    news = [
        (key, value.get("item_id", "heartbeat"), *more) for topic, key, value, *more in sent if topic == NEWS
    ]
    assert news == [
        ("alpha", "e"), ("zeta", "b"), ("alpha", "c"), ("zeta", "a"), ("zeta", "d"),
        *(("heartbeat", "heartbeat", partition) for partition in PARTITIONS),
    ]  # fmt: skip
    assert [key for _, key, _ in values(broker, DEAD_NEWS)] == ["alpha"]
    assert counts == run_counts(6, 5, zeta=200, alpha=200)


@pytest.mark.parametrize(
    ("answer", "status"),
    [(fails(500), 500), (fails(404), 404), (ok(b"<html>"), 200), (ok(b"{"), 200), (UNCHANGED, 304)],
)
def test_a_market_whose_feed_fails_costs_no_other_market_its_items(
    broker: str, serve: Callable[..., FeedServer], answer: Script, status: int
) -> None:
    feeds = serve(a=[ok(feed_of(entry("one")))], b=[answer], c=[ok(feed_of(entry("two")))])

    counts = rss.poll(NOW, clients(broker, feeds.urls, markets="a,b,c"))

    news = [value for _, _, value in values(broker, NEWS) if "item_id" in value]
    assert sorted((value["market_slug"], value["item_id"]) for value in news) == [("a", "one"), ("c", "two")]
    assert sorted(key for _, key, _ in values(broker, API_HEALTH)) == [
        feeds.urls.replace("{market}", market) for market in "abc"
    ]
    assert counts == run_counts(2, 2, a=200, b=status, c=200)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://n.example/{market}.xml", "https://n.example/fed.xml"),
        ("https://user:word@n.example/@{market}", "https://n.example/@fed"),
        ("https://n.example/rss?q={market}&key=A=1&lang", "https://n.example/rss?q=fed&key=…&…"),
        ("https://n.example/rss?{market}&q=A1+{market}", "https://n.example/rss?fed&q=fed"),
        ("https://n.example/rss?A1#A1", "https://n.example/rss?…"),
        ("https://n.example/rss?", "https://n.example/rss?"),
    ],
)
def test_the_address_of_a_feed_is_told_without_what_may_be_a_key(url: str, name: str) -> None:
    assert named(url, "fed") == name


def test_no_record_of_a_run_holds_the_key_of_a_feed(broker: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    there = refused()

    rss.poll(NOW, clients(broker, f"http://me:S3CRET@{there}/rss?q={{market}}&key=S3CRET", markets="a,b"))

    rows = read_topic(Settings(kafka=broker), API_HEALTH)
    sources = [f"http://{there}/rss?q={market}&key=…" for market in "ab"]
    assert sorted((row["key"], json.loads(row["value"])["source"]) for row in rows) == [
        (source, source) for source in sources
    ]
    assert "S3CRET" not in caplog.text


def test_every_feed_is_asked_again_for_what_could_not_be_stored(
    broker: str, serve: Callable[..., FeedServer]
) -> None:
    feeds = serve(a=[ok(feed_of(entry("one")), etag='"a"')], b=[ok(feed_of(entry("two")), etag='"b"')])
    getter = Getter()
    with pytest.raises(LabError):
        rss.poll(NOW, nobody(feeds.urls, getter, markets="a,b"))

    counts = rss.poll(NOW, clients(broker, feeds.urls, getter, markets="a,b"))

    assert [feeds.asked_of[market] for market in "ab"] == [[None, None], [None, None]]
    assert counts == run_counts(2, 2, a=200, b=200)


# ---- Lambda ------------------------------------------------------------------------------------


def test_a_lambda_stays_warm_from_one_event_to_the_next(
    broker: str, serve: Callable[..., FeedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = serve(ok(feed_of(entry("a")), etag='"1"'), UNCHANGED)
    for name, value in {"KAFKA": broker, "MARKETS": MARKET, "FEED_URL": feed.url}.items():
        monkeypatch.setenv(f"MARKETLAG_{name}", value)
    monkeypatch.setattr(logs, "configure", lambda *_: None)
    warm.cache_clear()

    statuses = [rss.handler(schedule.event(NOW, schedule.RSS), None)["statuses"] for _ in range(2)]
    warm.cache_clear()

    assert statuses == [{MARKET: 200}, {MARKET: 304}]


def test_what_a_run_lives_with_is_logged(
    broker: str, serve: Callable[..., FeedServer], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "marketlag")
    feeds = serve(a=[ok(feed_of(entry("undated", None), entry("ahead", "10:26")))], b=[fails(500)])

    rss.poll(NOW, clients(broker, feeds.urls, markets="a,b"))

    said = [(line.levelname, line.name, line.getMessage(), line.__dict__["key"]) for line in caplog.records]
    assert said == [
        ("INFO", "marketlag.producer.rss", "the feed gave nothing: HTTP 500", "b"),
        ("INFO", "marketlag.producer.rss", "2 items rejected", "a"),
    ]
