"""Clusters to ask: recorded ones, ones made up from those, and the real warm one.

    recorded("lost")            what a real cluster answered once; recorded/ has them, record.py made them
    of_version("2.10.0")        made up: a recorded cluster that says another version
    silent_for(25_000)          made up: TaskManagers that were heard of so many ms before `now`
    with warm() as it           the warm cluster; it.start("small", 2) starts a job there

Each has `ask`, the GET of a path, and `now`, the moment at which its clock stood.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.checking import Wrong
from labkit.errors import LabError
from labkit.services.process import until
from labkit.testing.flink import Flink, flink

RECORDED = Path(__file__).parent / "recorded"
ASKABLE = "/overview, /config, /taskmanagers, /jobs/overview, /jobmanager/config, /jobs/<id>, /jobs/<id>/…"

_SMALL = """
CREATE TEMPORARY TABLE headlines (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1');
CREATE TEMPORARY TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole')
"""


@dataclass(frozen=True)
class Cluster:
    """Answers by path. now: ms since the epoch when they were given. jobs: ids by name."""

    answers: Mapping[str, Any]
    now: int
    jobs: Mapping[str, str] = field(default_factory=dict)

    def ask(self, path: str) -> Any:
        """The answer of GET path. Raises Wrong: there is none."""
        __tracebackhide__ = True
        where = _path(path)
        if where not in self.answers:
            raise Wrong(f"ask({path!r}): Flink's REST API has nothing there, or nothing to judge by. "
                        f"What can be asked: {ASKABLE}.")  # fmt: skip
        return deepcopy(self.answers[where])


def recorded(name: str) -> Cluster:
    """A cluster as it answered when it was recorded."""
    found = json.loads((RECORDED / f"{name}.json").read_text())
    return Cluster(found["answers"], found["now"], found["jobs"])


def of_version(version: str) -> Cluster:
    """Made up: a cluster that says it is Flink of that version."""
    idle = recorded("idle")
    answers = deepcopy(dict(idle.answers))
    answers["/overview"]["flink-version"] = answers["/config"]["flink-version"] = version
    return Cluster(answers, idle.now)


def silent_for(milliseconds: int, name: str = "idle", *, without_free_slots: bool = False) -> Cluster:
    """Made up: a recorded cluster whose TaskManagers were heard of last so long ago.

    without_free_slots: of those only the ones whose slots are all held by a job.
    """
    found = recorded(name)
    answers = deepcopy(dict(found.answers))
    for each in answers["/taskmanagers"]["taskmanagers"]:
        if not (without_free_slots and each["freeSlots"]):
            each["timeSinceLastHeartbeat"] = found.now - milliseconds
            answers[f"/taskmanagers/{each['id']}"]["timeSinceLastHeartbeat"] = found.now - milliseconds
    return Cluster(answers, found.now)


# ---- the warm cluster ----------------------------------------------------------------------------


class Warm:
    """The warm cluster, for as long as this process holds it. jobs: ids of what was started, by name."""

    def __init__(self, flink: Flink) -> None:
        self._flink = flink
        self.jobs: dict[str, str] = {}

    @property
    def now(self) -> int:
        return int(time.time() * 1000)

    def ask(self, path: str) -> Any:
        """The answer of GET path. Raises Wrong: Flink has none."""
        __tracebackhide__ = True
        try:
            return self._flink.engine.ask("GET", path)
        except LabError as error:
            if not error.happened.startswith("Flink refused"):
                raise
            raise Wrong(
                f"ask({path!r}): the warm cluster has no answer to that. What can be asked: {ASKABLE}."
            ) from error

    def start(self, name: str, parallelism: int, options: Mapping[str, str] | None = None) -> str:
        """Submit a small job without an end, and without checkpoints unless options say so; its id."""
        own = {
            "pipeline.name": name,
            "parallelism.default": str(parallelism),
        }
        named = {**own, **(options or {})}
        tables = self._tables(named)
        for statement in _SMALL.split(";"):
            tables.executeSql(statement)
        submitted = tables.executeSql("INSERT INTO nowhere SELECT n FROM headlines")
        job = str(submitted.getJobClient().get().getJobID().toString())
        self.jobs[name] = job
        return job

    def refused(self, sql: str) -> str:
        """What Flink says, in full, to a statement that it does not take."""
        from py4j.protocol import Py4JJavaError

        try:
            self._tables({}).executeSql(sql)
        except Py4JJavaError as error:
            return str(error)
        raise LabError(f"Flink took {sql}.", "It was to be refused.", "./lab dev check cluster_and_slots")

    def ended(self, job: str) -> bool:
        """Whether the job has come to its end, however."""
        return self.ask(f"/jobs/{job}/status")["status"] in ("CANCELED", "FAILED", "FINISHED")

    def until(self, ready: Callable[[], bool], what: str, seconds: float = 20) -> None:
        """Wait for it. Raises LabError: it does not come about."""

        def give_up() -> None:
            raise LabError(f"Within {seconds:.0f} s it did not come about that {what}.", "", "run it again")

        until(ready, seconds, give_up, every=0.02)

    def cancel(self) -> None:
        """End all jobs that were started, and wait for their end."""
        for job in self.jobs.values():
            with suppress(LabError):  # it has ended by itself: Flink refuses to cancel that
                self._flink.engine.ask("PATCH", f"/jobs/{job}?mode=cancel")
        self.until(lambda: all(map(self.ended, self.jobs.values())), "the jobs have ended")

    def _tables(self, options: Mapping[str, str]) -> Any:
        java = self._flink.java.org.apache.flink
        host, port = self._flink.engine.rest.split(":")
        # options of our own alone: those of a scripted job have an interval
        configuration = java.configuration.Configuration()
        where = {"execution.target": "remote", "rest.address": host, "rest.port": port}
        for key, value in {**where, **options}.items():
            configuration.setString(key, value)
        environment = java.streaming.api.environment.StreamExecutionEnvironment(configuration)
        return java.table.api.bridge.java.StreamTableEnvironment.create(environment)


@contextmanager
def warm() -> Iterator[Warm]:
    """The warm cluster, for this process alone; what was started on it is ended."""
    with flink() as engine:
        found = Warm(engine)
        try:
            yield found
        finally:
            found.cancel()


def _path(path: str) -> str:
    return "/" + str(path).partition("?")[0].strip("/")
