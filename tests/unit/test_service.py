"""The life that the services share, on a toy service of two processes that sleep."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from labkit.errors import LabError
from labkit.services import process
from labkit.services.service import Service

ROLES = ("first", "second")


class Toy(Service):
    """Two processes. kill_at_launch: the role to kill -9 once, while launch is at work."""

    name = "toy"
    setting = "LAB_TOY"
    kill_at_launch = ""
    command = "import pathlib, time; pathlib.Path('ready').touch(); time.sleep(600)"

    @property
    def running(self) -> bool:
        return all(role in self.record.processes and self.record.processes[role].running() for role in ROLES)

    def launch(self) -> None:
        missing = [role for role in ROLES if role not in self.record.processes
                   or not self.record.processes[role].running()]  # fmt: skip
        if self.kill_at_launch:
            dying = self.record.processes[self.kill_at_launch]
            os.kill(dying.pid, signal.SIGKILL)
            process.until(lambda: not dying.running(), 5, lambda: None)
            self.kill_at_launch = ""
        for role in missing:
            started = process.spawn([sys.executable, "-c", self.command], stack=self.stack, output=self.log,
                                    env=dict(os.environ), cwd=self.dir)  # fmt: skip
            self.remember(role, started)

    def answers(self) -> bool:
        return self.running and (self.dir / "ready").exists()

    @property
    def address(self) -> str:
        return "nowhere"


@pytest.fixture
def toy(tmp_path: Path):
    it = Toy(tmp_path)
    yield it
    it.stop()


def test_a_process_that_still_died_when_we_looked_is_started_again(toy: Toy) -> None:
    toy.start()
    os.kill(toy.record.processes["second"].pid, signal.SIGKILL)
    process.until(lambda: not toy.running, 5, lambda: None)
    toy.kill_at_launch = "first"
    toy.start()

    assert toy.running


def test_a_process_that_ends_at_once_is_not_started_for_ever(toy: Toy) -> None:
    toy.command = "raise SystemExit(3)"
    with pytest.raises(LabError, match="toy ended while it was starting"):
        toy.start()


def test_a_worker_whose_parent_was_killed_is_ended_though_it_leads_no_group(tmp_path: Path) -> None:
    code = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); time.sleep(600)"
    parent = process.spawn([sys.executable, "-c", code], stack=tmp_path, output=tmp_path / "log",
                           env=dict(os.environ), cwd=tmp_path)  # fmt: skip
    process.until(lambda: len(process.marked(tmp_path)) == 2, 10, lambda: None)
    os.kill(parent.pid, signal.SIGKILL)
    process.until(lambda: len(process.marked(tmp_path)) == 1, 10, lambda: None)
    process.end(process.marked(tmp_path))

    assert process.marked(tmp_path) == []
