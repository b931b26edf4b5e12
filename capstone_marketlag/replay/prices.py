"""What the order book answers at every full hour: both sides of both outcomes, not always as it should.

The path of the price is exact, so that a move of 0.02 is one; the answers are raw: texts or numbers, a side
or a token missing, values that no price can have.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from capstone_marketlag.replay.story import BIG, Story
from capstone_marketlag.wire import to_wire

_LOW, _HIGH = Decimal("0.3"), Decimal("0.7")
_TICK = Decimal("0.0005")
#: instead of an outcome's two sides; left out: None is what some services send for nothing
_ODD: tuple[Any, ...] = (
    {"BUY": "0.41"},
    {"SELL": 0.43},
    {},
    None,
    {"BUY": "NaN", "SELL": "0.5"},
    {"BUY": None, "SELL": "0.5"},
    {"BUY": "n/a", "SELL": "0.5"},
    {"BUY": "1e12", "SELL": "1e12"},
    {"BUY": "1.7", "SELL": "1.74"},
    {"BUY": 1.5, "SELL": 2},
    {"BUY": "-0.2", "SELL": "-0.18"},
)


def quotes(
    random_: random.Random, story: Story, start: datetime, closed: datetime | None, empty_first: bool
) -> dict[str, dict[str, Any]]:
    """{full hour: {"Yes": {"BUY": …, "SELL": …}, "No": …}} until the market closes.

    empty_first: nobody trades in the first hour, and nothing is stored that could stand in for it.
    """
    found: dict[str, dict[str, Any]] = {}
    for at, price in enumerate(path(random_, story)):
        hour = start + timedelta(hours=at)
        if closed is not None and hour >= closed:
            break
        answer = {"Yes": _sides(random_, price), "No": _sides(random_, 1 - price)}
        if at in story.blind or (empty_first and at == 0):
            answer = {}
        elif at not in story.steady and random_.random() < 0.12:
            outcome = random_.choice(("Yes", "Yes", "No"))
            if random_.random() < 0.2:
                del answer[outcome]
            else:
                answer[outcome] = random_.choice(_ODD)
        elif at not in story.steady and random_.random() < 0.1:
            answer["Yes"] = _between_digits(price)
        found[to_wire(hour)] = answer
    return found


def path(random_: random.Random, story: Story) -> list[Decimal]:
    """The middle of the book at full hour 0 and after each hour of the story."""
    price = Decimal(random_.randint(800, 1200)) * _TICK
    found = [price]
    for hour in story.hours:
        move = hour.move if hour.move is not None else random_.randint(-10, 10) * _TICK
        if abs(move) >= BIG or hour.move is None:
            up = price < _LOW or (price <= _HIGH and random_.random() < 0.5)
            move = abs(move) if up else -abs(move)
        price += move
        found.append(price)
    return found


def _sides(random_: random.Random, price: Decimal) -> dict[str, Any]:
    """Best bid and best ask around that price: as texts, as the service sends them, or as numbers."""
    half = random_.randint(1, 12) * _TICK
    buy, sell = price - half, price + half
    if random_.random() < 0.7:
        return {"BUY": f"{buy:f}", "SELL": f"{sell:f}"}
    return {"BUY": float(buy), "SELL": float(sell)}


def _between_digits(price: Decimal) -> dict[str, Any]:
    """A middle with a 5 behind its sixth digit, and an even one before it: half up is not half even."""
    return {"BUY": f"{price - _TICK:f}", "SELL": f"{price + _TICK + Decimal('0.000001'):f}"}
