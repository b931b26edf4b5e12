"""The whole pipeline on a world, in this process, with something done to it while records are in flight.

One stack for all tests of a module; topics, tables and jobs are made anew for each run. What comes out is read
back as a reader would and compared with the oracle.
"""

from __future__ import annotations

import copy
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psutil
import psycopg2
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from capstone_marketlag import dump, oracle, tables, topics
from capstone_marketlag.application import Application
from capstone_marketlag.compare import first_difference
from capstone_marketlag.drain import drain
from capstone_marketlag.outcome import Outcome, conserved, outcome
from capstone_marketlag.replay.generate import world as generate
from capstone_marketlag.replay.player import Player, settings_for
from capstone_marketlag.replay.server import ReplayServer
from capstone_marketlag.settings import Settings
from labkit.errors import LabError
from labkit.flink_rest import FlinkRest
from labkit.services import process
from labkit.services.stack import Stack
from tests.services.conftest import kill, seen

#: restarts of a test come one after the other: the production profile would wait longer each time
QUICK_RESTARTS = {
    "restart-strategy.exponential-delay.initial-backoff": "500 ms",
    "restart-strategy.exponential-delay.max-backoff": "1 s",
}
#: seconds between two ticks of the world while a fault is at work: records are in flight all the time
SLOW = 0.5
World = dict[str, Any]


def chosen_seed() -> int:
    """A seed that nobody chose: another one each day, printed by whoever uses it; LAB_TEST_SEED names one."""
    return int(os.environ.get("LAB_TEST_SEED") or time.time() // 86_400)


def only_market(world: World, slug: str) -> World:
    """The world of one of its markets alone."""
    one = copy.deepcopy(world)
    one["markets"] = [market for market in one["markets"] if market["slug"] == slug]
    one["prices"] = {slug: one["prices"][slug]}
    for name in ("entries", "lags", "moves"):
        one[name] = [each for each in one[name] if each["market"] == slug]
    one["faults"] = [each for each in one["faults"] if each["market"] in (slug, None)]
    return one


@dataclass
class Run:
    """One run while it happens: what a fault may touch."""

    stack: Stack
    application: Application
    player: Player
    server: ReplayServer
    random: random.Random
    read: dict[str, dump.Rows] = field(default_factory=dict)
    stored: dict[str, dump.Rows] = field(default_factory=dict)
    _restored: dict[str, int] = field(default_factory=dict)

    @property
    def in_flight(self) -> bool:
        """Whether the world is still being played."""
        return self.player.now < self.player.end

    def checkpoints(self, name: str) -> dict[str, Any]:
        return self.application.rest.get(f"/jobs/{self.application.jobs[name].id}/checkpoints")

    def completed(self, name: str) -> int:
        return int(self.checkpoints(name)["counts"]["completed"])

    def restored(self, name: str) -> int:
        return int(self.checkpoints(name)["counts"]["restored"])

    def restarts(self, name: str) -> int:
        path = f"/jobs/{self.application.jobs[name].id}"
        return int(self.application.rest.metrics(path, "numRestarts").get("numRestarts", -1))

    def table_rows(self) -> int:
        """How many hours are in PostgreSQL. Raises LabError: it does not answer."""
        with tables.transaction(self.application.settings) as cursor:
            cursor.execute(f"SELECT count(*) FROM {tables.LAG_SIGNALS}")
            return int(cursor.fetchone()[0])

    def wait_checkpoints(self, more: int, *names: str, seconds: float = 30) -> None:
        """Until each of these jobs, or of all, has completed so many more checkpoints."""
        start = {name: self.completed(name) for name in names or self.application.jobs}

        def grown() -> bool:
            return all(self.completed(name) >= before + more for name, before in start.items())

        def give_up() -> None:
            raise AssertionError(f"no {more} further checkpoints within {seconds:.0f} s")

        process.until(grown, seconds, give_up, every=0.2)

    def wait_unheld(self, name: str, topic: str, seconds: float = 60) -> None:
        """Until the job has written records there that no checkpoint holds: after a loss now it writes them again."""
        # while none is under way: the checkpoints that are complete, and the records
        base: tuple[int, int] | None = None

        def written() -> bool:
            nonlocal base
            self._out_of_step()
            counts = self.checkpoints(name)["counts"]
            records = sum(topics.ends(self.application.settings, topic).values())
            if counts["in_progress"]:
                base = None
            elif base is None or base[0] != counts["completed"]:
                base = (counts["completed"], records)
            return base is not None and records > base[1]

        def give_up() -> None:
            raise AssertionError(f"nothing came to {topic} between two checkpoints for {seconds:.0f} s")

        process.until(written, seconds, give_up, every=0.01)
        self.player.pace = SLOW

    def between_checkpoints(self, *written: str) -> None:
        """Wait for spare slots, two checkpoints, one since the last restart, and rows of an open transaction there.

        So the fault that comes next finds records that were written and not committed: to be taken back, and
        written once more. written: topics, one of which has such rows; without any: all that the jobs write.
        """
        self.wait_spare()

        def none() -> None:
            raise AssertionError("the jobs took no checkpoints for 30 s")

        process.until(lambda: all(map(self._goes_on, self.application.jobs)), 30, none, every=0.2)
        self._restored = {name: self.restored(name) for name in self.application.jobs}
        assert self.in_flight, "the fault has to fire while records come in: slow the world down"
        asked = written or (topics.SIGNALS, topics.LAG_SIGNALS)

        def written_and_not_committed() -> bool:
            self._out_of_step()
            return any(map(self._is_open, asked))

        def give_up() -> None:
            raise AssertionError(f"nothing was in flight in {asked} for 60 s")

        process.until(written_and_not_committed, 60, give_up, every=0.05)
        self.player.pace = SLOW

    def _goes_on(self, name: str) -> bool:
        """Whether that job has completed two checkpoints, and one of them since it was last restored."""
        said = self.checkpoints(name)
        restored, latest = said["latest"].get("restored"), said["latest"].get("completed")
        after = restored["restore_timestamp"] if restored else 0
        return bool(said["counts"]["completed"] >= 2 and latest["trigger_timestamp"] > after)

    def _out_of_step(self) -> None:
        """Play on unevenly: in step with the checkpoints an hour's rows could come right before one each time."""
        self.player.pace = random.uniform(SLOW / 2, SLOW)

    def _is_open(self, topic: str) -> bool:
        """Whether the topic has records behind the last one that a reader of committed ones may see."""
        ends = topics.ends(self.application.settings, topic)
        return ends != topics.ends(self.application.settings, topic, committed=True)

    def recovered_within(self, seconds: float, *names: str) -> float:
        """Wait until these jobs were restored and have completed a checkpoint since; how long that took, in s.

        Restored: once more than at the last `between_checkpoints`. Raises AssertionError: it took longer.
        """
        started = time.monotonic()

        def recovered(name: str) -> bool:
            try:
                return self.restored(name) > self._restored[name] and self._goes_on(name)
            except LabError:
                return False

        def give_up() -> None:
            rest, jobs = self.application.rest, self.application.jobs
            states = {name: (rest.state(jobs[name].id), rest.why_failed(jobs[name].id)) for name in names}
            raise AssertionError(f"no new checkpoint within {seconds:.0f} s: {states}")

        process.until(lambda: all(map(recovered, names)), seconds, give_up, every=0.2)
        return time.monotonic() - started

    def wait_spare(self, seconds: float = 90) -> None:
        """Until both jobs run and another TaskManager could take them: what a fault needs to be survived."""
        self.stack.up("flink", taskmanagers=2)
        rest = self.application.rest
        wanted = len(self.application.jobs) * self.application.settings.parallelism

        def spare() -> bool:
            run = all(rest.tasks_running(job.id) for job in self.application.jobs.values())
            return run and int(rest.get("/overview")["slots-available"]) >= wanted

        def give_up() -> None:
            raise AssertionError(
                f"no {wanted} spare slots within {seconds:.0f} s: {rest.get('/taskmanagers')}"
            )

        process.until(spare, seconds, give_up, every=0.2)

    def taskmanager_id(self, name: str) -> str:
        """The TaskManager on which that job's first task runs, as Flink names it: its role and its start."""
        rest, job = self.application.rest, self.application.jobs[name].id
        vertex = rest.get(f"/jobs/{job}")["vertices"][0]["id"]
        return str(rest.get(f"/jobs/{job}/vertices/{vertex}")["subtasks"][0]["taskmanager-id"])

    def jobs_on(self, taskmanager: str) -> list[str]:
        """The jobs, by name, that hold slots of this TaskManager."""
        allocated = self.application.rest.get(f"/taskmanagers/{taskmanager}")["allocatedSlots"]
        holders = {slot["jobId"] for slot in allocated}
        return [name for name, job in self.application.jobs.items() if job.id in holders]

    def taskmanager(self, name: str) -> psutil.Process:
        """The JVM of the TaskManager on which that job's first task runs."""
        return psutil.Process(self.stack.flink.jvm(self.taskmanager_id(name).rpartition(".")[0]))

    def lose_taskmanager_of(self, name: str, unheld: str = "") -> list[str]:
        """Kill the TaskManager on which that job's first task runs, and have another in its place; whom it hurt.

        unheld: a topic; the kill comes right behind records there that no checkpoint holds, and that the job
        will write again: whoever reads uncommitted records sees them twice. Returns the jobs that had slots
        there: after a restart the two need not share a TaskManager any more.
        """
        jvm = self.taskmanager(name)
        starter = jvm.parent()
        hurt = self.jobs_on(self.taskmanager_id(name))
        if unheld:
            self.wait_unheld(name, unheld)
        kill(jvm.pid)
        assert starter is not None
        starter.wait(10)  # until it has seen that: else the stack would find everything running still
        self.stack.up("flink", taskmanagers=2)
        return hurt

    def worker(self) -> int:
        """A process of the detector's in which Python runs."""
        pids = (owned.pid for owned in process.marked(self.stack.dir))
        known = [
            pid for pid, line in seen(pids, lambda each: (each.pid, each.cmdline()))
            if "pyflink.fn_execution" in " ".join(line)
        ]  # fmt: skip
        return self.random.choice(sorted(known))

    def uncommitted(self) -> Outcome:
        """What a reader would see who does not ask for committed records only."""
        settings = self.application.settings
        read = {name: dump.read_topic(settings, name, committed=False) for name in topics.plan()}
        return outcome(read, self.stored, settings.alignment)


Fault = Callable[[Run], None]


class Pipeline:
    """A stack whose topics and tables are emptied before each run."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def up(self) -> None:
        """Start whatever an earlier fault has ended for good."""
        self.stack.up("kafka", "postgres", "flink", taskmanagers=2)

    def settings(self, **other: Any) -> Settings:
        base = Settings(
            kafka=self.stack.kafka.address,
            postgres=self.stack.postgres.address,
            price_store=str(self.stack.dir / "prices.sqlite"),
            checkpoint_seconds=1,
            checkpoint_pause_seconds=0,
            jdbc_flush_seconds=1,
        )
        return replace(base, **other)

    def run(
        self,
        world: World,
        fault: Fault | None = None,
        *,
        seed: int = 0,
        options: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> tuple[Outcome, Run]:
        """Play the world, let the fault happen, read what is there to its end; what came out."""
        with self.started(world, seed, options, **settings) as run:
            run.player.pace = SLOW if fault else 0.0
            with run.player.playing() as played:
                if fault:
                    fault(run)
                run.player.pace = 0.0  # it has been survived, or not: on to the end
                played.result()
            drain(run.application)
            run.read, run.stored = dump.read_all(run.application.settings)
        found = outcome(run.read, run.stored, run.application.settings.alignment)
        for kind, counts in (("news", found.news), ("prices", found.prices)):
            counts["produced"] = run.player.counts[kind]["produced"]
        return found, run

    @contextmanager
    def started(
        self, world: World, seed: int = 0, options: Mapping[str, str] | None = None, **settings: Any
    ) -> Iterator[Run]:
        """Both jobs on empty topics and tables; cancelled afterwards, whatever happened."""
        self.up()
        self.empty()
        with ReplayServer(world) as server:
            wanted = settings_for(world, server, self.settings(**settings))
            application = Application(
                self.stack, wanted, self.stack.dir / "marketlag", {**QUICK_RESTARTS, **(options or {})}
            )
            try:
                application.run(anew=True)
                yield Run(self.stack, application, Player(world, server, wanted), server, random.Random(seed))
            finally:
                self.cancel_all()

    def alive(self) -> list[str]:
        """The ids of the cluster's jobs that have not ended."""
        return list(FlinkRest(self.stack.flink.address).alive())

    def cancel_all(self) -> None:
        """End every job of the cluster."""
        for job in self.alive():
            FlinkRest(self.stack.flink.address).cancel(job)

    def tell(self, statement: str) -> None:
        """Change the database itself, {database}; whoever is connected has to connect again."""
        connection = psycopg2.connect(self.stack.postgres.address)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
                cursor.execute(statement.format(database=connection.info.dbname))
                # who is connected already has the old answer
                cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                               " AND datname = current_database()")  # fmt: skip
        finally:
            connection.close()

    def empty(self) -> None:
        """Delete topics, tables and stored prices."""
        settings = self.settings()
        admin = AdminClient(settings.kafka_client())
        there = [name for name in topics.plan() if name in admin.list_topics(timeout=30).topics]
        for deleted in (admin.delete_topics(there) if there else {}).values():
            deleted.result()

        def gone() -> bool:
            return not any(name in admin.list_topics(timeout=30).topics for name in there)

        def give_up() -> None:
            raise KafkaException("the topics were not deleted within 30 s")

        process.until(gone, 30, give_up)
        connection = psycopg2.connect(settings.postgres)
        try:
            with connection, connection.cursor() as cursor:
                for table in tables.NAMES:
                    cursor.execute(f"DROP TABLE IF EXISTS {table}")
        finally:
            connection.close()
        (self.stack.dir / "prices.sqlite").unlink(missing_ok=True)
        shutil.rmtree(self.stack.dir / "marketlag", ignore_errors=True)


def assert_right(found: Outcome, world: World, alignment: str = "window_start") -> None:
    """Nothing lost, nothing twice, every row as the oracle has it."""
    difference = first_difference(found, oracle.truth(world, alignment))
    assert difference is None, difference
    assert conserved(found)


def is_right(found: Outcome, world: World) -> bool:
    """Whether `assert_right` would pass: for what has to be wrong."""
    return first_difference(found, oracle.truth(world)) is None and conserved(found)


def assert_would_be_seen(run: Run, world: World, *among: str) -> None:
    """The negative control of every run: one record less, or one twice, anywhere, and the checks are red.

    among: these topics alone; each takes a count of all that was read.
    """
    truth = oracle.truth(world, run.application.settings.alignment)

    def red(read: dict[str, dump.Rows], stored: dict[str, dump.Rows]) -> bool:
        found = outcome(read, stored, run.application.settings.alignment)
        return not (first_difference(found, truth) is None and conserved(found))

    # rows of markets and of health are no part of the law
    for topic in among or set(topics.plan()) - {topics.MARKET_META, topics.API_HEALTH}:
        if not run.read[topic]:
            continue
        place = run.random.randrange(len(run.read[topic]))
        rows = run.read[topic]
        assert red({**run.read, topic: rows[:place] + rows[place + 1 :]}, run.stored), f"{topic} less {place}"
        assert red({**run.read, topic: [*rows, rows[place]]}, run.stored), f"{topic} {place} twice"
    for table in () if among else (tables.SIGNALS, tables.LAG_SIGNALS):
        rows = run.stored[table]
        place = run.random.randrange(len(rows))
        assert red(run.read, {**run.stored, table: rows[:place] + rows[place + 1 :]}), f"{table} less {place}"


__all__ = [
    "Fault", "Pipeline", "Run", "assert_right", "assert_would_be_seen", "chosen_seed", "generate", "is_right",
    "only_market",
]  # fmt: skip
