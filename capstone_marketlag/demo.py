"""`make demo`: the whole of MarketLag on a recorded world with a known truth.

Starts its own services and both jobs, plays the world through the real producers into real Kafka, lets the
unbounded jobs run until they have read everything, stops them as production would, reads back what readers
would see, and compares that with the oracle. Then everything it started is ended.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

from rich.table import Table

from capstone_marketlag import dump, folders, logs, pieces, topics
from capstone_marketlag.application import Application
from capstone_marketlag.drain import drain
from capstone_marketlag.outcome import Outcome, outcome
from capstone_marketlag.replay.generate import world as generate
from capstone_marketlag.replay.player import Player, settings_for
from capstone_marketlag.replay.server import ReplayServer
from capstone_marketlag.report import write_report
from capstone_marketlag.settings import Settings
from capstone_marketlag.summary import of_world
from capstone_marketlag.wire import to_wire
from labkit import console
from labkit.paths import LOCKS, shown
from labkit.services import process
from labkit.services.locking import held
from labkit.services.stack import Stack

#: the settings that may be others here; the rest would change the answer, or reach out of this machine
TAKES = ("MARKETLAG_ALIGNMENT",)


def run(seed: int, hours: int, folder: Path, wrong_pieces: bool = False) -> bool:
    """Play the world of that seed; True only if everything is conserved and equal to the oracle.

    Writes to `folder`: world.json, the topics and the tables as they were read back, summary.json and
    report.html. wrong_pieces: run also on those pieces of mine/ that their labs do not call right.
    Raises LabError: a service, a job or the disk failed; something else than an earlier run is in `folder`.
    """
    settings = Settings.from_env({name: os.environ[name] for name in TAKES if name in os.environ})
    ignored = sorted(name for name in os.environ if name.startswith("MARKETLAG_") and name not in TAKES)
    if ignored:
        console.out.print(f"The demo's settings are its own, it ignores {', '.join(ignored)}.", markup=False)
    logs.configure(settings.log_format, logging.ERROR)
    with (
        held(LOCKS / "demo.lock", "another demo runs in this copy"),
        folders.whole(folder) as new,
        pieces.chosen(all_of_mine=wrong_pieces) as left_out,
    ):
        for line in pieces.told(left_out):
            console.out.print(f"{line}, make demo MINE=all takes it.", markup=False)
        summary, found = _run(settings, seed, hours, new)
    _say(summary, found, folder)
    return bool(summary["conserved"] and summary["oracle_equal"])


def _run(settings: Settings, seed: int, hours: int, folder: Path) -> tuple[dict[str, Any], Outcome]:
    seconds: dict[str, float] = {}
    started = time.monotonic()
    world = generate(seed, hours)
    (folder / "world.json").write_text(json.dumps(world, indent=1))
    stack = Stack("demo", only_ours=True)
    stack.remove()  # what an earlier demo stored is not part of this one
    try:
        with _peak_memory(stack) as memory:
            with console.stage("services", seconds):
                stack.up("kafka", "postgres", "flink", owned=True)
            produced = _play(stack, settings, world, seconds)
            with console.stage("read back", seconds):
                read, stored = dump.read_all(_at(settings, stack))
                dump.write_all(folder, read, stored)
                found = outcome(read, stored, settings.alignment)
            if stack.missing_archives():
                with console.stage("make the next start quicker, once", seconds):
                    stack.archive()
    finally:
        with console.stage("stop", seconds):
            stack.remove()
    with console.stage("oracle and report", seconds):
        summary = of_world(settings, world, found, produced)
    summary["seconds"] = {**seconds, "all": round(time.monotonic() - started, 2)}
    summary["peak_memory_mb"] = round(memory["peak"] / 1e6)
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    write_report(folder)
    return summary, found


def _at(settings: Settings, stack: Stack) -> Settings:
    return replace(
        settings,
        kafka=stack.kafka.address,
        postgres=stack.postgres.address,
        price_store=str(stack.dir / "prices.sqlite"),
        # minutes in production; here a whole world passes in a minute
        checkpoint_seconds=1,
        checkpoint_pause_seconds=0,
        jdbc_flush_seconds=1,
    )


def _play(
    stack: Stack, settings: Settings, world: dict[str, Any], seconds: dict[str, float]
) -> dict[str, dict[str, int]]:
    """Both jobs, the world, and the stop when everything is read; what the producers counted."""
    with ReplayServer(world) as server:
        settings = settings_for(world, server, _at(settings, stack))
        topics.ensure(settings)
        application = Application(stack, settings, stack.dir / "marketlag")
        player = Player(world, server, settings)

        def said() -> str:
            return f"the feeds are at {to_wire(player.now)}"

        # the world does not wait for the jobs: they read from the beginning whenever they come
        with player.playing() as played:
            with console.stage("jobs, while feeds and prices → Kafka", seconds, said):
                application.run()
            with console.stage("the rest of feeds and prices → Kafka", seconds, said):
                played.result()
        with console.stage("Kafka → Flink → PostgreSQL", seconds):
            drain(application)
    return player.counts


@contextmanager
def _peak_memory(stack: Stack, every: float = 1.0) -> Iterator[dict[str, float]]:
    """The highest sum of PSS of the stack, this process and its children in bytes, looked at each second."""
    memory, stop = {"peak": 0.0}, Event()

    def watch() -> None:
        while not stop.wait(every):
            mine = {os.getpid()} | process.descendants([os.getpid()])
            memory["peak"] = max(memory["peak"], process.pss(mine | set(stack.pids())))

    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        stop.set()
        thread.join()


def _say(summary: dict[str, Any], found: Outcome, folder: Path) -> None:
    out = console.out.print
    table = Table(
        "hour (UTC)", "market", "signal change", "price change", "confidence",
        title="The surest lag signals", title_justify="left",
    )  # fmt: skip
    flagged = [(key, lag) for key, lag in found.lags.items() if lag["lag_flag"]]
    surest = sorted(flagged, key=lambda pair: pair[1]["confidence"] or "", reverse=True)
    for (market, hour), lag in surest[:5]:
        table.add_row(hour, market, lag["signal_delta"], lag["price_delta"], lag["confidence"])
    out(table)
    news, prices = summary["counts"]["news"], summary["counts"]["prices"]
    verdict = "conserved" if summary["conserved"] else "NOT CONSERVED"
    out(
        f"{news['in']} news records in = {news['counted']} counted + {news['late']} late"
        f" + {news['duplicate']} repeated + {news['dead']} dead + {news['heartbeat']} heartbeats"
    )
    out(
        f"{prices['in']} price records in = {prices['used']} used + {prices['not_used']} not used"
        f" + {prices['late']} late + {prices['duplicate']} repeated + {prices['dead']} dead"
        f" + {prices['heartbeat']} heartbeats: {verdict}"
    )
    yours = [slug for slug, whose in summary["pieces"].items() if whose == "yours"]
    out(f"Pieces: {', '.join(yours) + ' yours, the others' if yours else 'all'} from the reference.")
    for alignment in ("window_start", "window_end"):
        each = summary["lags"][alignment]
        used = "used" if alignment == summary["alignment"] else "not used"
        out(
            f"Against {summary['lags']['planted']} planted lags, aligned by {alignment} ({used}):"
            f" precision {_share(each['precision'])}, recall {_share(each['recall'])}"
        )
    equal = "equal to the oracle." if summary["oracle_equal"] else f"NOT EQUAL. {summary['first_difference']}"
    out(f"{summary['signal_hours']} hours with a signal, {summary['flags']} flagged: {equal}", markup=False)
    seconds, memory = summary["seconds"]["all"], summary["peak_memory_mb"]
    out(f"{seconds:.0f} s, at most {memory} MB. The report: {shown(folder / 'report.html')}")


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.2f}"
