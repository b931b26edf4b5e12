"""The topic plan on a real broker."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    ResourceType,
)

from capstone_marketlag import topics
from capstone_marketlag.settings import Settings
from labkit.errors import LabError
from labkit.services.process import until
from labkit.services.stack import Stack


def test_topics_are_made_as_planned_and_one_that_was_changed_is_refused(own_stack: Stack) -> None:
    own_stack.up("kafka")
    settings = Settings(kafka=own_stack.kafka.address)
    admin = AdminClient(settings.kafka_client())

    def eventually(true: Callable[[], bool]) -> None:
        # the controller answers before the broker has applied the change
        until(true, 30, lambda: pytest.fail("the broker has not applied the change within 30 s"))

    def change(name: str, value: str) -> None:
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        topic = ConfigResource(ResourceType.TOPIC, topics.NEWS, incremental_configs=[entry])
        admin.incremental_alter_configs([topic])[topic].result()
        eventually(lambda: admin.describe_configs([topic])[topic].result()[name].value == value)

    def refused() -> str:
        with pytest.raises(LabError) as error:
            topics.ensure(settings)
        return error.value.happened

    assert sorted(topics.ensure(settings)) == sorted(topics.plan())
    assert topics.ensure(settings) == []

    change("cleanup.policy", "compact")
    assert refused().endswith(
        "rss.events has 3 partitions, retention.ms 604800000 and cleanup.policy compact."
    )
    change("cleanup.policy", "delete")
    change("retention.ms", "1000")
    assert refused().endswith("rss.events has 3 partitions, retention.ms 1000 and cleanup.policy delete.")
    change("retention.ms", "604800000")
    assert topics.ensure(settings) == []
    admin.create_partitions([NewPartitions(topics.NEWS, 4)])[topics.NEWS].result()
    eventually(lambda: len(admin.list_topics(timeout=10).topics[topics.NEWS].partitions) == 4)
    assert refused().endswith(
        "rss.events has 4 partitions, retention.ms 604800000 and cleanup.policy delete."
    )
