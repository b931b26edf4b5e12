"""What the marks of the charts mean."""

from __future__ import annotations

from datetime import datetime, timezone

from capstone_marketlag.report.draw import marks
from capstone_marketlag.report.draw.frame import Slot
from capstone_marketlag.report.markup import Html, join, tag
from capstone_marketlag.report.read.facts import Facts

_NEVER = datetime.max.replace(tzinfo=timezone.utc)


def legend(facts: Facts, drawn: dict[str, list[Slot]]) -> Html:
    """Swatch and meaning of each kind of mark that these charts have."""
    closes = {market.slug: market.closes for market in facts.markets}
    open_hours = [
        slot for slug, slots in drawn.items() for slot in slots if slot.start < (closes[slug] or _NEVER)
    ]
    every = [slot for slots in drawn.values() for slot in slots]
    statuses = {slot.status for slot in every}
    line = tag("path", class_="price", d="M1 10L6 4L12 8L17 3")
    broken = tag("path", class_="price guessed", d="M1 7L17 7")
    bars = [
        tag("rect", class_="bar", x=x, y=y, width=4.0, height=14 - y)
        for x, y in ((2.0, 6.0), (7.0, 2.0), (12.0, 8.0))
    ]
    band = tag("rect", class_="band", x=5.0, y=0.0, width=8.0, height=14.0)
    shade = tag("rect", class_="quiet", x=1.0, y=0.0, width=16.0, height=14.0)
    end = [
        tag("rect", class_="closed", x=3.0, y=0.0, width=15.0, height=14.0),
        tag("path", class_="close", d="M3 0v14"),
    ]
    entries = [
        (True, bars, "signal of an hour"),
        (any(slot.flagged for slot in every), [band, marks.flag(9, 10)], "flagged: a lag signal"),
        (
            any(slot.planted for slot in every),
            [marks.planted(9, 12)],
            "planted: a lag written into the world",
        ),
        (any(slot.signal is None for slot in every), [shade], "no news"),
        (True, [line], "price of YES"),
        ("carried" in statuses, [broken, marks.carried(9, 7)], "carried over from the hour before"),
        ("clamped" in statuses, [marks.clamped(9, 7)], "clamped to 0 or 1, beyond the axis"),
        (any(slot.price is None for slot in open_hours), [marks.missing(9, 7)], "missing"),
        (len(open_hours) < len(every), end, "trading has ended"),
    ]
    shown = [tag("li", marks.swatch(*picture), words) for needed, picture, words in entries if needed]
    return tag("ul", join(shown), class_="legend")
