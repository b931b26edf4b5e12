"""The topic plan against what a broker has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from capstone_marketlag import topics
from capstone_marketlag.application import Application
from capstone_marketlag.drain import drain
from capstone_marketlag.settings import Settings
from labkit.errors import LabError

NEWS, META = topics.plan()[topics.NEWS], topics.plan()[topics.MARKET_META]
DAYS_7 = {"retention.ms": "604800000", "cleanup.policy": "delete"}
#: what a broker says besides
OTHERS = {"segment.bytes": "1073741824", "compression.type": "producer"}


@pytest.mark.parametrize("topic", topics.plan().values(), ids=str)
def test_a_topic_as_the_plan_has_it_is_taken(topic: topics.Topic) -> None:
    topics.check(topic, topic.partitions, {**OTHERS, **topic.config})


@pytest.mark.parametrize(
    ("partitions", "other", "says"),
    [
        (2, {}, "2 partitions, retention.ms 604800000 and cleanup.policy delete"),
        (4, {}, "4 partitions, retention.ms 604800000 and cleanup.policy delete"),
        (3, {"retention.ms": "-1"}, "3 partitions, retention.ms -1 and cleanup.policy delete"),
        (3, {"retention.ms": "60480000"}, "3 partitions, retention.ms 60480000 and cleanup.policy delete"),
        *(
            (
                3,
                {"cleanup.policy": policy},
                f"3 partitions, retention.ms 604800000 and cleanup.policy {policy}",
            )
            for policy in ("compact", "compact,delete")
        ),
    ],
)
def test_a_topic_that_is_otherwise_is_refused(partitions: int, other: dict[str, str], says: str) -> None:
    with pytest.raises(LabError) as error:
        topics.check(NEWS, partitions, {**OTHERS, **DAYS_7, **other})

    assert str(error.value) == (
        f"Topic rss.events has {says}. The plan says 3 partitions, retention.ms 604800000 and cleanup.policy delete "
        "(topics.toml). Next: change the topic or the plan; ./lab down --data forgets all topics of ./lab up"
    )


def test_a_compacted_topic_is_not_one_that_forgets() -> None:
    with pytest.raises(
        LabError, match=r"^Topic polymarket\.market_meta has 1 partitions, .* cleanup\.policy delete\."
    ):
        topics.check(META, 1, {**META.config, "cleanup.policy": "delete"})


def test_a_new_topic_has_as_many_replicas_as_its_broker_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    broker = SimpleNamespace(
        list_topics=lambda timeout: SimpleNamespace(topics={}),
        create_topics=lambda new: made.extend(new) or {},
    )
    monkeypatch.setattr(topics, "_admin", lambda _: broker)
    monkeypatch.setattr(topics, "_wait_for_leaders", lambda *_: None)
    topics.ensure(Settings())

    assert {each.topic: (each.num_partitions, each.replication_factor, each.config) for each in made} == {
        name: (topic.partitions, -1, topic.config) for name, topic in topics.plan().items()
    }


def test_a_broker_that_is_lost_while_the_jobs_are_drained_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lost(*_: Any, **__: Any) -> None:
        raise KafkaException(KafkaError(KafkaError._TRANSPORT, "Local: Broker transport failure"))

    monkeypatch.setattr(topics, "_admin", lambda _: SimpleNamespace(list_topics=lost))
    with pytest.raises(LabError) as error:
        drain(cast("Application", SimpleNamespace(settings=Settings())))

    assert str(error.value) == (
        "Kafka does not answer at 127.0.0.1:9092 (Local: Broker transport failure). Next: ./lab up kafka"
    )
