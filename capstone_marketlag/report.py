"""The report of a run: one HTML file that needs nothing else, in light and dark, on a phone and on paper.

    verdict    conserved? equal to the oracle? else the first difference
    signal     the chart of every hour, the strongest hours, all of them as a table
    records    the conservation law in numbers; what was late, repeated, dead and why
    run        whose pieces, seconds, memory, versions; how to do it again

Whatever comes from data is escaped on its way into the page, here and in `chart`.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any

from capstone_marketlag import chart, topics
from capstone_marketlag.compare import Outcome
from capstone_marketlag.oracle import Truth
from capstone_marketlag.wire import from_wire

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_COLUMNS = ("items", "score", "signal", "weight")
#: the parts of the conservation law: name in the counts, name on the page, what it means
_PARTS = (
    ("counted", "counted", "news items in the signal of their hour"),
    ("late", "late", "news items whose hour had closed; kept in late.rss.events"),
    ("duplicate", "repeated", "news items that had come before: a feed shows an item for hours"),
    ("dead", "dead", "not a valid news record; kept with the reason in dlq.rss.events"),
    ("heartbeat", "heartbeats", "one per partition and poll: time goes on without news"),
)


def write_report(
    path: Path, summary: dict[str, Any], found: Outcome, expected: Truth, dumps: Path | None = None
) -> None:
    """Write the page of this run to `path`.

    With `dumps`, the folder of the dumped topics, it also tells the headlines of the strongest hours,
    why the dead are dead and how late the late were.
    """
    told = _told(dumps, set(found.late)) if dumps else _Told()
    body = (
        _head(summary)
        + _verdict(summary, found, expected)
        + _signal(summary, found, expected)
        + _strongest(found, told)
        + _records(summary["counts"], told)
        + _run(summary)
    )
    title = f"MarketLag, seed {summary['seed']}: {'correct' if _good(summary) else 'wrong'}"
    path.write_text(_PAGE.format(title=title, style=_STYLE + chart.STYLE, body=body), encoding="utf-8")


# the verdict


def _good(summary: dict[str, Any]) -> bool:
    return bool(summary["conserved"] and summary["oracle_equal"])


def _head(summary: dict[str, Any]) -> str:
    return (
        "<header><h1>MarketLag: the hourly news signal</h1>"
        '<p class="lead">MarketLag takes news feeds and market prices through Kafka, Flink and PostgreSQL to '
        "find the hours in which the news about a prediction market moved but its price did not. This page "
        "shows the first half of that, the news signal of every hour; prices and lag flags come with a later "
        f"part of the system.</p><p>Market <strong>{escape(summary['market'])}</strong>: a recorded world, "
        f"seed {summary['seed']}, with {_many(summary['hours_of_news'], 'hour')} of news, polled from "
        f"{_time(summary['from'])} to {_time(summary['to'])}.</p></header>"
    )


def _verdict(summary: dict[str, Any], found: Outcome, expected: Truth) -> str:
    counts, differing = summary["counts"], _differing(found, expected)
    law = f"{counts['in']:,} records in, {sum(counts[name] for name, *_ in _PARTS):,} accounted for"
    if summary["oracle_equal"]:
        oracle = f"{_many(len(found.hours), 'hour')} with a signal, the late items and every count"
    elif differing:
        every = _many(len(_named(found, expected)), "hour")
        oracle = f"{len(differing)} of {every} {'differs' if len(differing) == 1 else 'differ'}"
    else:
        oracle = "every hour is, but not the late items or the counts"
    checks = _check("Conserved", summary["conserved"], law)
    checks += _check("Equal to the oracle", summary["oracle_equal"], oracle)
    if _good(summary):
        kind, words = "good", "<h2>Correct</h2><p>Nothing was lost, and nothing was counted twice.</p>"
    else:
        first = f"First difference: {escape(summary['first_difference'] or law)}"
        kind, words = "bad", f'<h2>Wrong</h2><p class="difference"><strong>{first}</strong></p>'
    return (
        f'<section class="verdict {kind}">{words}<ul>{checks}</ul>{_differences(differing, found, expected)}'
        '<p class="note">The oracle works the answer out a second time, from the recorded world, in plain '
        "Python that shares no code with the pipeline.</p></section>"
    )


def _check(law: str, holds: bool, detail: str) -> str:
    mark = "✓" if holds else "✗"
    said = law if holds else f"Not {law[0].lower()}{law[1:]}"
    return f'<li><span aria-hidden="true">{mark}</span> <strong>{said}:</strong> {detail}</li>'


def _named(found: Outcome, expected: Truth) -> list[str]:
    """The hours of which topic, table or oracle has a row."""
    return sorted({*found.hours, *found.table, *expected.hours})


def _differing(found: Outcome, expected: Truth) -> list[str]:
    """The hours in which topic, table and oracle are not one."""
    rows = (found.hours, found.table, expected.hours)
    return [
        hour for hour in _named(found, expected) if any(row.get(hour) != rows[0].get(hour) for row in rows)
    ]


def _differences(hours: list[str], found: Outcome, expected: Truth, most: int = 10) -> str:
    if not hours:
        return ""
    rows = [
        [_clock(hour), who, *_exact(figures.get(hour))]
        for hour in hours[:most]
        for who, figures in (("topic", found.hours), ("table", found.table), ("oracle", expected.hours))
    ]
    title = f"The first {most} of {len(hours)} hours that differ" if len(hours) > most else "What differs"
    return _table(title, ("hour (UTC)", "where", *_COLUMNS), rows, "figures differing")


# the signal


def _signal(summary: dict[str, Any], found: Outcome, expected: Truth) -> str:
    hours = _hours(summary, found, expected)
    drawn = sum(hour.signal is not None for hour in hours)
    elsewhere = len(found.hours) - drawn
    words = (
        "The mean of keyword score × source weight over the news items that were published in the hour. "
        f"{drawn} of {_many(len(hours), 'hour')} {'has' if drawn == 1 else 'have'} a signal. Times are UTC."
    )
    if elsewhere:
        words += f" {_many(elsewhere, 'hour')} more, outside the record, in the table only."
    rows = [[_clock(hour), *_exact(figures)] for hour, figures in sorted(found.hours.items())]
    table = _table("Every hour with a signal, to the last digit", ("hour (UTC)", *_COLUMNS), rows, "figures")
    details = f"<details><summary>The same as a table</summary>{table}</details>" if rows else ""
    return (
        f"<section><h2>The signal, hour by hour</h2><p>{words}</p>"
        f'<ul class="legend">{chart.legend(hours)}</ul>{chart.days(hours)}{details}</section>'
    )


def _hours(summary: dict[str, Any], found: Outcome, expected: Truth) -> list[chart.Hour]:
    """Each hour to draw: all for which there is news in the world, and others with a signal near them.

    Only near: a wrong piece may date a row 1970, and the chart must not begin there.
    """
    first = from_wire(summary["from"]).replace(minute=0, second=0)
    earliest, latest = first - _DAY, from_wire(summary["to"])
    named = {moment: text for text in _named(found, expected) if (moment := _moment(text))}
    near = [moment for moment in named if earliest <= moment <= latest]
    start, last = min([first, *near]), max([first + (summary["hours_of_news"] - 1) * _HOUR, *near])
    differing = set(_differing(found, expected))
    hours = []
    for number in range((last - start) // _HOUR + 1):
        moment = start + number * _HOUR
        text = named.get(moment, "")
        got, want = found.hours.get(text), expected.hours.get(text)
        differs, wanted, told = text in differing, None, _words(got) if got else "no news"
        if differs:
            wanted, table = _value(want), found.table.get(text)
            told = f"topic {_words(got)}; table {_words(table)}; oracle {_words(want)}"
        told = f"{moment:%Y-%m-%d %H:%M} UTC: {told}"
        hours.append(chart.Hour(moment, _value(got), int(got[0]) if got else 0, told, differs, wanted))
    return hours


def _strongest(found: Outcome, told: _Told, most: int = 5, titles: int = 6) -> str:
    """The hours whose signal is farthest from zero, with the headlines that made it."""
    ranked = sorted(found.hours.items(), key=lambda pair: (-abs(_value(pair[1]) or 0), pair[0]))[:most]
    entries = []
    for hour, figures in ranked:
        headlines = sorted(told.headlines.get(hour, []), key=lambda line: -abs(line.score * line.weight))
        lines = [
            f'<li>{escape(line.title)} <span class="note">{escape(line.source)}, '
            f"{chart.signed(line.score)}\u00a0×\u00a0{chart.signed(line.weight)}</span></li>"
            for line in headlines[:titles]
        ]
        if len(headlines) > titles:
            lines.append(f'<li class="note">and {len(headlines) - titles} more</li>')
        entries.append(
            f"<li><p><strong>{escape(_clock(hour))}</strong> {_words(figures)}</p>"
            + (f"<ul>{''.join(lines)}</ul></li>" if lines else "</li>")
        )
    if not entries:
        return ""
    how = "Each headline with its source, and keyword score × source weight." if told.headlines else ""
    return (
        f"<section><h2>The strongest hours</h2><p>Farthest from zero first. {how}</p>"
        f'<ol class="hours">{"".join(entries)}</ol></section>'
    )


# the records


def _records(counts: dict[str, int], told: _Told) -> str:
    parts = [(name, label, counts[name]) for name, label, _ in _PARTS]
    missing = counts["in"] - sum(count for *_, count in parts)
    terms = [_term("", counts["in"], "records in")]
    terms += [
        _term("+" if number else "≠" if missing else "=", count, label, chart.swatch(name))
        for number, (name, label, count) in enumerate(parts)
    ]
    note = ""
    if missing:
        what = f"{_many(abs(missing), 'record')} {'unaccounted for' if missing > 0 else 'too many'}"
        note = f'<p class="difference"><strong>Not conserved: {what}.</strong></p>'
        parts.append(("unaccounted", "unaccounted for", max(missing, 0)))
    said = f"{counts['in']:,} records: " + ", ".join(f"{count:,} {label}" for _, label, count in parts)
    meanings = "".join(
        f"<div><dt>{label}, {counts[name] / max(counts['in'], 1):.1%}</dt><dd>{meaning}</dd></div>"
        for name, label, meaning in _PARTS
    )
    return (
        f'<section><h2>What became of every record</h2><p class="law">{" ".join(terms)}</p>{note}'
        f"{chart.stacked(parts, said)}<dl>{meanings}</dl>{_refused(counts, told)}</section>"
    )


def _term(sign: str, count: int, label: str, swatch: str = "") -> str:
    """One number of the equation with its sign before it, so that no line ends in a sign."""
    before = f'<span class="sign">{sign}</span> ' if sign else ""
    return f'<span class="term">{before}<b>{count:,}</b> <span class="label">{swatch}{label}</span></span>'


def _refused(counts: dict[str, int], told: _Told) -> str:
    """In sentences: the repeated, the late, and what did not even reach the topic; why the dead are dead."""
    items = counts["counted"] + counts["late"]
    served, sent, refused = counts["served"], counts["produced"], counts["rejected"]
    sentences = [
        f"Before Kafka, {served:,} items served by the feed {'=' if served == sent + refused else '≠'} "
        f"{sent:,} produced + {refused:,} refused by the producer."
    ]
    if items:
        times = (items + counts["duplicate"]) / items
        sentences.append(f"{_many(items, 'different item')} came {times:.1f} times each on average.")
    if told.late_seconds:
        least, most = (_span(end(told.late_seconds)).replace(" ", "\u00a0") for end in (min, max))
        sentences.append(f"The late came {least} to {most} after their hour had closed.")
    rows = [
        [f"{stage}: {reason}", f"{len(originals):,}", f"{len(set(originals)):,}"]
        for (stage, reason), originals in sorted(told.reasons.items(), key=lambda pair: -len(pair[1]))
    ]
    words = f"<p>{' '.join(sentences)}</p>"
    if not rows:
        return words
    title = "Why the dead are dead: letters, and how many different ones"
    if len(rows) > 12:
        title, rows = f"{title} (the 12 most frequent of {len(rows)} reasons)", rows[:12]
    return words + _table(title, ("found by, reason", "letters", "different"), rows, "reasons")


# the run


def _run(summary: dict[str, Any]) -> str:
    seconds, pieces = summary["seconds"], summary["pieces"]
    yours = [slug for slug, whose in pieces.items() if whose == "yours"]
    longest = max([0.01, *(took for stage, took in seconds.items() if stage != "all")])
    stages = "".join(
        f'<tr><th scope="row">{escape(stage)}</th><td class="number">{took:.1f}</td><td class="share">'
        f"{chart.share(took / longest)}</td></tr>"
        for stage, took in seconds.items()
        if stage != "all"
    )
    whose = f"{len(yours)} of {len(pieces)} yours, the others" if yours else f"all {len(pieces)}"
    facts = {
        "Seconds in all": f"{seconds['all']:.1f}",
        "Memory at its peak": f"{summary['peak_memory_mb']:,} MB of everything that ran, engine and services",
        "Versions": ", ".join(f"{name} {number}" for name, number in summary["versions"].items()),
        "Pieces": f"{whose} from the reference",
        "Made": f"{from_wire(summary['made_at']):%Y-%m-%d %H:%M} UTC",
    }
    listed = "".join(f"<div><dt>{name}</dt><dd>{escape(fact)}</dd></div>" for name, fact in facts.items())
    slugs = "".join(
        f'<li class="yours">{escape(slug)} (yours)</li>' if slug in yours else f"<li>{escape(slug)}</li>"
        for slug in pieces
    )
    return (
        f'<section><h2>The run</h2><dl>{listed}</dl><ul class="pieces" aria-label="Pieces">{slugs}</ul>'
        f'<table class="stages"><caption>Seconds per stage</caption>{stages}</table></section>'
        "<section><h2>Do it again</h2>"
        f"<pre><code>make demo SEED={summary['seed']} HOURS={summary['hours_of_news']}</code></pre>"
        "<p>The same seed and hours give the same world, and the same pieces the same figures. Topics and "
        "table lie beside this page as they were read back, so that anyone can recount: "
        "<code>topics/*.jsonl</code>, <code>tables/*.jsonl</code>, <code>world.json</code>, "
        "<code>summary.json</code>.</p></section>"
    )


# what the dumped topics add


@dataclass(frozen=True)
class _Headline:
    item_id: str
    hour: str
    title: str
    source: str
    score: float
    weight: float


@dataclass
class _Told:
    """headlines: of the items counted in each hour; reasons: {(stage, reason): original of each letter}."""

    headlines: dict[str, list[_Headline]] = field(default_factory=lambda: defaultdict(list))
    reasons: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    late_seconds: list[int] = field(default_factory=list)


def _told(dumps: Path, late: set[str]) -> _Told:
    told, dead, seen = _Told(), set(), set(late)
    for _, letter in _records_of(dumps / f"{topics.DEAD_NEWS}.jsonl"):
        dead.add((letter["source_partition"], letter["source_offset"]))
        # "no time in '2026-01-05 10:00'" and its like are one reason
        reason = re.sub(r"'[^']*'|\d{4}-\d\d-\d\dT\S*", "…", letter["reason"])
        told.reasons[letter["stage"], reason].append(letter["original"])
    for _, item in _records_of(dumps / f"{topics.LATE_NEWS}.jsonl"):
        told.late_seconds.append(item["late_by_seconds"])
    for place, item in _records_of(dumps / f"{topics.NEWS}.jsonl"):
        line = _headline(item)
        if line is not None and place not in dead and line.item_id not in seen:
            seen.add(line.item_id)
            told.headlines[line.hour].append(line)
    return told


def _headline(item: dict[str, Any]) -> _Headline | None:
    """None: a heartbeat, or a record of somebody else's that a gate has let through."""
    try:
        score, weight = float(item["article_score"]), float(item["source_weight"])
        item_id, at, title, source = (
            str(item[name]) for name in ("item_id", "published_at", "title", "source")
        )
        return _Headline(item_id, at[:13] + ":00:00Z", title, source, score, weight)
    except (KeyError, TypeError, ValueError):
        return None


def _records_of(dump: Path) -> Iterator[tuple[tuple[int, int], dict[str, Any]]]:
    """Place and value of each record that is a JSON object; the others are among the dead, with a reason."""
    with dump.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            try:
                value = json.loads(row["value"])
            except (TypeError, ValueError):
                continue
            if isinstance(value, dict):
                yield (row["partition"], row["offset"]), value


# words and tables


def _value(figures: list[str] | None) -> float | None:
    """The signal, if there is one that can be drawn."""
    value = float(figures[2]) if figures else math.nan
    return value if math.isfinite(value) else None


def _words(figures: list[str] | None) -> str:
    if figures is None:
        return "no row"
    return f"signal {chart.signed(float(figures[2]))} from {_many(int(figures[0]), 'item')}"


def _exact(figures: list[str] | None) -> list[str]:
    """Each figure to its last digit that is not zero."""
    if figures is None:
        return ["no row", "", "", ""]
    return [f"{Decimal(text).normalize():f}".replace("-", "−") for text in figures]


def _many(count: int, thing: str) -> str:
    """
    >>> _many(1, "hour"), _many(1200, "hour")
    ('1 hour', '1,200 hours')
    """
    return f"{count:,} {thing}{'s' * (count != 1)}"


def _span(seconds: int) -> str:
    """
    >>> _span(10), _span(600), _span(14_100)
    ('10 s', '10 min', '3 h 55 min')
    """
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _moment(text: str) -> datetime | None:
    """The hour that begins at this wire time; None: no hour does."""
    try:
        moment = from_wire(text)
    except ValueError:
        return None
    return moment if (moment.minute, moment.second, moment.microsecond) == (0, 0, 0) else None


def _clock(hour: str) -> str:
    moment = _moment(hour)
    return f"{moment:%Y-%m-%d %H:%M}" if moment else hour


def _time(text: str) -> str:
    return f'<time datetime="{text}">{from_wire(text):%Y-%m-%d %H:%M} UTC</time>'


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], kind: str) -> str:
    """A table of text, escaped here; cells that are numbers stand on the right."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in rows)
    # wider than a phone it scrolls by itself, with the keyboard too, and the page does not
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}"><table class="{kind}">'
        f"<caption>{escape(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(text: str) -> str:
    kind = ' class="number"' if re.fullmatch(r"−?[\d,.]+ ?%?", text) else ""
    return f"<td{kind}>{escape(text)}</td>"


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""

_STYLE = """
:root {
  --paper: #f6f7f9; --card: #ffffff; --ink: #1b2027; --muted: #566070; --rule: #dfe3e8; --hatch: #8a94a2;
  --quiet: #7d8898; --signal: #1f63b0; --negative: #b35309; --good: #14692f; --bad: #b3261e;
  --pulse: #2b857a;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #12161b; --card: #1a2027; --ink: #e7ebf0; --muted: #a4afbd; --rule: #313a45; --hatch: #6f7b8b;
    --quiet: #8592a3; --signal: #6cb0f5; --negative: #f0a35c; --good: #63cc82; --bad: #ff8f85;
    --pulse: #4db3a6;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 .5rem; }
p { margin: 0 0 .75rem; max-width: 46rem; overflow-wrap: anywhere; }
.lead { font-size: 1.05rem; }
.note { color: var(--muted); font-size: .875rem; }
section {
  background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: 1.25rem; margin-top: 1rem;
}
section > :last-child { margin-bottom: 0; }
.verdict { border-left: 6px solid var(--good); }
.verdict.bad { border-left-color: var(--bad); }
.verdict h2 { font-size: 1.6rem; color: var(--good); }
.verdict.bad h2, .difference { color: var(--bad); }
.verdict.bad .difference { font-size: 1.1rem; }
.verdict ul, .legend, .pieces { list-style: none; padding: 0; margin: 0 0 .75rem; }
.legend, .pieces, dt, caption { font-size: .875rem; color: var(--muted); }
.legend, .pieces { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.swatch { width: .8em; height: .8em; vertical-align: -.05em; }
.term .swatch { margin-right: .3em; }
.defs { position: absolute; }
.days, dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17.5rem), 1fr)); }
.days { gap: 1rem; margin-bottom: .75rem; }
figure { margin: 0; max-width: 30rem; break-inside: avoid; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { font-size: .875rem; font-weight: 600; }
summary { cursor: pointer; color: var(--signal); }
.hours { padding-left: 1.5rem; margin: 0; }
.hours > li { margin-bottom: .75rem; break-inside: avoid; }
.hours > li:last-child { margin-bottom: 0; }
.hours p { margin: 0; }
.hours ul { margin: .15rem 0 0; padding-left: 1.1rem; overflow-wrap: anywhere; }
.law { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem .6rem; max-width: none; }
.term { display: inline-grid; grid-template-columns: auto auto; column-gap: .6rem; align-items: baseline; }
.term:first-child { column-gap: 0; }
.term b { grid-column: 2; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.term .label { grid-column: 2; color: var(--muted); font-size: .875rem; }
.term .swatch { margin-right: .3em; }
.sign { grid-column: 1; font-size: 1.3rem; color: var(--muted); }
.stacked { display: block; width: 100%; height: 1.5rem; margin-bottom: 1rem; }
.scroll { overflow-x: auto; margin-bottom: .75rem; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .25rem; }
th, td { text-align: left; vertical-align: baseline; padding: .25rem .75rem .25rem 0; }
th, td { border-bottom: 1px solid var(--rule); }
th { font-weight: 600; }
.number { text-align: right; }
.figures td { white-space: nowrap; }
.differing tr:not(:nth-child(3n)) td { border-bottom: 0; }
.stages th { font-weight: 400; }
.share { width: 30vw; max-width: 20rem; }
.share svg { display: block; width: 100%; height: .6rem; }
dl { gap: .5rem 1.5rem; margin: 0 0 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.yours { color: var(--ink); font-weight: 600; }
pre { overflow-x: auto; margin: 0 0 .75rem; padding: .75rem 1rem; background: var(--paper); }
code { font: .9em ui-monospace, monospace; }
:focus-visible { outline: 2px solid var(--signal); outline-offset: 2px; }
@media print {
  body { background: none; font-size: 11pt; }
  main { max-width: none; padding: 0; }
  section { border-width: 0 0 1px; border-radius: 0; padding: .75rem 0; }
  .verdict { padding-left: .75rem; }
  .scroll { overflow: visible; }
  h2, caption { break-after: avoid; }
  tr { break-inside: avoid; }
}
"""
