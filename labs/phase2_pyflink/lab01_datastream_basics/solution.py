"""A record of signals_with_price becomes a typed hour: all that the detector knows about its input.

Plain Python: the stream calls `hour` for each record, and sends what it refuses to the dead letters.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Hour:
    """One hour of one market. window_start, window_end: event-time ms, UTC.

    signal_delta is None where the hour before had no news; price is None where there was none.
    """

    market: str
    window_start: int
    window_end: int
    signal: Decimal
    prev_signal: Decimal | None
    signal_delta: Decimal | None
    source_weight_avg: Decimal
    price: Decimal | None
    prev_price: Decimal | None
    price_delta: Decimal
    price_status: str


def hour(record: str) -> Hour | None:
    """The hour in a record's JSON text; None for a heartbeat, which only moves time.

    Raises ValueError: it is neither; the message says what is wrong with it.
    """
    try:
        # numbers as they are written: as floats 2.2 - 1.2 is more than 1.0
        value = json.loads(record, parse_float=Decimal, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    if value.get("kind") == "heartbeat":
        return None
    return Hour(
        market=_text(value, "market_slug"),
        window_start=_time(value, "window_start"),
        window_end=_time(value, "window_end"),
        signal=_number(value, "source_weighted_signal"),
        prev_signal=_number_or_none(value, "prev_rss_signal"),
        signal_delta=_number_or_none(value, "signal_delta"),
        source_weight_avg=_number(value, "source_weight_avg"),
        price=_number_or_none(value, "price"),
        prev_price=_number_or_none(value, "prev_price"),
        price_delta=_number(value, "price_delta"),
        price_status=_text(value, "price_status"),
    )


def milliseconds(text: str) -> int:
    """Event-time ms, UTC, of a wire time. Raises ValueError: it is none.

    >>> milliseconds("2026-01-05T10:00:00Z")
    1767607200000
    """
    if not text.endswith("Z"):
        raise ValueError(f"{text!r} is no UTC time")
    return (datetime.fromisoformat(text[:-1] + "+00:00") - _EPOCH) // _MS


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str) or not found:
        raise ValueError(f"{name} is missing")
    return found


def _time(value: dict[str, Any], name: str) -> int:
    return milliseconds(_text(value, name))


def _number(value: dict[str, Any], name: str) -> Decimal:
    found = value.get(name)
    if isinstance(found, bool) or not isinstance(found, (int, Decimal)):
        raise ValueError(f"{name} is not a number")
    return Decimal(found)


def _number_or_none(value: dict[str, Any], name: str) -> Decimal | None:
    return None if value.get(name) is None else _number(value, name)


def _no_number(text: str) -> Decimal:
    raise ValueError(f"{text} is not JSON")
