"""How sure the detector is, and how right it is against what was planted."""

from __future__ import annotations

from capstone_marketlag.report.draw import marks
from capstone_marketlag.report.draw.small import histogram, stacked
from capstone_marketlag.report.grid import Column, table
from capstone_marketlag.report.markup import Html, join, shortened, tag
from capstone_marketlag.report.read.facts import Facts
from capstone_marketlag.report.read.values import mapping, number
from capstone_marketlag.report.words import change, clock, many, percent

_WORDS = {
    "window_start": "the move up to the hour's start",
    "window_end": "the move up to the hour's end",
}
_PARTS = {"hit": "flagged and planted", "unplanted": "flagged only", "missed": "planted only"}


def section(facts: Facts) -> Html:
    """A histogram of the flagged hours; precision and recall; the planted lags that were not flagged."""
    return tag(
        "section",
        tag("h2", "How sure, and how right" if facts.recorded else "How sure"),
        tag("div", _histogram(facts), _truth(facts), class_="pair"),
        _not_flagged(facts),
        id="confidence",
    )


def _histogram(facts: Facts) -> Html:
    told = [hour.confidence for hour in facts.hours.flagged]
    sure = [value for value in told if value is not None and 0 <= value <= 1]
    words = (
        "Half of it is how large the change is against the largest of seven days, three tenths how still the "
        "price was, two tenths how good the sources are."
    )
    if len(sure) < len(told):
        words += f" {many(len(told) - len(sure), 'flagged hour has', 'flagged hours have')} none from 0 to 1."
    return tag(
        "div",
        tag("h3", "Confidence of the flagged hours"),
        histogram(sure, "flagged hour")
        if sure
        else tag("p", "Nothing was flagged." if not told else "None is known.", class_="note"),
        tag("p", words, class_="note"),
    )


def _truth(facts: Facts) -> Html:
    if not facts.recorded:
        return tag(
            "div",
            tag("h3", "Against the planted lags"),
            tag("p", "Nothing planted is known: without world.json nobody can say which flags are right."),
        )
    told = {name: _counts(facts, name) for name in _WORDS}
    either = [flags + len(facts.planted) - hits for flags, hits in filter(None, told.values())]
    rows = [_alignment(facts, name, counts, max([1, *either])) for name, counts in told.items()]
    columns = [Column("compared with")] + [
        Column(name, "number") for name in ("flagged", "hits", "precision", "recall")
    ]
    return tag(
        "div",
        tag("h3", "Against the planted lags"),
        tag(
            "p",
            "The news of an hour is compared with one move of the price: the one up to the hour's start "
            "(window_start, the original definition: before the news), or the one up to the hour's end "
            "(window_end: while the news came in).",
        ),
        tag(
            "ul", join(tag("li", marks.square(kind), word) for kind, word in _PARTS.items()), class_="legend"
        ),
        table(f"{many(len(facts.planted), 'planted lag')} in this world", columns, rows, "cards wide truths"),
        tag(
            "p",
            "Planted: the world was written so that the news moves in this hour and the price only one or "
            "two hours after it. A hit is a flagged hour that was planted; precision is the part of the "
            "flagged hours that were, recall the part of the planted hours that were flagged. Nobody planted "
            "the others, but by the rules they are lag signals all the same." + _ordinary(facts),
            class_="note",
        ),
    )


def _counts(facts: Facts, name: str) -> tuple[int, int] | None:
    """Flags and hits: of the alignment that ran our own count; of the other the oracle's, in the summary."""
    if name == facts.alignment:
        return len(facts.hours.flagged), len(facts.hits)
    told = mapping(mapping(facts.summary.get("lags")).get(name))
    flags, hits = number(told.get("flags")), number(told.get("hits"))
    if flags is None or hits is None or not 0 <= hits <= min(flags, len(facts.planted)):
        return None
    return int(flags), int(hits)


def _alignment(facts: Facts, name: str, counts: tuple[int, int] | None, widest: int) -> list[str]:
    chip = tag("span", "this run", class_="chip") if name == facts.alignment else None
    label = [tag("code", name), " " if chip else None, chip, tag("span", _WORDS[name], class_="note below")]
    if counts is None:
        return [join(label), *["–"] * 4]
    flags, hits = counts
    parts = {"hit": hits, "unplanted": flags - hits, "missed": len(facts.planted) - hits}
    said = ", ".join(f"{count:,} {_PARTS[kind]}" for kind, count in parts.items())
    picture = stacked([(kind, _PARTS[kind], count) for kind, count in parts.items()], f"{name}: {said}")
    # both bars have one scale: an hour is as wide in each
    label.append(
        tag("span", picture, class_="below", style=f"width:{100 * sum(parts.values()) / widest:.1f}%")
    )
    precision = hits / flags if flags else None
    recall = hits / len(facts.planted) if facts.planted else None
    return [join(label), f"{flags:,}", f"{hits:,}", percent(precision), percent(recall)]


def _ordinary(facts: Facts) -> str:
    """What the flags are that nobody planted, as far as the world knows."""
    flagged = {(hour.market, hour.told) for hour in facts.hours.flagged}
    others, moves = len(flagged - facts.planted), len(flagged & facts.moves)
    if not moves:
        return ""
    return (
        f" Of the {others} not planted {many(moves, 'is an hour', 'are hours')} in which the price moved "
        "together with the news: "
        "a comparison with another hour's move does not see that."
    )


def _not_flagged(facts: Facts) -> Html | None:
    """What the planted lags that were not flagged looked like: their figures say why."""
    missed = sorted(facts.planted - set(facts.hits), key=lambda key: (key[1], key[0]))
    if not missed:
        return None
    rows = []
    for key in missed:
        hour = facts.hours.found.get(key)
        figures = ["–", "–", "no row"]
        if hour:
            figures = [
                change(hour.signal_delta),
                change(hour.price_delta, 4),
                shortened(hour.status, 40) or "–",
            ]
        rows.append([clock(hour.start) if hour and hour.start else key[1], shortened(key[0], 80), *figures])
    columns = [Column("hour (UTC)", "hour"), Column("market"), Column("signal change", "number")]
    columns += [Column("price change", "number"), Column("price status")]
    title = "Planted lags that were not flagged"
    return tag(
        "details",
        tag("summary", f"{many(len(rows), 'planted lag')} not flagged, and their figures"),
        table(title, columns, rows),
    )
