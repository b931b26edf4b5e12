"""A recorded world for the services of this machine: served, and played through the producers into Kafka."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from capstone_marketlag import logs, topics
from capstone_marketlag.local import replayed_prices
from capstone_marketlag.replay.generate import world as generate
from capstone_marketlag.replay.player import Player, settings_for
from capstone_marketlag.replay.server import ReplayServer
from capstone_marketlag.settings import Settings
from capstone_marketlag.wire import to_wire
from labkit import console


def play(settings: Settings, seed: int, hours: int, pace: float) -> dict[str, dict[str, int]]:
    """Play the world of that seed to its end; what the producers counted, by kind.

    pace: seconds of the wall clock between two ticks. Raises LabError: Kafka does not answer, or the topics
    are not as planned; KeyboardInterrupt: what was sent until then is in Kafka.
    """
    logs.configure(settings.log_format, logging.ERROR)
    store = replayed_prices()
    store.parent.mkdir(parents=True, exist_ok=True)
    store.unlink(missing_ok=True)
    topics.ensure(settings)
    world = generate(seed, hours)
    with ReplayServer(world) as server:
        player = Player(world, server, settings_for(world, server, replace(settings, price_store=str(store))))
        with console.stage("feeds and prices → Kafka", at=lambda: f"at {to_wire(player.now)}"):
            for _ in player.ticks():
                time.sleep(pace)
    return player.counts
