"""MarketLag's two jobs as one application: run, stop, resume.

What has to be remembered between these commands stands in a folder: the plan of the SQL job, and for each job
its id and the savepoint of its last stop. A stop that is to be resumed never drains: draining closes windows
whose hour has not ended.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from capstone_marketlag import preflight, topics
from capstone_marketlag.settings import Settings
from labkit.errors import LabError
from labkit.flink_rest import FlinkRest
from labkit.gateway import one_thread
from labkit.services.stack import Stack

#: downstream last: what signals writes is there before the detector asks for it
NAMES = ("signals", "detector")
#: the consumer group in whose name each job's checkpoints commit how far they have read
GROUPS = {"signals": "marketlag-signals", "detector": "marketlag-detector"}


@dataclass
class Job:
    """One job of the application.

    savepoint: where the last stop left its state; None: it was not stopped, or nobody waited for that.
    origin: the state that it was started from; None: from the beginning.
    """

    id: str
    savepoint: str | None = None
    origin: str | None = None


class Application:
    """The two jobs on one stack's cluster, with the settings of the moment."""

    def __init__(
        self, stack: Stack, settings: Settings, folder: Path, options: Mapping[str, str] | None = None
    ) -> None:
        self.stack, self.settings, self.folder = stack, settings, folder
        #: further options of Flink, for both jobs
        self.options = dict(options or {})
        self.rest = FlinkRest(stack.flink.address)
        known = _read(folder / "jobs.json")
        self.jobs = {name: Job(**job) for name, job in known["jobs"].items()}
        #: the topics' ids when the jobs were first started
        self.topics: dict[str, str] = known["topics"]

    @property
    def plan(self) -> Path:
        """The SQL job's plan: which operator is which, for as long as its state is to be kept."""
        return self.folder / "signals-plan.json"

    def run(self, anew: bool = False) -> dict[str, str]:
        """Start both jobs from the beginning of their topics; their ids by name.

        Raises LabError: the preflight refuses, or (unless `anew`) a state is kept that would be left behind.
        """
        if self.jobs and not anew:
            raise LabError(
                "The application ran here before.",
                "From its beginning it would read, and send, everything once more.",
                "python -m capstone_marketlag resume, or run --anew",
            )
        preflight.check(self.settings, self.rest, NAMES)
        shutil.rmtree(self.folder, ignore_errors=True)
        topics.forget_committed(self.settings, list(GROUPS.values()))  # they would tell of the old
        self.jobs, self.topics = {}, topics.ids(self.settings)
        return self._start(dict.fromkeys(NAMES))

    def resume(self) -> dict[str, str]:
        """Start both jobs from where they were: the savepoint of the last stop, else the newest checkpoint.

        A job that never came to its start begins at the beginning.
        Raises LabError: the preflight refuses, a topic is not the one that was read, or there is no state to
        go on from.
        """
        if not self.jobs:
            raise LabError("There is nothing to resume.", "The application has not run here.", _RUN)
        topics.check_same(self.settings, self.topics)  # before the preflight makes those that are missing
        preflight.check(self.settings, self.rest, NAMES)
        return self._start({name: self.state(name) for name in NAMES})

    def stop(self) -> dict[str, str]:
        """Stop both jobs, each with a savepoint; their paths by name.

        Raises LabError: nothing runs here, or a savepoint failed; that job goes on.
        """
        if not self.jobs:
            raise LabError("There is nothing to stop.", "The application has not run here.", _RUN)
        return {name: self.stop_job(name) for name in NAMES if name in self.jobs}

    def stop_job(self, name: str) -> str:
        """Stop one of them with a savepoint; its path."""
        job = self.jobs[name]
        if job.savepoint is None:
            job.savepoint = self.rest.stop_with_savepoint(job.id, f"file://{self.stack.flink.savepoints}")
            self._save()
        return job.savepoint

    def state(self, name: str) -> str | None:
        """Where the job's newest state is; None: it was never started. Raises LabError: nowhere."""
        if name not in self.jobs:
            return None
        job = self.jobs[name]
        if job.savepoint:
            return job.savepoint
        newest = max(self._complete(job.id), key=lambda file: file.stat().st_mtime_ns, default=None)
        if newest is None and job.origin:  # it ended before its first checkpoint
            return job.origin
        if newest is None:
            raise LabError(
                f"The job {name} left no savepoint and no checkpoint.",
                "From its beginning it would read, and send, everything once more.",
                "python -m capstone_marketlag run --anew, if that is meant",
            )
        return f"file://{newest.parent}"

    def _complete(self, job: str) -> list[Path]:
        """The metadata of every state that the job has completed and that is still there."""
        flink = self.stack.flink
        return [
            *(flink.checkpoints / job).glob("chk-*/_metadata"),
            # of a stop that nobody waited for: Flink ends it, and deletes the checkpoints, which are older
            *flink.savepoints.glob(f"savepoint-{job[:6]}-*/_metadata"),
        ]

    def _start(self, states: Mapping[str, str | None]) -> dict[str, str]:
        """Start both jobs from these states; their ids. The second is planned while the first is deployed.

        Raises LabError: one is refused or does not come to run. Whatever ends this, Ctrl-C too: then neither
        runs, and each can be resumed, or begun where it had completed nothing.
        """
        started: dict[str, str] = {}
        try:
            for name in NAMES:
                recovery = {"execution.state-recovery.path": state} if (state := states[name]) else {}
                submit = _submit_signals if name == "signals" else _submit_detector
                with one_thread():
                    started[name] = submit(self, recovery)
                self.jobs[name] = Job(started[name], origin=states[name])
                self._save()
            for job in started.values():
                self.rest.wait_running(job)
                preflight.checkpoints_in_force(self.settings, self.rest, job)
        except BaseException:
            self._call_off(started)
            raise
        return started

    def _call_off(self, started: Mapping[str, str]) -> None:
        """Cancel what runs of a start; forget each job that began at the beginning and completed nothing."""
        # by name: the preflight saw none, and one may have been submitted whose id nobody was told
        for job, name in self.rest.alive().items():
            if name in NAMES:
                self.rest.cancel(job)
        for name, job in started.items():
            counts = self.rest.get(f"/jobs/{job}/checkpoints")["counts"]
            if self.jobs.get(name) == Job(job) and not counts["completed"]:
                del self.jobs[name]
        self._save()

    def _save(self) -> None:
        """Write jobs.json whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        half = self.folder / "jobs.json.new"
        jobs = {name: asdict(job) for name, job in self.jobs.items()}
        half.write_text(json.dumps({"jobs": jobs, "topics": self.topics}))
        os.replace(half, self.folder / "jobs.json")


_RUN = "python -m capstone_marketlag run"


def _submit_signals(application: Application, recovery: dict[str, str]) -> str:
    from capstone_marketlag.jobs import signals
    from labkit.table_env import table_environment

    options = {**signals.job_options(application.settings), **application.options, **recovery}
    environment = table_environment(application.stack, options)
    return signals.submit(environment, application.settings, application.plan)


def _submit_detector(application: Application, recovery: dict[str, str]) -> str:
    from capstone_marketlag.jobs import detector
    from labkit.stream_env import stream_environment

    options = {**detector.job_options(application.settings), **application.options, **recovery}
    return detector.submit(stream_environment(application.stack, options), application.settings)


def _read(file: Path) -> dict[str, dict[str, Any]]:
    try:
        known: dict[str, dict[str, Any]] = json.loads(file.read_text())
    except FileNotFoundError:
        return {"jobs": {}, "topics": {}}
    return known
