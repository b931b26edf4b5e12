"""`demo` and `report` at their rim: where they write, what they take from the environment. No service is started."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import capstone_marketlag.__main__ as command
from capstone_marketlag import demo, dump
from capstone_marketlag.outcome import Outcome
from capstone_marketlag.settings import Settings
from labkit.errors import LabError

SUMMARY = {"conserved": True, "oracle_equal": True}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The settings of each demo that ran; in its place a summary is written."""
    ran: list[Any] = []

    def run(settings: Any, seed: int, hours: int, folder: Path) -> tuple[dict[str, Any], Outcome]:
        ran.append(settings)
        (folder / "summary.json").write_text(json.dumps(SUMMARY))
        return SUMMARY, Outcome()

    for name in [name for name in os.environ if name.startswith("MARKETLAG_")]:
        monkeypatch.delenv(name)
    mine = tmp_path / "nothing of mine"
    mine.mkdir()
    monkeypatch.setenv("LAB_MINE", str(mine))
    monkeypatch.setattr(demo, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(demo, "_run", run)
    monkeypatch.setattr(demo, "_say", lambda *_: None)
    return ran


def called(*arguments: str) -> Result:
    return CliRunner().invoke(command.cli, arguments)


def test_a_demo_writes_where_it_is_told_to_and_again(tmp_path: Path, runs: list[Any]) -> None:
    for _ in range(2):
        assert called("demo", "--to", str(tmp_path / "out")).exit_code == 0

    assert [each.name for each in (tmp_path / "out").iterdir()] == ["summary.json"]
    assert len(runs) == 2


def test_a_demo_deletes_nobody_s_folder(tmp_path: Path, runs: list[Any]) -> None:
    folder, beside = tmp_path / "Documents", tmp_path / "Documents.new"
    for each in (folder, beside):
        each.mkdir()
        (each / "thesis.txt").write_text("years of work")

    said = called("demo", "--to", str(folder))

    assert isinstance(said.exception, LabError)
    assert f"{folder} has thesis.txt in it." in str(said.exception)
    assert [(each / "thesis.txt").read_text() for each in (folder, beside)] == ["years of work"] * 2
    assert runs == []


@pytest.mark.parametrize("name", [".", "..", "/"])
def test_a_demo_does_not_delete_what_a_path_leads_to(
    tmp_path: Path, runs: list[Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "thesis.txt").write_text("years of work")
    monkeypatch.chdir(tmp_path / "here")

    said = called("demo", "--to", name)

    assert isinstance(said.exception, LabError)
    assert (tmp_path / "here" / "thesis.txt").read_text() == "years of work"
    assert runs == []


SOMEBODY_S = {
    "SIGNAL_THRESHOLD": "2.5", "PRICE_THRESHOLD": "0.5", "SECURITY_PROTOCOL": "SASL_SSL", "PARALLELISM": "0",
    "REGISTRY": "https://registry.example", "KAFKA": "broker.example:9092", "STATE_TTL_HOURS": "1",
}  # fmt: skip


def test_a_demo_has_its_own_settings_and_names_those_it_ignores(
    tmp_path: Path, runs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SOMEBODY_S.items():
        monkeypatch.setenv(f"MARKETLAG_{name}", value)
    monkeypatch.setenv("MARKETLAG_ALIGNMENT", "window_end")

    said = called("demo", "--to", str(tmp_path / "out"))

    assert runs == [Settings(alignment="window_end")]
    assert said.output.partition("Next: ")[0] == (
        "The demo's settings are its own, it ignores MARKETLAG_KAFKA, MARKETLAG_PARALLELISM, "
        "MARKETLAG_PRICE_THRESHOLD, MARKETLAG_REGISTRY, MARKETLAG_SECURITY_PROTOCOL, "
        "MARKETLAG_SIGNAL_THRESHOLD, MARKETLAG_STATE_TTL_HOURS.\n"
    )


def test_a_demo_that_ignores_nothing_does_not_speak_of_it(
    tmp_path: Path, runs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKETLAG_ALIGNMENT", "window_end")

    assert called("demo", "--to", str(tmp_path / "out")).output.startswith("Next: open ")


def test_a_report_that_is_cut_off_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "summary.json").write_text('{"oracle_equal": null}')

    def cut_off(new: Path, *_: Any) -> None:
        (new / "half").write_text("of a dump")
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "BUILD", tmp_path)
    monkeypatch.setattr(dump, "read_all", lambda _: ({}, {}))
    monkeypatch.setattr(dump, "write_all", cut_off)

    assert called("report").exit_code == 1
    assert [each.name for each in folder.iterdir()] == ["summary.json"]
    assert list(tmp_path.iterdir()) == [folder]
