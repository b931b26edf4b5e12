"""A Flink cluster over its REST API: what a job does, and stopping it so that it can be resumed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import requests

from labkit import web
from labkit.errors import LabError
from labkit.services.process import until

_ENDED = {"FAILED", "CANCELED", "FINISHED"}
#: the watermarks before the first and behind the last record
_NO_WATERMARK, _END = -(2**63), 2**63 - 1


class FlinkRest:
    """One cluster's REST API. address: http://host:port."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._session = web.session(address)

    def get(self, path: str) -> dict[str, Any]:
        """The answer of GET path. Raises LabError: the cluster does not answer."""
        return self._call("GET", path)

    def state(self, job: str) -> str:
        """RUNNING, RESTARTING, FAILED, …"""
        return str(self.get(f"/jobs/{job}")["state"])

    def alive(self) -> dict[str, str]:
        """By id the names of the jobs that have not ended: those that hold slots and topics."""
        jobs = self.get("/jobs/overview")["jobs"]
        return {job["jid"]: job["name"] for job in jobs if job["state"] not in _ENDED}

    def tasks_running(self, job: str) -> bool:
        """Whether every subtask of the job runs: the job's own RUNNING only says it was scheduled."""
        detail = self.get(f"/jobs/{job}")
        return detail["state"] == "RUNNING" and all(v["status"] == "RUNNING" for v in detail["vertices"])

    def why_failed(self, job: str, since: int = 0, why: Callable[[str], str] | None = None) -> str:
        """The last line of the newest failure's causes, or nothing: none since then (ms, UTC).

        Of several, rather one that says why than one that tells of a TaskManager that went away for it.
        why: finds that line in a trace.
        """
        entries = self.get(f"/jobs/{job}/exceptions").get("exceptionHistory", {}).get("entries", [])
        reason = why or _last_cause
        found = [reason(str(each["stacktrace"]))[:300] for each in entries if each["timestamp"] >= since]
        return next((cause for cause in found if "FlinkExpectedException" not in cause), "".join(found[:1]))

    def source_positions(self, job: str, topic: str) -> dict[int, int]:
        """The offset behind the last record that the job's Kafka source emitted, by partition.

        As old as the cluster's metrics, at most half a second with our settings.
        """
        # a source that was restored and has read nothing since knows only what its checkpoints committed
        wanted = re.compile(
            rf"\.topic\.{re.escape(topic.replace('.', '_'))}\.partition\.(\d+)\.(current|committed)Offset$"
        )
        positions: dict[int, int] = {}
        for vertex in self.get(f"/jobs/{job}")["vertices"]:
            if not vertex["name"].startswith("Source:"):
                continue
            path = f"/jobs/{job}/vertices/{vertex['id']}"
            names = [metric["id"] for metric in self._list(f"{path}/metrics") if wanted.search(metric["id"])]
            for name, value in self.metrics(path, *names).items() if names else ():
                found = wanted.search(name)
                assert found
                position = int(value) + (found.group(2) == "current")
                partition = int(found.group(1))
                positions[partition] = max(position, positions.get(partition, 0))
        return positions

    def metrics(self, path: str, *names: str) -> dict[str, str]:
        """These metrics of the job or vertex with that path, by name; those it does not have are left out.

        The cluster collects metrics when it is asked for some: the first answer after a while is an old one.
        """
        asked = f"{path}/metrics?get={quote(','.join(names))}"
        return {metric["id"]: metric["value"] for metric in self._list(asked)}

    def watermark(self, job: str) -> int | None:
        """The event time (ms, UTC) that every part of the job has reached; None: not known, or at its end."""
        found = [
            int(each["value"])
            for vertex in self.get(f"/jobs/{job}")["vertices"]
            for each in self._list(f"/jobs/{job}/vertices/{vertex['id']}/watermarks")
        ]
        lowest = min(found, default=_NO_WATERMARK)
        return lowest if _NO_WATERMARK < lowest < _END else None

    def wait_running(self, job: str, seconds: float = 60) -> None:
        """Wait until every subtask runs. Raises LabError: it ended or never ran."""

        def running() -> bool:
            if self.state(job) in _ENDED:
                raise LabError(
                    f"Job {job} ended: {self.why_failed(job)}.", "It has no end.", "./lab up, then again"
                )
            return self.tasks_running(job)

        def give_up() -> None:
            raise LabError(
                f"Job {job} did not run within {seconds:.0f} s ({self.state(job)}). {self.why_failed(job)}",
                "Each of its subtasks needs a slot.",
                "./lab up flink --taskmanagers 2",
            )

        until(running, seconds, give_up, every=0.1)

    def cancel(self, job: str) -> None:
        """End a job without a savepoint, and wait until it has ended."""
        self._call("PATCH", f"/jobs/{job}?mode=cancel")
        self._wait_ended(job)

    def stop_with_savepoint(self, job: str, folder: str, seconds: float = 60) -> str:
        """Stop a job so that it can be resumed; the savepoint's path.

        A job that is just being restarted is waited for: it could take no savepoint. Of a job that an earlier
        call has stopped, and nobody waited for, it is the savepoint of that call. Never drains: draining
        would close windows whose hour has not ended. Raises LabError: the job has ended otherwise, or does
        not come to run, or the savepoint failed; then the job goes on.
        """

        def give_up() -> None:
            raise LabError(
                f"The savepoint of job {job} took longer than {seconds:.0f} s.",
                "Flink goes on with it, and ends the job when it is complete.",
                "wait for that, then the same command again",
            )

        # two at a time would fail the job's tasks, and it would start again
        until(lambda: not self._is_stopping(job), seconds, give_up, every=0.1)
        try:
            self.wait_running(job)
        except LabError:
            if earlier := self._stopped_at(job):
                return earlier
            raise
        body = {"targetDirectory": folder, "drain": False}
        trigger = self._call("POST", f"/jobs/{job}/stop", body)["request-id"]
        answer: dict[str, Any] = {}

        def done() -> bool:
            answer.update(self.get(f"/jobs/{job}/savepoints/{trigger}"))
            return bool(answer["status"]["id"] == "COMPLETED")

        until(done, seconds, give_up, every=0.1)
        if "location" not in answer["operation"]:
            cause = _last_cause(
                str(answer["operation"].get("failure-cause", {}).get("stack-trace", "unknown"))
            )
            raise LabError(
                f"The savepoint of job {job} failed: {cause[:300]}.", "The job goes on.", "read Flink's log"
            )
        self._wait_ended(job)  # the savepoint is there a moment before the job is gone
        return str(answer["operation"]["location"])

    def _is_stopping(self, job: str) -> bool:
        """Whether an earlier call has asked for the job's end, which has not come yet."""
        if self.state(job) in _ENDED:
            return False
        taken = self.get(f"/jobs/{job}/checkpoints")["history"]
        newest = max(taken, key=lambda each: int(each["id"]), default=None)
        return bool(newest and newest["checkpoint_type"] == "SYNC_SAVEPOINT" and newest["status"] != "FAILED")

    def _stopped_at(self, job: str) -> str | None:
        """The savepoint with which the job was stopped; None: it was not."""
        if self.state(job) != "FINISHED":
            return None
        last = self.get(f"/jobs/{job}/checkpoints")["latest"]["savepoint"]
        return str(last["external_path"]) if last else None

    def _wait_ended(self, job: str, seconds: float = 30) -> None:
        def give_up() -> None:
            raise LabError(f"Job {job} did not end within {seconds:.0f} s.", "", "./lab down flink")

        until(lambda: self.state(job) in _ENDED, seconds, give_up, every=0.1)

    def _list(self, path: str) -> list[dict[str, Any]]:
        answer: Any = self._call("GET", path)
        return list(answer)

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        try:
            response = self._session.request(method, self._address + path, json=body, timeout=10)
            answer: dict[str, Any] = response.json()
        except (requests.RequestException, ValueError) as error:
            raise LabError(
                f"Flink does not answer at {self._address} ({type(error).__name__}).", "", "./lab up flink"
            ) from error
        if response.status_code >= 400:
            first = (answer.get("errors") or ["no reason given"])[0].splitlines()[0]
            raise LabError(f"Flink refused {method} {path}: {first}.", "", "./lab doctor")
        return answer


def _last_cause(stacktrace: str) -> str:
    lines = stacktrace.splitlines()
    causes = [line for line in lines if line.startswith("Caused by: ")] or lines[:1]
    return "".join(causes[-1:]).removeprefix("Caused by: ")
