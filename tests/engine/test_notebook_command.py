"""`./lab notebook`: a copy of the learner's, JupyterLab on 127.0.0.1, and nothing left of it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from labkit import web
from labkit.course import jupyter
from labkit.errors import LabError
from labkit.paths import ROOT
from labkit.services.process import MARK, until
from tests.engine.conftest import Learner
from tests.services.conftest import listening


@pytest.fixture
def unserved(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """JupyterLab is not started; which notebooks would have been opened."""
    opened: list[Path] = []

    @contextlib.contextmanager
    def served(folders: object, lab: object, notebook: Path, port: object) -> Iterator[jupyter.Server]:
        opened.append(notebook)
        yield Ended("http://127.0.0.1:8888/lab", None)  # type: ignore[arg-type]

    monkeypatch.setattr(jupyter, "prepare", lambda: None)
    monkeypatch.setattr(jupyter, "served", served)
    return opened


class Ended(jupyter.Server):
    def wait(self) -> None:
        """Somebody has shut it down already."""


# ---- the copy ----------------------------------------------------------------------------------


def test_the_learner_gets_a_copy_without_outputs_and_the_course_keeps_its_own(
    learner: Learner, unserved: list[Path]
) -> None:
    before = learner.lab("squares").notebook.read_bytes()
    copy = learner.folders.mine / "notebooks" / "squares.ipynb"

    assert learner.types("notebook", "squares", "--no-browser") == (0, """\
mine/notebooks/squares.ipynb is your copy of labs/phase0_setup/lab02_squares/lab.ipynb; it runs the reference until ./lab start squares.
  open   http://127.0.0.1:8888/lab
  Ctrl-C here, or File > Shut Down there, ends it.
JupyterLab has ended; what you saved is in mine/notebooks/squares.ipynb.
Next: ./lab start squares
""")  # fmt: skip
    assert unserved == [copy]
    cells = json.loads(copy.read_text())["cells"]
    assert [cell.get("outputs") for cell in cells] == [None, [], []]
    assert [cell["source"] for cell in cells] == [cell["source"] for cell in json.loads(before)["cells"]]
    assert learner.lab("squares").notebook.read_bytes() == before


def test_a_copy_that_is_there_is_never_overwritten(learner: Learner, unserved: list[Path]) -> None:
    copy = learner.folders.mine / "notebooks" / "squares.ipynb"
    copy.parent.mkdir(parents=True)
    copy.write_text("my predictions")
    learner.types("notebook", "squares", "--no-browser")
    assert copy.read_text() == "my predictions"

    learner.types("notebook", "squares", "--no-browser", "--fresh")
    learner.types("notebook", "squares", "--no-browser", "--fresh")
    assert copy.with_name("squares.1.ipynb").read_text() == "my predictions"
    assert copy.with_name("squares.2.ipynb").read_text() == copy.read_text() != "my predictions"


def test_without_a_name_it_is_the_lab_in_work(learner: Learner, unserved: list[Path]) -> None:
    learner.types("start", "squares")
    code, out = learner.types("notebook", "--no-browser")

    assert code == 0
    assert out.startswith("mine/notebooks/squares.ipynb is your copy of ")
    assert "; it runs mine/squares.py.\n" in out
    assert out.endswith("Next: ./lab check squares\n")


def test_a_copy_belongs_to_no_lab_and_is_no_stray(learner: Learner, unserved: list[Path]) -> None:
    learner.types("notebook", "squares", "--no-browser")

    assert "belongs to no lab" not in learner.types()[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["squars"], "There is no lab squars. The nearest is squares. Next: ./lab list"),
        (["greeting"], "greeting has no notebook. Its task is its README. Next: ./lab start greeting"),
        ([], "Nothing is in work. Your pieces stand in mine/. Next: ./lab start greeting"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence(
    learner: Learner, unserved: list[Path], arguments: list[str], sentence: str
) -> None:
    assert learner.types("notebook", *arguments) == (1, f"lab: {sentence}\n")
    assert unserved == []


def test_a_port_that_is_taken_is_one_sentence_and_nothing_is_started(learner: Learner) -> None:
    folders, lab = learner.folders, learner.lab("squares")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(LabError, match=rf"Port {port} is taken.*--port asks for it for JupyterLab"),
            jupyter.served(folders, lab, jupyter.copy(folders, lab), port),
        ):
            pass
    assert not (folders.state / "stacks").exists()


def test_a_jupyterlab_that_does_not_start_says_why_and_leaves_nothing(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, lab = learner.folders, learner.lab("squares")
    monkeypatch.setattr(
        jupyter, "_command", lambda root, port: [sys.executable, "-c", "raise SystemExit('no such thing')"]
    )
    with (
        pytest.raises(LabError, match=r"JupyterLab ended at once \(no such thing\)\. Its log is"),
        jupyter.served(folders, lab, jupyter.copy(folders, lab)),
    ):
        pass
    assert marked(folders.state) == []
    assert list((folders.state / "stacks").iterdir()) == []


def test_a_browser_in_the_terminal_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jupyter.webbrowser, "get", lambda: jupyter.webbrowser.GenericBrowser("false"))
    assert not jupyter.open_browser("http://127.0.0.1")

    def none() -> None:
        raise jupyter.webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(jupyter.webbrowser, "get", none)
    assert not jupyter.open_browser("http://127.0.0.1")


# ---- a real one --------------------------------------------------------------------------------


def marked(state: Path) -> list[int]:
    """Every process that carries the mark of a stack in there."""
    found = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if each.environ().get(MARK, "").startswith(f"{state}/"):
                found.append(each.pid)
    return found


def started(learner: Learner, *arguments: str) -> tuple[subprocess.Popen[str], str]:
    """A `./lab notebook` that answers, and its address."""
    folders = learner.folders
    places = {"LAB_LABS": str(folders.labs), "LAB_MINE": str(folders.mine), "LAB_DIR": str(folders.state)}
    command = subprocess.Popen(
        [sys.executable, "-I", "-m", "labkit", "notebook", "squares", "--no-browser", *arguments],
        env={**os.environ, **places}, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert command.stdout
    for line in command.stdout:
        if line.startswith("  open   "):
            return command, line.split()[1]
    raise AssertionError(command.communicate())


def kernel(base: str, token: str) -> str:
    """Start a kernel; its id."""
    answer = web.session(base).post(
        f"{base}/api/kernels", headers={"Authorization": f"token {token}"}, timeout=30
    )
    answer.raise_for_status()
    return str(answer.json()["id"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_a_real_one_answers_to_who_has_its_address_and_leaves_nothing(
    learner: Learner, number: signal.Signals
) -> None:
    learner.writes("squares", learner.lab("squares").reference.solved())
    command, address = started(learner)
    found = re.fullmatch(
        r"(http://127\.0\.0\.1:\d+)/lab/tree/mine/notebooks/squares\.ipynb\?token=(\w+)", address
    )
    assert found, address
    base, token = found.groups()
    try:
        assert web.session(base).get(address, timeout=30).status_code == 200
        assert web.session(base).get(f"{base}/api/kernels", timeout=30).status_code == 403
        opened = web.session(base).get(
            f"{base}/api/contents/mine/notebooks/squares.ipynb?token={token}", timeout=30
        )
        assert opened.json()["type"] == "notebook"
        kernel(base, token)
        running = marked(learner.folders.state)
        assert len(running) >= 2
        assert listening(running) == {"127.0.0.1"}
    finally:
        command.send_signal(number)
        out, err = command.communicate(timeout=60)

    assert until(lambda: not marked(learner.folders.state), 20, lambda: None), "something is left"
    if number == signal.SIGINT:
        assert (command.returncode, err) == (0, "")
        assert out.endswith("mine/notebooks/squares.ipynb.\nNext: ./lab check squares\n")
        assert list((learner.folders.state / "stacks").iterdir()) == []


# ---- cells that a person runs too early --------------------------------------------------------


@pytest.fixture
def ipython(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels begin as those of `./lab notebook` do."""
    home = learner.folders.state / "jupyter" / "ipython" / "profile_default"
    home.mkdir(parents=True)
    (home / "ipython_config.py").write_text(jupyter._IPYTHON)
    monkeypatch.setenv("IPYTHONDIR", str(home.parent))


def says(*cells: str) -> str:
    """What the first cell that fails shows."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with contextlib.suppress(CellExecutionError):
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    [failed] = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
    ]
    return "\n".join(failed["traceback"])


@pytest.mark.usefixtures("ipython")
def test_a_cell_that_is_run_too_early_says_what_to_run_first() -> None:
    assert says("squares([1])") == (
        "`squares` is not known here. The cell that makes it has not run since this kernel began. "
        "Next: Run > Run All Above Selected Cell, then this cell again"
    )


@pytest.mark.usefixtures("ipython")
def test_a_name_that_a_file_misses_shows_where(tmp_path: Path) -> None:
    (tmp_path / "piece_of_mine.py").write_text("def f():\n    return nowhere\n")
    shown = says(f"import sys; sys.path.append({str(tmp_path)!r})\nfrom piece_of_mine import f", "f()")

    assert "piece_of_mine.py" in shown
    assert "nowhere" in shown


@pytest.mark.usefixtures("ipython")
def test_an_error_of_a_persons_is_a_sentence_in_a_notebook() -> None:
    assert says("from labkit.errors import LabError", "raise LabError('Kafka is down.', '', './lab up')") == (
        "Kafka is down. Next: ./lab up"
    )


def test_the_command_is_listed_where_a_learner_looks(learner: Learner) -> None:
    learner.types("start", "squares")
    shutil.rmtree(learner.folders.mine)

    assert "  look   ./lab notebook squares\n" in learner.types("start", "squares")[1]
