"""How many records of a topic a reader has still to read: those that are committed, and nothing else.

Offsets alone do not tell: behind the records of each transaction stands its mark, which nobody reads and
which has an offset too. So what lies behind a position is read and counted, for a few seconds at most.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from capstone_marketlag.settings import Settings
from labkit.errors import LabError


@dataclass(frozen=True)
class Backlog:
    """So many records. exact: they were counted; else there are at most so many, by the offsets."""

    records: int
    exact: bool

    def __str__(self) -> str:
        return f"{self.records}" if self.exact else f"at most {self.records}"


def backlog(
    settings: Settings, positions: Mapping[str, Mapping[int, int]], seconds: float = 5
) -> dict[str, Backlog]:
    """What lies behind these positions, by topic; a topic that is not there is left out.

    positions: by topic and partition the offset of the next record; a partition that is not named: its first.
    Raises LabError: Kafka does not answer.
    """
    consumer = Consumer(
        {
            **settings.kafka_client(),
            "group.id": "marketlag-backlog",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,
        }
    )
    try:
        starts, most = _spans(consumer, positions)
        consumer.assign(starts)
        counted, unread = _count(consumer, {(each.topic, each.partition) for each in starts}, seconds)
    except KafkaException as error:
        raise LabError(f"Kafka does not answer ({error.args[0].str()}).", "", "./lab up kafka") from error
    finally:
        consumer.close()
    return {
        topic: Backlog(high, False) if topic in unread else Backlog(counted[topic], True)
        for topic, high in most.items()
    }


def _spans(
    consumer: Consumer, positions: Mapping[str, Mapping[int, int]]
) -> tuple[list[TopicPartition], dict[str, int]]:
    """Where there is something to read, and by topic how many offsets that are."""
    existing = consumer.list_topics(timeout=5).topics
    starts: list[TopicPartition] = []
    most = {topic: 0 for topic in positions if topic in existing}
    for topic in most:
        for partition in existing[topic].partitions:
            first, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=5)
            # what the topic's retention has deleted is nobody's to read
            start = max(first, positions[topic].get(partition, 0))
            if start < end:
                starts.append(TopicPartition(topic, partition, start))
                most[topic] += end - start
    return starts, most


def _count(consumer: Consumer, unread: set[tuple[str, int]], seconds: float) -> tuple[Counter[str], set[str]]:
    """How many records came, by topic, and the topics whose ends were not reached in that time."""
    counted: Counter[str] = Counter()
    deadline = time.monotonic() + seconds
    while unread and time.monotonic() < deadline:
        for message in consumer.consume(500, 0.2):
            error = message.error()
            if error is None:
                counted[message.topic()] += 1
            elif error.code() == KafkaError._PARTITION_EOF:
                unread.discard((message.topic(), message.partition()))
            else:
                raise KafkaException(error)
    return counted, {topic for topic, _ in unread}
