"""Records of topics, each at its partition and its offset; and where a reading begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from labkit.draw.clocks import short
from labkit.draw.colours import BLUE, PURPLE, VERMILLION
from labkit.draw.picture import INK, Picture, mark, say, sheet
from labkit.errors import LabError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from labkit.testing.readback import Record

#: rows of the picture that a partition with beginnings takes more than one without
_BENEATH = 0.6


def partitions(
    topics: Mapping[str, Sequence[Record]],
    *,
    count: int = 1,
    label: Callable[[Record], str] | None = None,
    starts: Mapping[str, Sequence[int]] | None = None,
    title: str = "Records by partition and offset",
) -> Picture:
    """A line for each partition of each topic, and on it each record at its offset, as a blue square.

    An offset in front of a partition's last record that has none is an orange cross: what was aborted has
    offsets too, and so has the mark that says so. count: how many partitions each topic has at least; empty
    ones are lines without a record. label: what is said of a record; else its key. starts: by name the offset
    of each partition of the first topic from which on somebody reads, a purple stroke in front of that
    record. Raises LabError: there is no topic.
    """
    if not topics:
        raise LabError("There is no topic to draw.", "Topics are given by name.", '{"news": read_topic(…)}')
    told = label or (lambda record: short((record.key or b"none").decode(errors="replace"), 18))
    begins = _begins(starts or {})
    lines = {name: _by_partition(records, max(count, len(begins))) for name, records in topics.items()}
    rows = sum(map(len, lines.values())) + len(lines) - 1 + _BENEATH * len(begins)
    last = max((each.offset for records in topics.values() for each in records), default=0)
    words = []
    with sheet(0.95 + 0.27 * rows) as figure:
        axes = figure.add_subplot()
        ticks: list[tuple[float, str]] = []
        y = 0.0
        for name, found in lines.items():
            for partition, records in enumerate(found):
                y += 1
                ticks.append((y, f"{name}, partition {partition}"))
                words.append(f"{ticks[-1][1]}: {_draw_records(axes, y, records, last, told)}")
                if begins:  # those of the first topic, from its first partition on
                    y += _BENEATH
                    _draw_starts(axes, y, begins[0])
                    words += [f"   {text} at offset {at}" for at, text in begins.pop(0)]
            y += 1
        axes.set_xlim(-0.8, last + 1.7)
        axes.set_ylim(y - 0.4, 0.2)
        axes.set_xticks(range(last + 1))
        axes.set_yticks(*map(list, zip(*ticks, strict=True)))
        axes.tick_params(length=0, labelsize=8)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("offset")
        axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
    return Picture(figure, title, words)


def _by_partition(records: Sequence[Record], least: int) -> list[list[Record]]:
    number = max([least, *(each.partition + 1 for each in records)])
    return [
        sorted((each for each in records if each.partition == partition), key=lambda each: each.offset)
        for partition in range(number)
    ]


def _begins(starts: Mapping[str, Sequence[int]]) -> list[list[tuple[int, str]]]:
    """For each partition (offset, who begins there), those at one place together."""
    found = []
    for offsets in zip(*starts.values(), strict=True):
        names: dict[int, list[str]] = {}
        for name, offset in zip(starts, offsets, strict=True):
            names.setdefault(offset, []).append(name)
        found.append([(offset, ", ".join(each)) for offset, each in sorted(names.items())])
    return found


def _draw_records(
    axes: Axes, y: float, records: list[Record], last: int, told: Callable[[Record], str]
) -> str:
    """The partition, drawn; and in words."""
    axes.plot([-0.6, last + 1.5], [y, y], color=INK, linewidth=0.5, zorder=1, label="partition")
    there = {each.offset: each for each in records}
    words = []
    for offset in range(max(there, default=-1) + 1):
        if record := there.get(offset):
            mark(axes, (offset, y), "s", BLUE, f"record {told(record)}")
            say(axes, told(record), (offset, y), (0, 6), ha="center", va="bottom")
            words.append(f"{offset} {told(record)}")
        else:
            mark(axes, (offset, y), "X", VERMILLION, "no record", size=8)
            say(axes, "no record", (offset, y), (0, 6), ha="center", va="bottom")
            words.append(f"{offset} no record")
    return ", ".join(words) or "empty"


def _draw_starts(axes: Axes, y: float, begins: list[tuple[int, str]]) -> None:
    """A stroke in front of the first record that is read, through the line above, and its name beneath."""
    for offset, text in begins:
        place = offset - 0.5
        axes.plot(
            [place, place], [y - _BENEATH - 0.3, y + 0.2], color=PURPLE, linewidth=2, label=f"from {text}"
        )
        say(axes, text, (place, y), (4, 0))
