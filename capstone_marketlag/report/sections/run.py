"""How the page was made, and how to make it, and its numbers, again."""

from __future__ import annotations

import re

from capstone_marketlag import topics
from capstone_marketlag.report.draw.small import share
from capstone_marketlag.report.grid import Column, table
from capstone_marketlag.report.markup import Html, join, shortened, tag
from capstone_marketlag.report.read.facts import Facts
from capstone_marketlag.report.read.values import mapping, moment, number, text, whole
from capstone_marketlag.report.words import clock, figure, many

#: counts the flags in the dump, with nothing of ours; a test runs it
RECOUNT = (
    "python3 -c \"import json; print(sum(json.loads(json.loads(line)['value'])['lag_flag'] "
    "for line in open('topics/lag_signals.jsonl')))\""
)


def section(facts: Facts) -> Html:
    """Time, memory, versions, pieces; the commands that make and count it again; the files."""
    return tag(
        "section",
        tag("h2", "How it was made"),
        tag(
            "dl",
            join(tag("div", tag("dt", name), tag("dd", fact)) for name, fact in _facts(facts).items()),
            class_="parts",
        ),
        _stages(facts),
        _pieces(facts),
        _again(facts),
        _recount(facts),
        _dumps(facts),
        id="run",
    )


def _recount(facts: Facts) -> Html | None:
    """What counts the flags without us, where the topic they stand in was dumped."""
    if f"topics/{topics.LAG_SIGNALS}.jsonl" not in facts.lines:
        return None
    return join(
        [
            tag("h3", "Count it again"),
            tag(
                "p",
                "Topics and tables lie beside this page as they were read back, a record a line. In this "
                "page's folder, this counts the flags:",
            ),
            tag("pre", tag("code", RECOUNT)),
        ]
    )


def _again(facts: Facts) -> Html | None:
    """The command that makes this run again; only numbers get into it. Nothing makes a live run again."""
    if not facts.recorded:
        return None
    seed, hours = (text(facts.summary.get(name)) for name in ("seed", "hours_of_news"))
    # where it is not the default, the environment said it
    words = ["MARKETLAG_ALIGNMENT=window_end"] if facts.alignment == "window_end" else []
    words += ["make demo"]
    words += [
        f"{name}={value}"
        for name, value in (("SEED", seed), ("HOURS", hours))
        if re.fullmatch(r"-?\d+", value)
    ]
    return join(
        [
            tag("h3", "Make it again"),
            tag("pre", tag("code", " ".join(words))),
            tag(
                "p",
                "The same seed and hours give the same world, and the same pieces the same figures.",
            ),
        ]
    )


def _facts(facts: Facts) -> dict[str, str]:
    summary = facts.summary
    made, memory = moment(summary.get("made_at")), whole(summary.get("peak_memory_mb"))
    versions = [f"{name} {text(number_)}" for name, number_ in mapping(summary.get("versions")).items()]
    seconds, seed = number(mapping(summary.get("seconds")).get("all")), text(summary.get("seed"))
    found = {
        "Seconds in all": figure(seconds, 1) if seconds is not None else "",
        "Memory at its peak": f"{memory:,} MB of everything that ran, engine and services" if memory else "",
        "Versions": shortened(", ".join(versions), 500),
        "Seed": seed,
        "Hours of news": text(summary.get("hours_of_news")),
        "Alignment": shortened(facts.alignment, 40),
        "Made": f"{clock(made)} UTC" if made else "",
    }
    return {name: fact for name, fact in found.items() if fact}


def _stages(facts: Facts) -> Html | None:
    told = [
        (stage, took)
        for stage, value in mapping(facts.summary.get("seconds")).items()
        if stage != "all" and (took := number(value)) is not None and took >= 0
    ]
    if not told:
        return None
    longest = max([0.01, *(took for _, took in told)])
    rows = [[shortened(stage, 80), figure(took, 1), share(took / longest)] for stage, took in told]
    columns = [Column("stage"), Column("seconds", "number"), Column("against the longest", "bar")]
    return table("Seconds by stage", columns, rows, "stages")


def _pieces(facts: Facts) -> Html | None:
    pieces = {
        shortened(slug, 80): text(whose) for slug, whose in mapping(facts.summary.get("pieces")).items()
    }
    if not pieces:
        return None
    yours = sum(whose != "reference" for whose in pieces.values())
    listed = join(
        tag("li", slug)
        if whose == "reference"
        else tag("li", f"{slug} ({whose or 'nobody'})", class_="yours")
        for slug, whose in pieces.items()
    )
    return tag(
        "details",
        tag("summary", f"The {many(len(pieces), 'piece')} it ran on, {yours} of them yours"),
        tag("ul", listed, class_="pieces"),
    )


def _dumps(facts: Facts) -> Html | None:
    if not facts.lines:
        return None
    rows = [[tag("code", path), f"{lines:,}"] for path, lines in facts.lines.items()]
    columns = [Column("file"), Column("lines", "number")]
    return tag(
        "details",
        tag("summary", f"The {many(len(rows), 'dump')} beside this page, with summary.json"),
        table("Dumps", columns, rows),
    )
