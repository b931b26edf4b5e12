"""The curriculum: order, names, and a sentence with file and key for whatever is not right."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from capstone_marketlag import pieces
from labkit.course.curriculum import Curriculum
from labkit.errors import LabError
from labkit.paths import ROOT
from tests.engine.conftest import TINY, Learner


def test_labs_stand_in_the_order_of_the_path() -> None:
    tiny = Curriculum(TINY / "labs")

    assert list(tiny.labs) == ["greeting", "squares", "late_rows", "mean", "running_max", "avro"]
    assert {phase: [lab.slug for lab in labs] for phase, labs in tiny.phases.items()} == {
        "phase0_setup": ["greeting", "squares"],
        "phase1_quality": ["late_rows", "mean"],
        "phase2_jobs": ["running_max", "avro"],
    }
    assert tiny.lab("mean").needs == ("greeting", "late_rows")
    assert tiny.lab("mean").file_name == "mean.py"


def test_the_course_has_the_parts_that_the_system_is_made_of() -> None:
    course = Curriculum(ROOT / "labs")

    assert {slug: str(path.relative_to(course.root)) for slug, path in course.parts.items()} == pieces.LABS


def test_a_phase_is_found_by_its_number_or_its_name() -> None:
    tiny = Curriculum(TINY / "labs")

    assert tiny.find("phase1") == tiny.find("phase1_quality") == tiny.phases["phase1_quality"]
    assert [lab.slug for lab in tiny.find("mean")] == ["mean"]


def test_a_part_whose_lab_is_not_written_is_a_part_and_no_lab(learner: Learner) -> None:
    (learner.lab("late_rows").folder / "lab.toml").unlink()
    tiny = learner.curriculum

    assert "late_rows" in tiny.parts
    assert "late_rows" not in tiny.labs
    assert tiny.lab("mean").needs == ("greeting", "late_rows")
    with pytest.raises(LabError, match="The lab of late_rows is not written yet"):
        tiny.lab("late_rows")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("minutes = 5", "minuts = 5", "minuts is not a key of it. Expected: title, minutes, builds"),
        ("minutes = 5", "", "minutes is missing. Expected: a whole number of minutes"),
        ("minutes = 5", 'minutes = "5"', "minutes is '5'. Expected: a whole number of minutes"),
        ("minutes = 5", "minutes = true", "minutes is True."),
        ("minutes = 5", "minutes = -5", "minutes is -5."),
        ('builds = "the mean"', 'builds = ""', "builds is ''. Expected: one line"),
        ("time_limit = 5", "time_limit = 0", "time_limit is 0. Expected: seconds"),
        ('"late_rows"]', '"avro"]', "needs has avro, which is not a lab before it"),
        ('"late_rows"]', '"mean"]', "needs has mean, which is not a lab before it"),
        ('"late_rows"]', '"nothing"]', "needs has nothing, which is not a lab before it"),
        ('"K3.1"]', '"3.1"]', "knowledge is ['K1.6', '3.1']. Expected: points of the map"),
        ("time_limit = 5", 'services = ["redis"]', "services is ['redis']. Expected: a list of kafka, postgres, flink"),
        ("time_limit = 5", "time_limit = ", "is not TOML"),
    ],
)  # fmt: skip
def test_a_key_that_is_not_right_is_named_with_its_file(
    learner: Learner, old: str, new: str, says: str
) -> None:
    file = learner.lab("mean").folder / "lab.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))

    with pytest.raises(LabError) as error:
        Curriculum(learner.folders.labs)
    assert "lab02_mean/lab.toml" in str(error.value)
    assert says in str(error.value)


def test_files_that_are_missing_or_too_many_are_named(learner: Learner) -> None:
    lab = learner.lab("mean")

    def says() -> str:
        with pytest.raises(LabError) as error:
            Curriculum(learner.folders.labs)
        return str(error.value)

    shutil.copy(lab.reference_file, lab.folder / "solution.sql")
    assert "lab02_mean: it has 2 solution.*. Expected: exactly one." in says()
    (lab.folder / "solution.sql").unlink()
    shutil.copy(lab.test_file, lab.folder / "test_other.py")
    assert "it has 2 test_*.py" in says()
    (lab.folder / "test_other.py").unlink()
    lab.test_file.rename(lab.folder / "test_greeting.py")
    assert "lab02_mean/test_greeting.py: greeting has a file of that name." in says()
    (lab.folder / "test_greeting.py").unlink()
    assert "it has no test_*.py" in says()


def test_two_labs_of_one_name_are_named(learner: Learner) -> None:
    other = learner.folders.labs / "phase2_jobs" / "lab09_mean"
    shutil.copytree(learner.lab("mean").folder, other)

    with pytest.raises(LabError, match="another folder is called mean"):
        Curriculum(learner.folders.labs)


def test_no_labs_at_all(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="The labs are in it"):
        Curriculum(tmp_path / "nowhere")
    (tmp_path / "labs").mkdir()
    assert Curriculum(tmp_path / "labs").labs == {}
