"""What every unit test stands on: the reference, whatever a learner has in mine/."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from hypothesis import HealthCheck, settings

from capstone_marketlag import pieces

# how long an example takes is the machine's doing, and no law of ours
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")


@pytest.fixture(scope="session", autouse=True)
def only_the_reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The parts list with nobody's own pieces in it."""
    with pytest.MonkeyPatch.context() as patch:
        empty = tmp_path_factory.mktemp("mine")
        patch.setenv("LAB_MINE", str(empty))
        pieces.load.cache_clear()
        yield empty
        pieces.load.cache_clear()


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """The application's logger is one for the process."""
    root = logging.getLogger("marketlag")
    before = root.handlers, root.propagate, root.level
    yield
    root.handlers, root.propagate, root.level = before[0], before[1], before[2]


@pytest.fixture
def broker() -> Iterator[str]:
    """The address of a broker of this test's own, inside of librdkafka.

    A topic is made when it is first asked for, with four partitions; it has no setting for that.
    """
    mock = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
    [member] = mock.list_topics(timeout=5).brokers.values()
    yield f"{member.host}:{member.port}"
    del mock
