"""Commands that pages show and no other test runs; and that every command of a page is run by a test."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from labkit.paths import ROOT
from labkit.services.flink import Flink
from labkit.services.process import until
from tests.docs import checks, ran
from tests.engine.conftest import TINY

PAGES = checks.pages()


def lab(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "lab", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **env},
    )


# ---- every command is run ----------------------------------------------------------------------


def test_every_command_of_a_page_is_run_by_a_test() -> None:
    commands = [command for text in PAGES.values() for command in checks.commands(text)]

    assert ran.unproven(commands, ROOT) == []


def test_every_form_that_is_said_to_be_run_stands_on_a_page() -> None:
    shown = {ran.form(command) for text in PAGES.values() for command in checks.commands(text)}

    assert {*ran.RAN, *ran.NOT_RUN} - shown == set()


def test_forms_of_commands() -> None:
    assert ran.form("./lab saved --restore 2 state") == "./lab saved --restore"
    assert ran.form("./lab") == "./lab"
    assert ran.form("make demo HOURS=6 MINE=all") == "make demo HOURS MINE"
    assert ran.form(".venv/bin/python -m capstone_marketlag replay --hours 48") == (
        "python -m capstone_marketlag replay --hours"
    )


def test_a_command_that_no_test_runs_is_found(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_up(): lab('up')\n")
    tests = {
        "./lab up": "test_it.py::test_up",
        "./lab up --wings": "test_it.py::test_up",
        "./lab sql": "gone.py::x",
    }

    assert ran.unproven(
        ["./lab up kafka", "./lab up --wings 2", "./lab sql", "./lab fly"], tmp_path, tests, {}
    ) == [
        "./lab fly: no test runs it",
        "./lab sql: gone.py::x is not there",
        "./lab up --wings: test_it.py does not say wings",
    ]


# ---- those that nobody else runs ---------------------------------------------------------------


def test_the_doctor_looks_at_the_machine() -> None:
    done = lab("doctor")
    shown = (ROOT / "docs" / "output" / "doctor.txt").read_text()

    subjects = re.compile(r"^(?:ok|warn|FAIL) +(\w+)", re.MULTILINE)
    assert set(subjects.findall(shown)) - {"user"} <= set(subjects.findall(done.stdout)), done.stderr


def test_setup_with_nothing_to_do_says_so_to_a_person_and_nothing_to_make(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_make = lab("setup", "docs", "dev", MAKELEVEL="1")
    monkeypatch.delenv("MAKELEVEL", raising=False)
    by_a_person = lab("setup", "docs", "dev")

    assert (by_make.returncode, by_make.stdout, by_make.stderr) == (0, "", "")
    said = (by_a_person.returncode, by_a_person.stdout, by_a_person.stderr)
    assert said == (0, "Everything is there. Next: ./lab\n", "")


def test_down_works_where_nothing_was_started() -> None:
    done = lab("down", "--data", "--stack", "nothing-here")

    assert (done.returncode, done.stderr) == (0, "Down. Next: ./lab up\n")


def test_the_lines_of_env_make_python_the_environments() -> None:
    done = subprocess.run(
        ["sh", "-c", 'eval "$(./lab env)"; python -c "import sys; print(sys.prefix)"'],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.stdout == f"{ROOT / '.venv'}\n", done.stderr


def test_what_a_missing_service_costs() -> None:
    done = lab("sql", "-e", "SELECT 1", "--stack", "nothing-here")
    shown = (ROOT / "docs" / "output" / "no-service.txt").read_text()

    assert shown == f"$ ./lab sql -e 'SELECT 1'\n{done.stderr}"
    assert done.returncode == 1


def test_a_job_is_shown_without_being_run(flink: Flink, tmp_path: Path) -> None:
    job = tmp_path / "my_job.py"
    job.write_text("print('never')\n")
    done = lab("run", "--stack", flink.stack.name, "--print-only", str(job), "--day", "2026-01-05")

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.rstrip().endswith("--day 2026-01-05")


def test_a_class_is_graded_by_phase(tmp_path: Path) -> None:
    shutil.copytree(TINY, tmp_path / "course")
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / "greeting.py").write_text("def greet(name):\n    return name\n")
    done = lab(
        "grade", str(tmp_path / "class"), "--lab", "phase0_setup", LAB_LABS=str(tmp_path / "course" / "labs")
    )

    assert done.returncode == 0, done.stderr
    assert "ada" in done.stdout


def test_make_alone_lists_its_targets() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)

    assert re.findall(r"^  make ([\w-]+)", done.stdout, re.MULTILINE)[:3] == ["help", "setup", "demo"]


def test_make_docs_builds_what_is_looked_at_here() -> None:
    done = subprocess.run(
        ["make", "-n", "docs", "demo"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )

    assert "-m mkdocs build --strict" in done.stdout
    assert "-m capstone_marketlag demo" in done.stdout


def test_the_guide_is_served_on_this_machine_alone() -> None:
    said = subprocess.run(
        ["make", "-n", "serve"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    [arguments] = re.findall(r"-m mkdocs serve --dev-addr 127\.0\.0\.1:8000$", said.stdout, re.MULTILINE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    served = subprocess.Popen(
        [sys.executable, *arguments.replace("8000", str(port)).split()],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip

    def page() -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/path/state/", timeout=5) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, ConnectionError):
            assert served.poll() is None, served.communicate()[0]
            return None

    try:
        html = until(page, 60, lambda: pytest.fail("nothing was served within 60 s"))
    finally:
        served.terminate()
        served.communicate(timeout=20)

    assert "The highest change of seven days" in str(html)
