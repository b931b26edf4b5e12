"""The session that both jobs begin with is what the part first_query sets, and the settings win over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from capstone_marketlag import pieces
from capstone_marketlag.jobs.common import options
from capstone_marketlag.settings import Settings
from labkit.errors import LabError
from labkit.table_env import OPTIONS
from labs.phase0_setup.lab01_first_query.test_first_query import HARMFUL


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a learner's first_query stands."""
    monkeypatch.setenv("LAB_MINE", str(tmp_path))
    monkeypatch.delenv("LAB_PIECE", raising=False)
    return tmp_path / "first_query.sql"


@pytest.mark.usefixtures("mine")
def test_the_reference_sets_what_our_own_tools_set() -> None:
    own = {option: value.lower() for option, value in OPTIONS.items()}

    assert {option: value.lower() for option, value in pieces.session().items()} == own


def test_a_learners_session_is_the_jobs_and_the_settings_win_over_it(mine: Path) -> None:
    mine.write_text(
        "SET 'table.local-time-zone' = 'Asia/Tokyo'; SET 'parallelism.default' = '99';\n"
        "CREATE VIEW mentions_hourly AS SELECT 1;"
    )

    found = options(Settings(parallelism=2), "signals")

    assert (found["table.local-time-zone"], found["parallelism.default"]) == ("Asia/Tokyo", "2")
    assert "pipeline.object-reuse" not in found


def test_the_check_refuses_only_options_that_reach_the_jobs(mine: Path) -> None:
    mine.write_text(
        "".join(f"SET '{option}' = 'the part';\n" for option in [*HARMFUL, "table.exec.state.ttl"])
    )

    found = options(Settings(state_ttl_hours=200), "signals")

    assert [found[option] for option in HARMFUL] == ["the part"] * len(HARMFUL)
    assert found["table.exec.state.ttl"] == "200 h"


def test_a_set_that_cannot_be_read_is_told_with_its_file_and_line(mine: Path) -> None:
    mine.write_text("-- a session\nSET table.local-time-zone = UTC;\n")

    with pytest.raises(LabError, match=r"first_query\.sql, line 2: Flink cannot read"):
        options(Settings(), "signals")
