"""Start, stop, kill, interrupt: whatever happens, nothing is left over and the next start works."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg2
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from labkit.elsewhere import furnish
from labkit.paths import ROOT
from labkit.services import ports, process
from labkit.services.stack import Stack
from tests.services.conftest import gone_within, kill, start_python

Lab = Callable[..., subprocess.CompletedProcess[str]]


def test_what_was_stored_is_there_after_a_second_start_a_kill_and_a_stop(own_stack: Stack) -> None:
    own_stack.up("kafka", "postgres")
    _make_topic(own_stack, "kept")
    _execute(own_stack, "CREATE TABLE kept (n int)")
    before = own_stack.describe()
    own_stack.up("kafka", "postgres")
    assert own_stack.describe() == before

    for service in (own_stack.kafka, own_stack.postgres):
        for pid in _pids(service):
            kill(pid)
    own_stack.up("kafka", "postgres")
    assert "kept" in _topics(own_stack)
    _execute(own_stack, "INSERT INTO kept VALUES (1)")

    own_stack.down()
    own_stack.up("kafka", "postgres")
    assert "kept" in _topics(own_stack)
    _execute(own_stack, "INSERT INTO kept VALUES (2)")


@pytest.mark.parametrize("name", ["kafka", "postgres", "flink", "registry"])
def test_a_killed_service_starts_again(own_stack: Stack, name: str) -> None:
    """All of it was killed and is gone; or the kill has just come: it dies for a moment, and answers nothing."""
    own_stack.up(name)
    for pid in own_stack.pids():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert process.until(lambda: own_stack.describe() == [], 10, lambda: None)
    own_stack.up(name)
    assert own_stack.service(name).answers()

    for pid in _pids(own_stack.service(name)):
        os.kill(pid, signal.SIGKILL)
    own_stack.up(name)
    assert own_stack.service(name).answers()


def test_a_database_killed_with_work_at_hand_starts_again(own_stack: Stack) -> None:
    """Its children outlive it: one of them stopped, so that it cannot notice that its server is gone."""
    own_stack.up("postgres")
    server = own_stack.postgres.record.processes["postgres"].pid
    child = psutil.Process(server).children()[0]
    child.suspend()
    os.kill(server, signal.SIGKILL)
    own_stack.up("postgres")

    assert own_stack.postgres.answers()
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_only_the_lost_taskmanager_is_started_again(own_stack: Stack) -> None:
    own_stack.up("flink", taskmanagers=2, slots=1)
    first = dict(own_stack.flink.record.processes)
    kill(first["taskmanager-2"].pid)
    own_stack.up("flink", taskmanagers=2, slots=1)
    second = own_stack.flink.record.processes

    assert second["jobmanager"] == first["jobmanager"]
    assert second["taskmanager-1"] == first["taskmanager-1"]
    assert second["taskmanager-2"] != first["taskmanager-2"]


def test_rounds_of_start_stop_kill_leave_no_process_and_no_port(own_stack: Stack) -> None:
    choose = random.Random(int(time.time()) // 86_400)  # other victims each day
    for _ in range(2):
        own_stack.up("kafka", "postgres", "flink")
        used = [port for service in own_stack.services for port in service.record.ports.values()]
        victim = choose.choice(sorted({p for s in own_stack.services for p in _pids(s)}))
        os.kill(victim, signal.SIGKILL)
        own_stack.down()

        assert process.marked(own_stack.dir) == []
        assert [port for port in used if not ports.is_free(port)] == []


def test_a_stopped_process_can_be_ended(own_stack: Stack) -> None:
    own_stack.up("postgres", "kafka")
    for service in (own_stack.postgres, own_stack.kafka):
        for pid in _pids(service):
            os.kill(pid, signal.SIGSTOP)
    own_stack.down()

    assert process.marked(own_stack.dir) == []


_OWNER = """
import sys, time
from labkit.services.stack import Stack
Stack(sys.argv[1]).up(*sys.argv[2:], owned=True)
print("up", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("how", "services"),
    [
        (signal.SIGKILL, ("kafka", "postgres", "flink")),
        (signal.SIGTERM, ("kafka",)),
        (signal.SIGINT, ("postgres",)),
    ],
)
def test_an_owned_stack_ends_with_its_owner_however_it_goes(
    own_stack: Stack, how: signal.Signals, services: tuple[str, ...]
) -> None:
    owner = start_python(_OWNER, own_stack.name, *services)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "up\n"
    assert process.marked(own_stack.dir) != []
    owner.send_signal(how)
    owner.wait(10)

    assert gone_within(5, own_stack.dir)


def test_an_owner_killed_while_it_starts_leaves_nothing(own_stack: Stack) -> None:
    moments = random.Random(int(time.time()) // 86_400)  # others each day
    for _ in range(3):
        owner = start_python(_OWNER, own_stack.name, "kafka", "postgres", "flink")
        process.until(lambda: bool(process.marked(own_stack.dir)), 10, lambda: None)
        time.sleep(moments.uniform(0, 2.5))  # the fault's random moment, not a wait for anything
        owner.kill()
        owner.wait(10)

        assert gone_within(8, own_stack.dir)


@pytest.mark.parametrize(("how", "times"), [(signal.SIGINT, 2), (signal.SIGTERM, 1)])
def test_ctrl_c_while_services_start_ends_what_was_started(
    own_stack: Stack, how: signal.Signals, times: int
) -> None:
    moments = random.Random(int(how) + int(time.time()) // 86_400)  # others each day
    for _ in range(times):
        up = subprocess.Popen(
            [sys.executable, "-m", "labkit", "up", "--stack", own_stack.name],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        process.until(lambda: bool(process.marked(own_stack.dir)), 10, lambda: None)
        time.sleep(moments.uniform(0, 2.5))  # the fault's random moment, not a wait for anything
        up.send_signal(how)
        _, stderr = up.communicate(timeout=30)

        assert (up.returncode, stderr.strip().splitlines()[-1]) == (
            130,
            "lab: Stopped; what this command started was ended.",
        )
        assert process.marked(own_stack.dir) == []


def test_a_process_without_a_record_is_ended_by_the_next_start(own_stack: Stack) -> None:
    stray = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env={**os.environ, process.MARK: str(own_stack.dir)}, start_new_session=True,
    )  # fmt: skip
    own_stack.up("postgres")

    assert stray.wait(15) < 0


def test_a_pid_that_was_given_away_is_not_ours(own_stack: Stack) -> None:
    own_stack.up("postgres")
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        record = own_stack.postgres.record
        own_stack.down()
        record.processes["postgres"] = process.Owned(
            stranger.pid, psutil.Process(stranger.pid).create_time() - 100
        )
        own_stack.postgres.record = record
        own_stack.postgres.save()
        own_stack.down()

        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_two_copies_of_the_repository_run_beside_each_other(
    own_stack: Stack, lab: Lab, tmp_path: Path
) -> None:
    own_stack.up("kafka", "postgres")
    copy = tmp_path / "a second copy" / ".lab"
    copy.mkdir(parents=True)
    furnish(copy)
    elsewhere = {"LAB_DIR": str(copy)}
    try:
        up = lab("up", "kafka", "postgres", "flink", env=elsewhere)
        assert up.returncode == 0, up.stderr

        script = lab("sql", "-e", "SELECT 1 + 1 AS two", env=elsewhere)
        assert "|           2 |" in script.stdout, script.stderr
        job = lab("run", str(ROOT / "tests" / "services" / "count_job.py"), env=elsewhere)
        assert job.returncode == 0, job.stderr
        out = copy / "stacks" / "main" / "flink" / "log" / "taskmanager-1.out"
        rows = [f"+I[{2 * n}]" for n in range(1, 11)]
        assert process.until(lambda: out.read_text().splitlines() == rows, 60, lambda: None), out.read_text()
        assert own_stack.kafka.answers()
        assert own_stack.postgres.answers()
    finally:
        down = lab("down", env=elsewhere)
    assert down.returncode == 0, down.stderr
    assert own_stack.kafka.answers()


def _pids(service: object) -> list[int]:
    return [p.pid for p in service.record.processes.values()]  # type: ignore[attr-defined]


def _make_topic(stack: Stack, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": stack.kafka.address})
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(15)


def _topics(stack: Stack) -> set[str]:
    return set(AdminClient({"bootstrap.servers": stack.kafka.address}).list_topics(timeout=10).topics)


def _execute(stack: Stack, statement: str) -> None:
    connection = psycopg2.connect(stack.postgres.dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()
