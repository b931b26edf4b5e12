"""Records what clusters answer that the warm one cannot be brought to answer.

    python -m labs.phase0_setup.lab03_cluster_and_slots.record

It starts a cluster of its own (two TaskManagers of two slots, Flink's own heartbeats, an interval in
config.yaml), brings it into one situation after the other, and writes what REST says into recorded/. It takes
two minutes. Nothing in the answers is changed, but folders of this machine are left out.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from labkit import console, jobs
from labkit.flink_rest import FlinkRest
from labkit.paths import ROOT
from labkit.services.flink import HOME, Flink
from labkit.services.process import until
from labkit.services.stack import Stack
from labkit.table_env import table_environment
from labs.phase0_setup.lab03_cluster_and_slots.clusters import RECORDED

HERE = Path(__file__).parent
JOB = """
CREATE TABLE numbers_{name} (n BIGINT)
WITH ('connector' = 'datagen', 'rows-per-second' = '1', 'scan.parallelism' = '1');
CREATE TABLE nowhere_{name} (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO nowhere_{name} SELECT n FROM numbers_{name}
"""
INTERVAL = "execution.checkpointing.interval"


class Cluster(Flink):
    """A cluster with Flink's own heartbeats, and with a checkpoint interval in its config.yaml."""

    starts_again = False
    more_options: ClassVar[dict[str, object]] = {
        "heartbeat.interval": "10 s",
        "heartbeat.timeout": "50 s",
        "slot.request.timeout": "8 s",
        "resourcemanager.standalone.start-up-time": "3600000",  # it stays young
        INTERVAL: "10 s",
    }


class Recording(Stack):
    """That cluster under a name of its own."""

    def __init__(self) -> None:
        super().__init__("recording", only_ours=True)
        self.flink = Cluster(self.dir, only_ours=True)

    @property
    def rest(self) -> FlinkRest:
        return FlinkRest(self.flink.address)


def main() -> None:
    """Record every situation. Raises LabError: the cluster does not start."""
    stack = Recording()
    try:
        stack.up("flink", taskmanagers=2, slots=2, owned=True)
        situations(stack)
    finally:
        stack.remove()


def situations(stack: Recording) -> None:
    rest = stack.rest
    write("fresh", "Two TaskManagers that have just registered: their first heartbeat is to come.", rest)

    def heard() -> bool:
        return all(each["timeSinceLastHeartbeat"] for each in rest.get("/taskmanagers")["taskmanagers"])

    wait(heard, 30, "both TaskManagers have sent a heartbeat")
    write("idle", "Two TaskManagers with two slots each; no job.", rest)

    own = submit(stack, "own", {INTERVAL: "300 s", "parallelism.default": "1"})
    none = submit(stack, "none", {"parallelism.default": "1"})
    loose = submit(
        stack, "loose",
        {INTERVAL: "300 s", "execution.checkpointing.mode": "AT_LEAST_ONCE", "parallelism.default": "1"},
    )  # fmt: skip
    for job in (own, none, loose):
        rest.wait_running(job)
    write(
        "intervals",
        "config.yaml has 10 s. `own` set 300 s itself, `none` nothing, `loose` 300 s and at least once.",
        rest, own=own, none=none, loose=loose,
    )  # fmt: skip
    for job in (own, none, loose):
        rest.cancel(job)

    said = flink_run(stack, "broken_parsing.py")
    (RECORDED / "parsing.txt").write_text(said)
    good = flink_run(stack, "broken_slots.py", {"64": "1"})
    job = re.search(r"JobID (\w{32})", good)
    assert job, good
    rest.wait_running(job[1])
    write("flink_run", "A job of `flink run` that sets no interval; its client's config.yaml has 10 s.", rest,
          job=job[1])  # fmt: skip
    rest.cancel(job[1])

    busy = submit(stack, "busy", {"parallelism.default": "3"})
    rest.wait_running(busy)
    write("busy", "One job, its source of parallelism 1 and its sink of 3.", rest, busy=busy)
    rest.cancel(busy)

    stuck = submit(stack, "stuck", {"parallelism.default": "5", "restart-strategy.type": "none"})
    wait(lambda: rest.get("/overview")["slots-available"] == 0, 10, "the job has taken what there is")
    write("stuck", "A job of parallelism 5 on four slots, just submitted.", rest, stuck=stuck)
    wait(lambda: rest.state(stuck) == "FAILED", 40, "the job has given up")
    write("given_up", "The same job after slot.request.timeout: 8 s here, five minutes otherwise.", rest,
          stuck=stuck)  # fmt: skip

    silent = stack.flink.record.processes["taskmanager-2"].pid
    os.kill(silent, signal.SIGSTOP)
    time.sleep(35)  # more than SILENT_MS after its last heartbeat, less than heartbeat.timeout
    write("lost", "Two TaskManagers; one was stopped 35 s ago, and is still listed.", rest)
    for role in ("taskmanager-1", "taskmanager-2"):
        os.kill(stack.flink.record.processes[role].pid, signal.SIGKILL)
    wait(lambda: not rest.get("/taskmanagers")["taskmanagers"], 70, "no TaskManager is listed")
    write("empty", "A JobManager alone: its TaskManagers are gone.", rest)


def submit(stack: Stack, name: str, options: dict[str, str]) -> str:
    """Start a small job without an end, as a Python script does; its id."""
    environment = table_environment(stack, {"pipeline.name": name, **options})
    *tables, insert = JOB.format(name=name).split(";")
    for table in tables:
        environment.execute_sql(table)
    client = environment.execute_sql(insert).get_job_client()
    assert client
    return str(client.get_job_id())


def flink_run(stack: Stack, name: str, replaced: dict[str, str] | None = None) -> str:
    """What `./lab run` prints for that script, both streams as a terminal shows them."""
    script = stack.dir / name
    text = (HERE / name).read_text()
    for old, new in (replaced or {}).items():
        text = text.replace(f'"{old}"', f'"{new}"')
    script.write_text(text)
    done = subprocess.run(
        jobs.command(script, [], stack), env=stack.environment(), text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=120,
    )  # fmt: skip
    return without_paths(done.stdout, stack.dir)


def write(name: str, about: str, rest: FlinkRest, **job_ids: str) -> None:
    """Write what the cluster answers now. job_ids: the jobs by the names that checks call them."""
    now = int(time.time() * 1000)
    answers = {path: rest.get(path) for path in paths(rest, job_ids.values())}
    answers["/jobmanager/config"] = [
        each for each in answers["/jobmanager/config"] if not re.search(r"[/\\]", each["value"])
    ]
    document = {"about": about, "now": now, "jobs": job_ids, "answers": answers}
    RECORDED.mkdir(exist_ok=True)
    text = json.dumps(document, indent=1).replace(f"{ROOT}/", "") + "\n"
    (RECORDED / f"{name}.json").write_text(text)
    console.err.print(f"{name}: {about}", markup=False)


def paths(rest: FlinkRest, job_ids: Any) -> Iterator[str]:
    yield from ("/overview", "/config", "/taskmanagers", "/jobs", "/jobs/overview", "/jobmanager/config")
    for each in rest.get("/taskmanagers")["taskmanagers"]:
        yield f"/taskmanagers/{each['id']}"
    for job in job_ids:
        for what in ("", "/config", "/plan", "/exceptions", "/checkpoints", "/checkpoints/config"):
            yield f"/jobs/{job}{what}"


def without_paths(text: str, folder: Path) -> str:
    """A text without the folders of this machine."""
    for place, short in ((HOME.parent, "site-packages"), (folder, "."), (ROOT, ".")):
        text = text.replace(str(place), short)
    return re.sub(r"(?<=[\s\"'(])/(?:[\w.+-]+/)+(?=[\w.+-]+)", "/", text)


def wait(ready: Callable[[], bool], seconds: float, what: str) -> None:
    def give_up() -> None:
        raise TimeoutError(f"within {seconds:.0f} s it did not come about that {what}")

    until(ready, seconds, give_up, every=0.05)


if __name__ == "__main__":
    sys.exit(main())
