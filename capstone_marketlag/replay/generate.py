"""A seeded world: what happened on three prediction markets for some hours, and what the web said about it.

A world is a JSON document, so that anything can read it: the server that replays it and the oracle that
recomputes it share the file and nothing else. Times are UTC with Z, tokens are texts of 77 digits.

    seed, hours
    start, end   first and last tick, 15 minutes apart; the news ends three hours before `end`
    markets      {slug, question, end_date, closed_time, tokens, feed}; closed_time: null, or when the
                 market closes early; tokens: {outcome: token} in the provider's order; feed: json or rss
    entries      {market, from, until, item}: what a feed shows, and in which half-open span of time
    prices       {slug: {full hour: {outcome: {"BUY": …, "SELL": …}}}}: the order book, raw, as it answers
    strays       {at, topic, key, value}: bytes (base64) that somebody else writes, before the runs of a tick
    faults       {at, what, market, status, times, headers, body, drop}: what the first `times` requests of
                 that kind (feed, gamma, clob) get at that tick; body: a 200 that is no answer; drop: nothing
    lags, moves  {market, hour}: planted: much news, and the price moves an hour or two later, or within it
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import Any

from capstone_marketlag.replay.faults import faults
from capstone_marketlag.replay.news import entries
from capstone_marketlag.replay.prices import quotes
from capstone_marketlag.replay.story import Story, story
from capstone_marketlag.replay.strays import strays
from capstone_marketlag.wire import to_wire

START = datetime(2026, 1, 5, tzinfo=timezone.utc)
#: behind the last news: long enough for heartbeats to close every window of an unbounded run
TAIL = timedelta(hours=3)

#: slug, question, planned end, the provider's order of outcomes, form of the feed, whether it closes early
_MARKETS = (
    ("fed-rate-hike-in-march", "Will the Fed raise rates in March?",
     "2026-03-18T18:00:00Z", ("Yes", "No"), "json", False),
    ("mortgage-rate-above-7-percent-in-april", "Will the average 30-year mortgage rate be above 7% in April?",
     "2026-04-30T16:00:00Z", ("No", "Yes"), "rss", False),
    ("bitcoin-at-120k-by-april", "Will bitcoin trade at $120,000 before April?",
     "2026-04-01T04:00:00Z", ("Yes", "No"), "json", True),
)  # fmt: skip


def world(seed: int, hours: int) -> dict[str, Any]:
    """The world of that seed: `hours` of news and a tail of three. The same seed gives the same bytes."""

    def dice(part: str) -> random.Random:
        """Each part has its own: a new headline changes no price."""
        return random.Random(f"marketlag {seed} {hours} {part}")

    closing = START + timedelta(hours=hours * 4 // 5, minutes=7, seconds=1)
    markets = [_market(dice(f"{each[0]} tokens"), *each, closing=closing) for each in _MARKETS]
    stories: dict[str, Story] = {}
    shown: list[dict[str, Any]] = []
    prices: dict[str, Any] = {}
    for number, market in enumerate(markets):
        slug, closed = market["slug"], closing if market["closed_time"] else None
        open_hours = hours * 4 // 5 if closed else hours + 3
        stories[slug] = plan = story(dice(f"{slug} story"), hours, open_hours)
        shown += entries(dice(f"{slug} news"), slug, plan, START)
        prices[slug] = quotes(dice(f"{slug} prices"), plan, START, closed, empty_first=number == 1)
    exact = set().union(*(plan.exact for plan in stories.values()))
    return {
        "seed": seed,
        "hours": hours,
        "start": to_wire(START),
        "end": to_wire(START + timedelta(hours=hours) + TAIL),
        "markets": markets,
        "entries": shown,
        "prices": prices,
        "strays": strays(dice("strays"), list(stories), shown, START, hours, exact),
        "faults": faults(dice("faults"), stories, START, hours, exact),
        "lags": [_planted(slug, hour) for slug, plan in stories.items() for hour in plan.lags],
        "moves": [_planted(slug, hour) for slug, plan in stories.items() for hour in plan.moves],
    }


def _market(
    random_: random.Random, slug: str, question: str, end_date: str, outcomes: tuple[str, ...], feed: str,
    closes_early: bool, closing: datetime,
) -> dict[str, Any]:  # fmt: skip
    return {
        "slug": slug,
        "question": question,
        "end_date": end_date,
        "closed_time": to_wire(closing) if closes_early else None,
        "tokens": {outcome: str(random_.randrange(10**76, 10**77)) for outcome in outcomes},
        "feed": feed,
    }


def _planted(market: str, hour: int) -> dict[str, Any]:
    return {"market": market, "hour": to_wire(START + timedelta(hours=hour))}
