"""Rows on event time against arrival: which were in time, how far the watermark had come, what it closed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from labkit.draw.clocks import short, ticks
from labkit.draw.colours import BLUE, GREEN, PURPLE, VERMILLION
from labkit.draw.picture import INK, Picture, mark, say, sheet
from labkit.errors import LabError
from labkit.testing.script import CHECKPOINT, CRASH, ROW, WATERMARK, Step, clock

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from labkit.testing.results import Change, Result

Label = str | Callable[[Step], str]


@dataclass
class _Window:
    """start, end: event-time ms. closed: between which arrivals the watermark passed its end, if it did."""

    start: int
    end: int
    closed: float | None = None

    def __str__(self) -> str:
        return f"{clock(self.start)} to {clock(self.end)}"


@dataclass
class _Came:
    """A row. number: the how manieth to come. late: as the caller says it."""

    number: int
    at: int
    label: str
    window: _Window | None
    behind: bool
    late: bool


@dataclass
class _Course:
    """A script as it is drawn. Between row 3 and row 4 is 3.5."""

    rows: list[_Came] = field(default_factory=list)
    #: (where, watermark); None: from here on there is none
    reached: list[tuple[float, int | None]] = field(default_factory=list)
    windows: dict[int, _Window] = field(default_factory=dict)
    notes: dict[float, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def note(self, where: float, text: str) -> None:
        self.notes[where] = f"{self.notes[where]}; {text}" if where in self.notes else text
        self.words.append(f"   {text}")


def events(
    script: Iterable[Step],
    *,
    window: timedelta | None = None,
    label: Label | None = None,
    late: Callable[[Step], bool] | None = None,
    out: Result | None = None,
    says: Callable[[Any], str] = short,
    title: str = "Event time and arrival",
) -> Picture:
    """The rows of a script, first to last, each at its event time; the watermark; and windows that it closes.

    A row that is late is an orange cross, one in time a blue dot. window: the size of tumbling windows, drawn
    as bands that end where the watermark passes. label: a field, or a function of the row's step, that names
    a row; one without a name only carries a time, and is a small stroke. late: which rows are late, where
    something else than the window decides (a query of yours); without windows it is what is behind the
    watermark. out: a result of the same script; its rows stand at the watermark that brought them out, as
    `says` puts them. Raises LabError: no row has an event time.
    """
    course = _read(script, _milliseconds(window), _namer(label), late)
    if not course.rows:
        raise LabError(
            "No row of this script has an event time.", "Rows have one by at=.", 'row(at="10:00", …)'
        )
    given = _given(course, out, says)
    words = [*course.words, *(line for _, _, line in given)]
    ending = any(at is None for _, at, _ in given)
    with sheet(1.05 + 0.25 * (len(course.rows) + ending)) as figure:
        axes = figure.add_subplot()
        _draw_frame(axes, course, title, ending)
        for each in course.windows.values():
            _draw_window(axes, each, course.rows)
        _draw_watermark(axes, course)
        for row in course.rows:
            _draw_row(axes, row)
        for where, at, line in given:
            place = (axes.get_xlim()[1] if at is None else at, where)
            mark(axes, place, "s", GREEN, f"out: {line}", size=7)
            say(axes, line, place, (-8, 0) if at is None else (8, 0), ha="right" if at is None else "left")
    return Picture(figure, title, words)


# ---- reading -------------------------------------------------------------------------------------


def _milliseconds(window: timedelta | None) -> int | None:
    return None if window is None else window // timedelta(milliseconds=1)


def _namer(label: Label | None) -> Callable[[Step], str]:
    if label is None:
        return lambda step: short(step.value if step.value is not None else dict(step.fields), 24)
    if callable(label):
        return label

    def of_the_field(step: Step) -> str:
        value = step.fields.get(label)
        return "" if value is None else short(value, 24)

    return of_the_field


def _read(
    script: Iterable[Step], size: int | None, name: Callable[[Step], str], late: Callable[[Step], bool] | None
) -> _Course:
    course = _Course()
    steps = list(script)
    names: set[str | None] = {step.to for step in steps if step.to} or {None}
    inputs: dict[str | None, int] = {}  # how far each has come
    now: int | None = None
    latest: int | None = None
    for step in steps:
        between = len(course.rows) + 0.5
        if step.kind == ROW:
            latest = step.at if step.at is not None else latest
            if latest is not None:
                _came(course, latest, step, size, now, name, late)
        elif step.kind == WATERMARK and step.at is not None:
            for name_ in {step.to} if step.to else names:
                inputs[name_] = max(step.at, inputs.get(name_, step.at))
            lowest = min(inputs.values())
            if inputs.keys() >= names and (now is None or lowest > now):
                now = lowest
                course.reached.append((between, now))
                _advanced(course, now, between)
        elif step.kind == CRASH:
            inputs, now = {}, None
            course.reached.append((between, None))
            course.note(between, "the job fails, and goes on without a watermark")
        elif step.kind == CHECKPOINT:
            course.note(between, "checkpoint")
    return course


def _came(
    course: _Course,
    at: int,
    step: Step,
    size: int | None,
    now: int | None,
    name: Callable[[Step], str],
    late: Callable[[Step], bool] | None,
) -> None:
    label = name(step)
    window = None
    if size is not None and label:
        start = at // size * size
        window = course.windows.setdefault(
            start, _Window(start, start + size, _closed_before(course, start + size))
        )
    behind = window.closed is not None if window else now is not None and at <= now
    row = _Came(len(course.rows) + 1, at, label, window, behind, late(step) if late and label else behind)
    row.late = row.late and bool(label)
    course.rows.append(row)
    course.words.append(_told(row))


def _closed_before(course: _Course, end: int) -> float | None:
    """Where the watermark had passed this end already when the window's first row came."""
    return next(
        (where for where, reached in course.reached if reached is not None and reached >= end - 1), None
    )


def _advanced(course: _Course, now: int, between: float) -> None:
    closing = [each for each in course.windows.values() if each.closed is None and now >= each.end - 1]
    for each in closing:
        each.closed = between
    closed = f": the window {' and the window '.join(map(str, closing))} closes" if closing else ""
    course.words.append(f"   the watermark comes to {_reached(now)}{closed}")


def _reached(watermark: int) -> str:
    """A watermark of one millisecond before a full second closes what ends with it: said as such."""
    return f"{clock(watermark + 1)} less 1 ms" if watermark % 1000 == 999 else clock(watermark)


def _told(row: _Came) -> str:
    where = f"the window {row.window} {'has closed' if row.behind else 'is open'}" if row.window else ""
    if not row.label:
        return f"{row.number:>2} {clock(row.at)}, a time alone"
    if row.window is None:
        fate = "late" if row.late else "in time"
    elif row.late == row.behind:
        fate = f"late: {where}" if row.late else f"in time: {where}"
    else:
        fate = f"called {'late' if row.late else 'in time'}, but {where}"
    return f"{row.number:>2} {row.label}, {clock(row.at)}, {fate}"


def _given(
    course: _Course, out: Result | None, says: Callable[[Any], str]
) -> list[tuple[float, int | None, str]]:
    """(where, watermark, words) for each moment at which rows of the result came out."""
    found: dict[tuple[float, int | None], list[str]] = {}
    for change in out.changes if out else ():
        found.setdefault(_place(course, change), []).append(f"{change.kind} {says(change.row)}")
    return [
        (where, at, f"{', '.join(texts)}{'' if at is not None else ' (at the end of the input)'}")
        for (where, at), texts in found.items()
    ]


def _place(course: _Course, change: Change) -> tuple[float, int | None]:
    for where, reached in course.reached:
        if not change.at_end and reached is not None and change.by is not None and reached >= change.by:
            return where, reached
    return len(course.rows) + 1.6, None


# ---- drawing -------------------------------------------------------------------------------------


def _draw_frame(axes: Axes, course: _Course, title: str, ending: bool) -> None:
    times = [row.at for row in course.rows]
    times += [edge for each in course.windows.values() for edge in (each.start, each.end)]
    first, last = min(times), max(times)
    first, last = (first, last) if first < last else (first - 60_000, last + 60_000)
    near = (last - first) // 4  # a watermark further away is drawn at the edge
    reached = [at for _, at in course.reached if at is not None and first - near <= at <= last + near]
    first, last = min([first, *reached]), max([last, *reached])
    room = (last - first) * 0.04
    axes.set_xlim(first - room, last + room)
    axes.set_ylim(len(course.rows) + 1 + ending, 0)
    axes.set_xticks(*map(list, zip(*ticks(first, last), strict=True)))
    axes.set_yticks(
        [row.number for row in course.rows],
        [f"{row.label}  {clock(row.at)}".strip() for row in course.rows],
    )
    axes.tick_params(length=0, labelsize=8)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("event time (UTC)")
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
    for where, text in course.notes.items():
        axes.axhline(where, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), label=text)
        say(axes, text, (1, where), (0, 2), xycoords=("axes fraction", "data"), ha="right", va="bottom")


def _draw_window(axes: Axes, window: _Window, rows: list[_Came]) -> None:
    """A band from the top to where it closes; what comes for it below, finds no band."""
    end = len(rows) + 0.5 if window.closed is None else window.closed
    state = "open" if window.closed is None else "closes"
    band = axes.fill_between([window.start, window.end], 0.35, end, color=BLUE, alpha=0.13, linewidth=0)
    band.set_label(f"window {window}: {state}")
    for edge in (window.start, window.end):
        axes.plot([edge, edge], [0.35, end], color=BLUE, linewidth=0.8, zorder=1)
    middle = (window.start + window.end) / 2
    if window.closed is not None:
        label = f"closes {window}"
        axes.plot([window.start, window.end], [end] * 2, color=BLUE, linewidth=2.5, zorder=2, label=label)
    text = "closed by the watermark" if window.closed is not None else "still open"
    low, high = axes.get_xlim()
    # a row is half a line away, above and below: the text goes to the side where none is in its way
    taken = {row.number for row in rows if abs(row.at - middle) < 0.14 * (high - low)}
    above = end + 0.5 in taken and end - 0.5 not in taken
    shift, side = ((0, 3), "bottom") if above else ((0, -3), "top")
    say(axes, text, (middle, end), shift, ha="center", va=side, fontsize=7.5)


def _draw_watermark(axes: Axes, course: _Course) -> None:
    """Stairs: down while it stands, to the right when it moves; behind a restart they begin anew."""
    low, high = axes.get_xlim()
    pieces: list[list[tuple[float, float]]] = []
    bottom = len(course.rows) + 0.5
    before: int | None = None
    for (where, at), (until, _) in pairwise([*course.reached, (bottom, None)]):
        if at is not None:
            x = min(max(at, low), high)
            if before is None:
                pieces.append([])
            pieces[-1] += [(x, where), (x, until)]
        before = at
    for number, piece in enumerate(pieces):
        axes.plot(*zip(*piece, strict=True), color=PURPLE, linewidth=2, zorder=3, label="watermark")
        if number == 0:
            say(axes, "watermark", piece[0], (4, -1), va="top")


def _draw_row(axes: Axes, row: _Came) -> None:
    place = (row.at, row.number)
    if not row.label:
        mark(axes, place, "|", INK, "time")
    elif row.late:
        mark(axes, place, "X", VERMILLION, f"late {row.label}")
        say(axes, "late", place, (9, 0))
    else:
        mark(axes, place, "o", BLUE, f"in time {row.label}", size=7)
