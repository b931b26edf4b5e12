"""The real producers on the served world write, record by record, what the oracle says they write."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from capstone_marketlag import oracle, partitions, topics
from capstone_marketlag.producers import schedule
from capstone_marketlag.producers.clients import Clients
from capstone_marketlag.producers.http import Getter
from capstone_marketlag.replay.generate import world
from capstone_marketlag.replay.player import settings_for
from capstone_marketlag.replay.server import ReplayServer
from capstone_marketlag.settings import Settings
from capstone_marketlag.wire import from_wire, to_wire
from tests.unit.worlds import at, book, fault, item, market, shown, small

PARTITIONS = 3
#: topic, partition, value
Record = tuple[str, int, Any]


class Kept:
    """Kafka's part: keeps what is sent, with the partition it would go to."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def partitions(self, topic: str) -> list[int]:
        return list(range(PARTITIONS))

    def send(self, topic: str, key: str, value: Any, partition: int = -1) -> None:
        chosen = partition if partition >= 0 else partitions.partition(key.encode(), PARTITIONS)
        self.records.append((topic, chosen, value))

    def flush(self) -> None:
        pass


def played(made: dict[str, Any], store: Path, timeout: float = 10) -> tuple[list[Record], list[schedule.Run]]:
    """What the producers and the strays wrote in the world's whole time, and what their runs counted."""
    kept, strays = Kept(), sorted(made["strays"], key=lambda stray: stray["at"])
    with ReplayServer(made) as server:

        def set_clock(now: datetime) -> None:
            clients.now = lambda: now
            while strays and strays[0]["at"] <= to_wire(now):
                stray = strays.pop(0)
                kept.send(stray["topic"], stray["key"], base64.b64decode(stray["value"]))
            server.set_clock(to_wire(now))

        settings = settings_for(made, server, replace(Settings(), price_store=str(store)))
        clients = Clients(settings, kept, Getter(sleep=lambda _: None, timeout=timeout))  # type: ignore[arg-type]
        start, end = from_wire(made["start"]), from_wire(made["end"])
        runs = list(schedule.play(start, end, set_clock, schedule.handlers(clients)))
    return kept.records, runs


@contextmanager
def overheard() -> Iterator[list[Record]]:
    """Every record that arrives at one of the oracle's topics."""
    records: list[Record] = []
    arrive = oracle._Topic.arrive

    def listen(topic: Any, partition: int, record: Any, start: Any = None) -> None:
        name = {"published_at": topics.NEWS, "event_time": topics.PRICES}[topic.time]
        records.append((name, partition, record))
        arrive(topic, partition, record, start)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oracle._Topic, "arrive", listen)
        yield records


@pytest.mark.parametrize(("seed", "hours"), [(1, 30), (2, 1), (3, 7), (4, 20)])
def test_the_producers_write_what_the_oracle_says(seed: int, hours: int, tmp_path: Path) -> None:
    assert_they_agree(world(seed, hours), tmp_path)


def test_they_agree_on_markets_whose_planned_end_passes(tmp_path: Path) -> None:
    ends = [
        market(end_date=at("11:00")),
        {**market("n", "11:30", end_date=at("11:45")), "tokens": {"Yes": "5"}},
    ]
    found = assert_they_agree(small(markets=ends, prices={"m": book(h12="0.6")}), tmp_path)

    planned = at("11:45")
    assert [[close for _, close in found.metas[slug]] for slug in "mn"] == [
        [at("11:00"), None, None], [planned, planned, at("11:30")],
    ]  # fmt: skip


def test_they_agree_where_services_do_not_answer_in_time(tmp_path: Path) -> None:
    hanging = [
        fault("10:15", "feed", 0, 1, hang=True),  # the second try is answered
        fault("10:45", "feed", 0, hang=True),
        fault("11:00", "clob", 0, hang=True),
        fault("12:00", "gamma", 0, hang=True),
    ]
    made = small(
        shown("10:10", item("a", "10:05", "Fed")),
        shown("10:40", item("b", "10:35", "Fed rate hike")),
        prices={"m": book(h10="0.4", h11="0.5", h12="0.6")},
        faults=hanging,
    )

    found = assert_they_agree(made, tmp_path, timeout=0.5)

    assert found.joined["m", at("10:00")]["price"] == "0.400000"
    assert (found.news["counted"], found.prices["produced"]) == (2, 2)


def assert_they_agree(made: dict[str, Any], tmp_path: Path, timeout: float = 10) -> oracle.Truth:
    """The producers' records on this world are the oracle's, which is returned."""
    records, runs = played(made, tmp_path / "prices.sqlite", timeout)
    with overheard() as expected:
        found = oracle.truth(made)
    written = [record for record in records if record[0] in (topics.NEWS, topics.PRICES)]

    for number, (record, wanted) in enumerate(zip(written, expected, strict=True)):
        assert (number, *comparable(record, wanted)) == (number, *wanted_of(wanted))
    assert counted(runs) == (
        found.news["served"], found.news["produced"], found.news["rejected"],
        found.prices["produced"], found.prices["rejected"],
    )  # fmt: skip
    assert metas(records) == sorted(
        (market, *meta) for market, metas_ in found.metas.items() for meta in metas_
    )
    return found


def test_what_hangs_is_told_as_a_timeout(tmp_path: Path) -> None:
    made = small(faults=[fault("10:00", what, 0, hang=True) for what in ("feed", "gamma")], end="10:00")

    records, _ = played(made, tmp_path / "prices.sqlite", timeout=0.1)

    asked = [value for topic, _, value in records if topic == topics.API_HEALTH]
    assert [(value["status"], value["error_message"]) for value in asked] == [(0, "ReadTimeout")] * 2


def comparable(record: Record, wanted: Record) -> Record:
    """The record with those fields that the oracle knows; the name of a source is no rule's business."""
    topic, partition, value = record
    value = oracle._object(value)[0] if isinstance(value, bytes) else value
    if value is not None:
        value = {name: value.get(name) for name in wanted[2] if name != "source"}
    return topic, partition, value


def wanted_of(wanted: Record) -> Record:
    topic, partition, value = wanted
    return topic, partition, value and {name: value[name] for name in value if name != "source"}


def counted(runs: list[schedule.Run]) -> tuple[int, ...]:
    """Served, produced and dead of the news; produced and dead of the prices."""

    def total(name: str, *rules: schedule.Rule) -> int:
        return sum(counts[name] for _, rule, counts in runs if rule in [each.name for each in rules])

    return (
        *(total(name, schedule.RSS) for name in ("served", "produced", "dead")),
        *(total(name, schedule.PRICES) for name in ("produced", "dead")),
    )


def metas(records: list[Record]) -> list[tuple[str, str, str | None]]:
    return sorted(
        (value["market_slug"], value["fetched_at"], value["close_time"])
        for topic, _, value in records
        if topic == topics.MARKET_META and value.get("kind") != "heartbeat"
    )
