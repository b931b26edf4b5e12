"""The kernel of a notebook that is checked: begun early, and gone with whoever began it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest

pytest.importorskip("nbval", reason="notebooks need ./lab setup docs")

from labkit.course.cells import kernel
from labkit.services.process import until, working_in


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


@pytest.mark.parametrize("forked", [False, True])
def test_a_kernel_ends_when_who_began_it_is_killed(tmp_path: Path, forked: bool) -> None:
    begins = f"""
import sys, time
from pathlib import Path
from labkit.course.cells import kernel, preload
if {forked}: preload()
with kernel(Path.cwd(), forked={forked}) as begun:
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


FORKS = """
import os, sys
from pathlib import Path
from labkit.course import cells
cells.preload()
os.environ["SAID"] = "before the fork"
unused, spare = cells.Spare(), cells.Spare()
os.environ["SAID"] = "behind the fork"
import pyflink.version
code, printed = spare.run(Path("cells.ipynb").absolute(), Path("cells.xml").absolute())
print(code, printed)
"""


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        # as a kernel of its own would have it, and with what is said when it is told to run
        (
            "assert os.environ['SAID'] == 'behind the fork' and os.getcwd() == HERE and __name__ == '__main__'",
            0,
        ),
        ("assert 'pyflink' not in sys.modules and 'labkit.course.cells' not in dir()", 0),
        ("%config InlineBackend\nimport matplotlib.pyplot\nassert 'inline' in matplotlib.get_backend()", 0),
        ("from pathlib import Path\nassert not [*Path.home().rglob('*matplotlib*')]", 0),
        ("assert os.environ['SAID'] == 'before the fork'", 1),  # the control
    ],
)
def test_cells_run_in_a_fork_as_in_a_process_of_their_own(tmp_path: Path, cell: str, code: int) -> None:
    first = nbformat.v4.new_code_cell(f"import os, sys\nHERE = {str(tmp_path)!r}")
    notebook = nbformat.v4.new_notebook(cells=[first, nbformat.v4.new_code_cell(cell)])
    nbformat.write(notebook, tmp_path / "cells.ipynb")
    (tmp_path / "home").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", FORKS], cwd=tmp_path, capture_output=True, text=True, timeout=120,
        env={**os.environ, "HOME": str(tmp_path / "home")},
    )  # fmt: skip

    assert done.stderr == ""
    assert done.stdout.split()[0] == str(code), done.stdout
    # nbval says what it did into the file, not into what the proof prints
    assert ("1 failed" if code else "2 passed") in done.stdout
    assert working_in(tmp_path) == []
