"""A run's folder: nobody else's files are ever deleted, and it is never half of a result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from capstone_marketlag.folders import whole
from labkit.errors import LabError


def a_run(folder: Path, found: str) -> Path:
    """What a run leaves, with this text in it."""
    (folder / "topics").mkdir(parents=True)
    (folder / "tables").mkdir()
    (folder / "world.json").write_text("{}")
    (folder / "report.html").write_text(found)
    (folder / "summary.json").write_text(json.dumps({"oracle_equal": None}))
    return folder


def files(folder: Path) -> dict[str, str]:
    """Every file below it, by its path, with its text."""
    return {str(each.relative_to(folder)): each.read_text() for each in folder.rglob("*") if each.is_file()}


@pytest.mark.parametrize("before", ["nothing", "empty", "a run"])
def test_a_run_takes_the_place_of_nothing_of_an_empty_folder_and_of_a_run(
    tmp_path: Path, before: str
) -> None:
    folder = tmp_path / "deep" / "out"
    if before == "empty":
        folder.mkdir(parents=True)
    elif before == "a run":
        a_run(folder, "the old one")

    with whole(folder) as new:
        (new / "report.html").write_text("the new one")
        (new / "summary.json").write_text("{}")

    assert files(tmp_path) == {"deep/out/report.html": "the new one", "deep/out/summary.json": "{}"}
    assert list(folder.parent.iterdir()) == [folder]


def test_somebody_s_files_are_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(LabError) as refused, whole(tmp_path):
        pytest.fail("nothing may run")

    assert str(refused.value) == (
        f"{tmp_path} has thesis.txt in it. Only the folder of an earlier run is written anew. "
        "Next: name a folder that is empty, or not there yet"
    )
    assert files(tmp_path) == {"thesis.txt": "years of work"}


@pytest.mark.parametrize("summary", [None, "{}", "[1]", "not JSON", '{"total": 3}'])
def test_files_with_a_run_s_names_are_no_run_without_its_summary(tmp_path: Path, summary: str | None) -> None:
    (tmp_path / "topics").mkdir()
    (tmp_path / "topics" / "thesis.txt").write_text("years of work")
    if summary is not None:
        (tmp_path / "summary.json").write_text(summary)

    with pytest.raises(LabError, match=r"has no run's summary\.json in it\."), whole(tmp_path):
        pytest.fail("nothing may run")

    assert (tmp_path / "topics" / "thesis.txt").read_text() == "years of work"


def test_a_file_that_somebody_put_beside_a_run_is_theirs(tmp_path: Path) -> None:
    (a_run(tmp_path / "out", "the old one") / "notes.txt").write_text("what I saw")

    with pytest.raises(LabError, match=r"has notes\.txt in it\."), whole(tmp_path / "out"):
        pytest.fail("nothing may run")


def test_what_came_while_it_ran_is_not_deleted_either(tmp_path: Path) -> None:
    folder = tmp_path / "out"

    def run() -> None:
        with whole(folder):
            folder.mkdir()
            (folder / "notes.txt").write_text("what I saw")

    with pytest.raises(LabError, match=r"has notes\.txt in it\."):
        run()

    assert files(tmp_path) == {"out/notes.txt": "what I saw"}


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")

    with pytest.raises(LabError, match=r"out is a file\."), whole(tmp_path / "out"):
        pytest.fail("nothing may run")


@pytest.mark.parametrize("name", [".", "..", "/", "../here"])
def test_a_path_is_taken_for_what_it_leads_to(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "thesis.txt").write_text("years of work")
    monkeypatch.chdir(tmp_path / "here")

    with pytest.raises(LabError, match=r" in it\. Only the folder of an earlier run"), whole(Path(name)):
        pytest.fail("nothing may run")

    assert files(tmp_path) == {"here/thesis.txt": "years of work"}


def test_a_link_stays_and_its_folder_is_written_anew(tmp_path: Path) -> None:
    a_run(tmp_path / "real", "the old one")
    (tmp_path / "link").symlink_to(tmp_path / "real")

    with whole(tmp_path / "link") as new:
        (new / "report.html").write_text("the new one")

    assert (tmp_path / "link").is_symlink()
    assert files(tmp_path / "real") == {"report.html": "the new one"}


@pytest.mark.parametrize("error", [LabError("no broker"), KeyboardInterrupt()])
def test_a_run_that_fails_leaves_everything_as_it_was(tmp_path: Path, error: BaseException) -> None:
    folder = a_run(tmp_path / "out", "the old one")
    (tmp_path / "out.new").mkdir()
    (tmp_path / "out.new" / "thesis.txt").write_text("years of work")
    before = files(tmp_path)

    def run() -> None:
        with whole(folder) as new:
            (new / "summary.json").write_text("half of")
            assert files(folder)["report.html"] == "the old one"
            raise error

    with pytest.raises(type(error)):
        run()

    assert files(tmp_path) == before
