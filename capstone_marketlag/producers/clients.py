"""What stays open from one call of a handler to the next."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property, lru_cache
from typing import Any

from capstone_marketlag import logs
from capstone_marketlag.producers.health_log import HealthLog
from capstone_marketlag.producers.http import Getter
from capstone_marketlag.producers.kafka_out import KafkaOut
from capstone_marketlag.producers.stored_prices import StoredPrices, opened
from capstone_marketlag.settings import Settings


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass
class Clients:
    """The connections of one process, both producers' alike. `prices` and `health` open at their first use.

    health: None where nobody asks for health records in SQL. now: the clock; a run may come long after it was
    due.
    """

    settings: Settings
    kafka: KafkaOut
    http: Getter
    health: HealthLog | None = None
    now: Callable[[], datetime] = utc_now

    @cached_property
    def prices(self) -> StoredPrices:
        return opened(self.settings.price_store)

    @classmethod
    def of(
        cls,
        settings: Settings,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = utc_now,
    ) -> Clients:
        """Clients with these settings. sleep: how to wait between two tries of an address."""
        http = Getter(sleep, settings.http_timeout_seconds)
        return cls(settings, KafkaOut(settings), http, HealthLog(settings.postgres), now)

    def flush(self, health: Sequence[dict[str, Any]]) -> None:
        """End a run: everything is acknowledged, and these health records of it are in PostgreSQL too.

        Raises LabError: Kafka did not acknowledge a record. A database that is away is no error.
        """
        self.kafka.flush()
        if self.health:
            self.health.write(health)


@lru_cache
def warm() -> Clients:
    """The clients of a Lambda, made at its first event from its environment."""
    settings = Settings.from_env()
    logs.configure(settings.log_format, logging.INFO)
    return Clients.of(settings)
