"""The recorded world played to the end: the clock, somebody else's records, and every run that is due."""

from __future__ import annotations

import base64
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from threading import Event
from typing import Any

import requests
from confluent_kafka import Producer

from capstone_marketlag.producers.clients import Clients
from capstone_marketlag.producers.schedule import handlers, play
from capstone_marketlag.replay.server import ReplayServer
from capstone_marketlag.settings import Settings
from capstone_marketlag.wire import from_wire, to_wire
from labkit import web
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
        self._virtual = from_wire(world["start"])
        # the waits between tries are virtual, as all time is here
        self._clients = Clients.of(settings, sleep=lambda _: None, now=lambda: self._virtual)
        self._others = Producer({**settings.kafka_client(), "partitioner": "murmur2_random"})
        self._strays = deque(sorted(world["strays"], key=lambda stray: stray["at"]))
        self._clock = web.session(server.base)
        self.totals: Totals = {"news": Counter(), "prices": Counter()}
        #: seconds of the wall clock between two ticks
        self.pace = 0.0
        self.now, self.end = from_wire(world["start"]), from_wire(world["end"])

    def ticks(self) -> Iterator[datetime]:
        """Play tick after tick; each one's time when its runs are done. Raises LabError: a run failed."""
        start = from_wire(self._world["start"])
        for due, rule, counts in play(start, self.end, self._set_clock, handlers(self._clients)):
            kind = "news" if rule == "marketlag-rss" else "prices"
            for name in ("served", "produced", "dead"):
                self.totals[kind][name] += counts.get(name, 0)
            if due != self.now:
                yield self.now
                self.now = due
        yield self.now

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """What the producers said they served, produced and rejected, by kind."""
        return {kind: dict(counts) for kind, counts in self.totals.items()}

    @contextmanager
    def playing(self) -> Iterator[Future[None]]:
        """Play the whole world in a thread of its own; leaving the block early stops it at its next tick."""
        stop = Event()

        def play_all() -> None:
            for _ in self.ticks():
                if stop.wait(self.pace):
                    return

        with ThreadPoolExecutor(1, "world") as pool:
            played = pool.submit(play_all)
            try:
                yield played
            finally:
                stop.set()

    def _set_clock(self, now: datetime) -> None:
        self._virtual = now
        while self._strays and self._strays[0]["at"] <= to_wire(now):
            stray = self._strays.popleft()
            self._others.produce(stray["topic"], base64.b64decode(stray["value"]), stray["key"].encode())
            self._others.poll(0)
        if self._others.flush(30):
            raise LabError("A stray record was not acknowledged by Kafka.", "", "./lab up kafka, then again")
        try:
            self._clock.put(self._server.clock_url, data=to_wire(now), timeout=5).raise_for_status()
        except requests.RequestException as error:
            raise LabError(
                f"The recorded world does not answer at {self._server.base} ({type(error).__name__}).",
                f"It was at {to_wire(now)}; what was sent until then is in Kafka.",
                "the same command again",
            ) from error
