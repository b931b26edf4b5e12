"""What a job has really left behind: records of a topic, rows of a table, lines that were printed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit import warm
from labkit.errors import LabError


@dataclass(frozen=True)
class Record:
    """A record of a topic. Its identity is (partition, offset)."""

    key: bytes | None
    value: bytes | None
    partition: int
    offset: int
    timestamp: int

    @property
    def text(self) -> str | None:
        """The value as text."""
        return None if self.value is None else self.value.decode()


def read_topic(
    address: str, topic: str, *, committed: bool = True, seconds: float = 10, **options: Any
) -> list[Record]:
    """Every record that the topic holds now, by partition and offset.

    committed: leave out what no transaction has committed, as a careful reader does; without it, what a
    careless one sees. options: of the client, for a broker that asks for more than its address. Raises
    LabError: the broker or the topic does not answer, or the end is not reached in time.
    """
    from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": f"read-{time.time_ns()}",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed" if committed else "read_uncommitted",
            "log_level": 0,
            "fetch.wait.max.ms": 10,  # by its default a partition without news answers after half a second
            **options,
        }
    )
    try:
        found = consumer.list_topics(topic, timeout=seconds).topics[topic]
        if found.error is not None:
            raise LabError(f"Topic {topic} cannot be read ({found.error.str()}).", "", "check its name")
        waiting = set(found.partitions)
        consumer.assign([TopicPartition(topic, partition, 0) for partition in waiting])
        records: list[Record] = []
        deadline = time.monotonic() + seconds
        while waiting:
            message = consumer.poll(0.2)
            if time.monotonic() > deadline:
                raise LabError(
                    f"The end of {topic} was not reached within {seconds:.0f} s.",
                    "A transaction that is still open holds it back.",
                    "read it when the job has finished, or with committed=False",
                )
            if message is None:
                continue
            error = message.error()
            if error is None:
                records.append(
                    Record(message.key(), message.value(), message.partition(), message.offset(),
                    message.timestamp()[1])
                )  # fmt: skip
            elif error.code() == KafkaError._PARTITION_EOF:
                waiting.discard(message.partition())
            else:
                raise LabError(f"Topic {topic} cannot be read ({error.str()}).", "", "check the broker")
    except KafkaException as error:
        raise LabError(
            f"{address} does not answer ({error.args[0].str()}).", "A Kafka broker was expected there."
        ) from error
    finally:
        consumer.close()
    return sorted(records, key=lambda record: (record.partition, record.offset))


def read_table(dsn: str, query: str) -> list[dict[str, Any]]:
    """The rows of a table of PostgreSQL (its name, or a SELECT), as dicts.

    Raises LabError: it cannot be read.
    """
    import psycopg2
    from psycopg2.extras import RealDictCursor

    statement = f"SELECT * FROM {query}" if " " not in query.strip() else query
    try:
        with psycopg2.connect(dsn) as connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(statement)
            return [dict(row) for row in cursor.fetchall()]
    except psycopg2.Error as error:
        raise LabError(
            f"{query} cannot be read: {str(error).strip().splitlines()[0]}.",
            "A table of PostgreSQL was expected.",
        ) from error


@contextmanager
def printed() -> Iterator[Callable[[], list[str]]]:
    """Within it, a function: the lines that the TaskManager has printed since, of the print sink and of
    functions.

    They are in a file of the TaskManager's, never in the terminal of whoever started the job.
    Raises LabError: Flink could not be started.
    """
    with warm.engine() as engine:
        output = Path(engine.folder) / "flink" / "log" / "taskmanager-1.out"
    begin = output.stat().st_size if output.exists() else 0

    def lines() -> list[str]:
        if not output.exists():
            return []
        data = output.read_bytes()
        return data[begin if len(data) >= begin else 0 :].decode(errors="replace").splitlines()

    yield lines
