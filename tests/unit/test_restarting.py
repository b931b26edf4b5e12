"""What gives up by itself is started again; what was killed, ended well or never worked is not."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labkit.services import process, restarting

#: notes each of its starts, and ends with the code that is next in the list
CHILD = """
import pathlib, sys, time
log = pathlib.Path(sys.argv[1])
with log.open("a") as starts:
    starts.write("x")
if (number := len(log.read_text())) > len(sys.argv) - 2:
    time.sleep(60)
sys.exit(int(sys.argv[number + 1]))
"""


def supervised(log: Path, *codes: int, short: float = 0.0) -> subprocess.Popen[bytes]:
    """A supervisor whose child ends with these codes one after the other, and then runs on."""
    code = f"from labkit.services import restarting; restarting.SHORT = {short}; import sys; sys.exit(restarting.main(sys.argv[1:]))"
    child = [sys.executable, "-S", "-c", CHILD, str(log), *map(str, codes)]
    return subprocess.Popen([sys.executable, "-c", code, *child], stderr=subprocess.DEVNULL)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "log").touch()
    yield tmp_path / "log"
    for each in psutil.Process().children(recursive=True):
        if str(tmp_path) in " ".join(each.cmdline()):
            each.kill()


def starts(log: Path, wanted: int) -> int:
    process.until(lambda: len(log.read_text()) >= wanted, 10, lambda: None)
    return len(log.read_text())


def test_what_gives_up_is_started_again_until_it_ends_otherwise(log: Path) -> None:
    assert supervised(log, restarting.GAVE_UP, restarting.GAVE_UP, 3).wait(10) == 3
    assert starts(log, 3) == 3


def test_what_ended_within_seconds_of_its_start_is_left_alone(log: Path) -> None:
    assert supervised(log, restarting.GAVE_UP, short=60).wait(10) == restarting.GAVE_UP
    assert starts(log, 1) == 1


def test_what_was_killed_is_not_started_again(log: Path) -> None:
    supervisor = supervised(log, restarting.GAVE_UP)
    assert starts(log, 2) == 2
    [child] = psutil.Process(supervisor.pid).children()
    child.kill()

    assert supervisor.wait(10) == 128 + signal.SIGKILL
    assert starts(log, 2) == 2


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_it_takes_its_child_with_it(log: Path, how: signal.Signals) -> None:
    supervisor = supervised(log)
    assert starts(log, 1) == 1
    [child] = psutil.Process(supervisor.pid).children()
    supervisor.send_signal(how)
    supervisor.wait(10)

    child.wait(10)
    assert not child.is_running()
