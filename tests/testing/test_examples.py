"""The examples of the reference page do what they say."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from labkit import testing
from labkit.paths import ROOT
from labkit.testing import Harness

FILES = sorted((ROOT / "docs" / "examples" / "testing").glob("*.py"))
PAGE = ROOT / "docs" / "reference" / "testing.md"


def examples() -> list[tuple[str, Callable[[], None]]]:
    return [
        (f"{file.stem}: {name}", test)
        for file in FILES
        for name, test in runpy.run_path(str(file)).items()
        if name.startswith("test_")
    ]


@pytest.mark.parametrize("test", [pytest.param(test, id=name) for name, test in examples()])
def test_example(test: Callable[[], None]) -> None:
    test()


def test_every_example_is_on_the_page() -> None:
    shown = PAGE.read_text()

    assert [file.name for file in FILES if f'--8<-- "docs/examples/testing/{file.name}"' not in shown] == []


def test_there_is_an_example_of_each_kind() -> None:
    assert {file.stem for file in FILES} == {
        "first", "window", "late", "changelog", "keyed_function", "printed", "on_flink",
    }  # fmt: skip


def test_the_page_names_all_that_there_is() -> None:
    page = PAGE.read_text()
    called = set(re.findall(r"`(?:with )?(\w+)", page))
    returned = {"Change", "Harness", "Plan", "Result", "Results", "Snapshot", "Step", "Table"}
    harness = {name for name in vars(Harness) if not name.startswith("_")}

    assert set(testing.__all__) - called - returned == set()
    assert harness - set(re.findall(r"`h\.(\w+)", page)) == set()


def test_the_first_example_runs_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "test_first.py").write_text((ROOT / "docs/examples/testing/first.py").read_text())
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "LAB_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "test_first.py", "-k", "in_memory"],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 1 deselected" in done.stdout


def test_somebody_elses_mypy_knows_its_types(tmp_path: Path) -> None:
    """In an environment that has it as `pip install -e` with editable_mode=compat puts it there: a path."""
    venv.create(tmp_path / "venv")
    [packages] = (tmp_path / "venv").glob("lib/python*/site-packages")
    (packages / "labkit.pth").write_text(f"{ROOT}\n")
    (tmp_path / "own.py").write_text('from labkit.testing import row\n\nstep: str = row(at="10:00")\n')
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--python-executable", "venv/bin/python", "own.py"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip

    assert 'own.py:3: error: Incompatible types in assignment (expression has type "Step"' in done.stdout
    assert "Found 1 error in 1 file" in done.stdout
