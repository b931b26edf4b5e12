"""When providers fail, and how: for one request, for all four tries, or with a 200 that is no answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from capstone_marketlag.replay.story import Story
from capstone_marketlag.wire import to_wire

_TRIES = 4
_WAITING_ROOM = "<!doctype html><html><head><title>One moment</title></head><body>Please wait.</body></html>"
#: what, status (0: the connection is closed), for how many requests, what the body is
_KINDS: tuple[tuple[str, int, int, str | None], ...] = (
    ("feed", 503, 1, None),
    ("feed", 429, 2, None),
    ("feed", 408, 3, None),
    ("feed", 0, 1, None),
    ("feed", 500, _TRIES, None),
    ("feed", 0, _TRIES, None),
    ("feed", 404, 1, None),
    ("feed", 200, 1, _WAITING_ROOM),
    ("feed", 200, 1, '{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "item-0'),
    ("gamma", 502, 1, None),
    ("gamma", 429, 3, None),
    ("gamma", 0, 2, None),
    ("gamma", 500, _TRIES, None),
    ("gamma", 404, 1, None),
    ("gamma", 200, 1, '{"error": "not today"}'),
    ("gamma", 200, 1, _WAITING_ROOM),
    ("clob", 425, 2, None),
    ("clob", 504, 3, None),
    ("clob", 0, 1, None),
    ("clob", 500, _TRIES, None),
    ("clob", 503, _TRIES + 2, None),
    ("clob", 0, 3 * _TRIES, None),
    ("clob", 404, 2, None),
    ("clob", 200, 1, "[]"),
    ("clob", 200, 2, '{"1015'),
)


def faults(
    random_: random.Random, stories: dict[str, Story], start: datetime, hours: int, exact: set[int]
) -> list[dict[str, Any]]:
    """{at, what, market, status, times, headers, body, drop}, in order of time.

    The outages of the stories, and others: each kind once before one comes again. None of these in the hours
    of `exact`, and never two for one kind of request at one tick.
    """
    found: dict[tuple[str, str, str | None], dict[str, Any]] = {}

    def add(minutes: int, market: str | None, kind: tuple[str, int, int, str | None]) -> None:
        what, status, times, body = kind
        at = to_wire(start + timedelta(minutes=minutes))
        headers = {"Retry-After": str(times)} if status == 429 else {}
        fault = {
            "at": at, "what": what, "market": market, "status": status, "times": times,
            "headers": headers, "body": body, "drop": status == 0,
        }  # fmt: skip
        found.setdefault((at, what, market), fault)

    for market, story in stories.items():
        for hour in sorted(story.outages):
            add(60 * hour, market, ("gamma", random_.choice((500, 502, 503, 504, 0)), _TRIES, None))
    kinds: list[tuple[str, int, int, str | None]] = []
    markets: Sequence[str] = list(stories)
    for _ in range(2 + hours // 4):
        hour = random_.randrange(hours)
        if hour in exact:
            continue
        if not kinds:
            kinds = random_.sample(_KINDS, len(_KINDS))
        kind = kinds.pop()
        minutes = 60 * hour + (random_.choice((0, 15, 30, 45)) if kind[0] == "feed" else 0)
        add(minutes, None if kind[0] == "clob" else random_.choice(markets), kind)
    return sorted(found.values(), key=lambda fault: (fault["at"], fault["what"], fault["market"] or ""))
