"""What the APIs answered, source by source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from capstone_marketlag.report.grid import Column, table
from capstone_marketlag.report.markup import Html, shortened, tag
from capstone_marketlag.report.read.health import Source

_MOST = 40


def apis(sources: Mapping[str, Source]) -> Html | None:
    if not sources:
        return tag("p", "No API was asked: ops.api_health is empty.")
    rows = [
        [
            tag("code", shortened(name, 120)),
            f"{source.runs:,}",
            f"{source.failed:,}",
            f"{source.slowest_ms:,}\N{NO-BREAK SPACE}ms",
            _often(Counter({_status(status): count for status, count in source.statuses.items()})),
            _often(source.problems),
        ]
        for name, source in list(sources.items())[:_MOST]
    ]
    columns = [Column("source"), Column("runs", "number"), Column("failed runs", "number")]
    columns += [
        Column("slowest", "number"),
        Column("answers in the end", "words"),
        Column("failures", "words"),
    ]
    return table("Health of the APIs, after up to four tries a run", columns, rows, "cards wide")


def _often(counts: Counter[str], most: int = 8) -> str:
    """
    >>> _often(Counter({"500": 2, "200": 40})).replace("\N{NO-BREAK SPACE}", " ")
    '200 × 40, 500 × 2'
    """
    said = [f"{shortened(what, 60)} × {count:,}" for what, count in counts.most_common(most)]
    return ", ".join(each.replace(" × ", "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}") for each in said) or "none"


def _status(status: int) -> str:
    return str(status) if status else "no answer"
