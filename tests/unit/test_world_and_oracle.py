"""The recorded world and the oracle: one seed, one world; each record in exactly one place."""

from __future__ import annotations

import ast
import base64
import hashlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psutil
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from capstone_marketlag import oracle
from capstone_marketlag.oracle import Truth, truth
from capstone_marketlag.pieces import python
from capstone_marketlag.producers.http import Getter
from capstone_marketlag.producers.rss import AHEAD
from capstone_marketlag.producers.schedule import RSS_EVERY, ticks
from capstone_marketlag.replay.generate import START, world
from capstone_marketlag.replay.server import ReplayServer
from capstone_marketlag.wire import from_wire, to_wire

PARTITIONS = 3


# ---- a world small enough to work out by hand --------------------------------------------------


def at(clock: str) -> str:
    return f"2026-01-05T{clock}:00Z" if clock.count(":") == 1 else f"2026-01-05T{clock}Z"


def item(identity: str, published: str | None, title: str, source: str = "Reuters") -> dict[str, Any]:
    date = {"date_published": at(published)} if published else {}
    return {
        "id": identity,
        "url": f"https://n.example/{identity}",
        "title": title,
        "content_text": "",
        "authors": [{"name": source}],
        **date,
    }


def shown(since: str, what: dict[str, Any], until: str = "23:00") -> dict[str, Any]:
    return {"from": at(since), "until": at(until), "item": what}


def stray(arrives: str, value: bytes) -> dict[str, Any]:
    return {"at": at(arrives), "value": base64.b64encode(value).decode()}


def tiny(*entries: dict[str, Any], end: str = "11:45", **other: Any) -> dict[str, Any]:
    return {
        "market": "m",
        "start": at("10:15"),
        "end": at(end),
        "entries": list(entries),
        "strays": [],
        "faults": [],
        **other,
    }


on_time = shown("10:10", item("a", "10:05", "Fed: rate hike"))
late = shown("11:20", item("b", "10:30", "Fed", "CNBC"))
before_its_edit = shown("10:25", item("d", "10:20", "Dovish", "Bloomberg"), until="10:50")
edited = shown("10:50", item("d", "10:20", "Dovish no more: a hike", "Bloomberg"))
rejected = shown("10:40", item("r", None, "when?"))
one_of_each = tiny(on_time, before_its_edit, rejected, edited, late, strays=[stray("11:05", b"[1, 2, 3]")])


def test_a_world_with_one_of_each_kind_comes_out_as_worked_out_by_hand() -> None:
    """What each poll brings, and what becomes of it (x: seen before).

    10:15  a                  a counted: score 2 + 1.5 + 2 = 5.5, weight 1
    10:30  d a                d counted: score -1.5, weight 0.9; x
    10:45  r d a              r rejected; x x
    11:00  d' r a             r rejected; x x: an edit is not news
    11:15  (304)              the stray is dead
    11:30  b d' r a           b late: its hour ends at 11:00, the last heartbeat less five minutes is 11:10
    11:45  (304)
    """
    assert truth(one_of_each) == Truth(
        hours={"2026-01-05T10:00:00Z": ["2", "4.000000", "2.075000", "0.950000"]},
        counts={
            "in": 10 + 1 + 7 * PARTITIONS,
            "counted": 2,
            "late": 1,
            "duplicate": 7,
            "dead": 1,
            "heartbeat": 7 * PARTITIONS,
            "served": 13,
            "produced": 10,
            "rejected": 3,
        },
        late=["b"],
    )


@pytest.mark.parametrize(("seen", "fate"), [("11:05:00", ["late"]), ("11:04:59", [])])
def test_an_hour_closes_when_five_minutes_more_than_its_end_were_seen(seen: str, fate: list[str]) -> None:
    ahead = shown("10:55", item("ahead", seen, "Fed"))  # a clock that runs fast: within what is tolerated
    straggler = shown("11:10", item("late", "10:59:59", "Fed"))

    assert truth(tiny(ahead, straggler)).late == fate


@pytest.mark.parametrize(
    ("published", "moves"),
    [(at("11:05"), True), (at("11:04:59"), False), ("2099-01-01T00:00:00Z", False), (None, False)],
)
def test_a_dead_record_moves_time_if_its_time_is_real(published: str | None, moves: bool) -> None:
    dead = stray("11:10", json.dumps({"published_at": published, "source_weight": 7}).encode())
    straggler = shown("11:10", item("late", "10:59:59", "Fed"))

    found = truth(tiny(straggler, strays=[dead]))

    assert (found.late, found.counts["dead"]) == (["late"] if moves else [], 1)


@pytest.mark.parametrize(("published", "count"), [("10:25", "produced"), ("10:25:01", "rejected")])
def test_an_item_may_be_ten_minutes_ahead_of_its_poll_and_no_more(published: str, count: str) -> None:
    counts = truth(tiny(shown("10:10", item("a", published, "Fed")))).counts

    assert [counts[name] for name in ("produced", "rejected") if counts[name]] == [1]
    assert counts[count] == 1


@pytest.mark.parametrize(("times", "served"), [(3, [1, 1]), (4, [0, 1])])
def test_a_poll_that_fails_in_the_end_is_made_up_for_by_the_next(times: int, served: list[int]) -> None:
    failing = tiny(on_time, faults=[{"at": at("10:15"), "status": 500, "times": times, "headers": {}}])

    assert [truth({**failing, "end": at(end)}).counts["served"] for end in ("10:15", "10:30")] == served


def test_an_item_without_an_id_is_known_by_its_address() -> None:
    one, other = item("x", "10:05", "Fed"), item("y", "10:16", "Fed")
    del one["id"], other["id"]

    counts = truth(tiny(shown("10:10", one), shown("10:20", other), end="10:30")).counts

    assert (counts["counted"], counts["duplicate"]) == (2, 1)


# ---- generated worlds --------------------------------------------------------------------------


def as_bytes(made: dict[str, Any]) -> bytes:
    return json.dumps(made).encode()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert as_bytes(world(1, 6)) == as_bytes(world(1, 6))

    others = [world(1, 6), world(2, 6), world(1, 7), world(-1, 6)]
    assert len({json.dumps(other["entries"]) for other in others}) == 4


def test_a_world_does_not_depend_on_the_process_that_makes_it() -> None:
    code = (
        "import hashlib, json; from capstone_marketlag.replay.generate import world;"
        "print(hashlib.sha256(json.dumps(world(7, 12)).encode()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": "4242", "TZ": "Asia/Tokyo"},
    )  # fmt: skip

    assert done.stdout.strip() == hashlib.sha256(as_bytes(world(7, 12))).hexdigest()


seeds, hours = st.integers(0, 10_000), st.integers(1, 30)


@settings(max_examples=15, deadline=None)
@given(seeds, hours)
def test_a_world_s_news_ends_three_hours_before_its_last_poll(seed: int, hours: int) -> None:
    made = world(seed, hours)

    assert (made["start"], made["end"]) == (
        to_wire(START + RSS_EVERY),
        to_wire(START + timedelta(hours=hours + 3)),
    )
    assert all(e["from"] < e["until"] for e in made["entries"])
    assert all(made["start"] <= f["at"] <= made["end"] for f in made["faults"])
    assert all(s["at"] < to_wire(START + timedelta(hours=hours)) for s in made["strays"])


@settings(max_examples=15, deadline=None)
@given(seeds, hours)
def test_every_record_of_any_world_is_in_exactly_one_place(seed: int, hours: int) -> None:
    made = world(seed, hours)
    found = truth(made)
    n = found.counts

    assert n["in"] == n["counted"] + n["late"] + n["duplicate"] + n["dead"] + n["heartbeat"]
    assert n["served"] == n["produced"] + n["rejected"]
    assert n["produced"] == n["counted"] + n["late"] + n["duplicate"]
    assert n["counted"] == sum(int(row[0]) for row in found.hours.values())
    assert n["late"] == len(found.late) == len(set(found.late))
    assert n["dead"] == len(made["strays"])
    polls = list(ticks(from_wire(made["start"]), from_wire(made["end"]), RSS_EVERY))
    assert n["heartbeat"] == PARTITIONS * len(polls)


@settings(max_examples=3, deadline=None)
@given(seeds)
def test_what_our_own_parser_makes_of_the_served_world_is_what_the_oracle_counts(seed: int) -> None:
    made = world(seed, 6)
    counts = {"served": 0, "produced": 0, "rejected": 0}
    with ReplayServer(made) as server:
        http = Getter(sleep=lambda _: None)
        for now in ticks(from_wire(made["start"]), from_wire(made["end"]), RSS_EVERY):
            server.set_clock(to_wire(now))
            answer = http.get(server.url)
            if answer.status != 200:
                continue
            feed = python("news_feed").parse(answer.body, answer.content_type)
            ahead = sum(item.published_at > now + AHEAD for item in feed.items)
            counts["served"] += len(feed.items) + len(feed.rejected)
            counts["produced"] += len(feed.items) - ahead
            counts["rejected"] += len(feed.rejected) + ahead

    expected = truth(made).counts
    assert counts == {name: expected[name] for name in counts}


# ---- the oracle is independent -----------------------------------------------------------------


def foreign(source: str) -> list[str]:
    """What this text takes from elsewhere than Python's own library, and how it could get around saying so."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level + (node.module or ""))
        elif isinstance(node, ast.Name) and node.id in ("__import__", "exec", "eval", "open", "compile"):
            found.append(node.id)
    return [name for name in found if name.partition(".")[0] not in sys.stdlib_module_names - {"importlib"}]


def test_the_oracle_takes_nothing_from_us_or_anybody_but_python() -> None:
    assert foreign(inspect.getsource(oracle)) == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from capstone_marketlag.wire import from_wire", "capstone_marketlag.wire"),
        ("import labs.phase1_quality", "labs.phase1_quality"),
        ("from . import wire", "."),
        ("import feedparser", "feedparser"),
        ("import importlib", "importlib"),
        ("def f():\n    from labkit.paths import ROOT", "labkit.paths"),
        ("x = __import__('labs')", "__import__"),
        ("x = open('labs/x.sql').read()", "open"),
    ],
)
def test_the_check_of_the_oracle_s_imports_sees_them(line: str, name: str) -> None:
    assert foreign(f"{inspect.getsource(oracle)}\n{line}\n") == [name]


# ---- the world over HTTP -----------------------------------------------------------------------


@pytest.fixture
def served() -> Iterator[ReplayServer]:
    """The world with one of each, over HTTP."""
    faults = [
        {"at": at("10:45"), "status": 429, "times": 2, "headers": {"Retry-After": "1"}},
        {"at": at("11:00"), "status": 503, "times": 1, "headers": {}},
    ]
    with ReplayServer({**one_of_each, "faults": faults}) as server:
        yield server


def put_clock(server: ReplayServer, clock: str) -> None:
    assert requests.put(server.clock_url, data=at(clock), timeout=5).status_code == 204


def get(server: ReplayServer, etag: str = "") -> requests.Response:
    return requests.get(server.url, headers={"If-None-Match": etag} if etag else {}, timeout=5)


@pytest.mark.parametrize(
    ("clock", "items"),
    [
        ("10:09:59", []),
        ("10:10", [on_time]),
        ("10:49:59", [rejected, before_its_edit, on_time]),
        ("10:50", [edited, rejected, on_time]),
        ("11:30", [late, edited, rejected, on_time]),
        ("23:00", []),
    ],
)
def test_the_feed_shows_what_stood_in_it_at_that_time_newest_first(
    served: ReplayServer, clock: str, items: list[dict[str, Any]]
) -> None:
    put_clock(served, clock)

    assert get(served).json() == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "MarketLag recorded feed",
        "items": [entry["item"] for entry in items],
    }


def test_at_every_poll_the_feed_shows_what_the_oracle_sees() -> None:
    made = {**world(3, 3), "faults": []}
    polls = list(ticks(from_wire(made["start"]), from_wire(made["end"]), RSS_EVERY))
    with ReplayServer(made) as server:
        shown_at = []
        for now in polls:
            server.set_clock(to_wire(now))
            shown_at.append(json.loads(server.feed())["items"])

    assert shown_at == [oracle._Run(made)._fresh(now) for now in polls]


def test_a_feed_that_has_not_changed_is_a_304_without_a_body(served: ReplayServer) -> None:
    put_clock(served, "10:15")
    first = get(served)
    put_clock(served, "10:20")
    same = get(served, first.headers["ETag"])
    put_clock(served, "10:30")
    other = get(served, first.headers["ETag"])

    assert (first.status_code, same.status_code, other.status_code) == (200, 304, 200)
    assert (same.content, same.headers["ETag"]) == (b"", first.headers["ETag"])
    assert other.headers["ETag"] != first.headers["ETag"]


def test_a_fault_fails_as_many_requests_of_its_minute_as_it_says(served: ReplayServer) -> None:
    def statuses(clock: str, asked: int) -> list[tuple[int, str | None]]:
        put_clock(served, clock)
        answers = [get(served) for _ in range(asked)]
        return [(answer.status_code, answer.headers.get("Retry-After")) for answer in answers]

    assert statuses("10:30", 1) == [(200, None)]
    assert statuses("10:45", 3) == [(429, "1"), (429, "1"), (200, None)]
    assert statuses("11:00", 2) == [(503, None), (200, None)]
    assert statuses("11:15", 1) == [(200, None)]


def test_nothing_else_is_served_and_nothing_beyond_this_machine(served: ReplayServer) -> None:
    listening = [c.laddr for c in psutil.Process().net_connections("tcp") if c.status == psutil.CONN_LISTEN]

    assert [f"http://{ip}:{port}" for ip, port in listening if served.base.endswith(f":{port}")] == [
        served.base
    ]
    assert served.base.startswith("http://127.0.0.1:")
    assert requests.get(f"{served.base}/etc/passwd", timeout=5).status_code == 404


def test_a_server_that_is_closed_has_let_go_of_its_port() -> None:
    with ReplayServer(one_of_each) as server:
        assert get(server).status_code == 200
    with pytest.raises(requests.ConnectionError):
        get(server)
    port = int(server.base.rpartition(":")[2])
    with ReplayServer(one_of_each, port) as again:
        assert get(again).status_code == 200
