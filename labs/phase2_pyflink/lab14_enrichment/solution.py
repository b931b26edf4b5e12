"""What a market asks and when it closes, known to every subtask: broadcast state, read as of a moment.

Two streams have no common order. So each version is kept with the moment it was fetched, and an hour asks
for the version of its own time: the answer does not depend on which of the two arrived first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Meta:
    """A market as it was known at a moment. close_time: event-time ms, UTC; None: not known."""

    question: str
    close_time: int | None


def remember(markets: Any, market: str, fetched_at: int, question: str, close_time: int | None) -> None:
    """Keep a version of a market if it says something new. markets: MapState[str, str], broadcast."""
    versions = json.loads(markets.get(market) or "[]")
    versions = sorted([*versions, [fetched_at, question, close_time]], key=lambda version: version[0])
    # a version that repeats the one before it adds nothing; one an hour would fill the state
    pairs = zip([None, *versions], versions, strict=False)
    markets.put(market, json.dumps([new for old, new in pairs if not old or old[1:] != new[1:]]))


def as_of(markets: Any, market: str, moment: int) -> Meta | None:
    """The market as it was known at that moment (event-time ms), or None: nobody had told yet."""
    known = [v for v in json.loads(markets.get(market) or "[]") if v[0] <= moment]
    return Meta(known[-1][1], known[-1][2]) if known else None


def still_open(meta: Meta | None, window_end: int) -> bool:
    """Whether an hour that ends then may be flagged: not once its market has closed."""
    return meta is None or meta.close_time is None or window_end <= meta.close_time
