"""The whole command as a process: Ctrl-C, a killed terminal, two at once, completion, one sentence for a fault."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from labkit.paths import ROOT
from labkit.services.process import until
from tests.engine.conftest import Learner


def lab(learner: Learner, *arguments: str) -> subprocess.Popen[str]:
    folders = learner.folders
    places = {"LAB_LABS": str(folders.labs), "LAB_MINE": str(folders.mine), "LAB_DIR": str(folders.state)}
    return subprocess.Popen(
        [sys.executable, "-I", "-m", "labkit", *arguments],
        env={**os.environ, **places}, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def looping(learner: Learner, tmp_path: Path) -> Path:
    """A piece that says its process id in a file and then never ends."""
    said = tmp_path / "pid"
    learner.answers("mean", 2, f"""
        import os, pathlib
        pathlib.Path({str(said)!r}).write_text(str(os.getpid()))
        while True:
            pass
    """)  # fmt: skip
    return said


def pid_in(said: Path) -> int:
    def read() -> str:
        return said.read_text() if said.exists() else ""

    assert until(read, 60, lambda: None), "the piece did not begin to run"
    return int(read())


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_ctrl_c_ends_the_check_and_all_of_it(learner: Learner, tmp_path: Path) -> None:
    said = looping(learner, tmp_path)
    command = lab(learner, "check", "mean")
    pid = pid_in(said)
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=30)

    assert command.returncode == 130
    assert "Stopped" in err
    assert until(lambda: gone(pid), 10, lambda: None)


def test_a_check_whose_terminal_was_killed_ends_of_itself(learner: Learner, tmp_path: Path) -> None:
    toml = learner.lab("mean").folder / "lab.toml"
    toml.write_text(toml.read_text().replace("time_limit = 5", "time_limit = 1"))
    said = looping(learner, tmp_path)
    command = lab(learner, "check", "mean")
    pid = pid_in(said)
    command.kill()
    command.wait()

    assert until(lambda: gone(pid), 30, lambda: None), "the check outlives its command"


def test_the_second_check_of_a_lab_says_what_it_waits_for(learner: Learner) -> None:
    learner.answers("mean", 2, "import time\ntime.sleep(1)\nif not there:\n    return None")
    first, second = lab(learner, "check", "mean"), lab(learner, "check", "mean")
    said = [command.communicate(timeout=120) for command in (first, second)]

    assert [first.returncode, second.returncode] == [0, 0]
    assert sorted(err for _, err in said) == ["", "  Waiting: another check of mean runs.\n"]
    assert all(out.startswith("mean: right") for out, _ in said)


def test_watch_checks_at_every_save_and_a_round_that_cannot_be_made_does_not_end_it(
    learner: Learner, tmp_path: Path
) -> None:
    solved = learner.lab("greeting").reference.solved()
    piece = learner.answers("greeting", 1, "return name")
    said, folders = tmp_path / "said", learner.folders
    places = {"LAB_LABS": str(folders.labs), "LAB_MINE": str(folders.mine), "LAB_DIR": str(folders.state)}
    with said.open("w") as output:
        command = subprocess.Popen(
            [sys.executable, "-I", "-m", "labkit", "watch"],
            env={**os.environ, **places}, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def hears(text: str) -> None:
        assert until(lambda: text in said.read_text() or command.poll() is not None, 60, lambda: None)
        assert text in said.read_text()

    try:
        hears("Next: ./lab hint greeting 1\n")
        piece.write_bytes(b"# caf\xe9\n")
        hears("greeting.py is not UTF-8 text (byte 5).")
        (folders.state / "saved").rename(folders.state / "before")
        (folders.state / "saved").write_text("a file stands where the folder should be")
        piece.write_text(solved)
        hears("could not be written (")
        (folders.state / "saved").unlink()
        (folders.state / "locks").rename(folders.state / "elsewhere")
        (folders.state / "locks").write_text("so does this one")
        piece.write_text(f"{solved}\n\n")
        hears("locks: File exists.")
        (folders.state / "locks").unlink()
        piece.write_text(f"{solved}\n")
        hears("greeting: right\n")
        piece.unlink()
        hears("lab: greeting.py is gone. Its last text is saved. Next: ./lab saved greeting\n")
        assert command.wait(30) == 1
    finally:
        command.kill()
        command.wait()
    assert said.read_text().count("---- greeting ----\n") == 5
    assert "Traceback" not in said.read_text()


def test_ctrl_c_ends_a_watch(learner: Learner, tmp_path: Path) -> None:
    said = looping(learner, tmp_path)
    command = lab(learner, "watch", "mean")
    pid = pid_in(said)
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=30)

    assert (command.returncode, out) == (130, "---- mean ----\n")
    assert "Stopped" in err
    assert until(lambda: gone(pid), 10, lambda: None)


def test_errors_are_one_sentence_on_standard_error(learner: Learner) -> None:
    (learner.lab("mean").folder / "lab.toml").write_text("minutes = 1\n")
    for arguments in (("list",), ("check", "mean"), ("start", "mean"), ()):
        command = lab(learner, *arguments)
        _, err = command.communicate(timeout=60)

        assert command.returncode == 1
        assert re.fullmatch(
            r"lab: .*lab02_mean/lab.toml: title is missing. Expected: one line. Next: .*\n", err
        )


def test_a_state_folder_that_cannot_be_made_is_one_sentence(learner: Learner) -> None:
    learner.writes("greeting", learner.lab("greeting").reference.solved())
    learner.folders.state.write_text("a file stands where the folder should be")
    command = lab(learner, "check", "greeting")
    _, err = command.communicate(timeout=60)

    assert command.returncode == 1
    assert len(err.splitlines()) == 1
    assert err.startswith("lab: ")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("./lab st", {"start"}),
        ("./lab check m", {"mean"}),
        ("./lab check phase1", {"phase1_quality"}),
        ("./lab start phase1", {"phase1_quality"}),
        ("./lab reset phase1", set()),
        ("./lab hint av", {"avro"}),
        ("./lab dev pro", {"prove"}),
        ("./lab dev prove gr", {"greeting"}),
    ],
)
def test_tab_completes_commands_labs_and_phases(
    learner: Learner, monkeypatch: pytest.MonkeyPatch, typed: str, offered: set[str]
) -> None:
    words = typed.split(" ")
    monkeypatch.setenv("_LAB_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    out, _ = lab(learner).communicate(timeout=60)

    assert {line.partition(",")[2] for line in out.splitlines() if line} == offered


def test_without_a_terminal_nothing_is_coloured_and_with_one_it_is(learner: Learner) -> None:
    import pty

    learner.writes("greeting", learner.lab("greeting").reference.stub())
    plain, _ = lab(learner, "check", "greeting").communicate(timeout=60)
    ours, theirs = pty.openpty()
    folders = learner.folders
    places = {"LAB_LABS": str(folders.labs), "LAB_MINE": str(folders.mine), "LAB_DIR": str(folders.state)}
    terminal = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {"TERM": "xterm"}
    subprocess.run(
        [sys.executable, "-m", "labkit", "check", "greeting"], env={**terminal, **places}, cwd=ROOT,
        stdout=theirs, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    coloured = os.read(ours, 10_000).decode()
    os.close(ours)

    assert "\x1b" not in plain
    assert "\x1b[33mgreeting, step 1" in coloured


def test_pytest_options_of_somebodys_shell_change_nothing(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-v --no-such-option")
    learner.writes("greeting", learner.lab("greeting").reference.solved())

    command = lab(learner, "check", "greeting")
    out, err = command.communicate(timeout=60)

    assert (command.returncode, err) == (0, "")
    assert out.startswith("greeting: right\n")


def test_where_only_what_runs_is_installed_the_checks_are_made_and_the_notebook_is_named(
    learner: Learner,
) -> None:
    """As behind the first `./lab`: what notebooks need comes with `./lab setup docs`."""
    learner.answers("squares", 1, "return [number * number for number in numbers]")
    without = "import sys, runpy; sys.modules.update(nbval=None, matplotlib=None, jupyter=None); "
    command = without + "runpy.run_module('labkit', run_name='__main__')"
    folders = learner.folders
    places = {"LAB_LABS": str(folders.labs), "LAB_MINE": str(folders.mine), "LAB_DIR": str(folders.state)}
    done = subprocess.run(
        [sys.executable, "-c", command, "check", "squares"],
        env={**os.environ, **places}, cwd=ROOT, text=True, capture_output=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "Its notebook was not run, it needs nbval: ./lab setup docs" in done.stdout
