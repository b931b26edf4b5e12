"""The pipeline's answer against the oracle's: equal, or the first record or hour that differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from capstone_marketlag import topics
from capstone_marketlag.oracle import Truth
from capstone_marketlag.outcome import Key, Outcome


def first_difference(found: Outcome, expected: Truth) -> str | None:
    """One sentence about the first thing that differs, in order of time; None where all is equal."""
    return next(_differences(found, expected), None)


def _differences(found: Outcome, expected: Truth) -> Iterator[str]:
    stages: tuple[tuple[str, Mapping[Key, Any], str, Mapping[Key, Any]], ...] = (
        ("rss.signals_hourly has", found.hours, "the oracle", expected.hours),
        ("signals_with_price has", found.joined, "the oracle", expected.joined),
        ("lag_signals has", found.lags, "the oracle", expected.lags),
        ("the table rss_signals_hourly has", found.hours_table, "its topic", found.hours),
        ("the table lag_signals_history has", found.history, "its topic", found.lags),
    )
    # by hour first, then by stage: what went wrong first is what the others follow from
    wrong = [
        (hour, stage, market)
        for stage, (_, got, _, want) in enumerate(stages)
        for market, hour in got.keys() | want.keys()
        if got.get((market, hour)) != want.get((market, hour))
    ]
    for hour, stage, market in sorted(wrong):
        who, got, whose, want = stages[stage]
        mine, other = _shown(got, want, (market, hour)), _shown(want, got, (market, hour))
        yield f"Hour {hour} of {market}: {who} {mine}, {whose} {other}."
    yield from _late("Item", found.late_news, expected.late_news)
    yield from _late("Price", found.late_prices, expected.late_prices)
    for what, got_counts, want_counts in (
        ("news", found.news, expected.news),
        ("prices", found.prices, expected.prices),
    ):
        for name, want_count in want_counts.items():
            if name in got_counts and got_counts[name] != want_count:
                yield f"{what} {name}: {got_counts[name]} records, the oracle has {want_count}."
    for topic, reasons in ((topics.NEWS, expected.dead_news), (topics.PRICES, expected.dead_prices)):
        for reason, want_count in reasons.items():
            got_count = found.dead.get(topic, {}).get(reason, 0)
            if got_count != want_count:
                yield f"{topic}, {reason}: {got_count} dead letters, the oracle has {want_count}."
    for place in found.twice:
        yield f"Twice in a topic: {place}."
    for what in found.astray:
        yield f"Astray: {what}."
    if found.failures:
        yield f"dlq.processing has {found.failures} records, and nothing was to fail."


def _late(what: str, found: list[Any], expected: list[Any]) -> Iterator[str]:
    got, want = Counter(found), Counter(expected)
    for identity in sorted((got - want) + (want - got)):
        too_late = got[identity] > want[identity]
        verdict = "is late, and the oracle counts it" if too_late else "is not late, and should be"
        yield f"{what} {' '.join(identity)} {verdict}."


def _shown(mine: Mapping[Key, Any], other: Mapping[Key, Any], key: Key) -> str:
    """What one side has for that hour: of named fields only those that differ."""
    figures, against = mine.get(key), other.get(key)
    if figures is None:
        return "no row"
    if isinstance(figures, list):
        return "mentions {}, score {}, signal {}, weight {}".format(*figures)
    names = [name for name in figures if not against or figures[name] != against.get(name)]
    return ", ".join(f"{name} {figures[name]}" for name in names)
