"""The benches: what they make of a demo's summary. That they run, whoever runs them sees."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from labkit.paths import ROOT

#: of one run, with what it says of the alignment that ran and of the other one
RIGHT: dict[str, Any] = {
    "conserved": True, "oracle_equal": True, "first_difference": None,
    "lags": {
        "planted": 4,
        "window_start": {"precision": 0.6667, "recall": 0.5},
        "window_end": {"precision": None, "recall": 0.0},
    },
    "seconds": {"services": 6.0, "all": 40.0}, "peak_memory_mb": 1900,
}  # fmt: skip


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """bench(name): the script of that name as a module; it finds the others beside it, as when it is run."""
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    return lambda name: __import__(name)


@pytest.fixture
def demos(bench: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The runs to come: each demo takes the next of these summaries, and leaves there what it was asked."""
    module: ModuleType = bench("demos")
    to_come: list[dict[str, Any]] = []

    def run(seed: int, hours: int, alignment: str = "window_start") -> dict[str, Any]:
        return {**to_come.pop(0), "alignment": alignment, "seed": seed}

    monkeypatch.setattr(module, "run", run)
    return to_come


@pytest.mark.parametrize(
    ("values", "said"),
    [([3.0], 3.0), ([2.0, 1.0], 2.0), (list(range(20)), 18), (list(range(100, 0, -1)), 95)],
)
def test_the_95th_percentile_leaves_a_twentieth_above_it(bench: Any, values: Any, said: float) -> None:
    assert bench("figures").p95(values) == said


def test_right_seeds_are_told_with_both_alignments(
    bench: Any, demos: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    demos += [RIGHT, RIGHT]

    bench("seeds").main(2, 6)

    lines = capsys.readouterr().out.splitlines()
    first, second = (line.split()[1].rstrip(",") for line in lines[:2])
    assert first != second
    rows = [" ".join(line.replace("│", "").split()) for line in lines if line.startswith("│")]
    assert rows == [
        f"{first} window_start true true 4 0.67 0.50", f"{first} window_end - - 4 - 0.00",
        f"{second} window_start - - 4 0.67 0.50", f"{second} window_end true true 4 - 0.00",
    ]  # fmt: skip


@pytest.mark.parametrize("what", ["conserved", "oracle_equal"])
def test_one_seed_that_is_not_right_is_named_with_the_command_that_shows_it(
    bench: Any, demos: list[dict[str, Any]], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    demos += [RIGHT, {**RIGHT, what: False}, RIGHT]

    with pytest.raises(SystemExit) as ended:
        bench("seeds").main(3, 6)

    seed = capsys.readouterr().out.splitlines()[1].split()[1].rstrip(",")
    assert ended.value.code == f"Not right:\nMARKETLAG_ALIGNMENT=window_end make demo SEED={seed} HOURS=6"
    assert demos == []


def test_a_demo_s_stages_are_told_by_least_median_and_most(
    bench: Any, demos: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    took = (
        {"services": 9.0, "once": 5.0, "all": 50.0},
        {"services": 6.0, "all": 41.0},
        {"services": 7.0, "all": 40.0},
    )
    demos += [{**RIGHT, "seconds": each, "peak_memory_mb": 1000 * n} for n, each in enumerate(took, 1)]

    bench("demo").main(3, 12, 7)

    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.replace("│", "").split()) for line in lines if line.startswith("│")] == [
        "services 6.0 7.0 9.0", "once 5.0 5.0 5.0", "all 40.0 41.0 50.0",
        "MB at the peak 1000.0 2000.0 3000.0",
    ]  # fmt: skip


def test_the_time_of_a_wrong_demo_is_no_figure(bench: Any, demos: list[dict[str, Any]]) -> None:
    demos.append({**RIGHT, "oracle_equal": False, "first_difference": "Hour 10:00 differs."})

    with pytest.raises(SystemExit, match=r"its time is no figure: Hour 10:00 differs\."):
        bench("demo").main(1, 12, 7)
