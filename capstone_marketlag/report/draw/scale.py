"""From numbers to heights, with ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """low and high are the ends of an axis; ticks stand within them."""

    low: float
    high: float
    ticks: list[float]

    def part(self, value: float) -> float:
        """How far down the axis a value stands: 0 at high, 1 at low.

        >>> Scale(0, 4, []).part(1)
        0.75
        """
        return (self.high - value) / (self.high - self.low)


def around(values: Iterable[float], ticks: int = 4) -> Scale:
    """A scale that begins at zero, or below it for what is negative.

    >>> around([0.5, 7.0]).ticks, around([]).ticks
    ([0.0, 2.0, 4.0, 6.0], [0.0, 0.5, 1.0])
    """
    found = [0.0, *values]
    low, high = min(found), max(found)
    # six digits are all that a signal has
    return _scale(low, high if high - low > 1e-7 else low + 1.0, ticks)


def within(values: Iterable[float], least: float, ticks: int = 3) -> Scale:
    """A scale of parts of 1 that is no wider than its values need, and no narrower than `least`.

    >>> scale = within([0.40, 0.46], least=0.2)
    >>> round(scale.low, 2), round(scale.high, 2), scale.ticks
    (0.33, 0.53, [0.4, 0.5])
    """
    found = list(values) or [0.5]
    low, high = min(found), max(found)
    room = max(0.06 * (high - low), (least - (high - low)) / 2)
    low, high = low - room, high + room
    # moved, not cut, where it would leave 0 to 1: a price at the edge keeps its room
    if low < 0:
        low, high = 0.0, min(1.0, high - low)
    if high > 1:
        low, high = max(0.0, low - (high - 1)), 1.0
    return _scale(low, high, ticks)


def _scale(low: float, high: float, ticks: int) -> Scale:
    rough = (high - low) / ticks
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return Scale(low, high, [round(number * step, 12) for number in range(first, last + 1)])
