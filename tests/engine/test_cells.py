"""The kernel of a notebook that is checked: begun early, and gone with whoever began it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytest.importorskip("nbval", reason="notebooks need ./lab setup docs")

from labkit.course.cells import kernel
from labkit.services.process import until


def test_a_kernel_is_where_its_notebook_is_and_can_be_interrupted(tmp_path: Path) -> None:
    printed: list[str] = []

    def hear(message: dict[str, object]) -> None:
        if message["msg_type"] == "stream":
            printed.append(str(message["content"]["text"]))  # type: ignore[index]
            begun.interrupt_kernel()

    with kernel(tmp_path) as begun:
        client = begun.client()
        cell = "import os\nprint(os.getcwd())\nwhile True: pass"
        reply = client.execute_interactive(cell, output_hook=hear, timeout=60)
        client.stop_channels()

    assert reply["content"]["ename"] == "KeyboardInterrupt"
    assert "".join(printed).strip() == str(tmp_path)
    assert not begun.is_alive()


def test_a_kernel_that_ends_at_once_is_told_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with kernel(tmp_path) as begun, pytest.raises(RuntimeError, match="kernel ended with exit code 1"):
        begun.client()


def test_a_kernel_ends_when_who_began_it_is_killed(tmp_path: Path) -> None:
    begins = """
import sys, time
from pathlib import Path
from labkit.course.cells import kernel
with kernel(Path.cwd()) as begun:
    begun.client()
    print(begun.pid, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", begins], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as began:
        assert began.stdout
        kernel_process = psutil.Process(int(began.stdout.readline()))
        began.kill()

    until(lambda: not kernel_process.is_running(), 20, lambda: pytest.fail("it still runs, 20 s behind that"))
