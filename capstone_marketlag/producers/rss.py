"""The RSS producer: one poll of a news feed -> topic rss.events. An AWS Lambda handler.

EventBridge calls it every 15 minutes with an event that has a `time`. It writes the feed's items in
order of event time, then one heartbeat to every partition, stamped with the run's time: so time goes on
in each partition of Flink's source even while nothing happens.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from capstone_marketlag import pieces
from capstone_marketlag.producers.http import Answer, Getter
from capstone_marketlag.producers.kafka_out import KafkaOut, TooLarge
from capstone_marketlag.settings import Settings
from capstone_marketlag.topics import API_HEALTH, DEAD_NEWS, NEWS
from capstone_marketlag.wire import from_wire, to_wire

#: how far ahead of a run an item may be dated before it is called wrong
AHEAD = timedelta(minutes=10)
#: how much of an original a dead letter keeps: with base64 and four bytes a character still a record
DEAD_CHARACTERS = 100_000


@dataclass
class Clients:
    """What stays open from one call to the next."""

    settings: Settings
    kafka: KafkaOut
    http: Getter


@lru_cache
def _warm() -> Clients:
    settings = Settings.from_env()
    return Clients(settings, KafkaOut(settings), Getter())


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One run. event["time"]: when it was due, as EventBridge writes it (UTC, Z).

    Returns the counts of the run: served, produced, dead, heartbeats, and the feed's HTTP status.
    Raises LabError: Kafka did not acknowledge a record; the run may be repeated.
    """
    return poll(from_wire(event["time"]), _warm())


def poll(now: datetime, clients: Clients) -> dict[str, Any]:
    """One run at that time: fetch, parse, score, produce, heartbeat, health record.

    Raises LabError: not everything was stored; the next run asks the feed for all of it again.
    """
    answer = clients.http.get(clients.settings.feed_url)
    try:
        return _store(answer, now, clients)
    except BaseException:
        # what the feed answered is not in Kafka: "unchanged" would be no answer next time
        clients.http.forget(clients.settings.feed_url)
        raise


def _store(answer: Answer, now: datetime, clients: Clients) -> dict[str, Any]:
    settings, kafka = clients.settings, clients.kafka
    counts: dict[str, Any] = {"status": answer.status, "served": 0, "produced": 0, "dead": 0}
    partitions = kafka.partitions(NEWS)
    if answer.status == 200:
        try:
            feed = pieces.python("news_feed").parse(answer.body, answer.content_type)
        except ValueError as error:
            clients.http.forget(settings.feed_url)
            answer = replace(answer, body=b"", error=str(error))
        else:
            _produce(feed, now, clients, counts)
    for partition in partitions:
        kafka.send(NEWS, settings.market, _heartbeat(now, settings), partition)
    counts["heartbeats"] = len(partitions)
    health = {
        "source": settings.feed_url,
        "status": answer.status,
        "response_time_ms": answer.milliseconds,
        "error_message": answer.error,
        "logged_at": to_wire(now),
    }
    kafka.send(API_HEALTH, settings.feed_url, health)
    kafka.flush()
    return counts


def _produce(feed: Any, now: datetime, clients: Clients, counts: dict[str, Any]) -> None:
    market = clients.settings.market
    rejected = [(item.original, item.reason) for item in feed.rejected]
    for item in feed.items:
        if item.published_at > now + AHEAD:
            rejected.append(
                (_shown(item), f"published_at is ahead of the poll: {to_wire(item.published_at)}")
            )
            continue
        try:
            clients.kafka.send(NEWS, market, news_event(item, market, now))
        except TooLarge as error:
            rejected.append((_shown(item), str(error)))
        else:
            counts["produced"] += 1
    for original, reason in rejected:
        clients.kafka.send(DEAD_NEWS, market, dead_letter(original, reason, now))
        counts["dead"] += 1
    counts["served"] = len(feed.items) + len(feed.rejected)


def _shown(item: Any) -> str:
    """An item that parsed, as JSON, for the dead letters."""
    return json.dumps({**asdict(item), "published_at": to_wire(item.published_at)}, ensure_ascii=False)


def news_event(item: Any, market: str, now: datetime) -> dict[str, Any]:
    """The value of rss.events for one item, scored."""
    scoring = pieces.python("keyword_scoring")
    scores = scoring.keyword_scores(f"{item.title} {item.summary}")
    return {
        "market_slug": market,
        "item_id": item.item_id,
        "title": item.title,
        "link": item.link,
        "summary": item.summary,
        "published_at": to_wire(item.published_at),
        "fetched_at": to_wire(now),
        "source": item.source,
        "source_weight": scoring.source_weight(item.source),
        "keywords": sorted(scores),
        "keyword_scores": scores,
        "article_score": sum(scores.values()),
        "timezone": "UTC",
    }


def dead_letter(original: str, reason: str, now: datetime) -> dict[str, Any]:
    """The value of a dead-letter topic; the source is a feed, so there is no partition and no offset."""
    return {
        "original": base64.b64encode(original[:DEAD_CHARACTERS].encode()).decode(),
        "reason": reason,
        "stage": "producer",
        "source_topic": None,
        "source_partition": None,
        "source_offset": None,
        "first_seen": to_wire(now),
    }


def _heartbeat(now: datetime, settings: Settings) -> dict[str, Any]:
    return {
        "kind": "heartbeat",
        "market_slug": settings.market,
        "published_at": to_wire(now),
        "fetched_at": to_wire(now),
        "timezone": "UTC",
    }
