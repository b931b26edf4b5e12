"""The records that both producers write: heartbeats, dead letters, health. Fetched things, so no partition
and no offset: what they came from is an address."""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import Any

from capstone_marketlag.producers.http import Answer
from capstone_marketlag.wire import to_wire

#: key and kind of a heartbeat; no market has it as its slug
HEARTBEAT = "heartbeat"
#: what stands for each market's slug in the feed's address
MARKET = "{market}"
#: how much of an original a dead letter keeps: with base64 and four bytes a character still a record
DEAD_CHARACTERS = 100_000


def heartbeat(now: datetime, *time_fields: str) -> dict[str, Any]:
    """A record that says only how late it is: the run's time, also in those fields."""
    moments = dict.fromkeys((*time_fields, "fetched_at"), to_wire(now))
    return {"kind": HEARTBEAT, **moments, "timezone": "UTC"}


def dead_letter(original: str, reason: str, now: datetime) -> dict[str, Any]:
    """The value of a dead-letter topic."""
    return {
        "original": base64.b64encode(original[:DEAD_CHARACTERS].encode()).decode(),
        "reason": reason,
        "stage": "producer",
        "source_topic": None,
        "source_partition": None,
        "source_offset": None,
        "first_seen": to_wire(now),
    }


def health(source: str, answer: Answer, problem: str, now: datetime) -> dict[str, Any]:
    """The value of ops.api_health for one address that was asked. problem: empty where there was none."""
    return {
        "source": source,
        "status": answer.status,
        "response_time_ms": answer.milliseconds,
        "error_message": problem,
        "logged_at": to_wire(now),
    }


def named(feed_url: str, market: str = MARKET) -> str:
    """The address of a market's feed as records name it: with its query's names, without the keys in it.

    Of the query only what stands for the market is told: all else may be a secret.

    >>> named("https://user:word@news.example/rss?q={market}&key=123", "fed")
    'https://news.example/rss?q=fed&key=…'
    """
    address, asked, query = feed_url.partition("#")[0].partition("?")
    fields = []
    for each in filter(None, query.split("&")):
        name, is_, value = each.partition("=") if "=" in each else ("", "", each)
        fields.append(name + is_ + (MARKET if MARKET in value else "…"))
    return (re.sub("//[^/]*@", "//", address) + asked + "&".join(fields)).replace(MARKET, market)
