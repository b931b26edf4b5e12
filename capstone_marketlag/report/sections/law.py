"""The law of conservation, written out: each record that went in is in exactly one place."""

from __future__ import annotations

from collections.abc import Mapping

from capstone_marketlag.report.draw import marks
from capstone_marketlag.report.draw.small import stacked
from capstone_marketlag.report.markup import Html, join, tag
from capstone_marketlag.report.words import many

_LABELS = {
    "counted": "counted",
    "used": "used (YES)",
    "not_used": "not used (other outcomes)",
    "late": "late",
    "duplicate": "repeated",
    "dead": "dead",
    "heartbeat": "heartbeats",
}


def law(name: str, topic: str, counts: Mapping[str, int], parts: tuple[str, ...], under_way: bool) -> Html:
    """under_way: records that are in no place may still come to one."""
    placed = sum(counts[part] for part in parts)
    left = counts["in"] - placed
    lost = left < 0 or (left > 0 and not under_way)
    terms = [_term("", counts["in"], "records in", "")]
    for number_, part in enumerate(parts):
        sign = "+" if number_ else "≠" if lost else "="
        terms.append(_term(sign, counts[part], _LABELS[part], part))
    shown = [(part, _LABELS[part], counts[part]) for part in parts]
    note = None
    if left and not lost:
        terms.append(_term("+", left, "under way", "unaccounted"))
        shown.append(("unaccounted", "under way", left))
    if lost:
        what = many(abs(left), "record")
        note = tag(
            "p",
            tag("strong", f"Not conserved: {what} {'unaccounted for' if left > 0 else 'too many'}."),
            class_="difference",
        )
        shown.append(("unaccounted", "unaccounted for", max(left, 0)))
    said = f"{many(counts['in'], 'record')}: " + ", ".join(f"{count:,} {label}" for _, label, count in shown)
    return tag(
        "div",
        tag("h3", name, " ", tag("code", topic)),
        tag("p", join(terms, " "), class_="law"),
        note,
        stacked(shown, said) if counts["in"] else None,
        class_="equation",
    )


def _term(sign: str, count: int, label: str, kind: str) -> Html:
    """One number of the equation with its sign before it, so that no line ends in a sign."""
    return tag(
        "span",
        tag("span", sign, class_="sign") if sign else None,
        " ",
        tag("b", f"{count:,}"),
        " ",
        tag("span", marks.square(kind) if kind else None, label, class_="label"),
        class_="term",
    )
