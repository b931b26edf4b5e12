"""ops.api_health: what each source answered, run by run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from capstone_marketlag import tables, topics
from capstone_marketlag.report.read.dumps import objects, rows
from capstone_marketlag.report.read.values import number, text, whole


@dataclass
class Source:
    """One API. failed: runs that got nothing they could use; problems: what was wrong, how often."""

    runs: int = 0
    failed: int = 0
    slowest_ms: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)


def read(folder: Path) -> dict[str, Source]:
    """Each source by name, in order of names."""
    found: dict[str, Source] = {}
    # asked twice, not kept: an iterator that gave nothing is no list
    told = list(objects(folder, topics.API_HEALTH)) or list(rows(folder, tables.API_HEALTH))
    for row in told:
        source = found.setdefault(name(text(row.get("source"))), Source())
        source.runs += 1
        source.statuses[whole(row.get("status"))] += 1
        source.slowest_ms = max(source.slowest_ms, whole(row.get("response_time_ms")))
        problem = text(row.get("error_message"))
        if problem or number(row.get("status")) is None:
            source.failed += 1
            source.problems[problem or "no status"] += 1
    return dict(sorted(found.items()))


def name(source: str) -> str:
    """A source as a reader knows it: of an address the path, and the host unless it is this machine.

    >>> name("http://127.0.0.1:36359/v1.1/fed.json"), name("https://news.example/fed.xml?key=1"), name("clob")
    ('/v1.1/fed.json', 'news.example/fed.xml', 'clob')
    """
    try:
        parts = urlsplit(source)
        host = parts.hostname or ""
    except ValueError:
        return source
    if parts.scheme not in ("http", "https"):
        return source
    return ("" if host in ("127.0.0.1", "localhost", "::1") else host) + parts.path
