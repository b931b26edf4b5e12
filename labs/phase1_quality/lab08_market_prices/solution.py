"""A market and its quotes become one price an hour for each outcome, with its change.

Gamma says what the market is and which token stands for which outcome; the CLOB says at what price each
token is bought and sold. The rules of the hourly price need no network and no store: what is stored comes
in, what is to be stored goes out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

OBSERVED, CARRIED, CLAMPED = "observed", "carried", "clamped"
#: prices are kept to six digits: what is stored, sent and compared is then the very same number
DIGITS = Decimal("0.000001")


@dataclass(frozen=True)
class Market:
    """A prediction market. tokens: outcome label -> token id, about 77 digits, so never a number.

    close_time: UTC; of a closed market when trading ended, never later than it was asked for; of an open one
    when trading is planned to end, never earlier; None where that is not known.
    """

    slug: str
    question: str
    close_time: datetime | None
    closed: bool
    tokens: dict[str, str]


@dataclass(frozen=True)
class HourlyPrice:
    """The price of one outcome in one hour, to six digits.

    event_time: the full hour, UTC. status: one of those above.
    """

    event_time: datetime
    price: Decimal
    prev_price: Decimal | None
    status: str

    @property
    def delta(self) -> Decimal:
        """The change since the price before; 0 for the first."""
        return self.price - self.prev_price if self.prev_price is not None else Decimal(0)


def market(body: bytes, now: datetime) -> Market:
    """The market in Gamma's answer of now, which is an object or a list of one.

    Raises ValueError: it is no market, or its outcomes cannot be told apart.
    """
    document = _json(body)
    if isinstance(document, list):
        if len(document) != 1:
            raise ValueError(f"{len(document)} markets instead of one")
        document = document[0]
    if not isinstance(document, dict) or not document.get("slug"):
        raise ValueError("not a market: it has no slug")
    outcomes = _list(document.get("outcomes"))
    # newer markets have positionIds where older ones have clobTokenIds
    tokens = _list(document.get("clobTokenIds")) or _list(document.get("positionIds"))
    if not outcomes or len(outcomes) != len(tokens):
        raise ValueError(f"{len(outcomes)} outcomes, {len(tokens)} tokens")
    # Yes is YES wherever prices are told apart
    if len({outcome.upper() for outcome in outcomes}) != len(outcomes):
        raise ValueError(f"an outcome twice: {', '.join(outcomes)}")
    if len(set(tokens)) != len(tokens):
        raise ValueError("a token twice")
    closed = document.get("closed") in (True, "true")
    return Market(
        slug=str(document["slug"]),
        question=_text(document.get("question") or ""),
        close_time=_close_time(document, closed, now),
        closed=closed,
        # by label: the first outcome is not always Yes
        tokens=dict(zip(outcomes, tokens, strict=True)),
    )


def _close_time(document: dict[str, Any], closed: bool, now: datetime) -> datetime | None:
    """When trading ended, or is planned to end: a plan that has passed is none, for resolving takes days."""
    planned = _time(document.get("endDate"))
    if not closed:
        return planned if planned is not None and planned > now else None
    ended = _time(document.get("closedTime"))
    if ended is not None:
        return min(ended, now)
    # closed before its planned end, and nobody says when: before now, so that no hour that ends now is open
    return planned if planned is not None and planned <= now else now - timedelta(seconds=1)


def quote_request(market: Market) -> list[dict[str, str]]:
    """The body of the CLOB's POST /prices: both sides of every token, for one side alone is not a price."""
    return [{"token_id": token, "side": side} for token in market.tokens.values() for side in ("BUY", "SELL")]


def quotes(body: bytes, market: Market) -> dict[str, Decimal | None]:
    """For each outcome the middle of best bid and best ask; None where a side is missing or no number.

    A price outside of 0 to 1 is returned as it is: it is for hourly_price to name it.
    Raises ValueError: the body is no answer to a quote request.
    """
    document = _json(body)
    if not isinstance(document, dict):
        raise ValueError("not an object of tokens")
    found: dict[str, Decimal | None] = {}
    for outcome, token in market.tokens.items():
        sides = document.get(token)
        bid, ask = (_number(sides.get(side)) if isinstance(sides, dict) else None for side in ("BUY", "SELL"))
        found[outcome] = (bid + ask) / 2 if bid is not None and ask is not None else None
    return found


def hourly_price(hour: datetime, quoted: Decimal | None, stored: HourlyPrice | None) -> HourlyPrice | None:
    """The price of this hour, from what was quoted and what was stored last; None where there is none.

    The first price of an hour stays: a repeated run gives the same row. A run that is late, behind an
    hour that is stored already, gives nothing: its quote is of now, not of then.
    """
    if stored is not None and stored.event_time >= hour:
        return stored if stored.event_time == hour else None
    before = stored.price if stored is not None else None
    if quoted is None:
        return HourlyPrice(hour, before, before, CARRIED) if before is not None else None
    price = min(max(quoted, Decimal(0)), Decimal(1))
    # half up, as everyone expects; Decimal's own default goes to the even digit
    rounded = price.quantize(DIGITS, ROUND_HALF_UP)
    return HourlyPrice(hour, rounded, before, OBSERVED if price == quoted else CLAMPED)


def _json(body: bytes) -> Any:
    try:
        # prices as they are written: 0.1 + 0.2 is 0.3
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError, InvalidOperation) as error:  # the last: 1e99999999999999999999
        raise ValueError(f"not JSON ({type(error).__name__})") from error


def _list(value: Any) -> list[str]:
    """A list of texts, which Gamma writes as a text that holds a JSON list; [] if one of them is empty."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    if not isinstance(value, list):
        return []
    texts = [_text(each).strip() for each in value if isinstance(each, (str, int)) and each is not True]
    return texts if len(texts) == len(value) and all(texts) else []


def _text(value: Any) -> str:
    """A text that can be written as UTF-8: half of a surrogate pair becomes "?"."""
    return str(value).encode("utf-8", "replace").decode()


def _number(value: Any) -> Decimal | None:
    """The docs show numbers, the service sends texts. From a million on it is no price, nor a clamped one."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and -1_000_000 < number < 1_000_000 else None


def _time(value: Any) -> datetime | None:
    """Gamma's times: 2026-05-09T00:00:00Z, and 2026-05-09 02:07:01+00; None without a zone."""
    if not isinstance(value, str):
        return None
    text = re.sub(r"\.\d+", "", value.strip().replace("Z", "+00:00"))
    if len(text) > 3 and text[-3] in "+-":
        text += ":00"
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(timezone.utc) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
