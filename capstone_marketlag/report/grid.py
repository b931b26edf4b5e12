"""Tables, as every reader needs them: scopes for those who hear them, cards for those who hold a phone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from capstone_marketlag.report.markup import Html, join, tag


@dataclass(frozen=True)
class Column:
    """One column. kind: a class of its cells (number: on the right)."""

    name: str
    kind: str = ""


def table(
    title: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[str]],
    kind: str = "",
) -> Html:
    """A table with these rows; their cells are text unless they are Html.

    The first cell says what its row is about. kind "cards": on a phone each row is a card of its own; any
    other table is scrolled there, with the keyboard too.
    """
    head = join(tag("th", column.name, scope="col", class_=column.kind or None) for column in columns)
    cards = "cards" in kind.split()
    body = join(_row(columns, row, cards) for row in rows)
    whole = tag(
        "table",
        tag("caption", title),
        tag("thead", tag("tr", head)),
        tag("tbody", body),
        class_=kind or None,
    )
    if cards:
        return whole
    return tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=title)


def _row(columns: Sequence[Column], row: Sequence[str], card: bool) -> Html:
    cells = [
        tag(
            "td" if number else "th",
            cell,
            scope=None if number else "row",
            class_=column.kind or None,
            data_name=column.name if card else None,
        )
        for number, (column, cell) in enumerate(zip(columns, row, strict=True))
    ]
    return tag("tr", join(cells))
