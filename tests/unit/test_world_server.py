"""The recorded world over HTTP, in the providers' own shapes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from typing import Any

import psutil
import pytest
import requests

from capstone_marketlag.pieces import python
from capstone_marketlag.replay.generate import world
from capstone_marketlag.replay.server import ReplayServer
from capstone_marketlag.wire import from_wire
from tests.unit.worlds import NO, YES, at, book, fault, item, market, shown, sides, small

first = shown("10:10", item("a", "10:05", "Fed & rate"))
second = shown("10:40", item("b", "10:30", "Hike <now>"), until="11:30")
edited = shown("10:50", item("b", "10:30", "Hike later"), until="11:30")
elsewhere = shown("10:40", item("a", "10:30", "Dovish"), market="n")


@pytest.fixture
def served() -> Iterator[ReplayServer]:
    made = small(
        first, second, edited, elsewhere,
        markets=[market(closed_time="12:07:01"), {**market("n", feed="rss"), "tokens": {"No": "5", "Yes": "6"}}],
        prices={
            "m": book(h10=sides("0.4", 0.42), h11={"BUY": "0.4"}) | {at("12:00"): {"Yes": None}},
            "n": {at("10:00"): {"Yes": sides("0.1"), "No": sides("1.7")}},
        },
        faults=[
            fault("10:45", "feed", 429, 2, headers={"Retry-After": "1"}),
            fault("11:00", "gamma", 0, 1),
            fault("11:00", "clob", 200, 1, body="[]"),
        ],
    )  # fmt: skip
    with ReplayServer(made) as server:
        yield server


def put_clock(server: ReplayServer, clock: str) -> None:
    assert requests.put(server.clock_url, data=at(clock), timeout=5).status_code == 204


def feed(server: ReplayServer, slug: str = "m", etag: str = "") -> requests.Response:
    url = server.feed_url.replace("{market}", slug)
    return requests.get(url, headers={"If-None-Match": etag} if etag else {}, timeout=5)


def gamma(server: ReplayServer, slug: str = "m") -> requests.Response:
    return requests.get(f"{server.gamma_url}/markets/slug/{slug}", timeout=5)


def clob(server: ReplayServer, *tokens: str) -> requests.Response:
    asked = [{"token_id": token, "side": side} for token in tokens for side in ("BUY", "SELL")]
    return requests.post(f"{server.clob_url}/prices", json=asked, timeout=5)


# ---- feeds -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "items"),
    [
        ("10:09:59", []),
        ("10:10", [first]),
        ("10:49:59", [second, first]),
        ("10:50", [edited, second, first]),
        ("11:30", [first]),
        ("23:00", []),
    ],
)
def test_a_feed_shows_what_stood_in_it_at_that_time_newest_first(
    served: ReplayServer, clock: str, items: list[dict[str, Any]]
) -> None:
    put_clock(served, clock)

    assert feed(served).json() == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "MarketLag recorded feed",
        "items": [entry["item"] for entry in items],
    }


def test_another_market_s_feed_may_be_rss(served: ReplayServer) -> None:
    put_clock(served, "10:40")
    answer = feed(served, "n")

    [news] = python("news_feed").parse(answer.content).items
    assert answer.headers["Content-Type"] == "application/rss+xml"
    assert (news.item_id, news.title, news.source) == ("a", "Dovish", "Reuters")


@pytest.mark.parametrize("slug", ["m", "n"])
def test_a_feed_that_has_not_changed_is_a_304_without_a_body(served: ReplayServer, slug: str) -> None:
    put_clock(served, "10:15")
    before = feed(served, slug)
    put_clock(served, "10:20")
    same = feed(served, slug, before.headers["ETag"])
    put_clock(served, "10:40")
    other = feed(served, slug, before.headers["ETag"])

    assert (before.status_code, same.status_code, other.status_code) == (200, 304, 200)
    assert (same.content, same.headers["ETag"]) == (b"", before.headers["ETag"])
    assert other.headers["ETag"] != before.headers["ETag"]


# ---- Gamma and the CLOB ------------------------------------------------------------------------


def test_gamma_describes_a_market_with_lists_that_are_texts(served: ReplayServer) -> None:
    put_clock(served, "10:00")
    answer = gamma(served, "n").json()

    assert {name: answer[name] for name in ("slug", "question", "outcomes", "clobTokenIds", "endDate", "closed")} == {
        "slug": "n",
        "question": "Will n?",
        "outcomes": '["No", "Yes"]',
        "clobTokenIds": '["5", "6"]',
        "endDate": "2026-03-18T18:00:00Z",
        "closed": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("clock", "closed", "close_time"),
    [("12:07", False, "2026-03-18T18:00:00+00:00"), ("12:07:01", True, "2026-01-05T12:07:01+00:00")],
)
def test_a_market_that_closes_early_says_when_it_has(
    served: ReplayServer, clock: str, closed: bool, close_time: str
) -> None:
    put_clock(served, clock)
    read = python("market_prices").market(gamma(served).content, from_wire(at(clock)))

    assert (read.closed, read.close_time) == (closed, datetime.fromisoformat(close_time))
    assert gamma(served).json().get("closedTime") == ("2026-01-05 12:07:01+00" if closed else None)


@pytest.mark.parametrize(
    ("clock", "tokens", "answer"),
    [
        ("10:30", (YES, NO, "5"), {YES: {"BUY": "0.4", "SELL": 0.42}, "5": {"BUY": "1.7", "SELL": "1.7"}}),
        ("11:15", (YES, "6"), {YES: {"BUY": "0.4"}}),
        ("12:00", (YES,), {YES: None}),
        ("13:00", (YES, "who?"), {}),
    ],
)
def test_the_clob_answers_what_is_quoted_in_that_hour(
    served: ReplayServer, clock: str, tokens: tuple[str, ...], answer: dict[str, Any]
) -> None:
    put_clock(served, clock)

    assert clob(served, *tokens).json() == answer


def test_only_the_side_that_was_asked_for_is_quoted(served: ReplayServer) -> None:
    put_clock(served, "10:00")
    asked = [{"token_id": YES, "side": "SELL"}]

    assert requests.post(f"{served.clob_url}/prices", json=asked, timeout=5).json() == {YES: {"SELL": 0.42}}
    assert requests.post(f"{served.clob_url}/prices", data="?", timeout=5).status_code == 400


def test_our_price_piece_reads_every_answer_of_a_world() -> None:
    made, piece, quoted = {**world(1, 40), "faults": []}, python("market_prices"), []
    with ReplayServer(made) as server:
        for hour in made["prices"]["fed-rate-hike-in-march"]:
            server.set_clock(hour)
            for each in made["markets"]:
                read = piece.market(server.gamma(each["slug"]).body, from_wire(hour))
                quotes = piece.quotes(server.prices(piece.quote_request(read)).body, read)
                quoted += list(quotes.values())

    assert len(quoted) == 2 * 3 * len(made["prices"]["fed-rate-hike-in-march"])
    assert any(price is None for price in quoted)
    assert any(price is not None and not Decimal(0) <= price <= Decimal(1) for price in quoted)


# ---- faults ------------------------------------------------------------------------------------


def test_a_fault_fails_as_many_requests_of_its_tick_as_it_says(served: ReplayServer) -> None:
    def statuses(clock: str, asked: int) -> list[tuple[int, str | None]]:
        put_clock(served, clock)
        answers = [feed(served) for _ in range(asked)]
        return [(answer.status_code, answer.headers.get("Retry-After")) for answer in answers]

    assert statuses("10:30", 1) == [(200, None)]
    assert statuses("10:45", 3) == [(429, "1"), (429, "1"), (200, None)]
    assert statuses("11:15", 1) == [(200, None)]


def test_a_fault_is_one_kind_of_request_s_and_one_market_s(served: ReplayServer) -> None:
    put_clock(served, "11:00")

    assert (feed(served).status_code, gamma(served, "n").status_code) == (200, 200)
    with pytest.raises(requests.ConnectionError):
        gamma(served)
    assert (gamma(served).status_code, clob(served, YES).json(), clob(served, YES).json()) == (
        200,
        [],
        {YES: {"BUY": "0.4"}},
    )


def test_a_connection_that_was_dropped_is_made_anew(served: ReplayServer) -> None:
    put_clock(served, "11:00")
    with requests.Session() as session:
        url = f"{served.gamma_url}/markets/slug/m"
        assert session.get(f"{served.gamma_url}/markets/slug/n", timeout=5).status_code == 200
        with pytest.raises(requests.ConnectionError):
            session.get(url, timeout=5)
        assert session.get(url, timeout=5).status_code == 200


# ---- the server itself -------------------------------------------------------------------------


def test_many_may_ask_at_once_and_a_fault_is_counted_once_for_each() -> None:
    made = small(first, faults=[fault("10:15", "feed", 503, 20)])
    with ReplayServer(made) as server, ThreadPoolExecutor(16) as pool:
        put_clock(server, "10:15")
        answers = list(pool.map(lambda _: feed(server), range(60)))

    assert sorted(answer.status_code for answer in answers) == [200] * 40 + [503] * 20
    bodies = {hashlib.sha256(answer.content).hexdigest() for answer in answers if answer.status_code == 200}
    assert bodies == {hashlib.sha256(json.dumps(answers_of(first)).encode()).hexdigest()}


def answers_of(*entries: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "MarketLag recorded feed",
        "items": [entry["item"] for entry in entries],
    }


@pytest.mark.parametrize(
    "path", ["/", "/etc/passwd", "/v1.1/who.json", "/v1.1/m", "/markets/slug/who", "/prices"]
)
def test_nothing_else_is_served(served: ReplayServer, path: str) -> None:
    assert requests.get(served.base + path, timeout=5).status_code == 404


def test_nothing_listens_beyond_this_machine(served: ReplayServer) -> None:
    listening = [c.laddr for c in psutil.Process().net_connections("tcp") if c.status == psutil.CONN_LISTEN]

    assert [f"http://{ip}:{port}" for ip, port in listening if served.base.endswith(f":{port}")] == [
        served.base
    ]
    assert served.base.startswith("http://127.0.0.1:")
    assert requests.put(f"{served.base}/prices", data=b"", timeout=5).status_code == 404
    assert requests.post(f"{served.base}/clock", data=b"", timeout=5).status_code == 404


def test_a_server_that_is_closed_has_let_go_of_its_port() -> None:
    with ReplayServer(small(first)) as server:
        assert feed(server).status_code == 200
    with pytest.raises(requests.ConnectionError):
        feed(server)
    port = int(server.base.rpartition(":")[2])
    with ReplayServer(small(first), port) as again:
        assert feed(again).status_code == 200
