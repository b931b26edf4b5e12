"""The last line of a command that has done its work says what to type next."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from capstone_marketlag import demo, local, status
from capstone_marketlag.__main__ import cli as application
from labkit.cli import cli
from tests.engine.conftest import Learner


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    """Of standard output; or of standard error, where the output is a document."""
    said = capsys.readouterr()
    return (said.err or said.out).splitlines()[-1]


@pytest.mark.parametrize(
    ("typed", "solved", "next_"),
    [
        ("check phase0_setup", ["greeting"], "Next: ./lab start squares"),
        ("check phase0_setup", ["greeting", "squares"], "Next: ./lab start late_rows"),
        ("check phase1_quality", ["greeting"], "Next: ./lab hint mean 1"),
        ("report", [], "Next: edit mine/mean.py, then ./lab check"),
        ("dev prove greeting --no-mutations", [], "Next: make test"),
    ],
)
def test_of_a_command_of_the_course(
    learner: Learner, capsys: pytest.CaptureFixture[str], typed: str, solved: list[str], next_: str
) -> None:
    for slug in solved:
        learner.writes(slug, learner.lab(slug).reference.solved())
    learner.writes("mean", learner.lab("mean").reference.stub())

    with suppress(SystemExit):
        cli.main(typed.split(), prog_name="./lab", standalone_mode=False)

    assert last_line(capsys) == next_


@pytest.mark.parametrize(
    ("typed", "jobs", "next_"),
    [
        ("demo --to found", {}, "Next: open found/report.html, then ./lab list"),
        ("status", {"state": "RUNNING"}, "Next: python -m capstone_marketlag report, or stop"),
        ("status", {"state": "STOPPED", "savepoint": "s"}, "Next: python -m capstone_marketlag resume"),
    ],
)
def test_of_a_command_of_the_application(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    jobs: dict[str, Any],
    next_: str,
) -> None:
    job = {"behind": {}, **jobs}
    said = {"jobs": {"signals": job, "detector": job}, "dead": {}, "late": {}, "unanswered": []}
    monkeypatch.setattr(demo, "run", lambda *_, **__: True)
    monkeypatch.setattr(local, "application", lambda: None)
    monkeypatch.setattr(status, "report", lambda _: said)

    application.main(typed.split(), standalone_mode=False)

    assert last_line(capsys) == next_
