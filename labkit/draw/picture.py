"""A drawing as notebooks show it: SVG whose text has the page's own colour, and the same in words.

No single colour is readable as text on white and on dark. So text and thin lines are drawn with an ink that
stands for "the colour of text here"; in the SVG it becomes `currentColor`. Inside of a page (a notebook, this
course's site) that is the page's; as a file of its own the SVG asks the reader's system, light or dark.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from html import escape
from typing import Any

from labkit import paths
from labkit.draw.colours import INKS
from labkit.errors import LabError

os.environ.setdefault("MPLCONFIGDIR", str(paths.LAB / "matplotlib"))  # its list of fonts; nothing in the home

try:
    from matplotlib import rc_context
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ModuleNotFoundError as error:
    raise LabError(
        "matplotlib is not installed.", "Pictures are drawn with it.", "./lab setup docs"
    ) from error

#: text and thin lines; no mark has this colour
INK = "#0a0b0c"
#: inches; a notebook's column, and no wider
WIDTH = 7.6
_STYLE: Any = {
    "svg.fonttype": "none",  # text stays text
    "text.parse_math": False,  # a dollar is a dollar
    "svg.hashsalt": "drawing",  # the same ids each time
    "font.family": ["DejaVu Sans"],  # measured with; a wide one, so that a page's own font fits in its place
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
}
_SAID: dict[str, Any] = {
    "textcoords": "offset points", "va": "center", "fontsize": 8, "annotation_clip": False,
}  # fmt: skip
_FILE = f"""<style>
.drawing {{ color: {INKS[0]} }}
@media (prefers-color-scheme: dark) {{ .drawing {{ color: {INKS[1]} }} }}
</style>"""


@contextmanager
def sheet(height: float) -> Iterator[Figure]:
    """An empty figure so many inches high; what is drawn on it within the block has our style."""
    with rc_context(_STYLE):
        yield Figure(figsize=(WIDTH, height), layout="constrained")


def mark(axes: Axes, at: tuple[float, float], form: str, colour: str, label: str, size: float = 9) -> None:
    """One mark, above all lines. label: what it stands for; it is not shown."""
    edge = 1.4 if form in "|_" else 0
    axes.plot(
        [at[0]], [at[1]], form, color=colour, markersize=size, markeredgewidth=edge, label=label, zorder=4,
        clip_on=False,
    )  # fmt: skip


def say(
    axes: Axes, text: str, at: tuple[float, float], shift: tuple[float, float] = (0, 0), **more: Any
) -> None:
    """A text beside a place; shift: in points, to the right and upwards."""
    axes.annotate(text, at, shift, **{**_SAID, **more})


class Picture:
    """A drawing. figure: matplotlib's. describe(): what it shows, in words."""

    def __init__(self, figure: Figure, title: str, lines: Sequence[str]) -> None:
        self.figure = figure
        self.title = title
        self._lines = list(lines)
        for axes in figure.axes:  # nothing is outside; and each clipping path has an id, which may differ
            for artist in (*axes.lines, *axes.collections):
                artist.set_clip_on(False)

    def describe(self) -> str:
        """What the picture shows, in words: for those who do not see it, and for a terminal."""
        return "\n".join([self.title, *(f"  {line}" for line in self._lines)])

    __repr__ = describe

    def svg(self) -> str:
        """The picture as a file of its own: an SVG that follows the reader's light or dark."""
        return self._whole(_FILE)

    def html(self) -> str:
        """The picture inside of a page: its text has the colour of the page's text."""
        return self._whole("")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows. HTML, not image/svg+xml: a notebook makes that an <img>, which knows no
        theme."""
        return {"text/html": self.html(), "text/plain": self.describe()}

    def _whole(self, style: str) -> str:
        return _embedded(self._drawn, self.describe(), style)

    @cached_property
    def _drawn(self) -> str:
        """matplotlib's SVG. Once: its layout moves by a hair when it is done again."""
        drawn = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        with rc_context(_STYLE):
            self.figure.savefig(drawn, format="svg", transparent=True, metadata=nothing)
        return drawn.getvalue()


def _embedded(svg: str, words: str, style: str) -> str:
    """matplotlib's SVG as an element of a page: in the page's colour and font, with its words as its name."""
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size is not None
    body = svg[svg.index(">", size.end()) + 1 :]
    clean: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
        (r"\s*<metadata>.*?</metadata>", ""),
        (r'\s*<style type="text/css">.*?</style>', ""),  # would be the whole page's
        (r"<!--.*?-->\n?", ""),
        (r'(<g) id="[^"]*"', r"\1"),  # counted from 1 in every picture
        (r"font: ((?:[\w-]+ )*?)([\d.]+px) [^;\"]*", _font),  # matplotlib 3.10
        (r"font-family: [^;\"]*; ", ""),
        (INK, "currentColor"),
    )
    for pattern, instead in clean:
        body = re.sub(pattern, instead, body, flags=re.DOTALL)
    width, height = (float(number) * 4 / 3 for number in size.groups())  # points to pixels
    name = escape(" · ".join(line.strip() for line in words.splitlines()), quote=True)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" class="drawing" '
        f'viewBox="0 0 {size[1]} {size[2]}" width="{width:.0f}" height="{height:.0f}" role="img" '
        f'aria-label="{name}" style="max-width: 100%; height: auto; font-family: system-ui, sans-serif; '
        f'stroke-linejoin: round; stroke-linecap: butt">{style}{body.strip()}\n'
    )


def _font(match: re.Match[str]) -> str:
    """The size and weight of a font, without its family: that is the page's."""
    weight = "; font-weight: bold" if re.search(r"bold|[6-9]00", match[1]) else ""
    return f"font-size: {match[2]}{weight}"
