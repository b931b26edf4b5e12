"""A plan as a graph: data flows down, and the operator that matters is marked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from labkit.draw import picture
from labkit.draw.colours import BLUE, VERMILLION
from labkit.draw.picture import INK, WIDTH, Picture, sheet
from labkit.testing.plans import Operator, Plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LANE, _ROW, _HEAD = 0.28, 0.27, 0.42  # inches
_LETTER = 0.066  # inches of a letter of the small text

#: a sink for what is only explained: Flink counts them
_RESULT = re.compile(r"\*anonymous_\w+\$\d+\*")


def plan(plan: Plan, mark: str | Sequence[str] = (), *, title: str = "The plan: data flows down") -> Picture:
    """The operators that Flink would run, inputs above outputs, connected.

    mark: operators by what `Plan.count` takes, a name or a part of a description; they are drawn as orange
    diamonds with bold names, the others as blue dots. What two read is drawn once, with two lines from it.
    """
    marks = [mark] if isinstance(mark, str) else list(mark)
    order, lanes = _laid_out(plan)
    rows = {place: row for row, place in enumerate(order)}
    words = []
    with sheet(_HEAD + _ROW * len(order) + 0.15) as figure:
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(figure.get_figheight(), 0)
        axes.set_axis_off()
        axes.text(0.1, 0.2, title, fontsize=10, fontweight="bold", va="center")
        for source, target in plan.edges:
            _draw_edge(axes, (lanes[source], rows[source]), (lanes[target], rows[target]))
        for place in order:
            operator = plan.operators[place]
            marked = any(Plan((operator,)).count(name) for name in marks)
            _draw_operator(axes, operator, lanes[place], rows[place], max(lanes.values()), marked)
            words.append(_told(plan, place, rows, marked))
    return Picture(figure, title, words)


def _laid_out(plan: Plan) -> tuple[list[int], dict[int, int]]:
    """The operators in an order in which inputs come first; and the lane of each, from 0.

    An operator stands below its first input, in the same lane. A second input has a lane of its own, and so
    has whoever reads what another has read already.
    """
    inputs: dict[int, list[int]] = {place: [] for place in range(len(plan.operators))}
    for source, target in plan.edges:
        inputs[target].append(source)
    read = {source for source, _ in plan.edges}
    order: list[int] = []
    lanes: dict[int, int] = {}
    used = 0

    def visit(place: int, lane: int) -> None:
        nonlocal used
        lanes[place] = lane
        for number, source in enumerate(inputs[place]):
            if source in lanes:
                continue
            if number:
                used += 1
            visit(source, used if number else lane)
        order.append(place)

    for place in inputs:
        if place not in read:
            visit(place, used)
            used += 1
    return order, lanes


def _at(lane: int, row: float) -> tuple[float, float]:
    return 0.3 + lane * _LANE, _HEAD + (row + 0.5) * _ROW


def _draw_edge(axes: Axes, source: tuple[int, int], target: tuple[int, int]) -> None:
    """Down; to a lane on the left just before the target, to one on the right just behind the source."""
    turn = source[1] + 0.5 if target[0] > source[0] else target[1] - 0.5
    points = [_at(*source), _at(source[0], turn), _at(target[0], turn), _at(*target)]
    axes.plot(*zip(*points, strict=True), color=INK, linewidth=1.1, zorder=1, label="edge")


def _draw_operator(axes: Axes, operator: Operator, lane: int, row: int, lanes: int, marked: bool) -> None:
    x, y = _at(lane, row)
    if marked:
        picture.mark(axes, (x, y), "D", VERMILLION, f"marked {operator.name}")
    else:
        picture.mark(axes, (x, y), "o", BLUE, operator.name, size=6)
    left = 0.3 + lanes * _LANE + 0.25
    axes.text(left, y, operator.name, fontsize=9, fontweight="bold" if marked else "normal", va="center")
    behind = left + len(operator.name) * _LETTER * 1.25 + 0.15
    room = int((WIDTH - 0.1 - behind) / _LETTER)
    axes.text(behind, y, _cut(said(operator), room), fontsize=7.5, va="center")


def said(operator: Operator) -> str:
    """What an operator does, without the list of all its columns.

    >>> said(Operator("GroupAggregate", "groupBy=[city], select=[city, MAX(celsius) AS m])", 0))
    'groupBy=[city]'
    """
    parts = _parts(_RESULT.sub("the result", operator.text.rstrip()).removesuffix(")"))
    kept = [part for part in parts if not re.match(r"(select|fields|leftSelect|rightSelect)=", part)]
    return ", ".join(kept or parts)


def _parts(text: str) -> list[str]:
    """A text cut at its commas, but for those within brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[({") - (letter in "])}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(most - 1, 0)].rstrip() + "…"


def _told(plan: Plan, place: int, rows: dict[int, int], marked: bool) -> str:
    operator = plan.operators[place]
    sources = sorted(rows[source] + 1 for source, target in plan.edges if target == place)
    reads = f" (reads {' and '.join(map(str, sources))})" if sources else ""
    return f"{rows[place] + 1:>2} {'◆ ' if marked else ''}{operator.name}{reads}: {_cut(said(operator), 80)}"
