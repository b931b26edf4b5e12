"""Every flagged hour, with the headlines that moved it."""

from __future__ import annotations

from collections import Counter

from capstone_marketlag.report.draw.small import share
from capstone_marketlag.report.grid import Column, table
from capstone_marketlag.report.markup import Html, join, link, shortened, stranger, tag
from capstone_marketlag.report.read.facts import Facts
from capstone_marketlag.report.read.hours import Hour
from capstone_marketlag.report.read.news import Headline
from capstone_marketlag.report.sections.markets import anchors
from capstone_marketlag.report.words import change, clock, figure, listed, many

_MOST = 3
#: shown at once; of more than a few of them above that, the surest
_SUREST = 8
_COLUMNS = (
    Column("Hour (UTC)", "hour"),
    Column("Market", "market"),
    Column("Signal change", "number"),
    Column("Price change", "number"),
    Column("Confidence", "sure"),
    Column("Price status", "status"),
    Column("Planted", "truth"),
    Column("Headlines that moved it", "lines"),
)


def section(facts: Facts) -> Html:
    """The surest of the flagged hours, and behind them all; on a phone a card for each."""
    flagged = facts.hours.flagged
    every = _table(facts, "Flagged hours, in order of time", flagged) if flagged else None
    if len(flagged) > _SUREST + 4:
        surest = sorted(flagged, key=lambda hour: -(hour.confidence or 0))[:_SUREST]
        every = join(
            [
                _table(facts, f"The {_SUREST} of highest confidence", surest),
                tag("details", tag("summary", f"All {len(flagged):,} of them, in order of time"), every),
            ]
        )
    return tag("section", tag("h2", "The flagged hours"), tag("p", _about(facts)), every, id="flagged")


def _table(facts: Facts, title: str, hours: list[Hour]) -> Html:
    # where nothing planted is known, "no" in each row would be a guess
    shown = [number for number, column in enumerate(_COLUMNS) if facts.recorded or column.kind != "truth"]
    rows = ([_row(facts, hour)[number] for number in shown] for hour in hours)
    return table(title, [_COLUMNS[number] for number in shown], rows, "cards")


def _about(facts: Facts) -> str:
    flagged = facts.hours.flagged
    if not flagged:
        return "No hour was flagged."
    words = f"{many(len(flagged), 'hour is', 'hours are')} flagged. "
    without = Counter(hour.status or "unknown" for hour in flagged if hour.status != "observed")
    if without:
        kinds = listed([f"{count} {shortened(status, 40)}" for status, count in sorted(without.items())])
        words += f"{sum(without.values())} of them had no observed price ({kinds}): count those apart. "
    else:
        words += "Each of them had an observed price. "
    words += (
        "The headlines are those counted in that hour, strongest |article score × source weight| first; "
        "the number before each is that product."
    )
    if facts.hours.not_in_both:
        others = many(len(facts.hours.not_in_both), "flagged hour is", "flagged hours are")
        words += f" {others} in the topic or in the table only, not in both."
    return words


def _row(facts: Facts, hour: Hour) -> list[str]:
    planted = (hour.market, hour.told) in facts.planted
    return [
        clock(hour.start) if hour.start else stranger(hour.told, 40),
        _market(facts, hour.market),
        change(hour.signal_delta),
        change(hour.price_delta, 4),
        _sure(hour.confidence),
        tag(
            "span",
            shortened(hour.status, 40) or "unknown",
            class_=None if hour.status == "observed" else "chip",
        ),
        tag("span", "planted", class_="chip truth") if planted else tag("span", "no", class_="faint"),
        _headlines(facts.news.headlines.get((hour.market, hour.told), [])),
    ]


def _market(facts: Facts, market: str) -> Html:
    target = anchors(facts).get(market)
    name = stranger(market or "(no name)", 80)
    return tag("a", name, href=f"#{target}") if target else name


def _sure(confidence: float | None) -> Html:
    if confidence is None:
        return tag("span", "none", class_="faint")
    return join([tag("span", figure(confidence, 4)), share(confidence)])


def _headlines(lines: list[Headline]) -> Html:
    if not lines:
        return tag("span", "none in rss.events", class_="faint")
    shown = [
        tag(
            "li",
            tag("span", change(line.moved, 2), class_="by"),
            tag(
                "span",
                link(stranger(line.title or "(no title)", 140), line.link),
                " ",
                tag("span", stranger(line.source, 40), class_="note"),
            ),
        )
        for line in lines[:_MOST]
    ]
    if len(lines) > _MOST:
        shown.append(tag("li", tag("span"), tag("span", f"and {len(lines) - _MOST} more"), class_="note"))
    return tag("ul", join(shown))
