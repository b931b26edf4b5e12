"""Small pictures beside numbers: a histogram, the parts of a whole, a share."""

from __future__ import annotations

from collections.abc import Sequence

from capstone_marketlag.report.markup import Html, join, tag
from capstone_marketlag.report.words import many

_BINS, _BIN, _TALL = 20, 20.0, 96.0


def histogram(values: Sequence[float], what: str) -> Html:
    """How many of the values, all from 0 to 1, are in each twentieth; its upper end belongs to the next."""
    counts = [0] * _BINS
    for value in values:
        counts[min(int(value * _BINS + 1e-9), _BINS - 1)] += 1
    most, left, top = max([1, *counts]), 8.0, 18.0
    floor = top + _TALL
    parts = [tag("line", class_="zero", x1=left, x2=left + _BINS * _BIN, y1=floor, y2=floor)]
    for number, count in enumerate(counts):
        if not count:
            continue
        x, height = left + number * _BIN, max(_TALL * count / most, 1.5)
        said = f"{number / _BINS:.2f} to {(number + 1) / _BINS:.2f}: {many(count, what)}"
        bar = tag("rect", class_="flagged", x=x + 1.5, y=floor - height, width=_BIN - 3, height=height)
        label = tag(
            "text", str(count), class_="count", x=x + _BIN / 2, y=floor - height - 5, text_anchor="middle"
        )
        parts.append(tag("g", tag("title", said), bar, label))
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = left + tick * _BINS * _BIN
        parts.append(tag("line", class_="zero", x1=x, x2=x, y1=floor, y2=floor + 4))
        parts.append(tag("text", f"{tick:g}", x=x, y=floor + 17, text_anchor="middle"))
    bins = [
        f"{count} from {n / _BINS:.2f} to {(n + 1) / _BINS:.2f}" for n, count in enumerate(counts) if count
    ]
    return tag(
        "svg",
        join(parts),
        class_="histogram",
        viewBox=f"0 0 {2 * left + _BINS * _BIN:.0f} {floor + 22:.0f}",
        role="img",
        aria_label=f"{many(len(values), what)} by confidence: {', '.join(bins) or 'none'}.",
    )


def stacked(parts: Sequence[tuple[str, str, int]], said: str) -> Html:
    """One bar of (kind, label, count), as wide as its counts; a count that is not 0 is always to be seen."""
    shown = [part for part in parts if part[2] > 0]
    least, gap = 4.0, 2.0
    # every part has the least; what is left of the width is shared out by count
    room = 1000 - len(shown) * (least + gap) + gap
    total = sum(count for *_, count in shown) or 1
    pieces, x = [], 0.0
    for kind, label, count in shown:
        width = least + room * count / total
        title = tag("title", f"{count:,} {label}")
        pieces.append(tag("rect", title, class_=kind, x=x, y=0.0, width=width, height=20.0))
        x += width + gap
    return tag(
        "svg",
        join(pieces),
        class_="stacked",
        viewBox="0 0 1000 20",
        preserveAspectRatio="none",
        role="img",
        aria_label=said,
    )


def share(part: float) -> Html:
    """A bar from the left that is as much of its width as `part` is of 1; the number stands beside it."""
    width = 100 * min(max(part, 0.0), 1.0)
    return tag(
        "svg",
        tag("rect", class_="track", x=0.0, y=0.0, width=100.0, height=8.0),
        tag("rect", class_="took", x=0.0, y=0.0, width=width, height=8.0),
        class_="share",
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
