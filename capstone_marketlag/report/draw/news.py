"""The upper panel of a timeline: signals, shades where there was no news, flags, planted lags."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from capstone_marketlag.report.draw import marks
from capstone_marketlag.report.draw.frame import BOTTOM, SIGNAL, TOP, Frame, Slot
from capstone_marketlag.report.markup import Html, join, tag


def news(slots: Sequence[Slot], frame: Frame) -> Html:
    """The panel, and over both panels a field for each hour: its tooltip, and its band if it is flagged."""
    return join([_ground(slots, frame), *(_hour(number, slot, frame) for number, slot in enumerate(slots))])


def _ground(slots: Sequence[Slot], frame: Frame) -> Html:
    """A shade over each run of hours without news, the zero line under each run with them."""
    parts, zero = [], frame.signal_y(0)
    for without, group in groupby(enumerate(slots), key=lambda each: each[1].signal is None):
        numbers = [number for number, _ in group]
        x, width = numbers[0] * frame.slot, len(numbers) * frame.slot
        if without:
            parts.append(tag("rect", class_="quiet", x=x, y=TOP, width=width, height=SIGNAL))
        else:
            parts.append(tag("line", class_="zero", x1=x, x2=x + width, y1=zero, y2=zero))
    return join(parts)


def _hour(number: int, slot: Slot, frame: Frame) -> Html:
    x = number * frame.slot
    middle = x + frame.slot / 2
    kind = "slot band" if slot.flagged else "slot"
    parts = [
        tag("title", slot.told),
        tag("rect", class_=kind, x=x, y=TOP - 4, width=frame.slot, height=BOTTOM - TOP + 4),
    ]
    if slot.signal is not None:
        zero, end = frame.signal_y(0), frame.signal_y(slot.signal)
        # a signal of zero is a bar too: a quiet hour must not look like it
        height = max(abs(end - zero), 1.5)
        top = zero if slot.signal < 0 else zero - height
        width = min(0.75 * frame.slot, 26.0)
        kind = "bar flagged" if slot.flagged else "bar"
        parts.append(tag("rect", class_=kind, x=middle - width / 2, y=top, width=width, height=height))
    if slot.flagged:
        parts.append(marks.flag(middle, TOP - 4))
    if slot.planted:
        parts.append(marks.planted(middle, TOP + SIGNAL + 13))
    return tag("g", join(parts), class_="hour")
