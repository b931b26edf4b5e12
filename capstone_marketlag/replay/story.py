"""What happens to one market, hour by hour: the plan that its news and its prices are made from.

Most hours are ordinary. Now and then comes an episode: an hour of much news, and a price that moves within
it, or an hour or two later, or not at all. Episodes are dealt from a shuffled deck, so that a world of ten
days has seen each of them; a shorter one has seen some.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal

#: moves from here on have no sign of their own: the price's path gives them one that keeps it off 0 and 1
BIG = Decimal("0.03")
_NONE = Decimal(0)
_DECK = (
    *["lag"] * 5,
    *["lag after a jump"] * 2,
    "lag after a gap",
    *["move"] * 6,
    "shrug",
    "blind",
    "outage",
    "signal edge",
    "price edge",
    "price just under",
)


@dataclass
class Hour:
    """news: quiet, ordinary, calm, busy, storm, nothing or one point. move: the price's; None: it drifts."""

    news: str = "ordinary"
    move: Decimal | None = None


@dataclass
class Story:
    """A market's plan. The sets hold full hours, as numbers: hour 3 begins at full hour 3.

    steady: the book answers as it should; blind: it shows no price; outages: Gamma fails;
    exact: a threshold is met here to the last digit, and nothing else may happen.
    """

    hours: list[Hour]
    lags: list[int] = field(default_factory=list)
    moves: list[int] = field(default_factory=list)
    steady: set[int] = field(default_factory=set)
    blind: set[int] = field(default_factory=set)
    outages: set[int] = field(default_factory=set)
    exact: set[int] = field(default_factory=set)


def story(random_: random.Random, hours: int, open_hours: int) -> Story:
    """A plan of so many hours of news and three more of prices; behind open_hours there is only talk."""
    plan = Story([Hour() for _ in range(hours)] + [Hour("quiet") for _ in range(3)])
    for hour in plan.hours[:hours]:
        if random_.random() < 0.12:
            hour.news = "quiet"
    deck: list[str] = []
    at, first = random_.randint(3, 6), True
    while at < hours:
        if not deck:
            deck = random_.sample(_DECK, len(_DECK))
        # the first is the strongest of all: a week later it must be forgotten
        kind = "lag" if first else deck.pop()
        _episode(random_, plan, at, kind if at + 3 <= open_hours else "shrug")
        if first:
            plan.hours[at].news, first = "storm", False
        at += random_.randint(9, 13)
    return plan


def _episode(random_: random.Random, plan: Story, at: int, kind: str) -> None:
    before, hour = plan.hours[at - 1], plan.hours[at]
    before.news, hour.news = "calm", "busy"
    before.move = hour.move = _NONE
    around = set(range(at - 1, at + 4))
    if kind.startswith("lag"):
        plan.lags.append(at)
        plan.hours[at + random_.randint(1, 2)].move = _big(random_)
        if kind == "lag after a jump":
            before.move = BIG + _big(random_) / 2
        if kind == "lag after a gap":
            before.news = "quiet"
    elif kind == "move":
        plan.moves.append(at)
        hour.move = _big(random_)
    elif kind == "blind":
        plan.blind |= {at, at + 1}
    elif kind == "outage":
        plan.outages |= {at - 1, at, at + 1, at + 2}
    elif kind == "signal edge":
        before.news, hour.news = "nothing", "one point"
    elif kind in ("price edge", "price just under"):
        # there and back: on the edge with the price at the hour's start as with the one at its end
        before.move = Decimal("0.02") if kind == "price edge" else Decimal("0.0199")
        hour.move = -before.move
    if kind.endswith(("edge", "under")):
        plan.exact |= {at - 1, at, at + 1}
    plan.steady |= around - plan.blind


def _big(random_: random.Random) -> Decimal:
    return Decimal(random_.randint(50, 120)) / 1000
