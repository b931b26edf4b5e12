"""A changelog as it grows, and the table that it makes: a column for each key, a line for each change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labkit.draw.clocks import short
from labkit.draw.colours import BLUE, GREEN, PURPLE, VERMILLION
from labkit.draw.picture import INK, Picture, mark, say, sheet
from labkit.testing.results import Change, Result
from labkit.testing.script import clock

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: a column of a row by its name (of a tuple: its number), or a function of the row
Pick = str | int | Callable[[Any], Any]
#: form and colour of each kind; form alone tells them apart
FORMS = {"+I": ("P", GREEN), "+U": ("^", BLUE), "-U": ("v", VERMILLION), "-D": ("X", PURPLE)}

#: that fit beside each other in all columns together
_LETTERS = 66


@dataclass
class _Entry:
    """One change. place: its key's column, from 0. shown: its value."""

    number: int
    kind: str
    place: int
    shown: str
    label: str


@dataclass
class _Stands:
    """A row of the table, from the change that brought it until the one that took it away, if one did."""

    place: int
    shown: str
    since: int
    until: int | None = None


@dataclass
class _Growth:
    keys: list[str] = field(default_factory=list)
    entries: list[_Entry] = field(default_factory=list)
    rows: list[_Stands] = field(default_factory=list)
    notes: dict[int, str] = field(default_factory=dict)

    def table(self) -> list[list[str]]:
        """What stands in the end, by key."""
        left = [each for each in self.rows if each.until is None]
        return [[each.shown for each in left if each.place == place] for place in range(len(self.keys))]


def changelog(
    changes: Result | Iterable[tuple[str, Any]],
    *,
    key: Pick | None = None,
    value: Pick | None = None,
    label: Callable[[Change], str] | None = None,
    notes: Mapping[int, str] | None = None,
    title: str = "The changelog, and the table that it makes",
) -> Picture:
    """Each change in the order in which it came, and how long the row stands that it brought.

    A line for each change, a column for each key: +I is a plus, +U points up, -U points down, -D is a cross.
    From a +I or +U a line goes down until its row is taken back; what reaches the bottom is the table as it
    stands. key: the columns by which a later row takes an earlier one's place, as an upsert sink has them;
    without it there is one column, and only -U and -D take a row back. value: what is shown of a row. label:
    what is said of a change of a result in front of its line; else when it came out. notes: what is said
    before the change of that number.
    """
    listed = (
        [(each.kind, each.row) for each in changes.changes] if isinstance(changes, Result) else list(changes)
    )
    growth = _grown(listed, key, value)
    growth.notes = dict(notes or {})
    if isinstance(changes, Result):
        for entry, change in zip(growth.entries, changes.changes, strict=True):
            entry.label = short(label(change), 36) if label else _when(change)
        first = next((n for n, change in enumerate(changes.changes, 1) if change.at_end), None)
        if first is not None:
            growth.notes.setdefault(first, "end of the input")
    with sheet(1.2 + 0.25 * (len(listed) + 1)) as figure:
        axes = figure.add_subplot()
        _draw_frame(axes, growth, title)
        room = max(_LETTERS // max(len(growth.keys), 1) - 5, 4)
        for stands in growth.rows:
            until = len(listed) + 0.6 if stands.until is None else stands.until
            axes.plot([stands.place] * 2, [stands.since, until], color=INK, linewidth=1.2, zorder=1,
                      label=f"stands {stands.shown}")  # fmt: skip
        for entry in growth.entries:
            place = (entry.place, entry.number)
            mark(axes, place, *FORMS[entry.kind], label=entry.kind)
            say(axes, f"{entry.kind}  {short(entry.shown, room)}", place, (9, 0))
    return Picture(figure, title, _words(growth))


def _picker(pick: Pick) -> Callable[[Any], Any]:
    return pick if callable(pick) else lambda row: row[pick]


def _grown(changes: Sequence[tuple[str, Any]], key: Pick | None, value: Pick | None) -> _Growth:
    growth = _Growth()
    key_of = _picker(key) if key is not None else lambda row: ""
    shown_of = _picker(value) if value is not None else _without(key)
    for number, (kind, row) in enumerate(changes, 1):
        name = short(key_of(row), 18)
        if name not in growth.keys:
            growth.keys.append(name)
        place, shown = growth.keys.index(name), short(shown_of(row))
        growth.entries.append(_Entry(number, kind, place, shown, str(number)))
        standing = [each for each in growth.rows if each.until is None and each.place == place]
        brings = kind in ("+I", "+U")
        if not (brings and key is None):
            replaced = standing if key is not None else [each for each in standing if each.shown == shown][:1]
            for each in replaced:
                each.until = number
        if brings:
            growth.rows.append(_Stands(place, shown, number))
    return growth


def _without(key: Pick | None) -> Callable[[Any], Any]:
    """A row without the column that is its key: that stands above already."""

    def rest(row: Any) -> Any:
        if not isinstance(row, Mapping):
            return row
        left = {name: each for name, each in row.items() if name != key}
        return next(iter(left.values())) if len(left) == 1 else left

    return rest


def _when(change: Change) -> str:
    if change.at_end:
        return "at the end"
    return f"watermark {clock(_rounded(change.by))}" if change.by is not None else "at once"


def _rounded(watermark: int) -> int:
    return watermark + 1 if watermark % 1000 == 999 else watermark


def _draw_frame(axes: Axes, growth: _Growth, title: str) -> None:
    last = len(growth.entries) + 1
    axes.set_xlim(-0.3, max(len(growth.keys), 1) - 0.05)
    axes.set_ylim(last + 0.5, 0.3)
    numbered = [
        (n.number, f"{n.number}  {n.label}" if n.label != str(n.number) else n.label) for n in growth.entries
    ]
    axes.set_yticks([*(n for n, _ in numbered), last], [*(text for _, text in numbered), "the table"])
    axes.set_xticks(range(len(growth.keys)), growth.keys)
    axes.tick_params(length=0, labelsize=8)
    axes.xaxis.tick_top()
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
    axes.axhline(last - 0.45, color=INK, linewidth=0.8)
    for place, values in enumerate(growth.table()):
        text = ", ".join(values) if len(values) < 3 else f"{len(values)} rows"
        say(axes, text or "–", (place, last), (-3, 0), fontsize=9, fontweight="bold")
    for before, text in growth.notes.items():
        axes.axhline(before - 0.5, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), label=text)
        say(
            axes, text, (1, before - 0.5), (0, 1), xycoords=("axes fraction", "data"), ha="right", va="bottom"
        )


def _words(growth: _Growth) -> list[str]:
    lines = []
    for entry in growth.entries:
        if entry.number in growth.notes:
            lines.append(f"   {growth.notes[entry.number]}")
        key = f"{growth.keys[entry.place]}: " if growth.keys[entry.place] else ""
        label = f", {entry.label}" if entry.label != str(entry.number) else ""
        lines.append(f"{entry.number:>2} {entry.kind} {key}{entry.shown}{label}")
    stand = [
        f"{key}: {', '.join(values) or 'nothing'}" if key else ", ".join(values) or "nothing"
        for key, values in zip(growth.keys, growth.table(), strict=True)
    ]
    return [*lines, f"   the table: {'; '.join(stand) or 'empty'}"]
