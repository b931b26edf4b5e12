"""PostgreSQL and Kafka for checks, beside the warm engine: started on first use, ended with it.

    with schema() as empty:          # of its own; gone at the end
        empty.dsn, empty.jdbc        # for psycopg2, for Flink's connector

    with topics({"news": 3}) as fresh:  # of their own; gone at the end, and the group with them
        fresh.address, fresh.group      # for any client
        fresh.name("news")              # what Kafka calls it

With LAB_POSTGRES or LAB_KAFKA it is somebody's own server; with LAB_COLD=1 each process starts one and ends
it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg2

from labkit import jdbc
from labkit.errors import LabError
from labkit.paths import STACKS
from labkit.services.postgres import Postgres
from labkit.waiting import waiting

if TYPE_CHECKING:  # a check that needs one of them does not wait for the other's client
    from labkit.services.kafka import Kafka
    from labkit.services.service import Service
    from labkit.services.stack import Stack

NAME = "warm-services"


@dataclass(frozen=True)
class Schema:
    """A schema of a database. dsn: an address at which it is the only one in sight."""

    name: str
    dsn: str

    @property
    def jdbc(self) -> dict[str, str]:
        """url, username and password for Flink's JDBC connector."""
        return jdbc.options(self.dsn)


@contextmanager
def schema() -> Iterator[Schema]:
    """An empty schema that nobody else uses. Raises LabError: PostgreSQL could not be started."""
    server = postgres()
    address = server.dsn
    name = f"check_{uuid.uuid4().hex[:12]}"
    more = f"{'&' if '?' in address else '?'}options={quote(f'-csearch_path={name}')}"
    with _standing(server, "PostgreSQL"), closing(psycopg2.connect(address)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE SCHEMA {name}")
        try:
            yield Schema(name, address + more)
        finally:
            connection.cursor().execute(f"DROP SCHEMA {name} CASCADE")


@dataclass(frozen=True)
class Topics:
    """Topics of a broker. group: a consumer group that nobody else uses, and the head of their names."""

    address: str
    group: str

    def name(self, topic: str) -> str:
        """What the broker calls it."""
        return f"{self.group}.{topic}"


@contextmanager
def topics(partitions: Mapping[str, int]) -> Iterator[Topics]:
    """Empty topics that nobody else uses, by name with their partitions; they keep records of any age.

    Raises LabError: Kafka could not be started.
    """
    broker = kafka()
    found = Topics(broker.address, f"check_{uuid.uuid4().hex[:12]}")
    wanted = {found.name(topic): number for topic, number in partitions.items()}
    with _standing(broker, "Kafka"), answering():
        try:
            # scripts tell of days that may be long ago: by the default the broker could take them away
            broker.make_topics(wanted, {"retention.ms": "-1"})
            yield found
        finally:
            if broker.usable():  # else it takes them along when the warm services end
                broker.forget(list(wanted), [found.group])


@contextmanager
def _standing(service: Service, called: str) -> Iterator[None]:
    """What fails within it because the service has ended is nobody's wrong answer: a LabError."""
    try:
        yield
    except Exception as error:
        if service.usable():
            raise
        raise LabError(
            f"{called} was ended in the middle.", "", "run it again: it is started anew"
        ) from error


@contextmanager
def answering() -> Iterator[None]:
    """Within it a broker that is gone in the middle is a LabError of one sentence."""
    from confluent_kafka import KafkaException

    try:
        yield
    except KafkaException as error:
        raise LabError(
            f"Kafka no longer answers ({error.args[0].str()}).", "", "run it again: it is started anew"
        ) from error


def postgres() -> Postgres:
    """A server that answers, started if there is none. Raises LabError: it does not start."""
    found = Postgres(STACKS / _name())
    return found if found.usable() else _started("postgres", "PostgreSQL").postgres


def kafka() -> Kafka:
    """A broker that answers, started if there is none. Raises LabError: it does not start."""
    from labkit.services.kafka import Kafka

    found = Kafka(STACKS / _name())
    return found if found.usable() else _started("kafka", "Kafka").kafka


def _cold() -> bool:
    return os.environ.get("LAB_COLD", "") not in ("", "0")


def _name() -> str:
    return f"cold-services-{os.getpid()}" if _cold() else NAME


def _started(service: str, called: str) -> Stack:
    """Our services, this one among them."""
    stack = _stack(_name())
    with waiting(f"Starting {called} for the checks: some seconds"):
        stack.up(service, owned=_cold())
    return stack


@lru_cache(maxsize=1)
def _stack(name: str) -> Stack:
    """One for each process: a second one would take the keeper of the first for a leftover."""
    from labkit.services.stack import Stack

    stack = Stack(name)
    if _cold():
        import atexit

        atexit.register(stack.remove)
    return stack
