"""summary.json: each figure is that of inputs small enough to count by hand."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from capstone_marketlag import demo, pieces
from capstone_marketlag import summary as module
from capstone_marketlag.oracle import Truth
from capstone_marketlag.outcome import Key, Outcome
from capstone_marketlag.quality import quality
from capstone_marketlag.settings import Settings
from capstone_marketlag.summary import of_running, of_world
from labkit.services.stack import Stack
from tests.unit.worlds import at

A10, A11, A12, B10, B11 = (
    (market, at(clock)) for market, clock in (("a", "10:00"), ("a", "11:00"), ("a", "12:00"),
                                              ("b", "10:00"), ("b", "11:00"))
)  # fmt: skip


def lags(flagged: Iterable[Key], status: str = "observed") -> dict[Key, dict[str, Any]]:
    """Five judged hours, those flagged that are named."""
    up = set(flagged)
    return {key: {"lag_flag": key in up, "price_status": status} for key in (A10, A11, A12, B10, B11)}


# ---- how well the flags fit --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flagged", "planted", "said"),
    [
        # of three flags two were planted, of four planted two are flagged
        ([A10, A11, B11], [A10, A11, A12, B10], (3, 2, 0.6667, 0.5)),
        ([A10, A11, A12, B10, B11], [A12], (5, 1, 0.2, 1.0)),
        ([A12], [A10, A12, B11], (1, 1, 1.0, 0.3333)),
        ([A10], [A11], (1, 0, 0.0, 0.0)),
        ([A10], [("b", at("12:00"))], (1, 0, 0.0, 0.0)),
        ([B10], [A10], (1, 0, 0.0, 0.0)),  # the same hour of another market
        ([], [A10], (0, 0, None, 0.0)),
        ([A10], [], (1, 0, 0.0, None)),
        ([], [], (0, 0, None, None)),
        ([A10, A11], [A10, A10, A10], (2, 1, 0.5, 1.0)),  # planted three times is planted
    ],
)  # fmt: skip
def test_precision_is_of_the_flags_and_recall_of_the_planted(
    flagged: list[Key], planted: list[Key], said: tuple[Any, ...]
) -> None:
    assert quality(lags(flagged), planted) == dict(
        zip(("flags", "hits", "precision", "recall"), said, strict=True)
    )


# ---- of a recorded world -----------------------------------------------------------------------

HOURS = {A10: ["2", "4.000000", "2.000000", "0.500000"]}
JOINED = {A10: {"price": "0.500000"}}
NEWS = {"in": 10, "counted": 2, "late": 1, "duplicate": 3, "dead": 1, "heartbeat": 3, "rejected": 4}
PRICES = {"in": 8, "used": 2, "not_used": 1, "late": 1, "duplicate": 0, "dead": 2, "heartbeat": 2,
          "rejected": 0}  # fmt: skip
DEAD = {"rss.events": {"no object": 1}, "polymarket.price_hourly": {"no price": 2}}
PRODUCED = {"news": {"served": 13, "produced": 9, "dead": 4}, "prices": {"produced": 6, "served": 99}}
WORLD = {
    "seed": 7, "hours": 3, "start": at("10:00"), "end": at("15:00"),
    "markets": [{"slug": "b"}, {"slug": "a"}],
    "lags": [{"market": market, "hour": hour} for market, hour in (A10, A11, A12, B10)],
}  # fmt: skip
#: what each alignment flags by the oracle
FLAGGED = {"window_start": [A10, A11, B11], "window_end": [A12]}


def truth(alignment: str) -> Truth:
    return Truth(
        hours=HOURS, joined=JOINED, lags=lags(FLAGGED[alignment]), news=NEWS, prices=PRICES, late_news=[],
        late_prices=[], dead_news={"no object": 1}, dead_prices={"no price": 2}, metas={},
    )  # fmt: skip


def found(alignment: str = "window_start", **other: Any) -> Outcome:
    told = truth(alignment)
    return replace(
        Outcome(
            hours=HOURS, hours_table=HOURS, joined=JOINED, lags=told.lags, history=told.lags, news={**NEWS},
            prices={**PRICES}, dead=DEAD,
        ),
        **other,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle's word by hand; whose pieces, of which version and when, which no figure here is about."""
    monkeypatch.setattr(module.oracle, "truth", lambda world, alignment: truth(alignment))
    monkeypatch.setattr(pieces, "whose", lambda: {"windows": "reference"})
    monkeypatch.setattr(module, "version", lambda name: "1")


def figures(said: dict[str, Any]) -> dict[str, Any]:
    assert said.pop("made_at").endswith("Z")
    assert set(said.pop("versions").values()) == {"1"}
    assert said.pop("pieces") == {"windows": "reference"}
    return said


def test_a_world_s_summary_is_what_came_out_beside_what_the_producers_said() -> None:
    said = of_world(Settings(), WORLD, found(), PRODUCED)

    assert figures(said) == {
        "seed": 7, "hours_of_news": 3, "from": at("10:00"), "to": at("15:00"),
        "markets": ["b", "a"], "alignment": "window_start", "signal_threshold": "1.0", "price_threshold": "0.02",
        "counts": {"news": {**NEWS, "produced": 9, "served": 13}, "prices": {**PRICES, "produced": 6}},
        "dead_by_reason": DEAD, "signal_hours": 1, "flags": 3, "flags_without_observed_price": 0, "failures": 0,
        "conserved": True, "oracle_equal": True, "first_difference": None,
        "lags": {
            "planted": 4,
            "window_start": {"flags": 3, "hits": 2, "precision": 0.6667, "recall": 0.5},
            "window_end": {"flags": 1, "hits": 1, "precision": 1.0, "recall": 0.25},
        },
    }  # fmt: skip


def test_of_the_alignment_that_ran_the_outcome_speaks_and_of_the_other_one_the_oracle() -> None:
    """Nothing flagged came out of the one that ran: its figures are those of nothing, the other's stay."""
    start = of_world(Settings(), WORLD, found(lags=lags([])), PRODUCED)
    end = of_world(Settings(alignment="window_end"), WORLD, found("window_end", lags=lags([])), PRODUCED)

    nothing = {"flags": 0, "hits": 0, "precision": None, "recall": 0.0}
    assert (start["lags"]["window_start"], start["lags"]["window_end"]["flags"]) == (nothing, 1)
    assert (end["lags"]["window_start"]["flags"], end["lags"]["window_end"]) == (3, nothing)
    assert [(said["oracle_equal"], said["flags"]) for said in (start, end)] == [(False, 0)] * 2


def test_a_run_by_the_other_alignment_is_compared_with_its_own_truth() -> None:
    right = of_world(Settings(alignment="window_end"), WORLD, found("window_end"), PRODUCED)
    wrong = of_world(Settings(alignment="window_end"), WORLD, found("window_start"), PRODUCED)

    assert (right["oracle_equal"], right["first_difference"]) == (True, None)
    assert wrong["oracle_equal"] is False
    assert wrong["first_difference"].startswith(f"Hour {at('10:00')} of a: lag_signals has lag_flag True")


@pytest.mark.parametrize(
    ("wrong", "produced"),
    [
        ({"news": {**NEWS, "in": 11}}, PRODUCED),
        ({"prices": {**PRICES, "used": 3}}, PRODUCED),
        ({"twice": ["lag_signals a"]}, PRODUCED),
        ({"astray": ["lag_signals a"]}, PRODUCED),
        ({}, {**PRODUCED, "news": {"served": 14, "produced": 9}}),
        ({}, {**PRODUCED, "news": {"served": 13, "produced": 8}}),
    ],
)
def test_what_is_not_conserved_is_said_to_be_so(wrong: dict[str, Any], produced: dict[str, Any]) -> None:
    assert of_world(Settings(), WORLD, found(**wrong), produced)["conserved"] is False


def test_flags_without_a_quoted_price_are_counted_among_the_flags() -> None:
    judged = {
        A10: {"lag_flag": True, "price_status": "observed"},
        A11: {"lag_flag": True, "price_status": "missing"},
        A12: {"lag_flag": True, "price_status": "carried"},
        B10: {"lag_flag": False, "price_status": "missing"},
    }

    said = of_world(Settings(), WORLD, found(lags=judged, failures=5), PRODUCED)

    assert (said["flags"], said["flags_without_observed_price"], said["failures"]) == (3, 2, 5)


# ---- of an application that runs ---------------------------------------------------------------


def test_of_a_running_application_only_what_came_out_is_known() -> None:
    hours = {B11: HOURS[A10], A10: HOURS[A10], B10: HOURS[A10]}
    settings = Settings(alignment="window_end", signal_threshold=Settings().price_threshold)

    said = of_running(settings, found(hours=hours))

    unknown = (
        "seed", "hours_of_news", "from", "to", "conserved", "oracle_equal", "first_difference", "lags", "counts",
    )  # fmt: skip
    assert figures(said) == {
        **dict.fromkeys(unknown), "markets": ["a", "b"], "alignment": "window_end",
        "signal_threshold": "0.02", "price_threshold": "0.02", "dead_by_reason": DEAD, "signal_hours": 3,
        "flags": 3, "flags_without_observed_price": 0, "failures": 0,
    }  # fmt: skip


# ---- memory ------------------------------------------------------------------------------------


def test_the_peak_of_memory_is_the_highest_sum_of_everything_that_ran(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sums, asked, all_asked = [300e6, 900e6, 500e6], [], Event()

    def pss(pids: Iterable[int]) -> float:
        asked.append(set(pids))
        if len(asked) >= len(sums):
            all_asked.set()
        return sums[min(len(asked), len(sums)) - 1]

    stack = Stack("summary-test")
    monkeypatch.setattr(stack, "pids", lambda: [7_000_001, 7_000_002])
    monkeypatch.setattr(demo.process, "descendants", lambda pids: {pid + 1 for pid in pids})
    monkeypatch.setattr(demo.process, "pss", pss)

    with demo._peak_memory(stack, every=0.001) as memory:
        assert all_asked.wait(10)

    assert memory["peak"] == 900e6
    mine = os.getpid()
    assert asked[0] == {mine, mine + 1, 7_000_001, 7_000_002}
