"""The page “Red is where you start”, typed as it stands there, on the course's own first lab."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.course.folders import Folders
from labkit.paths import ROOT, labs
from tests.engine.conftest import Learner

OUTPUT = ROOT / "docs" / "output"


@pytest.fixture
def beginner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Learner:
    """Somebody with a clone of this course and nothing in mine/."""
    folders = Folders(labs(), tmp_path / "mine", tmp_path / ".lab")
    monkeypatch.setenv("LAB_MINE", str(folders.mine))
    monkeypatch.delenv("LAB_PIECE", raising=False)
    monkeypatch.setattr(Folders, "here", lambda: folders)
    return Learner(folders, capsys)


def typed(name: str) -> Iterator[tuple[list[str], str]]:
    """The commands of an output that the page shows, and what each printed."""
    for command in re.split(r"^\$ \./lab ", (OUTPUT / f"{name}.txt").read_text(), flags=re.MULTILINE)[1:]:
        line, _, said = command.partition("\n")
        yield shlex.split(line), said


def goes_as_shown(beginner: Learner, name: str) -> None:
    for arguments, said in typed(name):
        _, out = beginner.types(*arguments)
        assert plain(out, beginner) == plain(said, beginner), f"./lab {' '.join(arguments)}"


#: what differs from run to run: moments and seconds. Counts and names do not
_DIFFERS = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "MOMENT"),
    (r"\d{8}T\d{6}\.\d+Z", "MOMENT"),
    (r"\d+\.\d s\b", "SECONDS"),
)


def plain(text: str, beginner: Learner) -> list[str]:
    """The lines of an output, without what differs from run to run."""
    text = text.replace(f"{beginner.folders.state.parent}/", "")
    for pattern, name in _DIFFERS:
        text = re.sub(pattern, name, text)
    return text.splitlines()


def test_the_first_lab_goes_as_the_page_says(beginner: Learner) -> None:
    lab = beginner.lab("first_query")
    goes_as_shown(beginner, "red-start")
    goes_as_shown(beginner, "red-to-do")

    first, second = (OUTPUT / "red-wrong.sql").read_text().splitlines()
    stub = beginner.piece("first_query").read_text()
    for step, line in ((1, first), (2, second)):
        stub, found = re.subn(rf"^-- TODO step {step}:.*$", line, stub, flags=re.MULTILINE)
        assert found == 1
    beginner.writes("first_query", stub)
    goes_as_shown(beginner, "red-wrong")
    goes_as_shown(beginner, "red-hint")
    assert beginner.types("hint", "first_query", "3")[0] == 0
    assert "+SET 'table.local-time-zone' = 'UTC';" in beginner.types("solution", "first_query")[1]

    beginner.writes("first_query", lab.reference.solved())
    goes_as_shown(beginner, "red-green")
    goes_as_shown(beginner, "red-saved")

    assert "reference" in beginner.types("list")[1]
    assert beginner.types("solution", "first_query", "--take")[0] == 0
    assert "right in January and an hour ahead in July" in beginner.types("report")[1]


def test_another_output_is_told_apart(beginner: Learner) -> None:
    [(arguments, said)] = typed("red-green")

    assert arguments == ["check"]
    for shown, other in (("right", "wrong"), ("6 checks", "5 checks"), ("kafka_to_print", "late_events")):
        assert shown in said
        assert plain(said.replace(shown, other), beginner) != plain(said, beginner)
    assert plain(re.sub(r"[\d.]+ s\.", "77.7 s.", said), beginner) == plain(said, beginner)
