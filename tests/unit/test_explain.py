"""What an error says to the person whose piece it is: the line that Flink has something against."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.checking import Wrong
from labkit.course.explain import explain, from_the_machinery
from labkit.errors import CodeError, LabError, NotChecked

SQL = "CREATE VIEW hours AS\nSELECT\n  TIMESTAMPDIF(SECOND, a, b)\nFROM news;\n"


@pytest.fixture
def piece(tmp_path: Path) -> Path:
    (tmp_path / "late.sql").write_text(SQL)
    return tmp_path / "late.sql"


def where(error: BaseException, piece: Path) -> str:
    return explain(error, piece, lambda path: path.name).where


@pytest.mark.parametrize(
    ("says", "line"),
    [
        ("late.sql, line 1 (CREATE VIEW hours AS): Incorrect syntax (line 3).", "late.sql:3  TIMESTAMPDIF(SECOND, a, b)"),
        ("late.sql, line 1 (CREATE VIEW hours AS): there is one already.", "late.sql:1  CREATE VIEW hours AS"),
        ("translate.sql, line 1 (CREATE VIEW hours AS): Incorrect syntax (line 3).", ""),
        ("The query hours: Window aggregate can only be defined over a time attribute.", ""),
    ],
)  # fmt: skip
def test_the_line_that_flink_refuses_is_the_learners(piece: Path, says: str, line: str) -> None:
    assert where(CodeError(says), piece) == line


def test_a_sentence_that_a_check_makes_of_it_keeps_the_line(piece: Path) -> None:
    error = Wrong("A window closes by event time.")
    error.__cause__ = CodeError("late.sql, line 1 (CREATE VIEW hours AS): Incorrect syntax (line 3).")

    assert where(error, piece) == "late.sql:3  TIMESTAMPDIF(SECOND, a, b)"


def test_an_error_of_the_machine_has_no_line(piece: Path) -> None:
    assert where(LabError("PostgreSQL does not answer (line 3)."), piece) == ""


def test_a_check_may_say_that_it_could_not_be_made() -> None:
    assert from_the_machinery(NotChecked("The check's own sink has written nothing within 25 s."))
    assert not from_the_machinery(LabError("The job has ended."))
    assert not from_the_machinery(CodeError("Column x not found."))
