"""Where things are in a timeline: two panels below each other, the same hours in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from capstone_marketlag.report.draw.scale import Scale, around, within

TOP = 30.0  # of the signal panel: above it its name and the flags
SIGNAL, _LANE, PRICE = 132.0, 34.0, 104.0  # heights: panel, the planted ticks and a name, panel
PRICE_TOP = TOP + SIGNAL + _LANE
BOTTOM = PRICE_TOP + PRICE
PAD = 5.0  # left of the first hour and right of the last: a mark there is not cut


@dataclass(frozen=True)
class Slot:
    """One hour. price, status: at its start; told: what its tooltip says."""

    start: datetime
    told: str
    signal: float | None = None
    flagged: bool = False
    planted: bool = False
    price: float | None = None
    status: str = ""


@dataclass(frozen=True)
class Frame:
    """slot: the width of an hour."""

    slot: float
    signal: Scale
    price: Scale
    hours: int

    @classmethod
    def of(cls, slots: Sequence[Slot]) -> Frame:
        """A frame for these hours: 240 can be told apart, 48 fill the page, three are no day wide."""
        return cls(
            slot=min(max(960 / len(slots), 4.0), max(20.0, 300 / len(slots))),
            signal=around([slot.signal for slot in slots if slot.signal is not None], ticks=5),
            price=within(_ordinary(slots), least=0.1, ticks=4),
            hours=len(slots),
        )

    @property
    def right(self) -> float:
        """The end of the last hour."""
        return self.hours * self.slot

    @property
    def width(self) -> float:
        return self.right + 2 * PAD

    def signal_y(self, value: float) -> float:
        return TOP + SIGNAL * self.signal.part(value)

    def price_y(self, value: float) -> float:
        """Inside of the panel: a clamped price is at its edge, or the days around it would be a flat line."""
        return PRICE_TOP + PRICE * min(max(self.price.part(value), 0.0), 1.0)


def _ordinary(slots: Sequence[Slot]) -> list[float]:
    """The prices that make the scale: not those clamped to 0 or 1, nor what was carried over from them."""
    clamped = {slot.price for slot in slots if slot.status == "clamped"}
    return [slot.price for slot in slots if slot.price is not None and slot.price not in clamped]
