"""Windows as bars on event time: one group of lanes for each way to make them, the rows above."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.draw.changes import Pick, _picker
from labkit.draw.clocks import short, ticks
from labkit.draw.colours import BLUE
from labkit.draw.picture import INK, Picture, mark, say, sheet
from labkit.errors import LabError
from labkit.testing.script import ROW, Step, clock, ms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HALF = 0.36  # of a lane: a bar is higher and lower than its middle by so much


@dataclass
class _Bar:
    """start, end: event-time ms. lane: from 0, of its group."""

    start: int
    end: int
    shown: str
    lane: int = 0

    def __str__(self) -> str:
        return f"{clock(self.start)} to {clock(self.end)}: {self.shown}"


def windows(
    groups: Mapping[str, Iterable[Mapping[str, Any]]],
    script: Iterable[Step] = (),
    *,
    label: str | Callable[[Step], str] | None = None,
    value: Pick = "n",
    start: str = "window_start",
    end: str = "window_end",
    title: str = "Windows over event time",
) -> Picture:
    """Rows that are windows, each a bar from its start to its end, and in it what `value` takes of the row.

    groups: by name the rows of each way to make windows; its bars share a lane where they do not overlap.
    script: rows that stand above the bars, and as a dot on the lower edge of each bar that is over them; a
    group of one key's windows is to be drawn with the script of that key. label: a field, or a function of
    the row's step, that names a row. start, end: the columns, instants or times in UTC. Raises LabError:
    there is no window.
    """
    bars = {name: _bars(rows, start, end, _picker(value)) for name, rows in groups.items()}
    every = [each for found in bars.values() for each in found]
    if not every:
        raise LabError("There is no window in these rows.", "Each row is one.", "print the rows first")
    marks = _marks(script, label)
    lanes = [max((each.lane for each in found), default=0) + 1 for found in bars.values()]
    with sheet(0.95 + 0.25 * (sum(lanes) + 0.4 * len(lanes) + bool(marks))) as figure:
        axes = figure.add_subplot()
        top = 0.0
        middles = []
        for found, number in zip(bars.values(), lanes, strict=True):
            top += 0.4
            for each in found:
                _draw_bar(axes, each, top + each.lane + 0.5, marks)
            middles.append(top + number / 2)
            top += number
        _draw_frame(axes, every, marks, title, top)
        axes.set_yticks(middles, list(bars))
        for at, text in marks:
            mark(axes, (at, -0.1), "o", BLUE, f"row {text}", size=6)
            say(axes, text, (at, -0.1), (0, 5), ha="center", va="bottom")
    return Picture(figure, title, _words(bars, marks))


def _marks(script: Iterable[Step], label: str | Callable[[Step], str] | None) -> list[tuple[int, str]]:
    """(event time, name) of each row that has both."""

    def name(step: Step) -> str:
        if callable(label):
            return label(step)
        return "" if label is None or step.fields.get(label) is None else short(step.fields[label], 12)

    rows = [step for step in script if step.kind == ROW and step.at is not None]
    return [(step.at, name(step)) for step in rows if step.at is not None]


def _bars(rows: Iterable[Mapping[str, Any]], start: str, end: str, shown: Callable[[Any], Any]) -> list[_Bar]:
    """A bar for each row, each in the first lane that is free where it begins."""
    found = [_Bar(ms(row[start]), ms(row[end]), short(shown(row), 12)) for row in rows]
    free: list[int] = []  # from when on, by lane
    for each in sorted(found, key=lambda bar: (bar.start, bar.end)):
        each.lane = next((lane for lane, until in enumerate(free) if until <= each.start), len(free))
        free[each.lane : each.lane + 1] = [each.end]
    return sorted(found, key=lambda bar: (bar.start, bar.end))


def _draw_bar(axes: Axes, bar: _Bar, middle: float, marks: list[tuple[int, str]]) -> None:
    low, high = middle - _HALF, middle + _HALF
    band = axes.fill_between([bar.start, bar.end], low, high, color=BLUE, alpha=0.13, linewidth=0)
    band.set_label(f"window {bar}")
    axes.plot(
        [bar.start, bar.end, bar.end, bar.start, bar.start], [low, low, high, high, low],
        color=BLUE, linewidth=1, zorder=2, label="edge",
    )  # fmt: skip
    say(axes, bar.shown, ((bar.start + bar.end) / 2, middle), (0, -0.5), ha="center", label="in a window")
    for at, text in marks:
        if bar.start <= at < bar.end:
            mark(axes, (at, high), "o", BLUE, f"in it {text}", size=3.5)


def _draw_frame(
    axes: Axes, bars: list[_Bar], marks: list[tuple[int, str]], title: str, bottom: float
) -> None:
    times = [edge for each in bars for edge in (each.start, each.end)] + [at for at, _ in marks]
    first, last = min(times), max(times)
    room = max((last - first) * 0.02, 1)
    axes.set_xlim(first - room, last + room)
    axes.set_ylim(bottom + 0.2, -0.6 if marks else 0.2)
    axes.set_xticks(*map(list, zip(*ticks(first, last, 12), strict=True)))
    axes.tick_params(length=0, labelsize=8)
    axes.tick_params(axis="x", length=3)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_color(INK)
    axes.set_xlabel("event time (UTC)")
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold")


def _words(bars: Mapping[str, list[_Bar]], marks: list[tuple[int, str]]) -> list[str]:
    rows = [f"rows: {', '.join(f'{text} {clock(at)}'.strip() for at, text in marks)}"] if marks else []
    return [*rows, *(f"{name}: {'; '.join(map(str, found)) or 'none'}" for name, found in bars.items())]
