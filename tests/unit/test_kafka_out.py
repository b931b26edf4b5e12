"""A producer that fails for good, and one that is made in its place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from capstone_marketlag.dump import read_topic
from capstone_marketlag.producers import kafka_out, schedule
from capstone_marketlag.producers.kafka_out import KafkaOut, TooLarge
from capstone_marketlag.settings import Settings
from capstone_marketlag.topics import NEWS
from labkit.errors import LabError


def values(broker: str) -> list[str]:
    return [row["value"] for row in read_topic(Settings(kafka=broker), NEWS)]


class Broken(Producer):  # type: ignore[misc]
    """The same client, which fails for good as an idempotent one does: after one record."""

    taken = 0

    def produce(self, *arguments: Any, **more: Any) -> None:
        if self.taken:
            raise KafkaException(KafkaError(KafkaError._FATAL, "out of sequence"))
        self.taken = 1
        super().produce(*arguments, **more)


@pytest.fixture
def broken(broker: str) -> Iterator[KafkaOut]:
    """Whose first producer breaks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kafka_out, "Producer", Broken)
        out = KafkaOut(Settings(kafka=broker))
    yield out
    out.flush()


def test_a_producer_that_failed_for_good_is_an_error_of_ours_and_the_next_run_has_another(
    broken: KafkaOut, broker: str
) -> None:
    broken.send(NEWS, "a", b"queued")
    with pytest.raises(LabError) as error:
        broken.send(NEWS, "a", b"refused")
    for record in (b"one", b"two"):
        broken.send(NEWS, "a", record)
    broken.flush()

    assert str(error.value) == (
        "Kafka's producer takes no more records (out of sequence). A run ends only when all of its records are stored. "
        "Next: run the producer again: it begins anew, and repeats are recognised"
    )
    # what the broken one had queued may arrive, and when: its run has failed and is repeated
    assert [value for value in values(broker) if value != "queued"] == ["one", "two"]


def test_a_live_run_goes_on_behind_it(broken: KafkaOut) -> None:
    ran: list[str] = []
    clock = iter(datetime(2026, 1, 5, 10, minute, tzinfo=timezone.utc) for minute in (0, 15, 15, 15, 30))

    def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
        for number in range(2):
            broken.send(NEWS, "a", str(number).encode())
        broken.flush()
        return {"produced": 2}

    def report(run: schedule.Run) -> None:
        ran.append(run[1])

    with pytest.raises(StopIteration):
        schedule.run_live(
            {"rss": handler, "prices": handler}, report, now=lambda: next(clock), sleep=lambda _: None
        )

    # the first run failed, the second has the new producer; the one that failed is caught up
    assert ran[:2] == ["marketlag-prices", "marketlag-rss"]


def test_a_record_that_is_too_large_keeps_the_producer(broker: str) -> None:
    out = KafkaOut(Settings(kafka=broker))
    out.send(NEWS, "a", b"queued")
    with pytest.raises(TooLarge):
        out.send(NEWS, "a", b"x" * 2_000_000)
    out.flush()

    assert values(broker) == ["queued"]
