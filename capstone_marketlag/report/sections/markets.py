"""Each market: what it asks, when it closes, its signal against its price."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from capstone_marketlag.report.draw import marks
from capstone_marketlag.report.draw.frame import Slot
from capstone_marketlag.report.draw.timeline import timeline
from capstone_marketlag.report.grid import Column, table
from capstone_marketlag.report.markup import Html, join, shortened, stranger, tag
from capstone_marketlag.report.read.facts import Facts, Market
from capstone_marketlag.report.read.hours import Hour
from capstone_marketlag.report.sections.legend import legend
from capstone_marketlag.report.sections.spoken import said, told
from capstone_marketlag.report.words import clock, exact, figure, many
from capstone_marketlag.wire import to_wire

_HOUR = timedelta(hours=1)


def section(facts: Facts) -> Html:
    """A chart for each market, and the same as a table."""
    drawn = {market.slug: list(_slots(facts, market)) for market in facts.markets}
    which = "end" if facts.alignment == "window_end" else "start"
    return tag(
        "section",
        tag("h2", "The markets"),
        tag(
            "p",
            "Above, what the news of each hour said: the mean of keyword score × source weight. Below, on "
            "the same axis of time, the price of YES at each full hour. A flagged hour is compared with the "
            f"price move up to its {which}, drawn in the colour of the flag. Times are UTC.",
            tag("span", " The charts scroll sideways.", class_="narrow"),
        ),
        legend(facts, drawn),
        marks.PATTERNS,
        join(
            _market(facts, market, number, drawn[market.slug])
            for number, market in enumerate(facts.markets, 1)
        ),
        _left_off(facts),
        id="markets",
    )


def anchors(facts: Facts) -> dict[str, str]:
    """Where on the page each market is."""
    return {market.slug: f"market-{number}" for number, market in enumerate(facts.markets, 1)}


def _left_off(facts: Facts) -> Html | None:
    others = {hour.market for hour in facts.hours.found.values()} - {market.slug for market in facts.markets}
    return (
        tag("p", f"{many(len(others), 'market')} more: in the dumps only.", class_="note") if others else None
    )


def _market(facts: Facts, market: Market, number: int, slots: list[Slot]) -> Html:
    hours = _hours(facts, market)
    chart: Html | None = tag("p", "Nothing to draw: nobody says when this was.", class_="note")
    if slots:
        picture = timeline(
            slots, said(market, slots, facts.recorded), market.closes, facts.alignment == "window_end"
        )
        name = f"Chart of {shortened(market.question, 160)}"
        chart = tag("div", picture, class_="scroll chart", tabindex="0", role="region", aria_label=name)
    return tag(
        "article",
        tag("h3", stranger(market.question)),
        tag("p", join(_about(market, hours), " · "), class_="note"),
        chart,
        _table(hours),
        id=f"market-{number}",
    )


def _about(market: Market, hours: list[Hour]) -> Iterator[str]:
    yield tag("code", shortened(market.slug, 120))
    if market.closes:
        word = "closed early, " if market.early else "closes "
        yield join([word, tag("time", f"{clock(market.closes)} UTC", datetime=to_wire(market.closes))])
    else:
        yield "nobody told when it closes"
    news, flagged = sum(hour.signal is not None for hour in hours), sum(hour.flagged for hour in hours)
    yield f"{many(news, 'hour')} with news"
    yield tag("strong", f"{flagged} flagged")


def _hours(facts: Facts, market: Market) -> list[Hour]:
    return [hour for hour in facts.hours.found.values() if hour.market == market.slug]


def _slots(facts: Facts, market: Market) -> Iterator[Slot]:
    """Every hour of the time that is drawn, with what is known of it."""
    if facts.start is None or facts.end is None:
        return
    by_start = {hour.start: hour for hour in _hours(facts, market)}
    at = facts.start
    while at < max(facts.end, facts.start + _HOUR):
        hour, price = by_start.get(at), facts.prices.points.get((market.slug, at))
        planted = (market.slug, to_wire(at)) in facts.planted
        yield Slot(
            start=at,
            told=told(facts, market, at, hour, planted),
            signal=hour.signal if hour else None,
            flagged=bool(hour and hour.flagged),
            planted=planted,
            price=price.price if price else None,
            status=price.status if price else "",
        )
        at += _HOUR


def _table(hours: list[Hour]) -> Html | None:
    if not hours:
        return None
    columns = [Column("hour (UTC)", "hour")] + [
        Column(name, "number")
        for name in ("items", "signal", "change", "highest change", "price", "price change")
    ]
    columns += [Column("price status"), Column("confidence", "number"), Column("flag")]
    rows = [
        [
            clock(hour.start) if hour.start else shortened(hour.told, 40),
            f"{hour.items:,}",
            exact(hour.signal),
            exact(hour.signal_delta),
            exact(hour.highest),
            exact(hour.price),
            exact(hour.price_delta),
            shortened(hour.status, 40) or "–",
            figure(hour.confidence, 4),
            "flagged" if hour.flagged else "",
        ]
        for hour in hours
    ]
    title = "Every hour with news, to the last digit"
    return tag(
        "details",
        tag("summary", f"The same as a table: {many(len(rows), 'hour')}"),
        table(title, columns, rows),
    )
