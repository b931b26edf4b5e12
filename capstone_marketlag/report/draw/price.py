"""The lower panel of a timeline: the price of YES at each full hour, and what is not an observed price."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from capstone_marketlag.report.draw import marks
from capstone_marketlag.report.draw.frame import BOTTOM, Frame, Slot
from capstone_marketlag.report.markup import Html, join, tag

_Point = tuple[float, float]


def prices(slots: Sequence[Slot], frame: Frame, closes: datetime | None, after: bool) -> Html:
    """The line, broken where a price is missing; what is not observed has its own mark."""
    at = [
        (number * frame.slot, frame.price_y(slot.price)) if slot.price is not None else None
        for number, slot in enumerate(slots)
    ]
    steps = [
        (one, two, slots[number + 1].status) for number, (one, two) in enumerate(pairwise(at)) if one and two
    ]
    parts = [
        _path("price", [(one, two) for one, two, status in steps if status != "carried"]),
        _path("price guessed", [(one, two) for one, two, status in steps if status == "carried"]),
        _path("compared", _compared(slots, at, after)),
    ]
    for number, (slot, point) in enumerate(zip(slots, at, strict=True)):
        if point is None:
            if closes is None or slot.start < closes:
                parts.append(marks.missing(number * frame.slot, BOTTOM - 4))
        elif slot.status == "carried":
            parts.append(marks.carried(*point))
        elif slot.status == "clamped":
            parts.append(marks.clamped(*point))
        elif not (number and at[number - 1]) and not (number + 1 < len(at) and at[number + 1]):
            # no line leads to it
            parts.append(tag("circle", class_="alone", cx=point[0], cy=point[1], r=1.8))
    for number, slot in enumerate(slots):
        compared = number + after
        if slot.flagged and compared < len(at) and (point := at[compared]):
            parts.append(tag("circle", class_="flagged", cx=point[0], cy=point[1], r=3.0))
    return tag("g", join(parts), class_="prices")


def _compared(slots: Sequence[Slot], at: list[_Point | None], after: bool) -> list[tuple[_Point, _Point]]:
    """The move of the price that each flagged hour was compared with."""

    def moves() -> Iterator[tuple[_Point, _Point]]:
        for number, slot in enumerate(slots):
            end = number + after
            if slot.flagged and 0 < end < len(at) and (one := at[end - 1]) and (two := at[end]):
                yield one, two

    return list(moves())


def _path(kind: str, steps: list[tuple[_Point, _Point]]) -> Html | None:
    """One path of all these steps; a step that begins where the last one ended goes on from there."""
    if not steps:
        return None
    written, here = [], None
    for one, two in steps:
        if one != here:
            written.append(f"M{one[0]:.1f} {one[1]:.1f}")
        written.append(f"L{two[0]:.1f} {two[1]:.1f}")
        here = two
    return tag("path", class_=kind, d="".join(written))
