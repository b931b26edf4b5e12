"""The price producer: a look at every market -> topics polymarket.price_hourly and market_meta.

EventBridge calls it at every full hour. It asks Gamma what a market is, the CLOB at what price each outcome
trades, and writes one row for each outcome, stamped with the hour; then one heartbeat to every partition, so
that time goes on in each of them. Between the hours it is called for the heartbeats alone. An AWS Lambda
handler.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from capstone_marketlag import logs, pieces
from capstone_marketlag.producers.clients import Clients, warm
from capstone_marketlag.producers.http import Answer
from capstone_marketlag.producers.kafka_out import TooLarge
from capstone_marketlag.producers.records import HEARTBEAT, dead_letter, health, heartbeat
from capstone_marketlag.topics import API_HEALTH, DEAD_PRICES, MARKET_META, PRICES
from capstone_marketlag.wire import from_wire, to_wire
from labkit.errors import LabError

_log = logs.get("producer.prices")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One run, as AWS Lambda calls it; the counts of `poll`."""
    return run(event, warm())


def run(event: dict[str, Any], clients: Clients) -> dict[str, Any]:
    """One run. event["time"]: when it was due (UTC, Z); detail {"only": "heartbeat"}: no look at any market.

    Raises LabError: the event asks for something else.
    """
    now, detail = from_wire(event["time"]), event.get("detail") or {}
    # EventBridge Scheduler writes the detail as a text that holds JSON, EventBridge's rules as an object
    only = (json.loads(detail) if isinstance(detail, str) else detail).get("only")
    if only not in (None, "heartbeat"):
        raise LabError(f"The event asks for only {only!r}.", 'Its detail is {} or {"only": "heartbeat"}.')
    return poll(now, clients) if only is None else beat(now, clients)


def poll(now: datetime, clients: Clients) -> dict[str, Any]:
    """One run at that time: markets, quotes, one row an outcome, heartbeats, health records.

    A market that fails costs no other market's rows. What is stored is stored before it is sent: a repeated
    run then sends the very same rows. Returns the counts of the run: produced (of these carried, clamped),
    dead, heartbeats (in price_hourly), and under `closed` the slugs of markets that trade no more.
    Raises LabError: Kafka did not acknowledge a record; the run may be repeated.
    """
    run_ = _Run(now, clients)
    for slug in clients.settings.market_list:
        run_.look_at(slug)
    return run_.end()


def beat(now: datetime, clients: Clients) -> dict[str, Any]:
    """Nothing but the heartbeats of a run at that time; the same counts."""
    return _Run(now, clients).end()


def ask_gamma(slug: str, now: datetime, clients: Clients) -> tuple[Answer, Any | None, str]:
    """Gamma's answer of now about a market, the market in it or None, and the problem where there was one.

    By its path, not as ?slug=…, which keeps silent about closed markets.
    """
    url = f"{clients.settings.gamma_url}/markets/slug/{slug}"
    answer = clients.http.get(url)
    clients.http.forget(url)  # a 304 would leave a cold process without a market
    if answer.status != 200:
        return answer, None, answer.error or f"HTTP {answer.status}"
    try:
        return answer, pieces.python("market_prices").market(answer.body, now), ""
    except ValueError as error:
        return answer, None, str(error)


class _Run:
    """One run: what it is about, and what it counted."""

    def __init__(self, now: datetime, clients: Clients) -> None:
        self.now, self.clients, self.kafka = now, clients, clients.kafka
        # asked before anything is stored or sent: a broker that is away ends the run here
        self.partitions = clients.kafka.partitions(PRICES)
        self.asked: list[dict[str, Any]] = []  # health records
        self.counts: dict[str, Any] = {"produced": 0, "carried": 0, "clamped": 0, "dead": 0, "closed": []}

    def look_at(self, slug: str) -> None:
        """Describe one market, and price its outcomes unless it is closed."""
        answer, market, problem = ask_gamma(slug, self.now, self.clients)
        self._health("gamma", slug, answer, problem)
        if market is None:
            self._dead(slug, answer, f"no market: {problem}")
            return
        try:
            self.kafka.send(MARKET_META, slug, _meta(slug, market, self.now))
        except TooLarge as error:
            self._dead(slug, answer, f"no market: {error}")
            return
        if market.closed:
            self.counts["closed"].append(slug)
        else:
            self._prices(slug, market)

    def end(self) -> dict[str, Any]:
        """Time goes on in every partition; everything is acknowledged. The counts."""
        for partition in self.partitions:
            self.kafka.send(PRICES, HEARTBEAT, heartbeat(self.now, "event_time"), partition)
        self.kafka.send(MARKET_META, HEARTBEAT, heartbeat(self.now))
        self.clients.flush(self.asked)
        return self.counts | {"heartbeats": len(self.partitions)}

    def _prices(self, slug: str, market: Any) -> None:
        piece, store = pieces.python("market_prices"), self.clients.prices
        url = f"{self.clients.settings.clob_url}/prices"
        answer, quoted = self.clients.http.post(url, piece.quote_request(market)), {}
        problem = answer.error
        if answer.status == 200:
            try:
                quoted = piece.quotes(answer.body, market)
            except ValueError as error:
                problem = str(error)
        self._health("clob", slug, answer, problem)
        hour = self.now.replace(minute=0, second=0, microsecond=0)
        for outcome in market.tokens:
            key = f"{slug}|{outcome}"
            price = piece.hourly_price(hour, quoted.get(outcome), store.get(key))
            if price is not None and not store.put(key, price):
                # another run was quicker: its row counts
                price = piece.hourly_price(hour, None, store.get(key))
            if price is None:
                self._dead(slug, answer, f"no price for {outcome}: {problem or 'none quoted or stored'}")
                continue
            self.kafka.send(PRICES, key, _row(slug, outcome, price, self.now))
            self.counts["produced"] += 1
            if price.status in self.counts:
                self.counts[price.status] += 1
                self._say(key, f"the price was {price.status}")

    def _health(self, source: str, slug: str, answer: Answer, problem: str) -> None:
        if problem:
            self._say(slug, f"{source} gave nothing: {problem}")
        self.asked.append(health(source, answer, problem, self.now))
        self.kafka.send(API_HEALTH, source, self.asked[-1])

    def _dead(self, slug: str, answer: Answer, reason: str) -> None:
        original = answer.body.decode(errors="replace") or json.dumps({"status": answer.status})
        self.kafka.send(DEAD_PRICES, slug, dead_letter(original, reason, self.now))
        self.counts["dead"] += 1

    def _say(self, key: str, what: str) -> None:
        _log.info(what, extra={"key": key, "event_time": to_wire(self.now)})


def _row(slug: str, outcome: str, price: Any, now: datetime) -> dict[str, Any]:
    return {
        "market_slug": slug,
        "outcome": outcome,
        "price": price.price,
        "prev_price": price.prev_price,
        "price_delta": price.delta,
        "price_status": price.status,
        "event_time": to_wire(price.event_time),
        "fetched_at": to_wire(now),
        "timezone": "UTC",
    }


def _meta(slug: str, market: Any, now: datetime) -> dict[str, Any]:
    """The value of polymarket.market_meta. The tokens of a market that is not Yes/No go by its order."""
    by_label = {label.lower(): token for label, token in market.tokens.items()}
    in_order = list(market.tokens.values())
    return {
        "market_slug": slug,
        "question": market.question,
        "close_time": to_wire(market.close_time) if market.close_time else None,
        "yes_token_id": by_label.get("yes", in_order[0]),
        "no_token_id": by_label.get("no", in_order[-1]),
        "fetched_at": to_wire(now),
        "timezone": "UTC",
    }
