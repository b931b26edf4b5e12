"""`pytest labs/...`: own letters, a closing table, red only for what is yours and not right."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from labkit.course import saved
from tests.engine.conftest import Learner


def pytest_says(learner: Learner, *arguments: str, notebooks: bool = False) -> tuple[int, str]:
    """A run of pytest itself, beside labs/ and mine/; without the notebooks, which take seconds."""
    for notebook in learner.folders.labs.rglob("lab.ipynb"):
        if not notebooks:
            notebook.unlink()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--disable-plugin-autoload", "-p", "labkit.pytest_plugin",
         "-p", "no:cacheprovider", *arguments],
        cwd=learner.folders.labs.parent, capture_output=True, text=True,
        env={**os.environ, "COLUMNS": "100", "LAB_DIR": str(learner.folders.state)},
    )  # fmt: skip
    return done.returncode, re.sub(r"=+ (.*) in \d+\.\d+s =+", r"== \1 ==", done.stdout + done.stderr)


def test_an_untouched_clone_passes_on_the_reference_and_says_so(learner: Learner) -> None:
    code, out = pytest_says(learner, "labs")

    assert code == 0
    assert "labs/phase1_quality/lab02_mean/test_mean.py rrr " in out
    assert out.endswith("""\

phase0_setup: 0 of 2 yours
phase1_quality: 0 of 2 yours
phase2_jobs: 0 of 2 yours
== 11 reference ==
""")


def test_in_the_middle_of_work_it_is_red_for_what_is_yours_and_not_right(learner: Learner) -> None:
    learner.writes("greeting", learner.lab("greeting").reference.solved())
    learner.answers("late_rows", 1, "WHERE at_hour < closed")
    learner.writes("mean", learner.lab("mean").reference.stub(1))
    code, out = pytest_says(learner, "labs")

    assert code == 1
    assert "test_greeting.py .. " in out
    assert "test_late_rows.py WW " in out
    assert "test_mean.py .tt " in out
    assert "test_avro_means.py r " in out
    assert out.endswith("""\

late_rows, step 1 (late when its hour has closed, and the hour of the close is closed): wrong
  The hour of the close is closed too.
    expected  ['edge', 'late', 'later']
    got       ['late', 'later']
  0 of 2 checks right, 1 later not yet.
Next: ./lab hint late_rows 1

mean, step 2 (no values, no mean): to do
  Step 2 is still to do: no values, no mean
  at mine/mean.py:14
  1 of 3 checks right, 1 later not yet.
Next: ./lab hint mean 2

phase0_setup: 1 of 2 yours
phase1_quality: 0 of 2 yours; to do: mean; wrong: late_rows
phase2_jobs: 0 of 2 yours
== 2 failed, 3 passed, 4 reference, 2 to do ==
""")
    assert "Traceback" not in out
    assert "assert " not in out


def test_two_processes_of_xdist_say_what_one_says(learner: Learner) -> None:
    learner.answers("late_rows", 1, "WHERE at_hour < closed")
    learner.writes("mean", learner.lab("mean").reference.stub(1))
    code, one = pytest_says(learner, "labs")
    two_code, two = pytest_says(learner, "labs", "-p", "xdist", "-n", "2", "--dist", "loadfile")

    assert (code, two_code) == (1, 1), two
    told = one[one.index("\nlate_rows, step 1") :]
    assert sorted(two[-len(told) :].splitlines()) == sorted(told.splitlines())


def test_at_the_end_it_is_green_and_yours(learner: Learner) -> None:
    for slug, lab in learner.curriculum.labs.items():
        learner.writes(slug, lab.reference.solved())
    code, out = pytest_says(learner, "labs")

    assert code == 0
    assert "11 passed" in out
    assert "phase1_quality: 2 of 2 yours\n" in out


def test_with_the_reference_alone_mine_is_ignored(learner: Learner) -> None:
    for slug in learner.curriculum.labs:
        learner.writes(slug, "this is neither Python nor SQL")

    assert pytest_says(learner, "labs")[0] == 1
    code, out = pytest_says(learner, "labs", "--reference")
    assert code == 0
    assert "11 reference" in out


def test_what_is_yours_is_saved_before_it_is_checked_here_too(learner: Learner) -> None:
    text = "def greeting(name):\n    return name\n"
    learner.writes("greeting", text)
    greeting = learner.lab("greeting")

    pytest_says(learner, "labs", "--reference")
    pytest_says(learner, "labs/phase1_quality")
    assert saved.copies(learner.folders, greeting) == []  # it was not checked
    for _ in range(2):
        pytest_says(learner, "labs/phase0_setup")
    assert [(each.why, each.path.read_text()) for each in saved.copies(learner.folders, greeting)] == [
        ("check", text)
    ]


def test_a_text_that_cannot_be_saved_is_one_sentence(learner: Learner) -> None:
    learner.writes("greeting", "")
    learner.folders.state.write_text("a file stands where the folder should be")
    code, out = pytest_says(learner, "labs/phase0_setup")

    assert code == 4
    assert "could not be written (" in out
    assert "Traceback" not in out


def test_pieces_of_others_are_not_saved_as_yours(learner: Learner, tmp_path: Path) -> None:
    """Neither a class's, nor what a proof plays."""
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / "greeting.py").write_text("def greeting(name):\n    return name\n")
    learner.types("grade", str(tmp_path / "class"))
    learner.types("dev", "prove", "greeting", "--no-mutations")

    assert not (learner.folders.state / "saved").exists()


def test_the_checks_behind_a_notebook_that_is_not_run_begin_well(learner: Learner) -> None:
    learner.answers("squares", 1, "return []")
    code, out = pytest_says(learner, "labs", notebooks=True)

    assert code == 1
    assert "not torn down" not in out
    assert "phase1_quality: 0 of 2 yours\n" in out
    assert "10 reference" in out


def test_with_v_there_are_traces(learner: Learner) -> None:
    learner.answers("mean", 3, "return there.foo")
    code, out = pytest_says(learner, "labs/phase1_quality/lab02_mean", "-v")

    assert code == 1
    assert "AttributeError: 'list' object has no attribute 'foo'" in out
    assert "test_mean.py:" in out
    assert "test_a_mean_may_lie_between WRONG" in out


def test_other_tests_are_not_touched(learner: Learner) -> None:
    folder = learner.folders.labs.parent / "other"
    folder.mkdir()
    (folder / "test_other.py").write_text("def test_b(): pass\ndef test_a(): assert 1 == 2\n")
    learner.answers("mean", 3, "return 1")
    code, out = pytest_says(learner, "other", "labs/phase1_quality/lab02_mean")

    assert code == 1
    assert "other/test_other.py .F" in out
    assert "assert 1 == 2" in out
    assert "2 failed, 3 passed" in out
    assert "FAILED other/test_other.py::test_a" in out


def test_a_lab_that_is_not_right_is_named_when_it_is_collected(learner: Learner) -> None:
    (learner.lab("mean").folder / "lab.toml").write_text("minutes = 1\n")
    code, out = pytest_says(learner, "labs")

    assert code == 4
    assert "lab02_mean/lab.toml: title is missing. Expected: one line." in out
