"""The topic plan, made true on a broker: topics.toml."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, OffsetSpec, ResourceType

from capstone_marketlag.settings import Settings
from labkit.errors import LabError
from labkit.services.process import until

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NEWS = "rss.events"
SIGNALS = "rss.signals_hourly"
DEAD_NEWS = "dlq.rss.events"
LATE_NEWS = "late.rss.events"
MARKET_META = "polymarket.market_meta"
PRICES = "polymarket.price_hourly"
DEAD_PRICES = "dlq.polymarket.price_hourly"
LATE_PRICES = "late.polymarket.price_hourly"
SIGNALS_WITH_PRICE = "signals_with_price"
LAG_SIGNALS = "lag_signals"
DEAD_PROCESSING = "dlq.processing"
API_HEALTH = "ops.api_health"

_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Topic:
    """One topic of the plan. retention_days: of the wall clock, as the broker counts.

    compact: of each key the newest record stays, however old.
    """

    name: str
    partitions: int
    retention_days: int
    key: str
    writer: str
    compact: bool = False

    @property
    def config(self) -> dict[str, str]:
        policy = "compact" if self.compact else "delete"
        return {"retention.ms": str(self.retention_days * _DAY_MS), "cleanup.policy": policy}


@lru_cache
def plan() -> dict[str, Topic]:
    """Every topic of topics.toml by name."""
    with (Path(__file__).parent / "topics.toml").open("rb") as file:
        return {name: Topic(name, **entry) for name, entry in tomllib.load(file)["topics"].items()}


@lru_cache(maxsize=4)
def _admin(settings: Settings) -> AdminClient:
    return AdminClient(settings.kafka_client())


@contextmanager
def answering(settings: Settings) -> Iterator[None]:
    """What Kafka refuses, or does not answer, in here becomes a LabError."""
    try:
        yield
    except KafkaException as error:
        # negative: the client's own; positive: the broker's
        says = "refuses" if error.args[0].code() > 0 else "does not answer"
        why = error.args[0].str()
        raise LabError(f"Kafka {says} at {settings.kafka} ({why}).", "", "./lab up kafka") from error


def ensure(settings: Settings) -> list[str]:
    """Create the topics that are missing and check the others; the names of those created.

    Raises LabError: a topic has other partitions, another retention or another way to clean up than the plan;
    Kafka does not answer.
    """
    with answering(settings):
        return _ensure(settings)


def ids(settings: Settings) -> dict[str, str]:
    """By name the ids of the plan's topics that are there: one that is deleted and made anew has another.

    Raises LabError: Kafka does not answer.
    """
    with answering(settings):
        admin = _admin(settings)
        there = [name for name in plan() if name in admin.list_topics(timeout=10).topics]
        found = admin.describe_topics(TopicCollection(there), request_timeout=10) if there else {}
        return {name: str(future.result().topic_id) for name, future in found.items()}


def check_same(settings: Settings, known: Mapping[str, str]) -> None:
    """Raises LabError: one of these topics, by name and id, is gone or another one by now."""
    now = ids(settings)
    for name, identity in known.items():
        if now.get(name) != identity:
            what = "was deleted and made anew" if name in now else "is gone"
            raise LabError(
                f"Topic {name} {what}.",
                "The jobs know their places in the one that was there when they started.",
                "python -m capstone_marketlag run --anew reads what there is from its beginning",
            )


def _ensure(settings: Settings) -> list[str]:
    admin = _admin(settings)
    existing = admin.list_topics(timeout=10).topics
    missing = [topic for topic in plan().values() if topic.name not in existing]
    # as many replicas as the broker makes by itself: one here, three in Confluent Cloud, which takes no less
    new = [NewTopic(t.name, t.partitions, config=t.config) for t in missing]
    for future in (admin.create_topics(new) if new else {}).values():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    asked = {ConfigResource(ResourceType.TOPIC, name): name for name in plan() if name in existing}
    for resource, future in (admin.describe_configs([*asked]) if asked else {}).items():
        name = asked[resource]
        config = {key: str(entry.value) for key, entry in future.result().items()}
        check(plan()[name], len(existing[name].partitions), config)
    if missing:
        _wait_for_leaders(settings, missing)
    return [topic.name for topic in missing]


def _wait_for_leaders(settings: Settings, new: list[Topic]) -> None:
    """A topic that was just made takes records only once each partition has a leader."""

    def led() -> bool:
        try:
            return all(len(ends(settings, topic.name)) == topic.partitions for topic in new)
        except LabError:
            return False

    def give_up() -> None:
        raise LabError("New topics had no leader within 15 s.", "", "read the broker's log: ./lab")

    until(led, 15, give_up)


def check(topic: Topic, partitions: int, config: Mapping[str, str]) -> None:
    """Raises LabError: the topic has other partitions than the plan, or another value of what that sets."""

    def said(number: int, of: Mapping[str, str]) -> str:
        return f"{number} partitions, " + " and ".join(f"{name} {of[name]}" for name in topic.config)

    if said(partitions, config) != said(topic.partitions, topic.config):
        raise LabError(
            f"Topic {topic.name} has {said(partitions, config)}.",
            f"The plan says {said(topic.partitions, topic.config)} (topics.toml).",
            "change the topic or the plan; ./lab down --data forgets all topics of ./lab up",
        )


def ends(settings: Settings, topic: str, committed: bool = False) -> dict[int, int]:
    """The offset behind the last record of each partition; committed: as far as no transaction is open.

    Raises LabError: Kafka does not answer.
    """
    isolation = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
    with answering(settings):
        admin = _admin(settings)
        numbers = admin.list_topics(topic, timeout=10).topics[topic].partitions
        latest = {TopicPartition(topic, number): OffsetSpec.latest() for number in numbers}
        found = admin.list_offsets(latest, isolation_level=isolation)
        return {partition.partition: future.result().offset for partition, future in found.items()}


def committed(settings: Settings, group: str, topic: str) -> dict[int, int]:
    """The offsets that a consumer group committed, by partition. Raises LabError: Kafka does not answer."""
    asked = [ConsumerGroupTopicPartitions(group)]
    with answering(settings):
        # a client of its own: one that knew the broker before a restart waits for its coordinator for ever
        admin = AdminClient(settings.kafka_client())
        [future] = admin.list_consumer_group_offsets(asked).values()
        found = future.result().topic_partitions
    return {each.partition: each.offset for each in found if each.topic == topic and each.offset >= 0}


def forget_committed(settings: Settings, groups: list[str]) -> None:
    """Delete what these consumer groups committed. Raises LabError: Kafka does not answer."""
    with answering(settings):
        admin = AdminClient(settings.kafka_client())
        for future in admin.delete_consumer_groups(groups).values():
            try:
                future.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
                    raise
