"""Records to Kafka, acknowledged before a handler returns."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from capstone_marketlag.settings import Settings
from labkit.errors import LabError


class TooLarge(Exception):
    """A record that is larger than a topic takes; its message says how large."""


class KafkaOut:
    """A producer that hides no failure: every record is acknowledged by `flush`, or it raises.

    One is made per process and reused by every call of a handler, as in a warm Lambda.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._begin()

    def _begin(self) -> None:
        """Have a producer that has sent nothing yet."""
        self._failed: list[KafkaError] = []
        self._producer = Producer(
            {
                **self._settings.kafka_client(),
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 5,
                # Java's hash, so that every producer puts a key into the same partition
                "partitioner": "murmur2_random",
                "compression.type": "lz4",
                "delivery.timeout.ms": 60_000,
            }
        )

    def partitions(self, topic: str) -> list[int]:
        """The numbers of a topic's partitions, from the broker.

        Raises LabError: the broker does not answer, or has no such topic.
        """
        try:
            metadata = self._producer.list_topics(topic, timeout=30).topics[topic]
        except KafkaException as error:
            raise LabError(f"Kafka does not answer ({error.args[0].str()}).", "", "./lab up kafka") from error
        if metadata.error is not None:
            raise LabError(
                f"Topic {topic} is not there.",
                "The application makes it.",
                "python -m capstone_marketlag run",
            )
        return sorted(metadata.partitions)

    def send(self, topic: str, key: str, value: dict[str, Any] | bytes, partition: int = -1) -> None:
        """Queue one record; a dict goes out as JSON. partition -1: by the key.

        Raises TooLarge: no broker would take a record of that size. Raises LabError: this producer takes none
        any more; what it had queued may be lost, and the next record goes to another.
        """
        body = value if isinstance(value, bytes) else json.dumps(value, default=_number).encode()
        while True:
            try:
                self._producer.produce(topic, body, key.encode(), partition=partition, on_delivery=self._done)
                return
            except BufferError:  # the local queue is full: serve deliveries, then go on
                self._producer.poll(0.1)
            except KafkaException as error:
                if error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                    raise TooLarge(f"the record has {len(body)} bytes, more than Kafka takes") from error
                # one that can no longer promise each record once refuses all of them, for ever
                self._begin()
                raise LabError(
                    f"Kafka's producer takes no more records ({error.args[0].str()}).",
                    "A run ends only when all of its records are stored.",
                    "run the producer again: it begins anew, and repeats are recognised",
                ) from error

    def flush(self) -> None:
        """Wait until every queued record is acknowledged. Raises LabError: one was not."""
        left = self._producer.flush(60)
        failed, self._failed = self._failed, []
        if left or failed:
            reason = failed[0].str() if failed else "no answer within 60 s"
            raise LabError(
                f"{left + len(failed)} records were not acknowledged by Kafka ({reason}).",
                "A run ends only when all of its records are stored.",
                "./lab up kafka, then run the producer again: repeats are recognised",
            )

    def _done(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed.append(error)


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
