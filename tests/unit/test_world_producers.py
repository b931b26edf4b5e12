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


def played(made: dict[str, Any], store: Path) -> tuple[list[Record], list[schedule.Run]]:
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
        clients = Clients(settings, kept, Getter(sleep=lambda _: None))  # type: ignore[arg-type]
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


def test_they_agree_on_a_market_that_trades_beyond_its_planned_end(tmp_path: Path) -> None:
    made = world(4, 20)
    for market in made["markets"]:  # one of the three closes, four hours before the news ends
        market["end_date"] = "2026-01-05T09:30:00Z"

    found = assert_they_agree(made, tmp_path)

    assert {close for metas_ in found.metas.values() for _, close in metas_} == {
        "2026-01-05T09:30:00Z", "2026-01-05T16:07:01Z", None,
    }  # fmt: skip


def assert_they_agree(made: dict[str, Any], tmp_path: Path) -> oracle.Truth:
    """The producers' records on this world are the oracle's, which is returned."""
    records, runs = played(made, tmp_path / "prices.sqlite")
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
