"""One market over the whole time: the hourly signal above, the YES price below, on one axis of time.

    ▼        ▼           flagged hours, with a band through both panels
    ▂▅▂_▃▂  ▁▇▂          signal: a bar an hour; shaded where there was no news
       ı     ı           planted lags
    ──╮╭──╌╌○──×         price at each full hour: carried, clamped, missing
    Mon 5 Jan  Tue 6

Two panels, not two axes in one: what two axes say about each other is made up by their scales. An hour of
news is a bar between two full hours, a price stands on a full hour; so the move that an hour was compared
with, in the colour of the flag, lies before the band or within it, as the alignment has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from capstone_marketlag.report.draw.frame import BOTTOM, PAD, PRICE_TOP, TOP, Frame, Slot
from capstone_marketlag.report.draw.news import news
from capstone_marketlag.report.draw.price import prices
from capstone_marketlag.report.markup import Html, join, tag
from capstone_marketlag.report.words import clock, day, short

_DAYS, _CLOCK = 18.0, 14.0  # heights of the lines of the time axis
_HOUR = timedelta(hours=1)


def timeline(slots: Sequence[Slot], said: str, closes: datetime | None, after: bool) -> Html:
    """The chart of hours in order of time, without holes between them.

    said: the same in a sentence, for those who do not see it. closes: when trading ends, if it does while the
    chart lasts. after: the price move of an hour is the one to its end, not the one to its start.
    """
    frame = Frame.of(slots)
    clocks = frame.slot >= 6
    height = BOTTOM + _DAYS + _CLOCK * clocks
    picture = tag(
        "svg",
        _grid(frame),
        _time(slots, frame, clocks),
        news(slots, frame),
        prices(slots, frame, closes, after),
        _closed(slots, frame, closes),
        _name(TOP - 19, "signal: mean of score × weight"),
        _name(PRICE_TOP - 5, "price of YES"),
        viewBox=f"{-PAD:.0f} 0 {frame.width:.0f} {height:.0f}",
        role="img",
        aria_label=said,
        style=f"max-width:{1.25 * frame.width:.0f}px",
    )
    # a little smaller than drawn is still legible; what does not fit even so is scrolled to
    least = f"min-width:calc(2.6rem + {0.85 * frame.width:.0f}px)"
    return tag("div", _axis(frame, height), picture, class_="timeline", style=least)


def _axis(frame: Frame, height: float) -> Html:
    """The numbers of both panels, as text beside the picture: they stay while it is scrolled."""
    labels = [(frame.signal_y(tick), tick) for tick in frame.signal.ticks]
    labels += [(frame.price_y(tick), tick) for tick in frame.price.ticks]
    return tag(
        "div",
        join(tag("span", short(tick), style=f"top:{100 * y / height:.2f}%") for y, tick in labels),
        class_="axis",
        aria_hidden="true",
    )


def _grid(frame: Frame) -> Html:
    ys = [frame.signal_y(tick) for tick in frame.signal.ticks]
    ys += [frame.price_y(tick) for tick in frame.price.ticks]
    lines = [tag("line", class_="grid", x1=0.0, x2=frame.right, y1=y, y2=y) for y in ys]
    return join([*lines, tag("line", class_="floor", x1=0.0, x2=frame.right, y1=BOTTOM, y2=BOTTOM)])


def _time(slots: Sequence[Slot], frame: Frame, clocks: bool) -> Html:
    """A line and a name at each midnight; between them the clock, where there is room for it."""
    parts, every = [], 3 if frame.slot >= 12 else 6
    label_y = BOTTOM + 13 + _CLOCK * clocks
    for number, slot in enumerate(slots):
        x = number * frame.slot
        if slot.start.hour == 0 or number == 0:
            if number:
                parts.append(tag("line", class_="grid", x1=x, x2=x, y1=TOP, y2=BOTTOM + 4))
            # to the next name there is a day, or less at the left end
            if frame.right - x > 60 and (24 - slot.start.hour) * frame.slot > 70:
                parts.append(tag("text", day(slot.start), class_="day", x=x + 2, y=label_y))
        if clocks and slot.start.hour % every == 0:
            anchor = "middle" if number else "start"
            parts.append(tag("text", f"{slot.start:%H}", x=x, y=BOTTOM + 13, text_anchor=anchor))
    return join(parts)


def _name(y: float, text: str) -> Html:
    return tag("text", text, class_="name", x=2.0, y=y)


def _closed(slots: Sequence[Slot], frame: Frame, closes: datetime | None) -> Html | None:
    """The end of trading, and all that is behind it."""
    if closes is None or not slots[0].start < closes < slots[-1].start + _HOUR:
        return None
    x = (closes - slots[0].start) / _HOUR * frame.slot
    return tag(
        "g",
        tag("title", f"Trading ends at {clock(closes)} UTC."),
        tag("rect", class_="closed", x=x, y=TOP, width=frame.right - x, height=BOTTOM - TOP),
        tag("line", class_="close", x1=x, x2=x, y1=TOP - 4, y2=BOTTOM),
        _ends(frame, x, f"{closes.day} {closes:%b %H:%M}"),
    )


def _ends(frame: Frame, x: float, when: str) -> Html:
    """Behind the end, where no price is drawn; without the room for it before it, between the panels."""
    if frame.right - x < 85:
        return tag("text", f"ends {when}", class_="name", x=x - 5, y=PRICE_TOP - 5, text_anchor="end")
    lines = (("trading ends", BOTTOM - 22), (when, BOTTOM - 8))
    return join(tag("text", words, class_="name", x=x + 5, y=y) for words, y in lines)
