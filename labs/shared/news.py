"""Headlines on their way through phase 1: rows for scripts, and what stands in front of a part.

    news_timed      what the source gives: typed here, so that no check has to write JSON
    news_seen       with closed_until (the part event_time)
    news_valid      headlines alone, no heartbeats
    news_first      the first sight of each (the part deduplication)
    news_on_time    those that their hours count (the part late_events)

A check of a part behind one of these begins there: with rows for NEWS_FIRST or NEWS_ON_TIME, or with the
whole way in front.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from labkit.sqltext import statements
from labkit.testing import Step, ms, row, watermark

MARKET = "fed-rate-hike-in-march"

_HEADLINE = """
    market_slug STRING, item_id STRING, title STRING, link STRING, source STRING,
    article_score DECIMAL(16, 6), source_weight DECIMAL(10, 6)"""
_RECORD = "record_key BYTES, json STRING, kafka_partition INT, kafka_offset BIGINT"
#: its watermarks are the script's own steps: read() below makes those of a Kafka source
_TIME = "event_time TIMESTAMP_LTZ(3), WATERMARK FOR event_time AS SOURCE_WATERMARK()"

#: the columns of news_timed, as far as the parts behind it use them
NEWS_TIMED = f"kind STRING, {_HEADLINE}, {_RECORD}, arrival AS PROCTIME(), {_TIME}"
#: the columns of news_first
NEWS_FIRST = f"{_HEADLINE}, {_RECORD}, closed_until TIMESTAMP_LTZ(3), {_TIME}"
#: the columns of news_on_time
NEWS_ON_TIME = f"hour_end TIMESTAMP_LTZ(3), is_late BOOLEAN, {NEWS_FIRST}"

_NEWS_VALID = """
CREATE VIEW news_valid AS
SELECT market_slug, item_id, title, link, source, article_score, source_weight,
       event_time, closed_until, arrival, record_key, json, kafka_partition, kafka_offset
FROM news_seen
WHERE kind = 'headline'
"""


#: what a headline has where a script does not say otherwise
_USUAL = {"market_slug": MARKET, "source": "Reuters", "article_score": 2, "source_weight": 1}


def news(item_id: str, at: str, *, partition: int = 0, **columns: Any) -> Step:
    """A headline as news_timed has it, published at that time.

    >>> news("rates", "10:00", source="Bloomberg").fields["source"]
    'Bloomberg'
    """
    fields = {**_USUAL, "kind": "headline", "kafka_partition": partition, **columns}
    return row(at=at, item_id=item_id, **fields)


def news_first(item_id: str, at: str, closed_until: str | None, **columns: Any) -> Step:
    """A headline as news_first has it: with how far its partition had closed when it came."""
    closed = None if closed_until is None else ms(closed_until)
    fields = {**_USUAL, "kafka_partition": 0, "closed_until": closed, **columns}
    return row(at=at, item_id=item_id, **fields)


def news_on_time(item_id: str, at: str, **columns: Any) -> Step:
    """A headline as news_on_time has it: one that its hour counts."""
    return news_first(item_id, at, None, is_late=False, **columns)


def heartbeat(at: str, partition: int = 0) -> Step:
    """What the producer writes to a partition when it has nothing else to say: a time."""
    return row(at=at, kind="heartbeat", kafka_partition=partition)


def read(script: Iterable[Step], *, delay: timedelta = timedelta(minutes=5)) -> Iterator[Step]:
    """The script with the watermarks that Flink's Kafka source makes while it reads these rows of news_timed.

    That of a partition is its highest event time minus the delay, and minus the millisecond by which a window
    fires before its end; that of the source is the lowest of its partitions'. It is not in a checkpoint:
    after a crash() the source begins without one.
    """
    steps = list(script)
    partitions = {step.fields["kafka_partition"] for step in steps if step.kind == "row"}
    back = delay // timedelta(milliseconds=1) + 1
    highest: dict[int, int] = {}
    told: int | None = None
    for step in steps:
        yield step
        if step.kind == "crash":
            highest, told = {}, None
        elif step.kind == "row" and step.at is not None:
            partition = step.fields["kafka_partition"]
            highest[partition] = max(step.at, highest.get(partition, step.at))
            lowest = min(highest.values()) - back
            if set(highest) == partitions and (told is None or lowest > told):
                told = lowest
                yield watermark(told)


def views_to_news_first(reference: Callable[[str], Any]) -> list[str | Path]:
    """The views from news_timed to news_first, as the system has them.

    reference: a part by its name, the fixture of that name or labkit.checking.part.
    """
    seen = [each.text for each in statements(reference("event_time").path.read_text())]
    news_seen = next(text for text in seen if text.startswith("CREATE VIEW news_seen"))
    return [f"{news_seen};{_NEWS_VALID}", reference("deduplication").path]
