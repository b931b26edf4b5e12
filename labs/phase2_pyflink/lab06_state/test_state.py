"""Exit criteria of state: in memory, where a restart and eight days take no time, and then on Flink."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from labkit.checking import Piece, Wrong, expect, wrong
from labkit.testing import Harness, Refused, Result, Step, checkpoint, crash, harness, run_stream, watermark
from labs.shared.hours import SEVEN_DAYS_MS, Hour, Judge, hour, judged, market

DAY_MS = 24 * 3_600_000


# ---- step 1: open ------------------------------------------------------------------------------------


@pytest.mark.step(1)
def test_the_state_is_flinks(piece: Piece) -> None:
    it = judge(piece)

    if not it.declared:
        wrong(fate(piece))
    if "changes" not in it.declared:
        wrong(
            "The state is called `changes`: by its name a savepoint finds it again, and other names of this function may "
            "be the detector's own.",
            got=", ".join(it.declared),
            expected="changes",
        )


def fate(piece: Piece) -> str:
    """What becomes of changes that are not in Flink's state: that depends on where they are instead."""
    none = "open() asked Flink for no state."
    half = Decimal("0.5")
    try:
        shared = highest(piece, hour("fed", "10:00", "2.1"), hour("btc", "11:00", "0.5"))[-1] != half
        lost = highest(piece, hour("eth", "10:00", "0.5"), crash(), hour("eth", "11:00", "-1"))[-1] != half
    except (NotImplementedError, AttributeError, TypeError, LookupError):  # the rest is not written yet
        return f"{none} What a Python object keeps for itself has no key, and is in no checkpoint."
    if shared and lost:
        return f"{none} An attribute is one for all markets: btc was told fed's 2.1. A restart empties it."
    if shared:
        return f"{none} What a module holds is one for all markets of its worker: btc was told fed's 2.1."
    if lost:
        return f"{none} Each market had its own changes until the restart: the new function knew none of eth."
    return f"{none} The changes are in one process's memory: that outlived the function, not the TaskManager."


# ---- step 2: remember ----------------------------------------------------------------------------------


@pytest.mark.step(2)
def test_a_change_is_in_the_state_of_its_market(piece: Piece) -> None:
    it = judge(piece, Remember)
    play(it, hour("fed", "10:00", "2.1"))

    if list(it.state) != ["fed"]:
        wrong(
            "Nothing of fed's 2.1 is in Flink's state. What value() and get() give is a copy; "
            "update(), put() and add() write.",
            got=it.state,
        )


@pytest.mark.step(2)
def test_an_hour_without_a_change_leaves_nothing(piece: Piece) -> None:
    it = judge(piece, Remember)
    play(it, hour("fed", "10:00", None))

    left = list(leaves(it.state))
    if "None" in left:
        wrong("The hour has no change, and 'None' was kept as the text of one.", got=it.state, expected={})
    if any(each in (0, "0", "0.0") for each in left):
        wrong(
            "The hour has no change, and a change of 0 was kept: higher than every fall of the signal.",
            got=it.state,
            expected={},
        )
    expect(it.state, {}, "The hour has no change: there is nothing to keep.")


# ---- step 3: highest -----------------------------------------------------------------------------------


@pytest.mark.step(3)
def test_where_nothing_is_known_there_is_no_highest(piece: Piece) -> None:
    try:
        got = highest(piece, hour("fed", "10:00", None))
    except (TypeError, ValueError, ArithmeticError) as error:
        raise Wrong(
            f"fed's first hour has no change, its state is empty: highest() raised {type(error).__name__}."
        ) from error

    same(
        got,
        [None],
        "fed has no change yet: a number would be taken for one.",
    )


@pytest.mark.step(3)
def test_each_market_has_its_own(piece: Piece) -> None:
    got = highest(
        piece,
        hour("fed", "10:00", "0.4"),
        hour("fed", "11:00", "2.1"),
        hour("btc", "11:00", "0.5"),
        hour("fed", "12:00", "-1"),
    )

    same(
        got,
        ["0.4", "2.1", "0.5", "2.1"],
        "The highest change of fed, fed, btc and fed again.",
        {
            "btc was told 2.1, which is fed's: it was kept in the function, and that is one for all keys.":
                ["0.4", "2.1", "2.1", "2.1"],
            "fed fell by 1 at 12:00 and that was given: the latest change, not the highest.":
                ["0.4", "2.1", "0.5", "-1"],
            "The hour itself is the last of its 168: its own change counts.": [None, "0.4", None, "2.1"],
            "Nothing was within seven days: they end with the hour's own time, not with the clock's.":
                [None] * 4,
        },
    )  # fmt: skip


@pytest.mark.step(3)
def test_changes_are_compared_as_exact_numbers(piece: Piece) -> None:
    long = "0.1234567890123456789"
    got = highest(
        piece,
        hour("fed", "10:00", "-2.5"),
        hour("fed", "11:00", "-1.5"),
        hour("fed", "12:00", long),
        hour("fed", "13:00", "9.5"),
        hour("fed", "14:00", "10.2"),
    )

    same(
        got,
        ["-2.5", "-1.5", long, "9.5", "10.2"],
        "Each change is higher than the one before.",
        {
            "'9.5' is higher than '10.2' as a text: numbers are to be compared.":
                ["-2.5", "-2.5", long, "9.5", "9.5"],
            "The signal only fell, and 0 was given: 0 is no floor.": ["0", "0", long, "9.5", "10.2"],
            "The size of a change was given: a fall of 2.5 is lower than one of 1.5.":
                ["2.5", "2.5", "2.5", "9.5", "10.2"],
        },
    )  # fmt: skip


@pytest.mark.step(3)
def test_a_change_of_zero_is_a_change(piece: Piece) -> None:
    got = highest(piece, hour("fed", "10:00", "0"), hour("fed", "11:00", "-1"))

    same(
        got,
        ["0", "0"],
        "10:00 changed by 0, and 11:00 fell by 1.",
        {"A change of 0 was taken for none: to Python 0 is false. `is not None` asks whether there is one.":
            [None, "-1"],
         "The change of 0 was kept, and not given where it is the highest: to Python 0 is false.":
            [None, None]},
    )  # fmt: skip


@pytest.mark.step(3)
def test_an_hour_without_a_change_sees_those_before_it(piece: Piece) -> None:
    got = highest(piece, hour("fed", "0:00", "9"), hour("fed", "1:00", None))

    same(
        got,
        ["9", "9"],
        "9 came in hour 0, and hour 1 has no change of its own.",
        {"Hour 1 has no change, and was told that there is none: hour 0 has one, and is within its seven days.":
            ["9", None]},
    )  # fmt: skip


@pytest.mark.step(3)
def test_seven_days_are_168_hours(piece: Piece) -> None:
    it = judge(piece)
    got = play(
        it,
        hour("fed", "0:00", "9"),
        hour("fed", "100:00", "5"),
        hour("fed", "167:00", "1"),
        hour("fed", "168:00", "2"),
        hour("fed", "400:00", "3"),
    )
    kept = len(list(leaves(it.state)))

    same(
        got,
        ["9", "9", "9", "5", "3"],
        "9 came in hour 0, 5 in hour 100; asked in hours 0, 100, 167, 168 and 400.",
        {
            "9 came in hour 0 and is still the highest in hour 400: " + (
                "one maximum cannot forget, it does not know its hour." if kept == 1
                else "quiet hours leave no entry, so a number of entries is no number of hours."
            ): ["9"] * 5,
            "9 came in hour 0, and hour 168 still saw it: that were 169 hours, both ends included.":
                ["9", "9", "9", "9", "3"],
            "9 came in hour 0, and hour 167 no longer saw it: hours 0 to 167 are 168.":
                ["9", "9", "5", "5", "3"],
            "In hour 168 the 9 has gone, and with it the 5 of hour 100: who keeps the highest alone "
            "has forgotten the second.": ["9", "9", "9", "2", "3"],
        },
    )  # fmt: skip


@pytest.mark.step(3)
def test_an_hour_that_comes_again_replaces_itself(piece: Piece) -> None:
    got = highest(piece, hour("fed", "10:00", "5"), hour("fed", "10:00", "2"))

    same(
        got,
        ["5", "2"],
        "10:00 came again with 2.",
        {"10:00 came a second time with 2, and its first 5 still counts: an hour has one change, its last.":
            ["5", "5"]},
    )  # fmt: skip


@pytest.mark.step(3)
def test_a_late_hour_does_not_see_what_came_after_it(piece: Piece) -> None:
    got = highest(piece, hour("fed", "12:00", "7"), hour("fed", "11:00", "3"))

    same(
        got,
        ["7", "3"],
        "11:00 came after 12:00.",
        {"11:00 came late and was told the 7 of 12:00: its seven days end with itself, or a replay says "
            "something else.": ["7", "7"]},
    )  # fmt: skip


@pytest.mark.step(3)
def test_a_younger_hour_takes_nothing_from_a_late_one(piece: Piece) -> None:
    got = highest(piece, hour("fed", "0:00", "9"), hour("fed", "168:00", "1"), hour("fed", "167:00", "2"))

    same(
        got,
        ["9", "1", "9"],
        "9 came in hour 0. Hour 168 came, and hour 167 after it.",
        {"When hour 168 came, the 9 of hour 0 was dropped, and hour 167 came late and still needed it. How far time "
            "has come is told by forget(now), not by an hour.": ["9", "1", "2"]},
    )  # fmt: skip


@pytest.mark.step(3)
def test_a_restart_loses_nothing(piece: Piece) -> None:
    got = highest(piece, hour("fed", "10:00", "2.1"), crash(), hour("fed", "11:00", "-1"))

    same(
        got,
        ["2.1", "2.1"],
        "fed's 2.1, then a restart from a checkpoint, then a fall.",
        {"After the restart fed's 2.1 was in the state, but highest() looked elsewhere: a copy that the "
            "function keeps begins empty.": ["2.1", "-1"]},
    )  # fmt: skip


@pytest.mark.step(3)
def test_the_clock_on_the_wall_is_not_looked_at(piece: Piece) -> None:
    it = judge(piece)
    got = play(it, hour("fed", "10:00", "9"))
    it.processing_time(8 * DAY_MS)
    got += play(it, hour("fed", "11:00", "1"))

    same(
        got,
        ["9", "9"],
        "Between 10:00 and 11:00 the job stood still for eight days.",
        {"The job stood still for eight days, and fed's 9 of one hour before had expired: a TTL counts "
            "processing time.": ["9", "1"]},
    )  # fmt: skip


# ---- step 4: forget ------------------------------------------------------------------------------------


@pytest.mark.step(4)
def test_what_a_later_hour_needs_is_kept(piece: Piece) -> None:
    """Hour 0 lets go, 168 hours later, of itself; what is asked for then is 168 hours that begin with 1."""
    got = highest(
        piece,
        hour("fed", "0:00", "3"),
        hour("fed", "1:00", "9"),
        hour("fed", "100:00", "5"),
        watermark("168:00"),
        hour("fed", "168:00", "1"),
    )

    same(
        got,
        ["3", "9", "9", "9"],
        "forget(168:00) was called, then hour 168 asked for hours 1 to 168.",
        {
            "forget(168:00) dropped all of fed, and hour 168 still needed hours 1 to 167.":
                ["3", "9", "9", "1"],
            "forget(168:00) dropped the 9 of hour 1, and hour 168 still needed it: one hour too early.":
                ["3", "9", "9", "5"],
        },
    )  # fmt: skip


@pytest.mark.step(4)
def test_what_is_younger_than_now_is_kept(piece: Piece) -> None:
    """Hours may be ahead of the watermark: it is the slowest source's."""
    got = highest(
        piece,
        hour("fed", "0:00", "1"),
        hour("fed", "200:00", "9"),
        watermark("168:00"),
        hour("fed", "201:00", "2"),
    )

    same(
        got,
        ["1", "9", "9"],
        "forget(168:00) was called when hour 200 was there already, then hour 201 asked.",
        {"forget(168:00) dropped the 9 of hour 200, which is younger than that: hour 201 still needed it.":
            ["1", "9", "2"]},
    )  # fmt: skip


@pytest.mark.step(4)
def test_the_state_has_an_end(piece: Piece) -> None:
    it = judge(piece)
    sizes = []
    for week in range(4):
        for each in range(week * 168, week * 168 + 168, 4):
            play(it, hour("fed", f"{each}:00", f"0.{each:04}"), watermark(f"{each + 1}:00"))
        sizes.append(len(pickle.dumps(it.state)))

    if sizes[3] > 1.5 * sizes[1]:
        wrong(
            "forget() was called every few hours, and the state of fed grows from week to week.",
            got=f"bytes after each week: {sizes}",
            expected="as many after the fourth week as after the second",
        )


@pytest.mark.step(4)
def test_nothing_is_left_of_a_market_that_fell_silent(piece: Piece) -> None:
    it = judge(piece)
    play(it, hour("fed", "10:00", "2.1"), hour("fed", "11:00", None), hour("fed", "12:00", "0.3"))
    play(it, watermark("180:00"))

    if it.state and not list(leaves(it.state)):
        wrong(
            "forget() left an empty container: to Flink that is a value, kept for ever. clear() removes it.",
            got=it.state,
            expected={},
        )
    expect(
        it.state,
        {},
        "fed's last hour is 12:00; forget() was last called when that was 168 hours old, and left it.",
    )


@pytest.mark.step(4)
def test_all_that_is_old_is_dropped_at_once(piece: Piece) -> None:
    it = judge(piece, Rarely)
    play(it, hour("fed", "0:00", "9"), hour("fed", "1:00", "5"), watermark("400:00"))

    expect(
        it.state,
        {},
        "forget() was called for the first time a week after hours 0 and 1 had become old, and left something of "
        "them. It is not called for every hour: all that is old by `now` has to go.",
    )


@pytest.mark.step(4)
def test_what_was_let_go_is_gone_with_and_without_a_restart(piece: Piece) -> None:
    week = [hour("fed", "0:00", "9"), hour("fed", "100:00", "5"), watermark("168:00")]
    late = hour("fed", "167:00", "1")
    without, after = highest(piece, *week, late)[-1], highest(piece, *week, crash(), late)[-1]

    if without != after:
        wrong(
            "forget(168:00) let go the 9 of hour 0, and hour 167 came behind it. What it is told depends on whether there "
            "was a restart in between. An attribute remembers what the state has let go, and grows for ever.",
            got=f"{without} without a restart, {after} after one",
            expected="the same",
        )


WEEK = [
    hour("fed", "0:00", "9"),
    hour("btc", "0:00", None),
    hour("fed", "100:00", "0.1234567890123456789"),
    checkpoint(),
    hour("btc", "100:00", "-1.5"),
    watermark("167:00"),
    hour("fed", "167:00", "-1"),
    crash(),
    watermark("168:00"),
    hour("fed", "168:00", "-2"),
    hour("btc", "168:00", "-2.5"),
    hour("eth", "168:00", None),
]
WEEK_TOLD = [
    ("fed", "9"), ("btc", "None"), ("fed", "9"), ("btc", "-1.5"), ("fed", "9"), ("fed", "0.1234567890123456789"),
    ("btc", "-1.5"), ("eth", "None"),
]  # fmt: skip


@pytest.mark.step(4)
def test_flink_says_the_same(piece: Piece) -> None:
    with in_its_words():
        in_memory = judge(piece).play(WEEK)
    expect(told(in_memory), WEEK_TOLD, "A week of fed, btc and eth, with a crash in it, in memory.")

    on_flink = run_stream(lambda hours: judged(hours, piece.module.Changes), WEEK)

    expect(
        told(on_flink), WEEK_TOLD, "This week was right in memory; on Flink, with the same crash, it is not."
    )


# ---- how it is asked -----------------------------------------------------------------------------------


class Remember(Judge):
    """Only keeps: what is kept can be looked at before anything reads it."""

    def process_element(self, value: Hour, ctx: Any) -> Iterable[Any]:
        self._changes.remember(value)
        return ()


class Rarely(Judge):
    """Lets go a week later than it could."""

    def process_element(self, value: Hour, ctx: Any) -> Iterable[Any]:
        self._changes.remember(value)
        yield value.market, self._changes.highest(value)
        ctx.timer_service().register_event_time_timer(value.window_start + 2 * SEVEN_DAYS_MS)


def told(result: Result) -> list[tuple[str, str]]:
    """(market, highest change) of each hour, as text."""
    return [(name, str(change)) for name, change in result.rows]


class Number(Decimal):
    """A Decimal that is shown as a person writes it."""

    __repr__ = Decimal.__str__

    @classmethod
    def of(cls, value: Any) -> Any:
        return cls(value) if isinstance(value, Decimal) else value


def judge(piece: Piece, function: type[Judge] = Judge) -> Harness:
    """The function with the piece in it, opened, in memory."""
    with in_its_words():
        return harness(function(piece.module.Changes), key=market)


def highest(piece: Piece, *script: Step) -> list[Any]:
    """What the function gives for each hour of the script."""
    return play(judge(piece), *script)


def play(it: Harness, *script: Step) -> list[Any]:
    """The highest changes that it gives, in order. crash(): a fresh function, with the state as it is now."""
    found: list[Any] = []
    with in_its_words():
        for step in script:
            if step.kind == "row":
                found += [change for _, change in it.process(step.value, step.at)]
            elif step.kind == "watermark":
                it.watermark(step.at)
            else:
                it.restore(it.snapshot())
    return found


@contextmanager
def in_its_words() -> Iterator[None]:
    """What Flink would refuse, as the sentence that it is."""
    try:
        yield
    except Refused as error:
        raise Wrong(str(error)) from error


def same(
    got: list[Any],
    expected: list[str | None],
    sentence: str,
    mistakes: Mapping[str, list[str | None]] | None = None,
) -> None:
    """The highest changes as they are expected: Decimals, exact to the last digit."""
    for each in got:
        if not isinstance(each, Decimal | None):
            kind = type(each).__name__
            wrong(f"highest() gave {each!r}, a {kind}. A Decimal was expected, as exact as the change came.")
    wanted = numbers(expected)
    if got != wanted and all(map(nearly, got, wanted)):
        wrong("A change came back with other digits than it had: it went through a float.", got=shown(got),
              expected=shown(wanted))  # fmt: skip
    known = {text: numbers(each) for text, each in (mistakes or {}).items()}
    expect(shown(got), wanted, sentence, mistakes=known)


def numbers(texts: list[str | None]) -> list[Number | None]:
    return [None if text is None else Number(text) for text in texts]


def shown(values: list[Any]) -> list[Any]:
    return [Number.of(value) for value in values]


def nearly(one: Decimal | None, other: Decimal | None) -> bool:
    return one == other if one is None or other is None else abs(one - other) < Decimal("0.000001")


def leaves(state: Any) -> Iterator[Any]:
    """The values in a state, whatever they are wrapped in; not the keys of mappings."""
    if isinstance(state, Mapping):
        state = state.values()
    if isinstance(state, Iterable) and not isinstance(state, str | bytes):
        for each in state:
            yield from leaves(each)
    else:
        yield state
