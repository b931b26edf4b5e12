"""What the application remembers of its jobs between two commands, and which state it goes on from."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from capstone_marketlag import application
from capstone_marketlag.application import Application
from capstone_marketlag.settings import Settings
from labkit.errors import LabError
from labkit.flink_rest import FlinkRest
from labkit.services.stack import Stack

JOB, OTHER = "cedcd2" + "0" * 26, "c9e6de" + "0" * 26
ORIGIN = "file:/savepoints/savepoint-aaaaaa-000000000000"


class Place:
    """A stack's folders without a stack, and an application that ran there."""

    def __init__(self, folder: Path) -> None:
        self.checkpoints, self.savepoints = folder / "checkpoints", folder / "savepoints"
        self.folder = folder / "marketlag"
        self._time = 0

    def complete(self, path: str) -> str:
        """A state that was completed after all others."""
        metadata = self.checkpoints.parent / path / "_metadata"
        metadata.parent.mkdir(parents=True)
        metadata.touch()
        self._time += 1
        os.utime(metadata, (self._time, self._time))
        return f"file://{metadata.parent}"

    def application(self, **jobs: dict[str, str | None]) -> Application:
        """The application as the next command finds it."""
        if jobs:
            self.folder.mkdir(exist_ok=True)
            (self.folder / "jobs.json").write_text(json.dumps({"jobs": jobs, "topics": {}}))
        flink = SimpleNamespace(
            address="http://127.0.0.1:1", checkpoints=self.checkpoints, savepoints=self.savepoints
        )
        return Application(cast("Stack", SimpleNamespace(flink=flink)), Settings(), self.folder)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


# ---- the state that is gone on from ------------------------------------------------------------------------


def test_it_goes_on_from_the_newest_checkpoint(place: Place) -> None:
    place.complete(f"checkpoints/{JOB}/chk-9")
    newest = place.complete(f"checkpoints/{JOB}/chk-10")
    place.complete(f"checkpoints/{OTHER}/chk-11")
    (place.checkpoints / JOB / "chk-11").mkdir()  # never completed

    assert place.application(signals={"id": JOB, "origin": ORIGIN}).state("signals") == newest


@pytest.mark.parametrize("retained", [["chk-9"], []])
def test_a_stop_that_nobody_waited_for_is_gone_on_from_its_savepoint(
    place: Place, retained: list[str]
) -> None:
    for checkpoint in retained:
        place.complete(f"checkpoints/{JOB}/{checkpoint}")
    stopped = place.complete(f"savepoints/savepoint-{JOB[:6]}-aaada1e314e3")
    place.complete(f"savepoints/savepoint-{OTHER[:6]}-80c5300ab393")
    (place.savepoints / f"savepoint-{JOB[:6]}-ffffffffffff").mkdir()  # begun, not completed

    assert place.application(signals={"id": JOB, "origin": ORIGIN}).state("signals") == stopped
    assert place.application(signals={"id": JOB, "origin": None}).state("signals") == stopped


def test_a_checkpoint_behind_a_savepoint_is_newer(place: Place) -> None:
    place.complete(f"savepoints/savepoint-{JOB[:6]}-aaada1e314e3")
    newest = place.complete(f"checkpoints/{JOB}/chk-9")

    assert place.application(signals={"id": JOB}).state("signals") == newest


def test_the_savepoint_of_a_stop_that_was_waited_for_is_remembered(place: Place) -> None:
    place.complete(f"checkpoints/{JOB}/chk-9")

    assert place.application(signals={"id": JOB, "savepoint": ORIGIN}).state("signals") == ORIGIN


def test_a_job_that_ended_before_its_first_checkpoint_goes_on_from_where_it_was_started(place: Place) -> None:
    place.complete(f"checkpoints/{OTHER}/chk-9")

    assert place.application(signals={"id": JOB, "origin": ORIGIN}).state("signals") == ORIGIN
    with pytest.raises(LabError, match=r"^The job signals left no savepoint and no checkpoint\."):
        place.application(signals={"id": JOB}).state("signals")


# ---- stopping ----------------------------------------------------------------------------------------------


class Cluster:
    """Answers of a cluster whose job is in that state; what was asked of it.

    taken: the kind of each checkpoint, newest first, and what became of it. One of a stop that is in progress
    is complete, and the job has ended, when it is asked for again.
    """

    def __init__(self, state: str, savepoint: str | None = None, *taken: tuple[str, str]) -> None:
        self.asked: list[str] = []
        self._state = state
        self._last = {"external_path": savepoint} if savepoint else None
        self._history = [
            {"id": 9 - number, "checkpoint_type": kind, "status": status}
            for number, (kind, status) in enumerate(taken)
        ]

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        self.asked.append(f"{method} {path.partition('?')[0]}")
        if method == "POST":
            return {"request-id": "1"}
        if path.endswith("/checkpoints"):
            history = self._history
            if history and history[0]["status"] == "IN_PROGRESS":
                self._state, self._history = "FINISHED", []
            return {"latest": {"savepoint": self._last}, "history": history}
        if path.endswith("/exceptions"):
            return {}
        if "/savepoints/" in path:
            self._state = "FINISHED"
            return {"status": {"id": "COMPLETED"}, "operation": {"location": "file:/savepoints/new"}}
        return {"state": self._state, "vertices": []}


def stopped(ran: Application, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(FlinkRest, "_call", lambda _, *asked: cluster.call(*asked))
    return ran.stop_job("signals")


def test_a_stop_takes_a_savepoint_and_remembers_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    # a savepoint of another kind, and a stop that failed, stand in nobody's way
    cluster = Cluster("RUNNING", None, ("SYNC_SAVEPOINT", "FAILED"), ("SAVEPOINT", "COMPLETED"))

    assert stopped(place.application(signals={"id": JOB}), cluster, monkeypatch) == "file:/savepoints/new"
    assert f"POST /jobs/{JOB}/stop" in cluster.asked
    assert place.application().jobs["signals"].savepoint == "file:/savepoints/new"


@pytest.mark.parametrize(
    ("state", "taken"),
    [
        ("FINISHED", []),
        ("RUNNING", [("SYNC_SAVEPOINT", "IN_PROGRESS"), ("CHECKPOINT", "COMPLETED")]),
    ],
)
def test_a_job_that_is_being_stopped_already_is_stopped_with_the_savepoint_of_that_stop(
    place: Place, monkeypatch: pytest.MonkeyPatch, state: str, taken: list[tuple[str, str]]
) -> None:
    cluster = Cluster(state, ORIGIN, *taken)

    assert stopped(place.application(signals={"id": JOB}), cluster, monkeypatch) == ORIGIN
    assert [asked for asked in cluster.asked if asked.startswith("POST")] == []
    assert place.application().jobs["signals"].savepoint == ORIGIN


@pytest.mark.parametrize(("state", "savepoint"), [("FAILED", ORIGIN), ("FINISHED", None)])
def test_a_job_that_ended_otherwise_was_not_stopped(
    place: Place, monkeypatch: pytest.MonkeyPatch, state: str, savepoint: str | None
) -> None:
    with pytest.raises(LabError, match=f"^Job {JOB} ended"):
        stopped(place.application(signals={"id": JOB}), Cluster(state, savepoint), monkeypatch)
    assert place.application().jobs["signals"].savepoint is None


# ---- starting ----------------------------------------------------------------------------------------------


class Starting:
    """A cluster that takes jobs; each of them has completed so many checkpoints."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, completed: int = 0) -> None:
        self.alive: dict[str, str] = {}
        self.begun: list[tuple[str, str | None]] = []
        self.completed = completed
        monkeypatch.setattr(FlinkRest, "_call", lambda _, *asked: self.call(*asked))
        monkeypatch.setattr(application.preflight, "check", lambda *_: None)
        monkeypatch.setattr(application.preflight, "checkpoints_in_force", lambda *_: None)
        for name in ("forget_committed", "check_same"):
            monkeypatch.setattr(application.topics, name, lambda *_: None)
        monkeypatch.setattr(application.topics, "ids", lambda _: {})
        for name in application.NAMES:
            monkeypatch.setattr(application, f"_submit_{name}", partial(self.submit, name))

    def submit(self, name: str, _: Application, recovery: dict[str, str]) -> str:
        job = f"{name}-{len(self.begun)}"
        self.begun.append((name, recovery.get("execution.state-recovery.path")))
        self.alive[job] = name
        return job

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        _, _, job, *what = path.partition("?")[0].split("/")
        if job == "overview":
            return {
                "jobs": [{"jid": each, "name": self.alive[each], "state": "RUNNING"} for each in self.alive]
            }
        if method == "PATCH":
            del self.alive[job]
        if what == ["checkpoints"]:
            return {"counts": {"completed": self.completed}}
        return {"state": "RUNNING" if job in self.alive else "CANCELED", "vertices": []}


def refuse(_: Application, recovery: dict[str, str]) -> str:
    raise LabError("The job detector was refused.")


def interrupt(_: Application, recovery: dict[str, str]) -> str:
    raise KeyboardInterrupt


@pytest.mark.parametrize("end", [refuse, interrupt])
def test_a_start_that_ends_between_its_jobs_leaves_none_and_is_done_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    cluster = Starting(monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr(application, "_submit_detector", end)
        with pytest.raises((LabError, KeyboardInterrupt)):
            place.application().run()

    assert (cluster.alive, place.application().jobs) == ({}, {})
    cluster.begun.clear()
    assert sorted(place.application().run()) == ["detector", "signals"]
    assert cluster.begun == [("signals", None), ("detector", None)]


def test_a_job_that_was_submitted_and_not_told_of_is_ended_with_the_others(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Starting(monkeypatch)
    cluster.alive["strange"] = "somebody else's"

    def submitted_and_interrupted(it: Application, recovery: dict[str, str]) -> str:
        cluster.submit("detector", it, recovery)
        raise KeyboardInterrupt

    monkeypatch.setattr(application, "_submit_detector", submitted_and_interrupted)
    with pytest.raises(KeyboardInterrupt):
        place.application().run()

    assert list(cluster.alive) == ["strange"]


@pytest.mark.parametrize("end", [refuse, interrupt])
def test_what_a_start_had_completed_is_gone_on_from_and_the_job_that_never_started_begins(
    place: Place, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    cluster = Starting(monkeypatch, completed=1)
    with monkeypatch.context() as patched:
        patched.setattr(application, "_submit_detector", end)
        with pytest.raises((LabError, KeyboardInterrupt)):
            place.application().run()
    with pytest.raises(LabError, match=r"^The application ran here before\."):
        place.application().run()
    newest = place.complete("checkpoints/signals-0/chk-1")
    cluster.begun.clear()
    place.application().resume()

    assert cluster.begun == [("signals", newest), ("detector", None)]


def test_a_resume_that_is_interrupted_forgets_no_state(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    Starting(monkeypatch)
    kept = {"signals": {"id": JOB, "savepoint": ORIGIN}, "detector": {"id": OTHER, "savepoint": ORIGIN}}
    monkeypatch.setattr(application, "_submit_detector", interrupt)
    with pytest.raises(KeyboardInterrupt):
        place.application(**kept).resume()

    assert {name: place.application().state(name) for name in kept} == {"signals": ORIGIN, "detector": ORIGIN}
