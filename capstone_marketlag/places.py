"""Where each record of an input topic has its place, by the contract's rules and the dead letters.

    dead        a letter tells of it
    heartbeat   it only tells the time
    duplicate   it is valid, and its key was seen
    first       the first sight of its key: late, or on time

A record that is in none of them was let through by a wrong gate, or lost its letter: it is in no count.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from capstone_marketlag.wire import from_wire, to_wire

Rows = list[dict[str, Any]]
Place = tuple[int, int]  # partition, offset
Identity = tuple[str, ...]

_HOUR, _DELAY, _AHEAD = timedelta(hours=1), timedelta(minutes=5), timedelta(minutes=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
#: what JSON takes for blank
_BLANK = " \t\r\n"
_SLUG = re.compile(r"[A-Za-z0-9._~-]{1,200}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


@dataclass(frozen=True)
class Kind:
    """What the rules of one input topic are about. identity: what tells its valid records apart."""

    time: str
    names: tuple[str, ...]
    identity: Callable[[Mapping[str, Any], datetime], Identity]
    is_valid: Callable[[Mapping[str, Any], datetime], bool]


@dataclass(frozen=True)
class Sight:
    """The first sight of a key in one partition."""

    value: dict[str, Any]
    late: bool


@dataclass
class Places:
    """firsts: by key and partition, for only the pipeline knows which of two partitions it read first."""

    heartbeats: int = 0
    duplicates: int = 0
    firsts: dict[Identity, dict[int, Sight]] = field(default_factory=dict)
    last_told: dict[int, datetime] = field(default_factory=dict)  # partition -> its newest heartbeat


def places(rows: Rows, dead: Collection[Place], kind: Kind) -> Places:
    """The places of the records of one topic, given those that have a dead letter."""
    found = Places()
    highest: dict[int, datetime] = {}
    for row in sorted(rows, key=lambda row: (row["partition"], row["offset"])):
        partition = row["partition"]
        value, start = _objects(row["value"])
        moment = _come(start.get(kind.time), row["timestamp"]) if start else None
        # what is dead for another reason than its time moves the time all the same
        highest[partition] = max(highest.get(partition, _EPOCH), moment or _EPOCH)
        if (partition, row["offset"]) in dead or value is None or moment is None:
            continue
        if value.get("kind") == "heartbeat":
            found.heartbeats += 1
            found.last_told[partition] = max(found.last_told.get(partition, _EPOCH), moment)
        elif _is_named(value, kind.names) and kind.is_valid(value, moment):
            identity = kind.identity(value, moment)
            found.duplicates += identity in found.firsts
            late = _hour(moment) + _HOUR <= highest[partition] - _DELAY
            found.firsts.setdefault(identity, {}).setdefault(partition, Sight(value, late))
    return found


def json_object(text: Any) -> dict[str, Any] | None:
    """The JSON object that this value of a record is, if it is one; its numbers as they are written."""
    return _objects(text)[0]


def _objects(text: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The object that the value is, and the one that it starts with, whatever stands behind that."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is Python's, not JSON's")

    broken = isinstance(text, dict)  # bytes that are no text stand as {"base64": …}
    if broken:
        text = base64.b64decode(text["base64"]).decode(errors="replace")
    if not isinstance(text, str):
        return None, None
    text = text.lstrip(_BLANK)
    try:
        value, end = json.JSONDecoder(parse_float=Decimal, parse_constant=refuse).raw_decode(text)
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(value, dict):
        return None, None
    return (None if broken or text[end:].strip(_BLANK) else value), value


# ---- the rules of the gates ----------------------------------------------------------------------


def _is_named(value: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    return all(_text(value.get(name)) for name in names) and bool(
        _SLUG.fullmatch(_text(value["market_slug"]))
    )


def _is_news(value: Mapping[str, Any], _: datetime) -> bool:
    score = _number(value.get("article_score"))
    return (
        bool(_text(value.get("source")))
        and score is not None
        and abs(score) < 1_000_000
        and _within(value.get("source_weight"), 0)
    )


def _is_price(value: Mapping[str, Any], moment: datetime) -> bool:
    return (
        moment == _hour(moment)
        and _within(value.get("price"), 0)
        and _within(value.get("price_delta"), -1)
        and value.get("price_status") in ("observed", "carried", "clamped")
    )


def _item(value: Mapping[str, Any], _: datetime) -> Identity:
    return _text(value["market_slug"]), _text(value["item_id"])


def _hour_of_an_outcome(value: Mapping[str, Any], moment: datetime) -> Identity:
    return _text(value["market_slug"]), _text(value["outcome"]).upper(), to_wire(moment)


NEWS = Kind("published_at", ("market_slug", "item_id"), _item, _is_news)
PRICES = Kind("event_time", ("market_slug", "outcome"), _hour_of_an_outcome, _is_price)


def _come(text: Any, timestamp: int) -> datetime | None:
    """A UTC time that had come when the record was written (timestamp: ms)."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return None
    try:
        moment = from_wire(text)
    except ValueError:
        return None
    written = _EPOCH + timedelta(milliseconds=timestamp)
    return moment if _EPOCH < moment <= written + _AHEAD else None


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    # half of a surrogate pair is no character: it becomes a question mark, as in the engine
    return str(value).encode(errors="replace").decode() if isinstance(value, (str, int, Decimal)) else ""


def _number(value: Any) -> Decimal | None:
    return Decimal(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else None


def _within(value: Any, least: int) -> bool:
    number = _number(value)
    return number is not None and least <= number <= 1
