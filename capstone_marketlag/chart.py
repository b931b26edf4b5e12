"""The report's pictures, as SVG inside the page.

    days(hours)     one picture a day, all on one scale: a bar an hour, below it that hour's news items
    legend(hours)   what the marks in them mean
    stacked(parts)  the parts of a whole in one bar
    share(part)     one part of it, beside its number

A picture a day, not one long one: 24 bars stay readable on a phone and on paper, and 300 hours are
only more of them. Colours are the page's (STYLE names them); nothing here knows light from dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from itertools import groupby

_WIDTH, _LEFT, _RIGHT, _TOP = 360.0, 46.0, 354.0, 8.0
_PLOT, _LANE = 120.0, 22.0  # heights: of the signal, and of the items below it
_SLOT = (_RIGHT - _LEFT) / 24
_BAR = _SLOT * 0.7
_LEAST = 1.5  # a signal of zero is a bar too: a gap must not look like it

STYLE = """
svg text { font: 13px system-ui, sans-serif; fill: var(--muted); }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .zero { stroke: var(--muted); stroke-width: 1; }
svg .slot { fill: transparent; }
svg .slot.gap { fill: url(#gap); }
svg .hatch { stroke: var(--hatch); stroke-width: 1; }
svg .hour:hover .slot { fill: var(--rule); }
svg .bar { fill: var(--signal); }
svg .bar.negative { fill: var(--negative); }
svg .bar.differs { fill: var(--bad); }
svg .wanted { fill: none; stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 3 2; }
svg .items { fill: var(--quiet); }
svg .counted, svg .took { fill: var(--signal); }
svg .late { fill: var(--negative); }
svg .duplicate { fill: var(--quiet); }
svg .dead { fill: var(--bad); }
svg .heartbeat { fill: var(--pulse); }
svg .unaccounted { fill: var(--ink); }
"""


@dataclass(frozen=True)
class Hour:
    """One hour of the record. signal: None without news; wanted: what it should be, where it differs."""

    start: datetime
    signal: float | None
    items: int
    told: str
    differs: bool = False
    wanted: float | None = None


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    ticks: list[float]
    most_items: int

    def y(self, value: float) -> float:
        return _TOP + _PLOT * (self.high - value) / (self.high - self.low)


def days(hours: Sequence[Hour]) -> str:
    """A figure for every UTC day, with hours in order of time; the scale is the same in all of them."""
    scale = _scale(hours)
    figures = "".join(
        _figure(list(group), scale) for _, group in groupby(hours, key=lambda hour: hour.start.date())
    )
    # the pattern stands once, in a picture of no size: its name has to be unique in the page
    return f'{_GAP}<div class="days">{figures}</div>'


_GAP = (
    '<svg class="defs" width="0" height="0" aria-hidden="true"><defs><pattern id="gap" width="5" height="5" '
    'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="hatch" x1="0" y1="0" x2="0" y2="5"></line></pattern></defs></svg>'
)


def legend(hours: Sequence[Hour]) -> str:
    """Swatch and meaning of each kind of mark that these hours need."""
    entries = [("bar", "the hour’s signal")]
    if any(hour.signal is not None and hour.signal < 0 for hour in hours):
        entries.append(("bar negative", "a negative signal"))
    if any(hour.differs for hour in hours):
        entries += [("bar differs", "differs from the oracle"), ("wanted", "what the oracle has there")]
    entries += [
        ("slot gap", "no news, so no signal (a signal of zero is a thin line)"),
        ("items", "news items"),
    ]
    return "".join(f"<li>{swatch(kind)} {escape(text)}</li>" for kind, text in entries)


def swatch(kind: str) -> str:
    """A small square in the colour of that kind of mark."""
    return (
        '<svg class="swatch" viewBox="0 0 12 12" aria-hidden="true">'
        f'<rect class="{kind}" x="1" y="1" width="10" height="10"></rect></svg>'
    )


def stacked(parts: Sequence[tuple[str, str, int]], name: str) -> str:
    """One bar of (kind, label, count), as wide as its counts; a count that is not 0 is always to be seen."""
    shown = [part for part in parts if part[2] > 0]
    least, gap = 4.0, 2.0
    # every part has the least; what is left of the width is shared out by count
    room = 1000 - len(shown) * (least + gap) + gap
    total = sum(count for *_, count in shown) or 1
    pieces, x = [], 0.0
    for kind, label, count in shown:
        width = least + room * count / total
        pieces.append(
            f'<rect class="{kind}" x="{x:.1f}" y="0" width="{width:.1f}" height="24">'
            f"<title>{count:,} {escape(label)}</title></rect>"
        )
        x += width + gap
    return (
        f'<svg class="stacked" viewBox="0 0 1000 24" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(name)}">{"".join(pieces)}</svg>'
    )


def share(part: float) -> str:
    """A bar from the left that is as much of its width as `part` is of 1; the number stands beside it."""
    return (
        '<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="took" x="0" y="0" width="{100 * part:.1f}" height="8"></rect></svg>'
    )


def _scale(hours: Sequence[Hour]) -> _Scale:
    values = [value for hour in hours for value in (hour.signal, hour.wanted) if value is not None]
    low, high = min([0.0, *values]), max([0.0, *values])
    if low == high:
        high = 1.0
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    # ticks stand within the values, not around them: half of the picture would stay empty for -6 to 6
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = [number * step for number in range(first, last + 1)]
    return _Scale(low, high, ticks, max([1, *(hour.items for hour in hours)]))


def _figure(hours: list[Hour], scale: _Scale) -> str:
    day, lane = hours[0].start, _TOP + _PLOT + 6 + _LANE
    axis = "".join(
        f"{_line('grid', _LEFT, _RIGHT, scale.y(tick))}"
        f'<text x="{_LEFT - 6}" y="{scale.y(tick) + 4:.1f}" text-anchor="end">{signed(tick)}</text>'
        for tick in scale.ticks
    )
    clock = "".join(
        f'<text x="{_LEFT + hour * _SLOT:.1f}" y="{lane + 16}" text-anchor="{anchor}">{hour:02}</text>'
        for hour, anchor in ((0, "start"), (6, "middle"), (12, "middle"), (18, "middle"), (24, "end"))
    )
    marks = "".join(_marks(hour, scale) for hour in hours)
    # the zero line goes as far as the record does: beyond it nothing is known, not even that nothing came
    first, last = hours[0].start.hour, hours[-1].start.hour + 1
    zero = _line("zero", _LEFT + first * _SLOT, _LEFT + last * _SLOT, scale.y(0))
    return (
        f'<figure><figcaption><time datetime="{day:%Y-%m-%d}">{day:%a %Y-%m-%d}</time></figcaption>'
        f'<svg viewBox="0 0 {_WIDTH:.0f} {lane + 20:.0f}" role="img" aria-label="{escape(_said(hours))}">'
        f'{axis}{clock}<text x="{_LEFT - 6}" y="{lane - 6}" text-anchor="end">items</text>{marks}{zero}'
        "</svg></figure>"
    )


def _line(kind: str, left: float, right: float, y: float) -> str:
    return f'<line class="{kind}" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"></line>'


def _marks(hour: Hour, scale: _Scale) -> str:
    x = _LEFT + hour.start.hour * _SLOT
    inner = x + (_SLOT - _BAR) / 2
    lane = _TOP + _PLOT + 6
    slot, height = "slot" if hour.signal is not None else "slot gap", lane + _LANE - _TOP
    parts = [
        f"<title>{escape(hour.told)}</title>",
        f'<rect class="{slot}" x="{x:.1f}" y="{_TOP}" width="{_SLOT:.1f}" height="{height}"></rect>',
    ]
    if hour.signal is not None:
        kind = "bar" + " negative" * (hour.signal < 0) + " differs" * hour.differs
        parts.append(_column(kind, inner, hour.signal, scale))
    if hour.wanted is not None:
        parts.append(_column("wanted", inner, hour.wanted, scale))
    if hour.items:
        height = _LANE * hour.items / scale.most_items
        parts.append(
            f'<rect class="items" x="{inner:.1f}" y="{lane + _LANE - height:.1f}" '
            f'width="{_BAR:.1f}" height="{height:.1f}"></rect>'
        )
    return f'<g class="hour">{"".join(parts)}</g>'


def _column(kind: str, x: float, value: float, scale: _Scale) -> str:
    """From the zero line up, or down for a negative value."""
    zero = scale.y(0)
    height = max(abs(scale.y(value) - zero), _LEAST)
    top = zero if value < 0 else zero - height
    return f'<rect class="{kind}" x="{x:.1f}" y="{top:.1f}" width="{_BAR:.1f}" height="{height:.1f}"></rect>'


def _said(hours: list[Hour]) -> str:
    """The day in a sentence, for those who do not see it."""
    day = f"{hours[0].start:%Y-%m-%d}"
    news = [(hour.signal, hour.start) for hour in hours if hour.signal is not None]
    if not news:
        return f"{day}: no news in {len(hours)} recorded hours."
    (low, low_at), (high, high_at) = min(news), max(news)
    return (
        f"{day}: {len(news)} of {len(hours)} recorded hours have a signal; the lowest is {signed(low)} "
        f"at {low_at:%H:%M}, the highest {signed(high)} at {high_at:%H:%M} UTC."
    )


def signed(value: float) -> str:
    """A number for people, to four digits, with a minus sign that looks like one.

    >>> signed(-1.5), signed(5.166667), signed(0.30000000000000004), signed(25000)
    ('−1.5', '5.167', '0.3', '25,000')
    """
    text = f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return text.replace("-", "−")
