"""The producers on real markets, on this machine, for as long as one likes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import fields, replace

from capstone_marketlag import local, logs, topics
from capstone_marketlag.producers import polymarket, schedule
from capstone_marketlag.producers.clients import Clients
from capstone_marketlag.producers.records import MARKET, named
from capstone_marketlag.settings import Settings
from capstone_marketlag.wire import to_wire
from labkit import console
from labkit.errors import LabError


def produce(markets: Sequence[str] = (), feed: str | None = None, once: bool = False) -> None:
    """Feed Kafka with what these markets' news and prices are now; until interrupted, or once.

    markets, feed: what is empty is taken from the settings. Raises LabError: a market is unknown, closed
    or has no Yes, no feed is named, Kafka does not answer, or, with once, a run failed.
    """
    settings = _settings(markets, feed)
    logs.configure(settings.log_format)
    clients = Clients.of(settings)
    for slug in settings.market_list:
        _check_followed(slug, clients)
    topics.ensure(settings)
    called = schedule.handlers(clients)
    if once:
        now = clients.now().replace(microsecond=0)
        for rule in schedule.CATCH_UP:
            _report(schedule.call(now, rule, called))
        return
    try:
        schedule.run_live(called, _report)
    except KeyboardInterrupt:
        console.err.print(
            "\nStopped. What finished runs sent is in Kafka; the next start goes on from there."
        )


def _settings(markets: Sequence[str], feed: str | None) -> Settings:
    settings = local.settings()
    if feed is None and "MARKETLAG_FEED_URL" not in os.environ:
        raise LabError(
            "No news feed is named.",
            "Any JSON Feed, RSS or Atom will do; {market} in its address stands for each market's slug.",
            "add --feed https://…, or set MARKETLAG_FEED_URL",
        )
    _check_typed(markets, feed, settings)
    return replace(
        settings, markets=",".join(markets) or settings.markets, feed_url=feed or settings.feed_url
    )


def _check_typed(markets: Sequence[str], feed: str | None, settings: Settings) -> None:
    """Raises LabError: what was typed is no slug, or no feed of these markets."""
    allowed = {each.name: each.metadata["allowed"] for each in fields(Settings)}
    for market in markets:
        if not re.fullmatch(allowed["markets"], market, re.ASCII):
            last = re.sub("[?#].*", "", market).rstrip("/").rpartition("/")
            raise LabError(
                f"--market {market} is no slug.",
                "It is the last part of a market's address: letters, digits and hyphens.",
                f"--market {last[2] if last[1] else 'SLUG'}",
            )
    if feed is None:
        return
    if not re.fullmatch(allowed["feed_url"], feed, re.ASCII):
        raise LabError(
            f"--feed {named(feed)} is no address of a feed.",
            "It begins with http:// or https://; {market} in it stands for each market's slug.",
            "--feed https://…",
        )
    number = len(set((",".join(markets) or settings.markets).split(",")))
    if number > 1 and MARKET not in feed:
        raise LabError(
            f"--feed {named(feed)} is one feed for {number} markets.",
            f"With {MARKET} in it, each market's own feed is asked.",
            f"put {MARKET} where the address has the market's slug, or name one market",
        )


def _check_followed(slug: str, clients: Clients) -> None:
    """Raises LabError: there is no such market, it is closed, or it has no Yes."""
    answer, market, problem = polymarket.ask_gamma(slug, clients.now(), clients)
    if answer.status == 404:
        raise LabError(
            f"Polymarket has no market {slug}.",
            "The slug is the last part of a market's address: polymarket.com/event/…/SLUG.",
            "look it up at https://polymarket.com",
        )
    if market is None:
        raise LabError(
            f"Gamma did not say what market {slug} is ({problem}).",
            f"It is asked at {clients.settings.gamma_url}.",
            "check the network, then run the same command again",
        )
    if market.closed:
        raise LabError(
            f"Market {slug} is closed: nothing will move any more.",
            "A live run needs a market that trades.",
            "choose one at https://polymarket.com; make demo plays the recorded world",
        )
    if "YES" not in (outcome.upper() for outcome in market.tokens):
        raise LabError(
            f"Market {slug} is about {' or '.join(market.tokens)}, not about Yes or No.",
            "The price of an hour is that of Yes: without it each jump of the news would look like a lag.",
            "choose a market with Yes and No at https://polymarket.com",
        )


def _report(run: schedule.Run) -> None:
    """One line for a run, with its counts."""
    due, name, counts = run
    said = [f"{value} {what}" for what, value in counts.items() if isinstance(value, int)]
    said += [f"{market} HTTP {status}" for market, status in counts.get("statuses", {}).items()]
    said += [f"{market} is closed" for market in counts.get("closed", [])]
    console.err.print(f"{to_wire(due)}  {name:<26} {', '.join(said)}", markup=False)
