"""The diagrams of the guide, drawn from numbers and from the parts list. Texts are text; the same every time.

Colours are classes of docs/style.css, for light and dark. Each picture has a sentence that says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

from capstone_marketlag import pieces, topics

#: minutes after 10:00
POLLS = tuple(range(0, 76, 15))
ITEMS = (4, 9, 22, 26, 41, 52, 57)
DELAY = 5
HOUR = 60


@dataclass
class Picture:
    """An SVG of that size, element by element."""

    width: int
    height: int
    says: str
    name: str
    _parts: list[str] = field(default_factory=list)

    def text(
        self, x: float, y: float, text: str, *, anchor: str = "start", style: str = "", size: int = 13
    ) -> None:
        self._add("text", escape(text), x=x, y=y, text_anchor=anchor, class_=style, font_size=size)

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        self._add("line", "", x1=x1, y1=y1, x2=x2, y2=y2, class_=style)

    def box(self, x: float, y: float, width: float, height: float, style: str) -> None:
        self._add("rect", "", x=x, y=y, width=width, height=height, rx=4, class_=style)

    def dot(self, x: float, y: float, style: str) -> None:
        self._add("circle", "", cx=x, cy=y, r=5, class_=style)

    def arrow(self, x: float, top: float, bottom: float) -> None:
        """Down, with a head that ends at the bottom."""
        self.line(x, top, x, bottom - 5, "flow")
        points = f"{_n(x - 4)},{_n(bottom - 7)} {_n(x + 4)},{_n(bottom - 7)} {_n(x)},{_n(bottom)}"
        self._add("polygon", "", points=points, class_="head")

    def svg(self) -> str:
        head = (
            f'<svg viewBox="0 0 {self.width} {self.height}" role="img" aria-labelledby="{self.name}-says" '
            'xmlns="http://www.w3.org/2000/svg">'
        )
        title = f'<title id="{self.name}-says">{escape(self.says)}</title>'
        return "\n".join([head, title, *self._parts, "</svg>"])

    def _add(self, tag: str, content: str, **attributes: object) -> None:
        given = " ".join(
            f'{name.rstrip("_").replace("_", "-")}="{_n(value) if isinstance(value, float) else value}"'
            for name, value in attributes.items()
            if value != ""
        )
        self._parts.append(f"<{tag} {given}>{content}</{tag}>")


def _n(value: float) -> str:
    return f"{value:g}"


def picture(name: str) -> str:
    """That picture as a figure. Raises KeyError: there is none of that name."""
    drawn, style = PICTURES[name]
    return f'<figure class="picture {style}" markdown="0">\n{drawn().svg()}\n</figure>'


# ---- when a window closes ------------------------------------------------------------------------


def watermark(poll: int) -> int:
    """Minutes after 10:00 behind the heartbeats of that poll: no partition is silent."""
    return poll - DELAY


def clock(minutes: int) -> str:
    hours, rest = divmod(10 * 60 + minutes, 60)
    return f"{hours}:{rest:02}"


def window_closes() -> Picture:
    """Three partitions with heartbeats and items, and the watermark behind each poll."""
    closing = next(poll for poll in POLLS if watermark(poll) >= HOUR)
    drawn = Picture(
        760, 300,
        "Heartbeats reach every partition at each poll; the watermark follows the slowest partition by "
        f"{DELAY} minutes, so the hour from {clock(0)} to {clock(HOUR)} closes at the poll of "
        f"{clock(closing)}.",
        "window-closes",
    )  # fmt: skip

    def x(minutes: float) -> float:
        return 110 + 8 * minutes

    drawn.box(x(0), 40, x(HOUR) - x(0), 130, "window")
    drawn.text((x(0) + x(HOUR)) / 2, 32, f"the window {clock(0)} to {clock(HOUR)}", anchor="middle")
    for partition in range(3):
        y = 70 + 40 * partition
        drawn.text(8, y + 4, f"partition {partition}")
        drawn.line(x(0), y, x(78), y, "line")
        for poll in POLLS:
            drawn.line(x(poll), y - 9, x(poll), y + 9, "mark")
    for item in ITEMS:
        drawn.dot(x(item), 110, "item")
    drawn.text(8, 222, "watermark")
    for poll in POLLS:
        drawn.text(x(poll), 188, clock(poll), anchor="middle", style="quiet", size=12)
        style = "strong" if poll == closing else ""
        drawn.text(x(poll), 222, clock(watermark(poll)), anchor="middle", style=style)
        if watermark(poll) >= HOUR - 15:
            says = ("past", "closed") if watermark(poll) >= HOUR else ("not yet", "still open")
            drawn.text(x(poll), 246, f"{says[0]} {clock(HOUR)}:", anchor="middle", style="quiet", size=12)
            drawn.text(x(poll), 262, says[1], anchor="middle", style="quiet", size=12)
    drawn.dot(115, 286, "item")
    drawn.text(126, 290, "a news item", style="quiet", size=12)
    drawn.line(222, 278, 222, 294, "mark")
    drawn.text(232, 290, "a heartbeat", style="quiet", size=12)
    return drawn


# ---- the architecture ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Station:
    """A box of the architecture: what it is called, and small lines below."""

    name: str
    lines: Sequence[str]
    style: str

    @property
    def height(self) -> int:
        return 30 + 17 * len(self.lines)


def stations() -> list[Station]:
    """The way of the data from top to bottom: producers, topics, jobs, tables, from the lists they are in."""
    plan = topics.plan()

    def topic_lines(*names: str) -> list[str]:
        return [
            f"{name}, {plan[name].partitions} partition{'s' if plan[name].partitions > 1 else ''}"
            for name in names
        ]

    beside = [name for name in plan if name.startswith(("dlq.", "late."))]
    return [
        Station("news feeds, Gamma, CLOB", ["recorded, or live; over HTTP"], "outside"),
        Station("two producers", ["every 15 minutes; heartbeats"], "ours"),
        Station("Kafka", topic_lines(topics.NEWS, topics.PRICES, topics.MARKET_META), "kept"),
        Station("job signals, Flink SQL", _in_rows(pieces.SIGNALS), "ours"),
        Station(
            "Kafka",
            [
                *topic_lines(topics.SIGNALS, topics.SIGNALS_WITH_PRICE),
                f"and {len(beside)} for dead and late records",
            ],
            "kept",
        ),
        Station("job detector, PyFlink", ["lag or not, and how sure:", "state, timers, broadcast"], "ours"),
        Station("Kafka and PostgreSQL", [*topic_lines(topics.LAG_SIGNALS), "lag_signals_history"], "kept"),
    ]


def _in_rows(names: Sequence[str]) -> list[str]:
    """Names in lines of at most 38 characters."""
    rows = [""]
    for name in names:
        joined = f"{rows[-1]}, {name}" if rows[-1] else name
        if len(joined) > 38:
            rows[-1] += ","
            rows.append(name)
        else:
            rows[-1] = joined
    return rows


def architecture() -> Picture:
    """The stations one below the other, each with an arrow to the next."""
    shown, gap, width = stations(), 22, 330
    height = sum(each.height for each in shown) + gap * (len(shown) - 1) + 8
    names = ", then ".join(f"{each.name} ({'; '.join(each.lines)})" for each in shown)
    drawn = Picture(width, height, f"The way of the data: {names}.", "architecture")
    y = 4
    for number, each in enumerate(shown):
        drawn.box(4, y, width - 8, each.height, each.style)
        drawn.text(16, y + 20, each.name, style="strong")
        for row, line in enumerate(each.lines):
            drawn.text(16, y + 38 + 17 * row, line, style="quiet", size=12)
        y += each.height
        if number < len(shown) - 1:
            drawn.arrow(width / 2, y, y + gap)
            y += gap
    return drawn


#: each picture, and how wide it may be shown
PICTURES: dict[str, tuple[Callable[[], Picture], str]] = {
    "window_closes": (window_closes, "wide"),
    "architecture": (architecture, "tall"),
}
