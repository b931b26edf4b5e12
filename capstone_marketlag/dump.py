"""What is in the topics and the table now, read back as a consumer would: committed records only."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from capstone_marketlag import tables, topics
from capstone_marketlag.settings import Settings
from labkit.errors import LabError

Rows = list[dict[str, Any]]


def read_topic(settings: Settings, topic: str, committed: bool = True) -> Rows:
    """Every record of a topic, by partition and offset; only what is committed, unless asked otherwise.

    key is text; value is text, or {"base64": …} where the bytes are not UTF-8; timestamp: ms, UTC.
    """
    consumer = Consumer(
        {
            **settings.kafka_client(),
            "group.id": "marketlag-dump",
            "enable.auto.commit": False,
            "isolation.level": "read_committed" if committed else "read_uncommitted",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,
        }
    )
    try:
        with topics.answering(settings):
            found = consumer.list_topics(topic, timeout=10).topics[topic]
        if found.error is not None:
            raise LabError(f"Topic {topic} is not there.", "The application makes it.", "./lab up, then run")
        numbers = found.partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
        rows: Rows = []
        at_end: set[int] = set()
        while len(at_end) < len(numbers):
            message = consumer.poll(10)
            if message is None:
                raise LabError(
                    f"Topic {topic} could not be read to its end within 10 s.",
                    "An open transaction holds its readers back.",
                    "wait for the transaction timeout, then again",
                )
            error = message.error()
            if error is None:
                rows.append(_row(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                at_end.add(message.partition())
            else:
                raise LabError(f"Topic {topic} could not be read: {error.str()}.", "", "./lab up kafka")
    finally:
        consumer.close()
    return sorted(rows, key=lambda row: (row["partition"], row["offset"]))


def _row(message: Any) -> dict[str, Any]:
    return {
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp": message.timestamp()[1],
        "key": _text(message.key()),
        "value": _text(message.value()),
    }


def _text(data: bytes | None) -> Any:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def read_table(settings: Settings, table: str) -> Rows:
    """Every row of a table, by its first two columns. Raises LabError: the database does not answer."""
    with tables.transaction(settings) as cursor:
        cursor.execute(f'SELECT * FROM "{table}" ORDER BY 1, 2')
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def read_all(settings: Settings) -> tuple[dict[str, Rows], dict[str, Rows]]:
    """Every topic of the plan and every table that readers see, by name.

    Inputs last: while jobs commit, a record may be there whose fate was not read, and never the reverse.
    """
    inputs_last = sorted(topics.plan(), key=lambda name: name in (topics.NEWS, topics.PRICES))
    return (
        {name: read_topic(settings, name) for name in inputs_last},
        {name: read_table(settings, name) for name in tables.NAMES},
    )


def write_all(folder: Path, read: Mapping[str, Rows], stored: Mapping[str, Rows]) -> None:
    """Both beside each other, as topics/<name>.jsonl and tables/<name>.jsonl."""
    for kind, everything in (("topics", read), ("tables", stored)):
        for name, rows in everything.items():
            write_lines(folder / kind / f"{name}.jsonl", rows)


def write_lines(path: Path, rows: Rows) -> None:
    """One JSON document a line, so that anybody can recount."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, default=str) + "\n" for row in rows))
