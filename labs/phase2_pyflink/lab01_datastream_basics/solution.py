"""A record of signals_with_price becomes a typed hour: all that the detector knows about its input.

Plain Python: the stream calls `hour` for each record, and sends what it refuses to the dead letters.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MS = timedelta(milliseconds=1)
_HOUR_MS = 3_600_000
#: what a topic's key and a table's index take: no NUL, no half of a surrogate pair
_SLUG = re.compile(r"[A-Za-z0-9._~-]{1,200}")
_STATUS = ("observed", "carried", "clamped", "missing")
#: what the table of signals holds: ten digits in front of the point
_LARGEST = Decimal(10) ** 10


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
    found = Hour(
        market=slug(_text(value, "market_slug")),
        window_start=milliseconds(_text(value, "window_start")),
        window_end=milliseconds(_text(value, "window_end")),
        signal=_number(value, "source_weighted_signal"),
        prev_signal=_number_or_none(value, "prev_rss_signal"),
        signal_delta=_number_or_none(value, "signal_delta"),
        source_weight_avg=_number(value, "source_weight_avg", 0, 1),
        price=_number_or_none(value, "price", 0, 1),
        prev_price=_number_or_none(value, "prev_price", 0, 1),
        price_delta=_number(value, "price_delta", -1, 1),
        price_status=_text(value, "price_status"),
    )
    # what the tables would refuse for ever has to be refused here, once
    if found.window_start % _HOUR_MS or found.window_end != found.window_start + _HOUR_MS:
        raise ValueError("window_start and window_end are not those of an hour")
    if found.price_status not in _STATUS:
        raise ValueError(f"price_status is none of {', '.join(_STATUS)}")
    return found


def slug(text: str) -> str:
    """The name of a market, as it is. Raises ValueError: keys and tables would not take it."""
    if not _SLUG.fullmatch(text):
        raise ValueError("market_slug is not a slug")
    return text


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


def _number(
    value: dict[str, Any], name: str, least: Decimal | int = -_LARGEST, most: Decimal | int = _LARGEST
) -> Decimal:
    found = value.get(name)
    if isinstance(found, bool) or not isinstance(found, (int, Decimal)):
        raise ValueError(f"{name} is not a number")
    number = Decimal(found)
    # the digits too: 1e-999999 is between 0 and 1, and a megabyte where it is written out
    if not least <= number <= most or number.as_tuple().exponent < -30:  # type: ignore[operator]
        raise ValueError(f"{name} is out of range")
    return number


def _number_or_none(
    value: dict[str, Any], name: str, least: Decimal | int = -_LARGEST, most: Decimal | int = _LARGEST
) -> Decimal | None:
    return None if value.get(name) is None else _number(value, name, least, most)


def _no_number(text: str) -> Decimal:
    raise ValueError(f"{text} is not JSON")
