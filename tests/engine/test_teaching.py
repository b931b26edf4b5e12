"""For authors and instructors: a lab begun, a lab complete, a class's pieces, stubs without answers."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.engine.conftest import Learner, git


def test_the_toy_labs_are_complete_but_for_notebooks(learner: Learner) -> None:
    assert learner.types("dev", "check", "squares")[0] == 0
    code, out = learner.types("dev", "check")

    assert code == 1
    assert set(out.splitlines()) == {
        "squares: complete", "Next: ./lab dev check greeting", "  lab.ipynb is missing",
        *(f"{slug}: 1 to mend" for slug in ("greeting", "late_rows", "mean", "running_max", "avro")),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("README.md", "## Predict first", "## Guess", "README.md has the headings"),
        ("README.md", "1. Square each number.", "2. Square.", "README.md numbers its steps [2]"),
        ("hints.md", "### Almost the answer", "", "hints.md has 2 hints for step 1"),
        ("hints.md", "## Step 1", "## Step 2", "hints.md has a step 2 that the reference does not mark"),
        ("answers.toml", "[[right]]\nname = \"a loop\"", "[[wrong]]\nname = 'a loop'\nsays = 'x'\nteaches = 'x'", "answers.toml has 1 other right answers; two or more"),
        ("answers.toml", 'says = "gives other figures"', 'says = "Each number"', "is a part of what"),
        ("test_squares.py", "@pytest.mark.step(1)\n", "", "test_squares.py has no check of step 1"),
        ("lab.ipynb", "NBVAL_CHECK_OUTPUT", "", "lab.ipynb has no cell that says # NBVAL_CHECK_OUTPUT"),
        ("solution.py", "# END SOLUTION", "", "BEGIN SOLUTION has no END SOLUTION"),
    ],
)  # fmt: skip
def test_what_is_missing_in_a_lab_is_told(learner: Learner, file: str, old: str, new: str, says: str) -> None:
    path = learner.lab("squares").folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    code, out = learner.types("dev", "check", "squares")

    assert code == 1
    assert says in out


def test_a_new_lab_has_every_file_and_says_what_is_to_write(learner: Learner) -> None:
    assert learner.types("dev", "new", "phase2_jobs/lab03_sessions", "--sql")[0] == 0
    folder = learner.folders.labs / "phase2_jobs" / "lab03_sessions"

    assert sorted(path.name for path in folder.iterdir()) == [
        "DISCUSSION.md", "README.md", "answers.toml", "hints.md", "lab.ipynb", "lab.toml", "solution.sql",
        "test_sessions.py",
    ]  # fmt: skip
    assert learner.lab("sessions").reference.steps == {1: "the idea"}
    assert learner.types("dev", "check", "sessions")[0] == 1

    (folder / "README.md").write_text("mine\n")
    learner.types("dev", "new", "phase2_jobs/lab03_sessions")
    assert (folder / "README.md").read_text() == "mine\n"
    assert not (folder / "solution.py").exists()
    assert "is no place for a lab" in learner.types("dev", "new", "sessions")[1]


# ---- a class -----------------------------------------------------------------------------------


def test_a_class_is_graded_each_piece_alone(learner: Learner, tmp_path: Path) -> None:
    pieces = tmp_path / "class"
    mean, greeting = learner.lab("mean").reference, learner.lab("greeting").reference
    for who, name, text in (
        ("ada", "mean.py", mean.solved()),
        ("ada", "greeting.py", greeting.solved()),
        ("bob", "mean.py", mean.stub(1)),
        ("bob", "notes.txt", "x"),
        ("eve", "mean.py", "import os\nos._exit(0)\n"),
        ("eve", "avro.py", learner.lab("avro").reference.solved()),
    ):
        (pieces / who).mkdir(parents=True, exist_ok=True)
        (pieces / who / name).write_text(text)
    code, out = learner.types("grade", str(pieces))

    assert code == 0
    assert "5 pieces: " in out
    rows = list(csv.DictReader((pieces / "grades.csv").open()))
    assert [(row["learner"], row["lab"], row["outcome"], row["right"], row["checks"]) for row in rows] == [
        ("ada", "greeting", "right", "2", "2"),
        ("ada", "mean", "right", "3", "3"),
        ("bob", "mean", "to do", "1", "3"),
        ("eve", "mean", "wrong", "0", "3"),
        ("eve", "avro", "right", "1", "1"),
    ]
    assert rows[2]["says"] == "Step 2 is still to do: no values, no mean"
    suites = ET.parse(pieces / "grades.xml").getroot()
    assert [(s.get("name"), s.get("tests"), s.get("failures"), s.get("errors")) for s in suites] == [
        ("ada", "5", "0", "0"), ("bob", "3", "2", "0"), ("eve", "2", "1", "0")]  # fmt: skip
    assert not learner.folders.mine.exists()
    assert not learner.folders.state.exists()


def test_whatever_a_piece_says_the_tables_can_be_read(learner: Learner, tmp_path: Path) -> None:
    piece = tmp_path / "class" / "ada" / "greeting.py"
    piece.parent.mkdir(parents=True)
    piece.write_text(
        'def greeting(name):\n    raise ValueError("\\x1b[31m red \\0 \\ud800 \\ufffe \\t \u20ac")\n'
    )

    assert learner.types("grade", str(tmp_path / "class"))[0] == 0
    says = "ValueError: \\x1b[31m red \\x00 \\ud800 \\ufffe \t \u20ac"
    [suite] = ET.parse(tmp_path / "class" / "grades.xml").getroot()
    texts = {(each.text or "").split("\n")[0] for each in suite.iter("failure")}
    assert texts == {says}
    [row] = csv.DictReader((tmp_path / "class" / "grades.csv").open(newline=""))
    assert row["says"] == says


def test_a_learner_without_a_piece_gets_a_line_everywhere(learner: Learner, tmp_path: Path) -> None:
    pieces = tmp_path / "class"
    for who, name in (("ada", "mean.py"), ("bob", "notes.txt"), ("eve", "greeting.py"), (".git", "HEAD")):
        (pieces / who).mkdir(parents=True)
        (pieces / who / name).write_text(learner.lab("mean").reference.solved())
    code, out = learner.types("grade", str(pieces), "--lab", "mean")

    assert code == 0
    assert out.splitlines()[1:] == [
        "bob               has no piece of these labs",
        "eve               has no piece of these labs",
        f"1 pieces: {pieces / 'grades.csv'}, {pieces / 'grades.xml'}",
    ]
    rows = list(csv.DictReader((pieces / "grades.csv").open()))
    assert [(row["learner"], row["lab"], row["outcome"], row["right"], row["checks"]) for row in rows] == [
        ("ada", "mean", "right", "3", "3"),
        ("bob", "", "no piece", "0", "0"),
        ("eve", "", "no piece", "0", "0"),
    ]
    suites = ET.parse(pieces / "grades.xml").getroot()
    assert [(each.get("name"), each.get("tests")) for each in suites] == [
        ("ada", "3"),
        ("bob", "0"),
        ("eve", "0"),
    ]


def test_a_class_is_graded_by_the_committed_tests(learner: Learner, tmp_path: Path) -> None:
    for command in (["init"], ["add", "labs"], ["commit", "-m", "labs"]):
        git(learner, *command)
    piece = tmp_path / "class" / "ada" / "greeting.py"
    piece.parent.mkdir(parents=True)
    piece.write_text("def greeting(name):\n    return name\n")
    test = learner.lab("greeting").test_file
    test.write_text("import pytest\n@pytest.mark.step(1)\ndef test_all_is_well(): pass\n")
    _, out = learner.types("grade", str(tmp_path / "class"))

    assert out.splitlines()[0] == (
        "labs/phase0_setup/lab01_greeting/test_greeting.py is not as committed: checked as committed."
    )
    assert out.splitlines()[1].startswith(
        "ada               greeting             wrong       step 1: Somebody is"
    )
    assert len(out.splitlines()) == 3


def test_a_folder_without_learners_is_one_sentence(learner: Learner, tmp_path: Path) -> None:
    code, out = learner.types("grade", str(tmp_path / "nowhere"))

    assert code == 1
    assert "has no folder of a learner. One folder a learner was expected" in out


def test_stubs_are_exported_without_answers(learner: Learner, tmp_path: Path) -> None:
    to = tmp_path / "handout"
    hints = learner.lab("mean").folder / "hints.md"
    answer = "".join(learner.lab("mean").reference.blocks[0].solution)
    hints.write_text(f"{hints.read_text()}\n{answer}")
    assert learner.types("export", "--stubs", str(to))[0] == 0

    assert sorted(path.name for path in (to / "phase1_quality" / "lab02_mean").iterdir()) == [
        "README.md", "lab.toml", "mean.py", "test_mean.py"]  # fmt: skip
    assert (to / "phase1_quality" / "lab02_mean" / "mean.py").read_text() == learner.lab(
        "mean"
    ).reference.stub()
    text = "".join(path.read_text() for path in to.rglob("*") if path.is_file())
    for lab in learner.curriculum.labs.values():
        for block in lab.reference.blocks:
            assert "".join(block.solution) not in text
    assert "is not empty" in learner.types("export", "--stubs", str(to))[1]


def test_a_handout_that_comes_back_is_graded(learner: Learner, tmp_path: Path) -> None:
    learner.types("export", "--stubs", str(tmp_path / "handout"))
    stub = tmp_path / "handout" / "phase1_quality" / "lab02_mean" / "mean.py"
    (tmp_path / "class" / "ada").mkdir(parents=True)
    stub.rename(tmp_path / "class" / "ada" / "mean.py")

    _, out = learner.types("grade", str(tmp_path / "class"))
    assert out.startswith("ada               mean                 to do       step 1: Step 1 is still to do")
