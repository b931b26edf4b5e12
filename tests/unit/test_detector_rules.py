"""The detector without Flink: the rules of its pieces, and what its functions make of records, timers and state."""

from __future__ import annotations

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from functools import reduce
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capstone_marketlag import pieces
from capstone_marketlag.jobs import detector
from capstone_marketlag.settings import Settings
from labkit.paths import ROOT

D = Decimal
HOUR = 3_600_000
TEN = 1_767_607_200_000  # 2026-01-05T10:00:00Z
#: the references, whatever is in mine/
FILES = {slug: str(ROOT / "labs" / pieces.LABS[slug]) for slug in detector.PIECES}


def piece(slug: str) -> ModuleType:
    return pieces.load(slug, ROOT / "labs" / pieces.LABS[slug])


basics, state, timers = piece("datastream_basics"), piece("state"), piece("timers")
enrichment, side_outputs = piece("enrichment"), piece("side_outputs")


class MapState(dict[Any, Any]):
    """Flink's MapState, as much of it as the pieces use; it refuses what Flink refuses."""

    def put(self, key: Any, value: Any) -> None:
        assert value is not None
        self[key] = value

    def remove(self, key: Any) -> None:
        del self[key]


def wire(ms: int) -> str:
    moment = datetime.fromtimestamp(ms / 1000, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record(start: int = TEN, market: str = "m", **other: Any) -> str:
    """An hour of signals_with_price as it stands in the topic; numbers given as texts are written as they are."""
    fields = {
        "kind": "signal", "market_slug": market, "window_start": wire(start), "window_end": wire(start + HOUR),
        "source_weighted_signal": D("3.000000"), "prev_rss_signal": D("1.500000"), "signal_delta": D("1.500000"),
        "source_weight_avg": D("0.900000"), "price": D("0.500000"), "prev_price": D("0.490000"),
        "price_delta": D("0.010000"), "price_status": "observed", **other,
    }  # fmt: skip
    written = {
        name: str(each) if isinstance(each, Decimal) else json.dumps(each) for name, each in fields.items()
    }
    return "{" + ", ".join(f'"{name}": {text}' for name, text in written.items()) + "}"


# ---- an hour (datastream_basics) ---------------------------------------------------------------


def test_an_hour_has_its_numbers_as_they_are_written() -> None:
    assert basics.hour(record(price=1)) == basics.Hour(
        market="m", window_start=TEN, window_end=TEN + HOUR, signal=D("3.000000"), prev_signal=D("1.500000"),
        signal_delta=D("1.500000"), source_weight_avg=D("0.900000"), price=D(1), prev_price=D("0.490000"),
        price_delta=D("0.010000"), price_status="observed",
    )  # fmt: skip
    assert basics.hour(record(signal_delta=D("1.00000000000000000001"))).signal_delta > 1


@pytest.mark.parametrize(
    ("name", "field"),
    [("prev_rss_signal", "prev_signal"), ("signal_delta", "signal_delta"), ("price", "price"), ("prev_price", "prev_price")],
)  # fmt: skip
def test_what_is_not_known_is_none(name: str, field: str) -> None:
    assert getattr(basics.hour(record(**{name: None})), field) is None


def test_a_heartbeat_is_no_hour() -> None:
    assert basics.hour('{"kind": "heartbeat", "window_start": "whenever"}') is None


NEEDED = ("market_slug", "window_start", "window_end", "price_status")
NUMBERS = ("source_weighted_signal", "source_weight_avg", "price_delta")
MAYBE_NUMBERS = ("prev_rss_signal", "signal_delta", "price", "prev_price")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *((record(**{name: value}), f"{name} is missing") for name in NEEDED for value in (None, "", 7)),
        *((record(**{name: value}), f"{name} is not a number") for name in NUMBERS for value in (None, "1", True)),
        *((record(**{name: value}), f"{name} is not a number") for name in MAYBE_NUMBERS for value in ("1", False, [])),
        (record(window_start="2026-01-05T10:00:00"), "'2026-01-05T10:00:00' is no UTC time"),
        (record(window_end="2026-01-05T10:00:00+00:00"), "'2026-01-05T10:00:00+00:00' is no UTC time"),
        (record(window_end="2026-02-30T10:00:00Z"), "day is out of range"),
        *((record(**{name: D(value)}), f"{name} is out of range")
          for name, value in (("price", "1.000001"), ("prev_price", "-1e-9"), ("price_delta", "1.1"),
                              ("source_weight_avg", "2"), ("source_weighted_signal", "1e11"), ("signal_delta", "-1e99"),
                              ("price", "1E-999999"))),
        *((record(market=value), "market_slug is not a slug")
          for value in ("a|b", "a b", "a\0", "a\n", "\ud800", "é", "m" * 201)),
        (record(window_start="2026-01-05T10:30:00Z"), "window_start and window_end are not those of an hour"),
        (record(window_end=wire(TEN + 2 * HOUR)), "window_start and window_end are not those of an hour"),
        (record(price_status="guessed"), "price_status is none of observed, carried, clamped, missing"),
        (record(price=float("nan")), "NaN is not JSON"),
        (record(price=float("-inf")), "-Infinity is not JSON"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("", "Expecting value"),
        (record()[:-1], "delimiter"),
        ("[" * 100_000, "nested too deeply"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_hour_is_refused_with_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("[", r"\[").replace("+", r"\+")):
        basics.hour(text)


@given(st.integers(0, 4_000_000_000_000))
def test_milliseconds_are_those_of_the_wire(ms: int) -> None:
    assert basics.milliseconds(wire(ms)) == ms


# ---- the highest of seven days (state, timers) --------------------------------------------------

changes = st.none() | st.decimals(-9, 9, places=6)
#: (hours since the one before, its change): gaps on both sides of seven days
spaced = st.lists(st.tuples(st.integers(1, 3) | st.integers(160, 175), changes), min_size=1, max_size=12)


def hours_of(gaps: list[tuple[int, Decimal | None]]) -> dict[int, Decimal | None]:
    found, start = {}, TEN
    for gap, change in gaps:
        start += gap * HOUR
        found[start] = change
    return found


def brute_force(known: dict[int, Decimal | None], start: int) -> Decimal | None:
    week = [known.get(start - back * HOUR) for back in range(168)]
    return max((change for change in week if change is not None), default=None)


def remembering() -> tuple[Any, MapState]:
    """The changes of one market, and the MapState that holds them."""
    changes, kept = state.Changes(), MapState()
    changes.open(SimpleNamespace(get_map_state=lambda descriptor: kept))
    return changes, kept


def an_hour(start: int, change: Decimal | None = None) -> Any:
    return SimpleNamespace(market="m", window_start=start, signal_delta=change)


@given(spaced, st.randoms())
def test_the_highest_is_that_of_168_hours_in_any_order_of_arrival(gaps: Any, random: Any) -> None:
    known, (kept, _) = hours_of(gaps), remembering()
    for start in random.sample(sorted(known), len(known)):
        kept.remember(an_hour(start, known[start]))

    assert [kept.highest(an_hour(start)) for start in known] == [brute_force(known, start) for start in known]


@pytest.mark.parametrize(("hours", "highest"), [(0, D(7)), (167, D(7)), (168, None), (-1, None)])
def test_the_edge_of_seven_days_is_exact(hours: int, highest: Decimal | None) -> None:
    kept, _ = remembering()
    kept.remember(an_hour(TEN, D(7)))

    assert kept.highest(an_hour(TEN + hours * HOUR)) == highest


def test_an_hour_that_is_told_again_replaces_itself() -> None:
    kept, entries = remembering()
    for change in ("5", "2"):
        kept.remember(an_hour(TEN, D(change)))

    assert (kept.highest(an_hour(TEN)), len(entries)) == (D(2), 1)


def test_an_hour_without_a_change_leaves_nothing() -> None:
    kept, entries = remembering()
    kept.remember(an_hour(TEN))

    assert (kept.highest(an_hour(TEN)), entries) == (None, {})


@pytest.mark.parametrize(("late_by", "left"), [(-1, {TEN: "1"}), (0, {}), (HOUR, {})])
def test_an_hour_goes_after_seven_days_and_not_before(late_by: int, left: dict[int, str]) -> None:
    kept, entries = remembering()
    kept.remember(an_hour(TEN, D(1)))
    kept.forget(TEN + 168 * HOUR + late_by)

    assert entries == left


def test_timers_stand_at_the_next_hours_end_and_in_seven_days() -> None:
    assert timers.timers(TEN) == [TEN + 2 * HOUR, TEN + 168 * HOUR]


@pytest.mark.parametrize(
    ("late_by", "quiet"), [(-1, False), (0, True), (1, False), (HOUR, False), (-HOUR, False)]
)
def test_quiet_is_noticed_at_the_end_of_the_hour_without_news_and_then_no_more(
    late_by: int, quiet: bool
) -> None:
    assert timers.is_quiet(TEN, TEN + 2 * HOUR + late_by) is quiet


def test_where_no_hour_was_before_nothing_is_quiet() -> None:
    assert timers.is_quiet(None, TEN) is False


# ---- what a market is, as of an hour (enrichment) ------------------------------------------------

answers = st.tuples(st.sampled_from("AB"), st.none() | st.sampled_from([TEN, TEN + HOUR]))


def told(versions: Iterable[tuple[int, tuple[str, int | None]]]) -> MapState:
    markets = MapState()
    for fetched_at, (question, close_time) in versions:
        enrichment.remember(markets, "m", fetched_at, question, close_time)
    return markets


def as_told(versions: list[tuple[int, tuple[str, int | None]]], moment: int) -> Any:
    known = [answer for fetched_at, answer in sorted(versions) if fetched_at <= moment]
    return enrichment.Meta(*known[-1]) if known else None


def number_of_runs(versions: list[tuple[int, tuple[str, int | None]]]) -> int:
    ordered = [answer for _, answer in versions]
    return sum(new != old for old, new in zip([None, *ordered], ordered, strict=False))


@given(st.lists(answers, min_size=1, max_size=10))
def test_told_in_order_a_market_is_known_as_of_each_moment_and_a_repeat_adds_nothing(each: list[Any]) -> None:
    versions = list(enumerate(each))
    markets = told(versions)

    assert [enrichment.as_of(markets, "m", moment) for moment in range(-1, 11)] == [
        as_told(versions, moment) for moment in range(-1, 11)
    ]
    assert len(json.loads(markets["m"])) == number_of_runs(versions)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=5), st.randoms())
def test_told_in_any_order_it_is_the_same_where_no_answer_comes_back(runs: list[int], random: Any) -> None:
    each = [(f"question {number}", number) for number, times in enumerate(runs) for _ in range(times)]
    versions = list(enumerate(each))
    markets = told(random.sample(versions, len(versions)))

    assert [enrichment.as_of(markets, "m", moment) for moment in range(-1, 15)] == [
        as_told(versions, moment) for moment in range(-1, 15)
    ]
    assert len(json.loads(markets["m"])) == len(runs)


def test_one_market_says_nothing_about_another() -> None:
    assert enrichment.as_of(told([(0, ("A", None))]), "n", 1) is None


@pytest.mark.parametrize(
    ("meta", "is_open"),
    [(None, True), (("Q", None), True), (("Q", TEN + 1), True), (("Q", TEN), True), (("Q", TEN - 1), False)],
)
def test_an_hour_may_be_flagged_up_to_the_moment_its_market_closes(meta: Any, is_open: bool) -> None:
    assert enrichment.still_open(meta and enrichment.Meta(*meta), TEN) is is_open


# ---- what goes aside (side_outputs) --------------------------------------------------------------

NOON = datetime(2026, 1, 5, 12, 0, 0, 987_999, tzinfo=timezone.utc)


def test_a_failure_is_the_whole_record_and_what_was_wrong_with_it() -> None:
    assert side_outputs.failure("{}", ValueError("market_slug is missing"), NOON) == {
        "record": "{}", "job": "detector", "error_type": "ValueError", "message": "market_slug is missing",
        "failed_at": "2026-01-05T12:00:00.987Z",
    }  # fmt: skip


def test_a_failure_without_words_still_says_what_it_is() -> None:
    assert side_outputs.failure("{}", KeyError(), NOON)["message"] == "KeyError()"


def test_a_letter_has_an_end() -> None:
    letter = side_outputs.failure("x" * 100_001, ValueError("y" * 501), NOON)

    assert (letter["record"], letter["message"]) == ("x" * 100_000, "y" * 500)


# ---- the function, run by hand -------------------------------------------------------------------


class Detector:
    """Detect between two lists: keyed state, broadcast state, counters, and timers that fire by watermarks."""

    def __init__(self, subtask: int = 0, log_format: str = "text", **thresholds: Decimal) -> None:
        self.subtask = subtask
        limits = {"signal_threshold": D("1.0"), "price_threshold": D("0.02"), **thresholds}
        self.function = detector.Detect(FILES, **limits, log_format=log_format)
        self.reached = 0
        self.state: dict[str, dict[str, Any]] = defaultdict(dict)  # name -> key -> what is there
        self.markets, self.counts = MapState(), Counter[str]()
        self.timers: set[tuple[int, str]] = set()
        self.lags: list[dict[str, Any]] = []
        self.failures: list[tuple[Any, ...]] = []
        self.key = ""
        self.function.open(self)

    # what the function asks of its surroundings

    def get_index_of_this_subtask(self) -> int:
        return self.subtask

    def get_map_state(self, descriptor: Any) -> Any:
        return _Keyed(lambda: self.state[descriptor.name].setdefault(self.key, MapState()))

    def get_state(self, descriptor: Any) -> Any:
        kept = self.state[descriptor.name]
        return SimpleNamespace(
            value=lambda: kept.get(self.key),
            update=lambda new: kept.update({self.key: new}),
            clear=lambda: kept.pop(self.key, None),
        )

    def get_metrics_group(self) -> Any:
        return SimpleNamespace(counter=lambda name: SimpleNamespace(inc=lambda: self.counts.update([name])))

    def timer_service(self) -> Any:
        return SimpleNamespace(
            register_event_time_timer=lambda moment: self.timers.add((moment, self.key)),
            current_watermark=lambda: self.reached,
        )

    def get_broadcast_state(self, descriptor: Any) -> MapState:
        assert descriptor is detector.MARKETS
        return self.markets

    def get_current_key(self) -> str:
        return self.key

    # what happens to it

    def hour(self, text: str | bytes | None, key: str = "m") -> None:
        self.key = key
        value = text.encode() if isinstance(text, str) else text
        self._take(self.function.process_element(value, self))

    def meta(self, value: bytes | None) -> None:
        self._take(self.function.process_broadcast_element(("", value, None), self))

    def watermark(self, until: int) -> None:
        self.reached = until
        while due := sorted(timer for timer in self.timers if timer[0] <= until):
            self.timers.remove(due[0])
            moment, self.key = due[0]
            self._take(self.function.on_timer(moment, self))

    def _take(self, out: Iterator[Any]) -> None:
        for each in out:
            if isinstance(each, tuple):
                tag, row = each
                assert tag is detector.FAILED
                self.failures.append(tuple(row))
            else:
                self.lags.append(dict(zip(detector.LAG_TYPE.get_field_names(), each, strict=True)))

    def left(self, name: str) -> dict[str, Any]:
        return {key: kept for key, kept in self.state[name].items() if kept}


class _Keyed:
    """The state of whichever key is current when it is used."""

    def __init__(self, current: Any) -> None:
        self._current = current

    def __getattr__(self, name: str) -> Any:
        return getattr(self._current(), name)


END = TEN + 5000 * HOUR  # a watermark behind everything


def meta(fetched_at: int = TEN, close_time: int | None = TEN + 9 * HOUR, **other: Any) -> bytes:
    fields = {
        "market_slug": "m",
        "question": "Q?",
        "fetched_at": wire(fetched_at),
        "close_time": close_time and wire(close_time),
    }
    return json.dumps({**fields, **other}).encode()


def judged(*texts: str, **thresholds: Decimal) -> list[dict[str, Any]]:
    run = Detector(**thresholds)
    for text in texts:
        run.hour(text)
    run.watermark(END)
    assert run.failures == []
    return run.lags


def test_an_hour_is_judged_at_its_end_and_no_sooner() -> None:
    run = Detector()
    run.meta(meta())
    run.hour(record())
    run.watermark(TEN + HOUR - 1)
    assert run.lags == []

    before = datetime.now(timezone.utc).timestamp() * 1000
    run.watermark(TEN + HOUR)

    [lag] = run.lags
    assert before - 1 <= lag.pop("detected_at") <= before + 60_000
    assert lag == {
        "market": "m", "question": "Q?", "window_start": TEN, "signal_delta": "1.500000",
        "max_signal_delta": "1.500000", "price_delta": "0.010000", "lag_flag": True, "confidence": "0.9770",
        "rss_signal": "3.000000", "prev_rss_signal": "1.500000", "source_weight_avg": "0.900000",
        "price": "0.500000", "prev_price": "0.490000", "price_status": "observed",
    }  # fmt: skip
    assert run.counts == {"flags": 1}


def test_an_hour_after_a_gap_is_a_row_without_a_flag_and_without_confidence() -> None:
    unpriced = {"price": None, "prev_price": None, "price_delta": D("0.000000"), "price_status": "missing"}
    [lag] = judged(record(signal_delta=None, prev_rss_signal=None, **unpriced))

    assert {name: lag[name] for name in lag if lag[name] is None or lag[name] is False} == {
        "question": None, "signal_delta": None, "max_signal_delta": None, "lag_flag": False, "confidence": None,
        "prev_rss_signal": None, "price": None, "prev_price": None,
    }  # fmt: skip
    assert lag["price_delta"] == "0.000000"


@pytest.mark.parametrize(
    ("signal_delta", "price_delta", "flag"),
    [
        ("1.000000", "0.000000", False),
        ("1.000001", "0.000000", True),
        ("1.000001", "0.019999", True),
        ("1.000001", "-0.019999", True),
        ("1.000001", "0.020000", False),
        ("1.000001", "-0.020000", False),
        ("0.999999", "0.000000", False),
        ("-1.000001", "0.000000", False),
    ],
)
def test_thresholds_are_exact_to_the_sixth_digit(signal_delta: str, price_delta: str, flag: bool) -> None:
    [lag] = judged(record(signal_delta=D(signal_delta), price_delta=D(price_delta)))

    assert (lag["lag_flag"], lag["signal_delta"], lag["price_delta"]) == (flag, signal_delta, price_delta)


@pytest.mark.parametrize(
    ("thresholds", "flag"),
    [({}, True), ({"signal_threshold": D("1.5")}, False), ({"price_threshold": D("0.01")}, False)],
)
def test_thresholds_are_those_of_the_settings(thresholds: dict[str, Decimal], flag: bool) -> None:
    assert judged(record(), **thresholds)[0]["lag_flag"] is flag


@pytest.mark.parametrize(
    ("metas", "flag"),
    [
        ([], True),
        ([(0, None)], True),
        ([(0, 1)], True),  # it closes with the hour's end
        ([(0, 0.999)], False),
        ([(1, 0)], False),  # told in the moment in which the hour ends
        ([(1.001, 0)], True),  # told too late for this hour
        ([(0, 9), (1, 0)], False),
        ([(0, 0), (1, 9)], True),
        ([(0, 0), (1, None)], True),
    ],
)
@pytest.mark.parametrize("first", ["hour", "metas"])
def test_after_the_close_as_it_was_known_at_the_hours_end_nothing_is_flagged(
    metas: list[tuple[float, float | None]], flag: bool, first: str
) -> None:
    """Times in hours after ten."""
    run = Detector()
    if first == "hour":
        run.hour(record())
    for told_at, closes in metas:
        close_time = None if closes is None else TEN + int(closes * HOUR)
        run.meta(meta(TEN + int(told_at * HOUR), close_time))
    if first == "metas":
        run.hour(record())
    run.watermark(END)

    assert [lag["lag_flag"] for lag in run.lags] == [flag]
    assert run.counts["flags"] == flag


def test_what_another_market_asks_or_had_is_not_this_ones() -> None:
    run = Detector()
    run.meta(meta(TEN, TEN, question="closed", market_slug="n"))
    run.hour(record(market="n", signal_delta=D(9)), "n")
    run.hour(record(TEN + HOUR))
    run.watermark(END)

    assert [(lag["market"], lag["question"], lag["max_signal_delta"], lag["lag_flag"]) for lag in run.lags] == [
        ("n", "closed", "9", False), ("m", None, "1.500000", True),
    ]  # fmt: skip


@settings(max_examples=40)
@given(spaced, st.randoms())
def test_each_hour_has_the_highest_of_its_own_seven_days_and_nothing_is_left_behind(
    gaps: Any, random: Any
) -> None:
    known, run = hours_of(gaps), Detector()
    for start in random.sample(sorted(known), len(known)):
        run.hour(record(start, signal_delta=known[start]))
    run.watermark(END)

    assert [(lag["window_start"], lag["max_signal_delta"]) for lag in run.lags] == [
        (start, detector._decimal(brute_force(known, start))) for start in sorted(known)
    ]
    assert (run.left("waiting"), run.left("changes"), run.left("last_window_start"), run.timers) == (
        {},
        {},
        {},
        set(),
    )


@pytest.mark.parametrize(("back", "highest"), [(167, "9"), (168, "1.500000")])
def test_a_change_is_kept_for_the_last_hour_that_needs_it(back: int, highest: str) -> None:
    """Its expiry and that hour's end are one moment: the hour is judged first."""
    first, last = judged(record(TEN - back * HOUR, signal_delta=D(9)), record())

    assert (first["max_signal_delta"], last["max_signal_delta"]) == ("9", highest)


def test_state_goes_with_its_seventh_day_and_not_a_millisecond_before() -> None:
    run = Detector()
    run.hour(record())
    run.watermark(TEN + 168 * HOUR - 1)
    assert run.left("changes") == {"m": {TEN: "1.500000"}}

    run.watermark(TEN + 168 * HOUR)

    assert (run.left("waiting"), run.left("changes"), run.timers) == ({}, {}, set())


def test_a_quiet_hour_is_noticed_once(caplog: pytest.LogCaptureFixture) -> None:
    run = Detector(log_format="json")
    for hour in (0, 1, 4):
        run.hour(record(TEN + hour * HOUR))
    with caplog.at_level(logging.INFO):
        run.watermark(TEN + 5 * HOUR)
        run.watermark(detector._END)

    assert run.counts["quiet_hours"] == 2
    said = [json.loads(message) for message in caplog.messages]
    assert [{name: each[name] for name in each if name != "at"} for each in said] == [
        {"level": "INFO", "job": "detector", "message": "no news for an hour", "key": "m",
         "event_time": f"2026-01-05T{hour}:00:00Z", "watermark": watermark}
        for hour, watermark in ((12, "2026-01-05T15:00:00Z"), (15, "end"))
    ]  # fmt: skip
    assert run.failures == []


def test_flags_without_an_observed_price_are_counted_apart() -> None:
    run = Detector()
    for hour, status in enumerate(("observed", "carried", "clamped", "missing")):
        run.hour(record(TEN + hour * HOUR, price_status=status))
    run.hour(record(TEN + 4 * HOUR, price_status="carried", price_delta=D("0.5")))  # no flag
    run.watermark(TEN + 5 * HOUR)

    assert run.counts == {"flags": 4, "flags_without_price": 3}


def test_an_hour_that_cannot_be_computed_goes_aside_whole_and_the_next_is_unharmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right, too_much = piece("confidence").confidence, record(TEN, signal_delta=D("2"))
    monkeypatch.setattr(
        piece("confidence"),
        "confidence",
        lambda delta, *others: right(delta if delta < 2 else 1 / D(0), *others),
    )
    run = Detector()
    for text in (too_much, record(TEN + HOUR)):
        run.hour(text)
    run.watermark(TEN + 2 * HOUR)

    [(key, text, job, error, _, failed_at)] = run.failures
    assert (key, text, job, error) == ("m", too_much, "detector", "DivisionByZero")
    assert basics.milliseconds(failed_at) > TEN
    # the change itself was known, and counts
    assert [(lag["window_start"], lag["lag_flag"], lag["max_signal_delta"]) for lag in run.lags] == [
        (TEN + HOUR, True, "2")
    ]
    assert (run.counts["errors"], run.left("waiting")) == (1, {})
    run.watermark(END)
    assert (run.left("changes"), run.timers) == ({}, set())


@pytest.mark.parametrize(("slug", "broken"), [("timers", "is_quiet"), ("state", "Changes.forget")])
def test_a_failure_behind_an_hour_does_not_take_the_hour_with_it(
    slug: str, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    *owner, name = broken.split(".")
    monkeypatch.setattr(reduce(getattr, owner, piece(slug)), name, lambda *_: 1 / 0)
    run = Detector()
    run.hour(record())
    run.watermark(TEN + HOUR)

    assert [lag["window_start"] for lag in run.lags] == [TEN]
    assert [failure[:4] for failure in run.failures] == [("m", record(), "detector", "ZeroDivisionError")]


# ---- records that are none -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text", "error"),
    [
        (b"[1]", "[1]", "ValueError"),
        (b"\xff", "\ufffd", "JSONDecodeError"),
        (None, "", "JSONDecodeError"),
        (record(price="much").encode(), record(price="much"), "ValueError"),
    ],
    ids=["no object", "no text", "a tombstone", "no number"],
)
def test_what_is_no_hour_goes_aside_at_once_and_the_next_is_unharmed(
    value: Any, text: str, error: str
) -> None:
    run = Detector()
    run.hour(value)
    assert [failure[:4] for failure in run.failures] == [("", text, "detector", error)]
    assert (run.counts, run.timers, run.left("waiting")) == ({"errors": 1}, set(), {})

    run.hour(record())
    run.watermark(TEN + HOUR)

    assert (len(run.failures), [lag["window_start"] for lag in run.lags]) == (1, [TEN])


def test_a_heartbeat_leaves_nothing() -> None:
    run = Detector()
    run.hour('{"kind": "heartbeat", "window_end": "2026-01-05T10:00:00Z"}')

    assert (run.failures, run.timers, run.left("waiting")) == ([], set(), {})


@pytest.mark.parametrize(
    ("value", "known"),
    [
        (meta(), ("Q?", TEN + 9 * HOUR)),
        (meta(close_time=None), ("Q?", None)),
        (meta(question=None), ("", TEN + 9 * HOUR)),
        (meta(question="Q\0\ud800?"), ("Q??", TEN + 9 * HOUR)),
    ],
)
def test_a_market_is_known_by_its_record(value: bytes, known: Any) -> None:
    run = Detector()
    run.meta(value)

    assert enrichment.as_of(run.markets, "m", TEN) == enrichment.Meta(*known)


def test_a_market_that_was_deleted_from_its_topic_is_no_failure() -> None:
    run = Detector()
    run.meta(None)

    assert (run.markets, run.failures) == ({}, [])


NO_MARKETS = {
    "no JSON": (b"{", "JSONDecodeError"),
    "no object": (b"[]", "AttributeError"),
    "no market": (b"{}", "KeyError"),
    "half a character": (meta(market_slug="\ud800"), "ValueError"),
    "fetched never": (meta(fetched_at=TEN).replace(b"2026-01-05T10", b"now"), "ValueError"),
    "closes whenever": (meta(close_time=None).replace(b"null", b'"soon"'), "ValueError"),
    "too deep": (b"[" * 100_000, "RecursionError"),
}


@pytest.mark.parametrize(("value", "error"), NO_MARKETS.values(), ids=NO_MARKETS)
def test_what_is_no_market_goes_aside_once_and_the_next_is_unharmed(value: bytes, error: str) -> None:
    run, other_subtask = Detector(), Detector(subtask=1)
    for each in (run, other_subtask):
        each.meta(value)
        each.meta(meta())

    assert [failure[:4] for failure in run.failures] == [("", value.decode(), "detector", error)]
    assert (other_subtask.failures, run.counts, other_subtask.counts) == ([], {"errors": 1}, {})
    assert run.markets == other_subtask.markets == told([(TEN, ("Q?", TEN + 9 * HOUR))])


# ---- around it -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"), [(D("1E+2"), "100"), (D("-0.000001"), "-0.000001"), (None, None)]
)
def test_numbers_cross_to_sql_as_plain_text(number: Decimal | None, text: str | None) -> None:
    assert detector._decimal(number) == text


def test_the_job_refuses_an_operator_without_a_uid_and_has_a_name() -> None:
    options = detector.job_options(replace(Settings(), parallelism=3))

    assert (options["pipeline.auto-generate-uids"], options["pipeline.name"], options["parallelism.default"]) == (
        "false", "detector", "3",
    )  # fmt: skip
