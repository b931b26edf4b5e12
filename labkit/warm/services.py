"""PostgreSQL for checks, beside the warm engine: started on first use, ended with it.

    with schema() as empty:          # of its own; gone at the end
        empty.dsn, empty.jdbc        # for psycopg2, for Flink's connector

With LAB_POSTGRES it is somebody's own server; with LAB_COLD=1 each process starts one and ends it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import psycopg2

from labkit import jdbc
from labkit.paths import STACKS
from labkit.services.postgres import Postgres

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
    address = postgres().dsn
    name = f"check_{uuid.uuid4().hex[:12]}"
    more = f"{'&' if '?' in address else '?'}options={quote(f'-csearch_path={name}')}"
    with closing(psycopg2.connect(address)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE SCHEMA {name}")
        try:
            yield Schema(name, address + more)
        finally:
            connection.cursor().execute(f"DROP SCHEMA {name} CASCADE")


def postgres() -> Postgres:
    """A server that answers, started if there is none. Raises LabError: it does not start."""
    cold = os.environ.get("LAB_COLD", "") not in ("", "0")
    name = f"cold-services-{os.getpid()}" if cold else NAME
    found = Postgres(STACKS / name)
    if not found.usable():
        from labkit.services.stack import Stack

        stack = Stack(name)
        if cold:
            import atexit

            atexit.register(stack.remove)
        stack.up("postgres", owned=cold)
        found = stack.postgres
    return found
