"""pytest fixtures on real services: kafka, postgres, flink, registry (once per run) and topic (fresh).

They run in a stack of their own, beside a learner's running services, and end with the run however it
ends. LAB_KAFKA and the like point them at somebody's own services instead.

And what pytest does with labs: labkit.course.plugin.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from labkit.services.flink import Flink
    from labkit.services.kafka import Kafka
    from labkit.services.postgres import Postgres
    from labkit.services.registry import Registry
    from labkit.services.stack import Stack

pytest_plugins = ["labkit.course.plugin"]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """This run's own set of services, none of them started yet; all ended and deleted afterwards."""
    from labkit.services.stack import Stack

    it = Stack(f"test-{os.getpid()}")
    yield it
    it.remove()


@pytest.fixture(scope="session")
def kafka(stack: Stack) -> Kafka:
    """A Kafka broker that answers; `kafka.address` is its bootstrap server."""
    stack.up("kafka", owned=True)
    return stack.kafka


@pytest.fixture(scope="session")
def postgres(stack: Stack) -> Postgres:
    """A PostgreSQL server that answers; `postgres.dsn` for psycopg2, `postgres.jdbc` for Flink."""
    stack.up("postgres", owned=True)
    return stack.postgres


@pytest.fixture(scope="session")
def flink(stack: Stack) -> Flink:
    """A Flink session cluster with its slots registered; `flink.address` is its REST API."""
    stack.up("flink", owned=True)
    return stack.flink


@pytest.fixture(scope="session")
def registry(stack: Stack) -> Registry:
    """A schema registry that answers; `registry.address` is its Confluent API."""
    stack.up("registry", owned=True)
    return stack.registry


@pytest.fixture
def topic(kafka: Kafka) -> str:
    """The name of a topic nobody used before; it exists, with one partition."""
    name = f"test.{uuid.uuid4().hex[:12]}"
    kafka.make_topic(name)
    return name
