"""Worlds small enough to work out by hand: one day, times as clocks, everything else left out."""

from __future__ import annotations

import base64
import json
from typing import Any

YES, NO = "7" * 77, "8" * 77


def at(clock: str) -> str:
    """10:15 or 10:15:30 of that day, on the wire."""
    return f"2026-01-05T{clock}:00Z" if clock.count(":") == 1 else f"2026-01-05T{clock}Z"


def item(identity: str, published: str | None, title: str, source: str = "Reuters") -> dict[str, Any]:
    """published: a clock, a whole date, or None for an item without any."""
    date = (
        {} if published is None else {"date_published": at(published) if published[2] == ":" else published}
    )
    return {
        "id": identity,
        "url": f"https://n.example/{identity}",
        "title": title,
        "content_text": "",
        "authors": [{"name": source}],
        **date,
    }


def shown(since: str, what: dict[str, Any], until: str = "23:00", market: str = "m") -> dict[str, Any]:
    return {"market": market, "from": at(since), "until": at(until), "item": what}


def stray(arrives: str, topic: str, key: str, value: Any) -> dict[str, Any]:
    """value: bytes, or what is to be written as JSON."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return {"at": at(arrives), "topic": topic, "key": key, "value": base64.b64encode(body).decode()}


def fault(clock: str, what: str, status: int, times: int = 4, **other: Any) -> dict[str, Any]:
    market = None if what == "clob" else "m"
    found = {"at": at(clock), "what": what, "market": market, "status": status, "times": times}
    return {**found, "headers": {}, "body": None, "drop": status == 0, **other}


def sides(buy: Any, sell: Any = None) -> dict[str, Any]:
    """Both sides of a book; one figure for both is its middle."""
    return {"BUY": buy, "SELL": buy if sell is None else sell}


def book(**by_hour: Any) -> dict[str, Any]:
    """The book of YES at full hours: h10="0.4" is quoted at 10:00. NO is not quoted."""
    return {
        at(f"{name[1:]}:00"): {"Yes": value if isinstance(value, dict) else sides(value)}
        for name, value in by_hour.items()
    }


def market(
    slug: str = "m", closed_time: str | None = None, feed: str = "json",
    end_date: str = "2026-03-18T18:00:00Z",
) -> dict[str, Any]:  # fmt: skip
    return {
        "slug": slug,
        "question": f"Will {slug}?",
        "end_date": end_date,
        "closed_time": at(closed_time) if closed_time else None,
        "tokens": {"Yes": YES, "No": NO},
        "feed": feed,
    }


def small(*entries: dict[str, Any], start: str = "10:00", end: str = "12:00", **other: Any) -> dict[str, Any]:
    """A world of one market without prices, strays and faults, unless they are given."""
    return {
        "start": at(start), "end": at(end), "markets": [market()], "entries": list(entries),
        "prices": {}, "strays": [], "faults": [], **other,
    }  # fmt: skip
