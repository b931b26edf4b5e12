"""compare: what differs first is named, and a record that is lost does not go unseen."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from capstone_marketlag.compare import Outcome, conserved, first_difference, outcome
from capstone_marketlag.oracle import Truth

TEN, ELEVEN = "2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z"
HOURS = {TEN: ["2", "4.000000", "2.075000", "0.950000"], ELEVEN: ["1", "2.000000", "2.000000", "1.000000"]}
COUNTS = {"in": 12, "counted": 3, "late": 1, "duplicate": 2, "dead": 3, "heartbeat": 3, "rejected": 1}


def truth(**other: Any) -> Truth:
    return replace(Truth(dict(HOURS), dict(COUNTS), ["b"]), **other)


def found(**other: Any) -> Outcome:
    return replace(Outcome(dict(HOURS), dict(HOURS), dict(COUNTS), ["b"]), **other)


# ---- the first difference ----------------------------------------------------------------------


def test_where_all_is_equal_there_is_no_difference() -> None:
    assert first_difference(found(), truth()) is None


def test_counts_that_only_the_oracle_has_are_not_compared() -> None:
    assert first_difference(found(), truth(counts={**COUNTS, "served": 13})) is None


OTHER = ["3", "4.000000", "2.075000", "0.950000"]
SHOWN = "mentions 2, score 4.000000, signal 2.075000, weight 0.950000"
SHOWN_OTHER = SHOWN.replace("mentions 2", "mentions 3")


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        (
            found(hours={**HOURS, TEN: OTHER, ELEVEN: OTHER}),
            f"Hour {TEN}: the topic has {SHOWN_OTHER}, the oracle {SHOWN}.",
        ),
        (
            found(hours={ELEVEN: HOURS[ELEVEN]}),
            f"Hour {TEN}: the topic has no row, the oracle {SHOWN}.",
        ),
        (
            found(hours={**HOURS, "2026-01-05T09:00:00Z": HOURS[TEN]}),
            f"Hour 2026-01-05T09:00:00Z: the topic has {SHOWN}, the oracle no row.",
        ),
        (
            found(table={**HOURS, TEN: OTHER}),
            f"Hour {TEN}: the table has {SHOWN_OTHER}, the topic {SHOWN}.",
        ),
        (
            found(table={ELEVEN: HOURS[ELEVEN]}),
            f"Hour {TEN}: the table has no row, the topic {SHOWN}.",
        ),
        (
            found(table={**HOURS, "2026-01-05T12:00:00Z": HOURS[TEN]}),
            f"Hour 2026-01-05T12:00:00Z: the table has {SHOWN}, the topic no row.",
        ),
        (found(late=["b", "d", "c"]), "Item c is late, and the oracle counts it."),
        (found(late=[]), "Item b is not late, and should be."),
        (found(counts={**COUNTS, "dead": 4, "heartbeat": 2}), "dead: 4 records, the oracle has 3."),
        (found(counts={**COUNTS, "rejected": 0}), "rejected: 0 records, the oracle has 1."),
    ],
)
def test_the_first_hour_item_or_count_that_differs_is_named_with_both_answers(
    outcome: Outcome, sentence: str
) -> None:
    assert first_difference(outcome, truth()) == sentence


@pytest.mark.parametrize("figure", range(4))
def test_every_figure_of_an_hour_counts(figure: int) -> None:
    wrong = list(HOURS[TEN])
    wrong[figure] = "9"

    assert str(first_difference(found(hours={**HOURS, TEN: wrong}), truth())).startswith(
        f"Hour {TEN}: the topic"
    )
    assert str(first_difference(found(table={**HOURS, TEN: wrong}), truth())).startswith(
        f"Hour {TEN}: the table"
    )


def test_an_hour_comes_before_an_item_and_an_item_before_a_count() -> None:
    wrong = found(hours={TEN: HOURS[TEN]}, late=[], counts={**COUNTS, "in": 1})

    assert str(first_difference(wrong, truth())).startswith(f"Hour {ELEVEN}: the topic")
    assert str(first_difference(replace(wrong, hours=HOURS), truth())) == "Item b is not late, and should be."
    assert (
        first_difference(replace(wrong, hours=HOURS, late=["b"]), truth())
        == "in: 1 records, the oracle has 12."
    )


# ---- the law -----------------------------------------------------------------------------------


def test_what_went_in_is_what_is_somewhere() -> None:
    assert conserved(COUNTS)


@pytest.mark.parametrize("part", ["in", "counted", "late", "duplicate", "dead", "heartbeat"])
@pytest.mark.parametrize("step", [-1, 1])
def test_one_record_lost_or_twice_anywhere_breaks_the_law(part: str, step: int) -> None:
    assert not conserved({**COUNTS, part: COUNTS[part] + step})


# ---- counting what was dumped ------------------------------------------------------------------

Row = dict[str, Any]


def record(offset: int, value: Any, partition: int = 0) -> Row:
    text = value if isinstance(value, str) or "base64" in value else json.dumps(value)
    return {"partition": partition, "offset": offset, "timestamp": 0, "key": "m", "value": text}


def news(offset: int, identity: str, market: str = "m") -> Row:
    return record(offset, {"market_slug": market, "item_id": identity})


def heartbeat(offset: int, partition: int = 0) -> Row:
    return record(offset, {"kind": "heartbeat", "market_slug": "m"}, partition)


def signal(hour: int, mentions: int) -> Row:
    start = f"2026-01-05T{hour}:00:00Z"
    return record(
        hour,
        f'{{"window_start": "{start}", "mention_count": {mentions}, "keyword_score": 4, '
        '"source_weighted_signal": 2.0750000000000001, "source_weight_avg": 0.95}',
    )


def row(hour: int, mentions: int) -> Row:
    return {
        "window_start": datetime(2026, 1, 5, hour),
        "mention_count": mentions,
        "keyword_score": Decimal("4.000000"),
        "source_weighted_signal": Decimal("2.075000"),
        "source_weight_avg": Decimal("0.950000"),
    }


def letter(offset: int, stage: str, partition: int | None = None, source: int | None = None) -> Row:
    return record(offset, {"stage": stage, "source_partition": partition, "source_offset": source})


DUMPED: dict[str, list[Row]] = {
    "news": [
        news(0, "a"),
        news(1, "a"),
        news(2, "b"),
        news(3, "a", market="other"),
        record(4, '{"market_slug": "m'),
        record(5, {"base64": base64.b64encode(b"\xff\xfe").decode()}),
        heartbeat(6),
        heartbeat(4, partition=1),
        news(7, "late"),
    ],
    "signals": [signal(10, 2), signal(11, 1)],
    "dead": [letter(0, "gate", 0, 4), letter(1, "producer"), letter(2, "gate", 0, 5)],
    "late": [record(0, {"item_id": "late"})],
    "table": [row(10, 2), row(11, 1)],
}


def test_what_was_dumped_is_counted_record_by_record() -> None:
    hours = {
        TEN: ["2", "4.000000", "2.075000", "0.950000"],
        ELEVEN: ["1", "4.000000", "2.075000", "0.950000"],
    }

    assert outcome(**DUMPED) == Outcome(
        hours,
        hours,
        {"in": 9, "counted": 3, "late": 1, "duplicate": 1, "dead": 2, "heartbeat": 2, "rejected": 1},
        ["late"],
    )
    assert conserved(outcome(**DUMPED).counts)


def without(topic: str, place: int) -> dict[str, list[Row]]:
    rows = DUMPED[topic]
    return {**DUMPED, topic: rows[:place] + rows[place + 1 :]}


@pytest.mark.parametrize(
    ("topic", "place"),
    [
        ("signals", 0),
        ("signals", 1),
        ("late", 0),
        ("news", 2),
        ("news", 3),
        ("news", 8),
        ("dead", 0),
        ("dead", 2),
    ],
)
def test_the_law_is_broken_when_one_record_is_missing_from_one_topic(topic: str, place: int) -> None:
    assert not conserved(outcome(**without(topic, place)).counts)


def test_a_signal_written_twice_breaks_the_law() -> None:
    twice = {**DUMPED, "signals": [*DUMPED["signals"], signal(11, 1)]}

    assert not conserved(outcome(**twice).counts)


@pytest.mark.parametrize(
    "value", ["[1, 2]", "null", '"text"', '{"market_slug": "m"', "{}", '{"item_id": ["a"]}']
)
def test_a_broken_record_that_a_wrong_gate_let_through_breaks_the_law_and_not_the_count(value: str) -> None:
    through = {**DUMPED, "news": [*DUMPED["news"], record(9, value)]}

    assert outcome(**through).counts == {**outcome(**DUMPED).counts, "in": 10}


def test_a_time_of_the_table_is_a_utc_time_of_the_topic() -> None:
    at = datetime(2026, 1, 5, 10, tzinfo=timezone.utc)

    assert list(outcome([], [], [], [], [row(10, 2)]).table) == [at.isoformat().replace("+00:00", "Z")]
