"""One rule says whose part is used, in the engine, in MarketLag and in every process: LAB_PIECE."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from capstone_marketlag import pieces
from labkit.course import mine
from labkit.paths import ROOT, labs


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner with two pieces, state and late_events."""
    for name in ("state.py", "late_events.sql"):
        (tmp_path / name).write_text("")
    monkeypatch.setenv("LAB_MINE", str(tmp_path))
    monkeypatch.delenv(mine.ONLY, raising=False)
    return tmp_path


def yours() -> set[str]:
    return {slug for slug, whose in pieces.whose().items() if whose == "yours"}


@pytest.mark.parametrize(
    ("only", "used"),
    [(None, {"state", "late_events"}), ("state", {"state"}), ("windows", set()), ("", set())],
)
def test_marketlag_takes_the_pieces_that_count(
    two: Path, monkeypatch: pytest.MonkeyPatch, only: str | None, used: set[str]
) -> None:
    if only is not None:
        monkeypatch.setenv(mine.ONLY, only)

    assert yours() == used
    assert pieces.path("state") == (two / "state.py" if "state" in used else labs() / pieces.LABS["state"])


def test_a_process_that_is_started_follows_the_same_rule(two: Path) -> None:
    ask = "from capstone_marketlag import pieces; print(*[s for s, w in pieces.whose().items() if w == 'yours'])"
    done = subprocess.run(
        [sys.executable, "-c", ask],
        env={**os.environ, mine.ONLY: "late_events"},
        capture_output=True,
        text=True,
    )

    assert done.stdout.split() == ["late_events"]


def test_every_part_of_the_system_has_its_reference() -> None:
    assert [slug for slug in pieces.LABS if not pieces.path(slug).exists()] == []


def test_the_launcher_is_not_misled_by_a_piece_that_is_called_like_a_package(tmp_path: Path) -> None:
    """`../lab list` typed in mine/, where avro.py, json.py and click.py are pieces."""
    for name in ("avro", "json", "click", "labkit", "typing"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the piece was imported')")
    done = subprocess.run([ROOT / "lab", "list"], cwd=tmp_path, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
