"""The RSS producer: one poll of every market's news feed -> topic rss.events. An AWS Lambda handler.

EventBridge calls it every 15 minutes with an event that has a `time`. It writes the items of all feeds in
order of event time, then one heartbeat to every partition, stamped with the run's time: so time goes on
in each partition of Flink's source even while nothing happens.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from capstone_marketlag import logs, pieces
from capstone_marketlag.producers.clients import Clients, warm
from capstone_marketlag.producers.http import Answer
from capstone_marketlag.producers.kafka_out import TooLarge
from capstone_marketlag.producers.records import HEARTBEAT, dead_letter, health, heartbeat, named
from capstone_marketlag.topics import API_HEALTH, DEAD_NEWS, NEWS
from capstone_marketlag.wire import from_wire, to_wire

#: how far ahead of the fetch an item may be dated before it is called wrong
AHEAD = timedelta(minutes=10)
#: what is ahead by less may become news: a publisher's clock, or a time zone
SOON = timedelta(days=1)

_log = logs.get("producer.rss")


@dataclass(frozen=True)
class _Rejected:
    """What a market's feed showed and is no news."""

    market: str
    original: str
    reason: str


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One run, as AWS Lambda calls it; the counts of `poll`."""
    return run(event, warm())


def run(event: dict[str, Any], clients: Clients) -> dict[str, Any]:
    """One run. event["time"]: when it was due, as EventBridge writes it (UTC, Z)."""
    return poll(from_wire(event["time"]), clients)


def poll(now: datetime, clients: Clients) -> dict[str, Any]:
    """One run that was due then: fetch, parse, score, produce, heartbeat, health records.

    A feed that fails costs no other feed's items. Returns the counts of the run: served, produced, dead,
    heartbeats, and under `statuses` the HTTP status of each market's feed.
    Raises LabError: not everything was stored; the next run asks every feed for all of it again.
    """
    feeds = clients.settings.feeds
    try:
        answers = {market: clients.http.get(url) for market, url in feeds.items()}
        return _store(answers, now, clients.now(), clients)
    except BaseException:
        # what the feeds answered is not in Kafka: "unchanged" would be no answer next time
        for url in feeds.values():
            clients.http.forget(url)
        raise


def _store(answers: dict[str, Answer], now: datetime, fetched: datetime, clients: Clients) -> dict[str, Any]:
    kafka = clients.kafka
    partitions = kafka.partitions(NEWS)
    items, rejected, asked = _read(answers, now, clients)
    served = len(items) + len(rejected)
    rejected += _produce(items, fetched, clients)
    for each in rejected:
        kafka.send(DEAD_NEWS, each.market, dead_letter(each.original, each.reason, now))
    for market, number in Counter(each.market for each in rejected).items():
        _log.info("%s items rejected", number, extra={"key": market, "event_time": to_wire(now)})
    for partition in partitions:
        kafka.send(NEWS, HEARTBEAT, heartbeat(now, "published_at"), partition)
    clients.flush(asked)
    return {
        "served": served,
        "produced": served - len(rejected),
        "dead": len(rejected),
        "heartbeats": len(partitions),
        "statuses": {market: answer.status for market, answer in answers.items()},
    }


def _read(
    answers: dict[str, Answer], now: datetime, clients: Clients
) -> tuple[list[tuple[str, Any]], list[_Rejected], list[dict[str, Any]]]:
    """(market, item) of everything that the feeds show, what they show that is no item, health records."""
    items: list[tuple[str, Any]] = []
    rejected: list[_Rejected] = []
    asked: list[dict[str, Any]] = []
    for market, answer in answers.items():
        url, problem = clients.settings.feeds[market], answer.error
        if answer.status == 200:
            try:
                feed = pieces.python("news_feed").parse(answer.body, answer.content_type)
            except ValueError as error:
                clients.http.forget(url)
                problem = str(error)
            else:
                items += [(market, item) for item in feed.items]
                rejected += [_Rejected(market, each.original, each.reason) for each in feed.rejected]
        if problem:
            _log.info("the feed gave nothing: %s", problem, extra={"key": market, "event_time": to_wire(now)})
        source = named(clients.settings.feed_url, market)
        asked.append(health(source, answer, problem, now))
        clients.kafka.send(API_HEALTH, source, asked[-1])
    return items, rejected, asked


def _produce(items: list[tuple[str, Any]], fetched: datetime, clients: Clients) -> list[_Rejected]:
    """Send the items that may be sent, oldest first: two markets may share a partition. The others."""
    rejected = []
    for market, item in sorted(items, key=lambda each: (each[1].published_at, each[0], each[1].item_id)):
        reason = ""
        # not ahead of when the run was due: a laptop sleeps, and EventBridge tries again for hours
        if item.published_at > fetched + AHEAD:
            reason = f"published_at is ahead of the poll: {to_wire(item.published_at)}"
            if item.published_at <= fetched + SOON:  # "unchanged" would hide it when its time has come
                clients.http.forget(clients.settings.feeds[market])
        else:
            try:
                clients.kafka.send(NEWS, market, news_event(item, market, fetched))
            except TooLarge as error:
                reason = str(error)
        if reason:
            rejected.append(_Rejected(market, _shown(item), reason))
    return rejected


def _shown(item: Any) -> str:
    """An item that parsed, as JSON, for the dead letters."""
    return json.dumps({**asdict(item), "published_at": to_wire(item.published_at)}, ensure_ascii=False)


def news_event(item: Any, market: str, fetched: datetime) -> dict[str, Any]:
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
        "fetched_at": to_wire(fetched),
        "source": item.source,
        "source_weight": scoring.source_weight(item.source),
        "keywords": sorted(scores),
        "keyword_scores": scores,
        "article_score": sum(scores.values()),
        "timezone": "UTC",
    }
