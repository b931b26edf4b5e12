"""Records of the topic rss.events as they come: bytes with a key and a place, right and broken ones.

headline("rates", "10:00")      what the producer sends, before it is bytes
wire(...)                       the same as the bytes on the topic
kept(value, ...)                a row of news_raw (columns: NEWS_RAW), or of news_timed (news_timed())
seen(value, ..., at=...)        a row of news_seen (columns: NEWS_SEEN): and its event time
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from labkit.sqltext import statements
from labkit.testing import Step, ms, row
from labkit.testing.script import Time
from labs.shared.news import MARKET

TOPIC = "rss.events"
#: what the source makes of a time that it cannot use: it moves no watermark
EPOCH = 0

_STORED = """
    record_key BYTES, record_value BYTES, kafka_topic STRING, kafka_partition INT, kafka_offset BIGINT"""
#: the columns of news_raw
NEWS_RAW = f"{_STORED}, kafka_timestamp TIMESTAMP_LTZ(3)"
#: the columns of news_seen; its watermarks are the script's own steps
NEWS_SEEN = f"""{NEWS_RAW},
    json AS CAST(record_value AS STRING), arrival AS PROCTIME(), closed_until TIMESTAMP_LTZ(3),
    event_time TIMESTAMP_LTZ(3), WATERMARK FOR event_time AS SOURCE_WATERMARK()"""


def news_timed(reference: Callable[[str], Any]) -> str:
    """The columns of news_timed, with the event time and the watermark that the part event_time computes."""
    return f"{_STORED}, {_between(_statement(reference, 'CREATE TABLE news_timed'), '(', ') LIKE')}"


def news_seen(reference: Callable[[str], Any]) -> str:
    """The view news_seen over news_timed, as the part event_time has it."""
    return _statement(reference, "CREATE VIEW news_seen") + ";"


def headline(item_id: str, at: str, **changes: Any) -> dict[str, Any]:
    """A headline as the producer of rss.events sends it, published at that time; with these fields changed.

    >>> headline("rates", "10:00", source=None)["published_at"]
    '2026-01-05T10:00:00Z'
    """
    published = f"2026-01-05T{at}:00Z" if len(at) == 5 else at
    return {
        "market_slug": MARKET,
        "item_id": item_id,
        "title": "Fed officials weigh another rate hike",
        "link": f"https://news.example/{item_id}",
        "summary": "",
        "published_at": published,
        "fetched_at": published,
        "source": "Reuters",
        "source_weight": 0.5,
        "keywords": ["rate"],
        "keyword_scores": {"rate": 2.0},
        "article_score": 2.0,
        "timezone": "UTC",
    } | changes


def heartbeat(at: str) -> dict[str, Any]:
    """What the producer sends to a partition when it has nothing else to say: a time."""
    return {"kind": "heartbeat", "published_at": headline("", at)["published_at"]}


def without(record: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The record without these fields."""
    return {name: value for name, value in record.items() if name not in names}


def wire(record: Any) -> bytes:
    """A record as the bytes on the topic: JSON in UTF-8."""
    return json.dumps(record, ensure_ascii=False).encode()


def kept(value: bytes | None, came: Time, offset: int, *, key: bytes | None = MARKET.encode()) -> Step:
    """A record of partition 1 as Kafka keeps it: a row of news_raw that came at that time."""
    return row(**_columns(value, came, offset, key))


def seen(
    value: bytes | None, came: Time, offset: int, *, at: Time, closed_until: Time | None = None,
    key: bytes | None = MARKET.encode(),
) -> Step:  # fmt: skip
    """The same as a row of news_seen. at: its event time, EPOCH where the source can use none."""
    closed = None if closed_until is None else ms(closed_until)
    return row(at=at, closed_until=closed, **_columns(value, came, offset, key))


def _columns(value: bytes | None, came: Time, offset: int, key: bytes | None) -> dict[str, Any]:
    return {
        "record_key": key,
        "record_value": value,
        "kafka_topic": TOPIC,
        "kafka_partition": 1,
        "kafka_offset": offset,
        "kafka_timestamp": ms(came),
    }


def _statement(reference: Callable[[str], Any], start: str) -> str:
    found = statements(reference("event_time").path.read_text())
    return next(each.text for each in found if each.text.startswith(start))


def _between(text: str, first: str, last: str) -> str:
    return text[text.index(first) + len(first) : text.rindex(last)]
