"""The recorded world played to the end: the clock, somebody else's records, and every run that is due."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import requests
from confluent_kafka import Producer

from capstone_marketlag.producers.clients import Clients
from capstone_marketlag.producers.schedule import handlers, play
from capstone_marketlag.replay.server import ReplayServer
from capstone_marketlag.settings import Settings
from capstone_marketlag.wire import from_wire, to_wire
from labkit.errors import LabError

#: what a run counts, by the rule's handler: rss -> news, prices -> prices
Totals = dict[str, Counter[str]]


def settings_for(world: dict[str, Any], server: ReplayServer, settings: Settings) -> Settings:
    """The settings with the world's markets and the server's addresses."""
    return replace(
        settings,
        markets=",".join(market["slug"] for market in world["markets"]),
        feed_url=server.feed_url,
        gamma_url=server.gamma_url,
        clob_url=server.clob_url,
    )


class Player:
    """Plays a world through the producers' handlers. totals: what the runs so far counted."""

    def __init__(self, world: dict[str, Any], server: ReplayServer, settings: Settings) -> None:
        self._world, self._server = world, server
        # the waits between tries are virtual, as all time is here
        self._clients = Clients.of(settings, sleep=lambda _: None)
        self._others = Producer({**settings.kafka_client(), "partitioner": "murmur2_random"})
        self._strays = sorted(world["strays"], key=lambda stray: stray["at"])
        self.totals: Totals = {"news": Counter(), "prices": Counter()}

    def ticks(self) -> Iterator[datetime]:
        """Play tick after tick; each one's time when its runs are done. Raises LabError: a run failed."""
        start, end = from_wire(self._world["start"]), from_wire(self._world["end"])
        last = start
        for due, rule, counts in play(start, end, self._set_clock, handlers(self._clients)):
            kind = "news" if rule == "marketlag-rss" else "prices"
            for name in ("served", "produced", "dead"):
                self.totals[kind][name] += counts.get(name, 0)
            if due != last:
                yield last
                last = due
        yield last

    def _set_clock(self, now: datetime) -> None:
        while self._strays and self._strays[0]["at"] <= to_wire(now):
            stray = self._strays.pop(0)
            self._others.produce(stray["topic"], base64.b64decode(stray["value"]), stray["key"].encode())
            if self._others.flush(10):
                raise LabError("A stray record was not acknowledged by Kafka.", "", "make demo")
        try:
            requests.put(self._server.clock_url, data=to_wire(now), timeout=5).raise_for_status()
        except requests.RequestException as error:
            raise LabError(
                f"The recorded world does not answer at {self._server.base} ({type(error).__name__}).",
                f"It was at {to_wire(now)}; what was sent until then is in Kafka.",
                "make demo",
            ) from error
