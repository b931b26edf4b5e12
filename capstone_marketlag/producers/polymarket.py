"""The price producer: one look at a market -> topics polymarket.price_hourly and market_meta.

EventBridge calls it at every full hour. It asks Gamma what the market is, the CLOB at what price each
outcome trades, and writes one row for each outcome, stamped with the hour; then one heartbeat to every
partition, so that time goes on in each of them. An AWS Lambda handler.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from capstone_marketlag import pieces
from capstone_marketlag.producers.http import Answer, Getter
from capstone_marketlag.producers.kafka_out import KafkaOut
from capstone_marketlag.producers.rss import dead_letter
from capstone_marketlag.producers.stored_prices import SqlitePrices, StoredPrices
from capstone_marketlag.settings import Settings
from capstone_marketlag.topics import API_HEALTH, DEAD_PRICES, MARKET_META, PRICES
from capstone_marketlag.wire import from_wire, to_wire


@dataclass
class Clients:
    """What stays open from one call to the next."""

    settings: Settings
    kafka: KafkaOut
    http: Getter
    prices: StoredPrices


@lru_cache
def _warm() -> Clients:
    settings = Settings.from_env()
    return Clients(settings, KafkaOut(settings), Getter(), SqlitePrices(Path(settings.price_store)))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One run. event["time"]: when it was due, as EventBridge writes it (UTC, Z).

    Returns the counts of the run: produced, carried, dead, heartbeats, and whether the market is closed.
    Raises LabError: Kafka did not acknowledge a record; the run may be repeated.
    """
    return poll(from_wire(event["time"]), _warm())


def poll(now: datetime, clients: Clients) -> dict[str, Any]:
    """One run at that time: market, quotes, one row an outcome, heartbeats, health records.

    What is stored is stored before it is sent: a repeated run then sends the very same rows.
    """
    counts: dict[str, Any] = {"produced": 0, "carried": 0, "clamped": 0, "dead": 0, "closed": False}
    kafka, slug = clients.kafka, clients.settings.market
    partitions = kafka.partitions(PRICES)
    market = _market(now, clients, counts)
    if market is not None:
        counts["closed"] = market.closed
        kafka.send(MARKET_META, slug, _meta(market))
        if not market.closed:
            _prices(market, now, clients, counts)
    for partition in partitions:
        kafka.send(PRICES, slug, _heartbeat(now, slug), partition)
    counts["heartbeats"] = len(partitions)
    kafka.flush()
    return counts


def _market(now: datetime, clients: Clients, counts: dict[str, Any]) -> Any | None:
    """The market as Gamma describes it; None, with a dead letter, where it does not."""
    url = f"{clients.settings.gamma_url}/markets/slug/{clients.settings.market}"
    answer = clients.http.get(url)
    try:
        market = pieces.python("market_prices").market(answer.body) if answer.status == 200 else None
        problem = answer.error
    except ValueError as error:
        market, problem = None, str(error)
    clients.http.forget(url)  # a 304 would leave a cold process without a market
    _health(now, clients, "gamma", answer, problem)
    if market is None:
        _dead(now, clients, counts, answer, f"no market: {problem}")
    return market


def _prices(market: Any, now: datetime, clients: Clients, counts: dict[str, Any]) -> None:
    piece, store = pieces.python("market_prices"), clients.prices
    answer = clients.http.post(f"{clients.settings.clob_url}/prices", piece.quote_request(market))
    try:
        quoted = piece.quotes(answer.body, market) if answer.status == 200 else {}
        problem = answer.error
    except ValueError as error:
        quoted, problem = {}, str(error)
    _health(now, clients, "clob", answer, problem)
    hour = now.replace(minute=0, second=0, microsecond=0)
    for outcome in market.tokens:
        key = f"{clients.settings.market}|{outcome}"
        price = piece.hourly_price(hour, quoted.get(outcome), store.get(key))
        if price is not None and not store.put(key, price):
            price = piece.hourly_price(hour, None, store.get(key))  # another run was quicker: its row counts
        if price is None:
            _dead(
                now, clients, counts, answer, f"no price for {outcome}: {problem or 'none quoted or stored'}"
            )
            continue
        clients.kafka.send(PRICES, key, _row(clients.settings.market, outcome, price, now))
        counts["produced"] += 1
        if price.status in counts:
            counts[price.status] += 1


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


def _meta(market: Any) -> dict[str, Any]:
    """The value of polymarket.market_meta. The tokens of a market that is not Yes/No go by its order."""
    by_label = {label.lower(): token for label, token in market.tokens.items()}
    in_order = list(market.tokens.values())
    return {
        "market_slug": market.slug,
        "question": market.question,
        "close_time": to_wire(market.close_time) if market.close_time else None,
        "yes_token_id": by_label.get("yes", in_order[0]),
        "no_token_id": by_label.get("no", in_order[-1]),
        "timezone": "UTC",
    }


def _heartbeat(now: datetime, slug: str) -> dict[str, Any]:
    beat = {"kind": "heartbeat", "market_slug": slug}
    return {**beat, "event_time": to_wire(now), "fetched_at": to_wire(now), "timezone": "UTC"}


def _health(now: datetime, clients: Clients, source: str, answer: Answer, problem: str) -> None:
    record = {"source": source, "status": answer.status, "response_time_ms": answer.milliseconds}
    record |= {"error_message": problem, "logged_at": to_wire(now)}
    clients.kafka.send(API_HEALTH, source, record)


def _dead(now: datetime, clients: Clients, counts: dict[str, Any], answer: Answer, reason: str) -> None:
    original = answer.body.decode(errors="replace") or json.dumps({"status": answer.status})
    clients.kafka.send(DEAD_PRICES, clients.settings.market, dead_letter(original, reason, now))
    counts["dead"] += 1
