"""Why records are dead or could not be computed, with one original for each reason."""

from __future__ import annotations

from capstone_marketlag.report.grid import Column, table
from capstone_marketlag.report.markup import Html, join, shortened, stranger, tag
from capstone_marketlag.report.read.facts import Facts
from capstone_marketlag.report.words import many

#: more reasons than that are a wrong piece's, each with its own value in it
_MOST_REASONS = 40
#: shown at once: the most frequent
_SHOWN = 6


def dead(facts: Facts) -> Html | None:
    reasons = [
        (reason, count, letters.examples.get(reason, ""))
        for letters in facts.letters.values()
        for reason, count in letters.reasons.items()
    ]
    if not reasons:
        return tag("p", "Nothing is dead.")
    reasons.sort(key=lambda each: (-each[1], each[0]))
    rows = [
        [
            join(
                [
                    stranger(reason.why, 120),
                    tag("span", f"{reason.topic}, {shortened(reason.stage, 20)}", class_="note below"),
                ]
            ),
            f"{count:,}",
            tag("code", stranger(_telling(example, reason.why), 220))
            if example
            else tag("span", "empty", class_="faint"),
        ]
        for reason, count, example in reasons[:_MOST_REASONS]
    ]
    title = "Why the dead are dead"
    if len(reasons) > _MOST_REASONS:
        title += f" ({_MOST_REASONS} of {len(reasons):,} reasons)"
    columns = [
        Column("reason; topic, found by"),
        Column("records", "number"),
        Column("one original, shortened", "example"),
    ]
    shown = len(rows) if len(rows) <= _SHOWN + 2 else _SHOWN
    others = f"{many(len(rows) - shown, 'rarer reason')}"
    return join(
        [
            table(title, columns, rows[:shown], "cards wide"),
            tag("details", tag("summary", others), table(others, columns, rows[shown:], "cards wide"))
            if rows[shown:]
            else None,
        ]
    )


def _telling(example: str, why: str) -> str:
    """The example from a little before the field that the reason names, if it would be cut off otherwise."""
    at = example.find(f'"{why.split(" ")[0]}"')
    return f"…{example[at - 60 :]}" if at > 140 else example


def failures(facts: Facts) -> Html | None:
    if not facts.failures.kinds:
        return None
    rows = [
        [
            join(
                [
                    stranger(": ".join(part for part in kind[1:] if part) or "no message", 160),
                    tag("span", stranger(kind[0], 40), class_="note below"),
                ]
            ),
            f"{count:,}",
            tag("code", stranger(facts.failures.examples[kind], 220)),
        ]
        for kind, count in facts.failures.kinds.most_common(_MOST_REASONS)
    ]
    columns = [Column("error; job"), Column("records", "number"), Column("one record, shortened", "example")]
    return table("What could not be computed", columns, rows, "cards wide")
