"""The SQL twin of the detector gives what the detector's functions give, hour by hour."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from capstone_marketlag import pieces
from capstone_marketlag.jobs.common import SQL, run_file
from labkit.sqltext import Statement
from labkit.table_env import execute, table_environment
from tests.pipeline.harness import Pipeline, chosen_seed

START = datetime(2026, 1, 5, tzinfo=timezone.utc)
THRESHOLDS = {"signal_threshold": "1.0", "price_threshold": "0.02"}
INPUT = """
CREATE TABLE signal_change (
  market_slug STRING, window_start TIMESTAMP(3), window_time TIMESTAMP(3), signal_delta DECIMAL(16, 6),
  price_delta DECIMAL(10, 6), source_weight_avg DECIMAL(38, 6),
  WATERMARK FOR window_time AS window_time
) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'json')
"""


def hours_of(market: str, chance: random.Random) -> list[dict[str, Any]]:
    """Four hundred hours with gaps, expiring maxima, threshold edges; in order of time."""
    rows = []
    for number in range(400):
        if chance.random() < 0.25:
            continue  # an hour without news
        start = START + timedelta(hours=number)
        delta = chance.choice(
            [None, "1.000000", "1.000001", "-2.500000", "0.000000", f"{chance.uniform(-4, 4):.6f}"]
        )
        if number in (3, 4, 200):
            delta = f"{20 - number / 100:.6f}"  # seven days later it has to be forgotten
        rows.append(
            {
                "market_slug": market,
                "window_start": f"{start:%Y-%m-%d %H:%M:%S}",
                "window_time": f"{start + timedelta(hours=1, milliseconds=-1):%Y-%m-%d %H:%M:%S.%f}"[:-3],
                "signal_delta": delta,
                "price_delta": chance.choice(["0.000000", "0.020000", "0.019999", "-0.019900", "0.500000"]),
                "source_weight_avg": f"{chance.uniform(0, 1):.6f}",
            }
        )
    return rows


def by_the_functions(rows: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[Any, ...]]:
    """What state, lag_flag and confidence say of these hours."""
    state, judge = pieces.python("state"), pieces.python("confidence")
    thresholds = judge.Thresholds(*(Decimal(each) for each in THRESHOLDS.values()))
    changes: dict[str, Any] = {}
    found = {}
    for row in rows:
        kept = changes.setdefault(row["market_slug"], opened(state.Changes()))
        start = int(datetime.fromisoformat(row["window_start"] + "+00:00").timestamp() * 1000)
        delta = None if row["signal_delta"] is None else Decimal(row["signal_delta"])
        price, weight = Decimal(row["price_delta"]), Decimal(row["source_weight_avg"])
        hour = SimpleNamespace(market=row["market_slug"], window_start=start, signal_delta=delta)
        kept.remember(hour)
        highest = kept.highest(hour)
        sure = None if delta is None else judge.confidence(delta, highest, price, weight)
        flag = judge.lag_flag(delta, price, thresholds)
        found[row["market_slug"], row["window_start"]] = (highest, flag, sure)
    return found


def opened(changes: Any) -> Any:
    """The piece with state for one key, as far as it asks for it."""
    entries = MapState()
    changes.open(SimpleNamespace(get_map_state=lambda descriptor: entries))
    return changes


class MapState(dict[int, str]):
    """A MapState of one key."""

    def put(self, key: int, value: str) -> None:
        self[key] = value


def by_the_twin(pipeline: Pipeline, folder: Path, twin: Path) -> dict[tuple[str, str], tuple[Any, ...]]:
    environment = table_environment(pipeline.stack, {"parallelism.default": "1"})
    execute(environment, Statement(INPUT.format(path=folder), 1))
    run_file(environment, twin, THRESHOLDS)
    result = execute(environment, Statement("SELECT * FROM lag_signals_twin", 1))
    with result.collect() as rows:
        return {(row[0], f"{row[1]:%Y-%m-%d %H:%M:%S}"): (row[3], row[5], row[6]) for row in rows}


@pytest.fixture
def rows(tmp_path: Path) -> list[dict[str, Any]]:
    chance = random.Random(chosen_seed())
    rows = sorted(hours_of("a", chance) + hours_of("b", chance), key=lambda row: row["window_time"])
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "hours.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return rows


def test_the_twin_says_what_the_functions_say(
    pipeline: Pipeline, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert by_the_twin(pipeline, tmp_path / "in", SQL / "twin.sql") == by_the_functions(rows)


@pytest.mark.parametrize(
    ("right", "wrong"), [("'167' HOUR", "'168' HOUR"), ("< ${price_threshold}", "<= ${price_threshold}")]
)
def test_the_control_another_twin_is_told_apart(
    pipeline: Pipeline, rows: list[dict[str, Any]], tmp_path: Path, right: str, wrong: str
) -> None:
    text = (SQL / "twin.sql").read_text()
    assert right in text
    other = tmp_path / "twin.sql"
    other.write_text(text.replace(right, wrong))

    assert by_the_twin(pipeline, tmp_path / "in", other) != by_the_functions(rows)
