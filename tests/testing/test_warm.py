"""The warm engine survives what happens to it: kills, two users at once, staleness, growth, idleness."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit import warm
from labkit.paths import ROOT, STACKS
from labkit.services import process
from labkit.testing import row, run_sql
from tests.services.conftest import kill

RUN = """
from labkit.testing import row, run_sql
print(run_sql("", [row(a=1)], schema={"t": "a INT"}, query="t").rows)
"""
HOLD = """
import sys, time
from labkit.warm import engine
with engine():
    print("held", flush=True)
    time.sleep(float(sys.argv[1]))
"""
STUCK = """
from labkit.testing import row, run_stream
import time
print("started", flush=True)
run_stream(lambda s: s.map(lambda v: time.sleep(600)), [row(1)], timeout=600)
"""
TOLD = """
from labkit.course.explain import from_the_machinery
from labkit.errors import LabError
from labkit.testing import row, run_stream
import time
try:
    run_stream(lambda s: s.map(lambda v: time.sleep(600)), [row(1)], timeout=600)
except LabError as error:
    print(from_the_machinery(error), error)
"""


def python(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def works() -> bool:
    return run_sql("", [row(a=1)], schema={"t": "a INT"}, query="t").rows == [{"a": 1}]


def engine() -> warm.Engine:
    assert works()
    with warm.engine() as found:
        return found


def test_the_second_of_two_processes_waits_and_says_so() -> None:
    engine()
    first = python(HOLD, "3")
    assert first.stdout
    assert first.stdout.readline() == "held\n"

    out, err = python(RUN).communicate(timeout=120)

    assert out == "[{'a': 1}]\n"
    assert "Waiting: another check uses the warm engine." in err
    assert first.wait(10) == 0


@pytest.mark.parametrize("part", ["gateway", "taskmanager"])
def test_a_part_that_was_killed_is_replaced(part: str) -> None:
    found = engine()
    pid = found.gateway_pid if part == "gateway" else found.taskmanager_pid
    kill(pid)

    assert works()
    after = engine()

    assert (after.gateway_pid if part == "gateway" else after.taskmanager_pid) != pid
    if part == "taskmanager":  # programs hold objects in the gateway
        assert after.gateway_pid == found.gateway_pid


def test_a_process_that_was_killed_in_the_middle_leaves_nothing_behind() -> None:
    before = engine()
    stuck = python(STUCK)
    process.until(lambda: running_jobs(before) > 0, 60, lambda: pytest.fail("no job was started"))
    stuck.kill()
    stuck.wait()

    assert works()
    assert running_jobs(engine()) == 0


def test_what_fails_because_a_part_was_killed_in_the_middle_is_nobodys_wrong_answer() -> None:
    found = engine()
    stuck = python(TOLD)
    process.until(lambda: running_jobs(found) > 0, 60, lambda: pytest.fail("no job was started"))
    kill(found.taskmanager_pid)

    out, err = stuck.communicate(timeout=60)
    assert out.startswith("True The TaskManager of the checks ended in the middle: "), (out, err)
    assert works()


def test_the_control_a_function_that_never_returns_is_a_wrong_one() -> None:
    out, err = python(TOLD.replace("timeout=600", "timeout=2")).communicate(timeout=120)

    assert out.startswith("False The job was not done within 2 s"), (out, err)


def test_ctrl_c_ends_the_job() -> None:
    before = engine()
    stuck = python(STUCK)
    process.until(lambda: running_jobs(before) > 0, 60, lambda: pytest.fail("no job was started"))
    stuck.send_signal(signal.SIGINT)
    stuck.wait(60)

    process.until(lambda: running_jobs(before) == 0 or not warm.resident(before.taskmanager_pid), 30,
                  lambda: pytest.fail("the job goes on"))  # fmt: skip
    assert works()


def running_jobs(found: warm.Engine) -> int:
    jobs = found.ask("GET", "/jobs/overview")["jobs"]
    return len([job for job in jobs if job["state"] in ("RUNNING", "RESTARTING", "CANCELLING")])


def test_tables_of_one_run_are_not_there_in_the_next() -> None:
    view = "CREATE TEMPORARY VIEW v AS SELECT * FROM t"
    for _ in range(2):
        assert run_sql(view, [row(a=1)], schema={"t": "a INT"}, query="v").rows == [{"a": 1}]


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(warm, "made_from", lambda: "something newer"),
        lambda patch: patch.setattr(warm, "GATEWAY_LIMIT", 1),
        lambda patch: patch.setattr(warm, "TASKMANAGER_LIMIT", 1),
    ],
    ids=["another version", "the gateway has grown", "the TaskManager has grown"],
)
def test_what_is_stale_or_has_grown_is_not_used(change: Callable[[pytest.MonkeyPatch], None]) -> None:
    engine()
    assert warm._ready() is not None

    with pytest.MonkeyPatch.context() as patch:
        change(patch)
        assert warm._ready() is None


def test_a_broken_record_is_no_record() -> None:
    engine()
    file = STACKS / warm.NAME / "engine.json"
    text = file.read_text()
    for broken in ("", "{", '{"gateway": 1}'):
        file.write_text(broken)
        assert warm._ready() is None
    file.write_text(text)
    assert warm._ready() is not None


def test_a_flood_in_the_output_is_cut() -> None:
    found = engine()
    output = Path(found.folder) / "flink" / "log" / "taskmanager-1.out"
    with output.open("ab") as file:
        file.truncate(warm._OUTPUT_LIMIT + 1)

    engine()

    assert output.stat().st_size <= warm._OUTPUT_LIMIT


def alive(folder: Path) -> list[process.Owned]:
    return [owned for stack in (folder / "stacks").glob("*") for owned in process.marked(stack)]


def test_it_ends_when_nobody_uses_it(elsewhere: Path) -> None:
    out, _ = python(RUN, LAB_DIR=str(elsewhere), LAB_WARM_MINUTES="0.1").communicate(timeout=300)
    assert out == "[{'a': 1}]\n"

    process.until(lambda: not alive(elsewhere), 60, lambda: pytest.fail(f"still there: {alive(elsewhere)}"))


def test_down_all_ends_it(elsewhere: Path) -> None:
    out, _ = python(RUN, LAB_DIR=str(elsewhere)).communicate(timeout=300)
    assert out == "[{'a': 1}]\n"
    assert alive(elsewhere)

    subprocess.run(
        [sys.executable, "-m", "labkit", "down", "--all"], cwd=ROOT, check=True, capture_output=True,
        env={**os.environ, "LAB_DIR": str(elsewhere)},
    )  # fmt: skip

    assert alive(elsewhere) == []
