"""Health records on their way to PostgreSQL: whatever the database does, the run goes on."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import pytest

from capstone_marketlag.dump import read_topic
from capstone_marketlag.producers import health_log, polymarket, rss
from capstone_marketlag.producers.clients import Clients
from capstone_marketlag.producers.health_log import HealthLog
from capstone_marketlag.producers.http import Getter
from capstone_marketlag.producers.kafka_out import KafkaOut
from capstone_marketlag.settings import Settings
from capstone_marketlag.topics import API_HEALTH

NOON = datetime(2026, 1, 5, 12, tzinfo=timezone.utc)


def said(
    source: str = "gamma", ms: int = 5, error: str = "", at: str = "2026-01-05T12:00:00Z"
) -> dict[str, Any]:
    return {
        "source": source, "status": 0 if error else 200, "response_time_ms": ms, "error_message": error,
        "logged_at": at,
    }  # fmt: skip


@contextmanager
def address(somebody: bool) -> Iterator[str]:
    """A database's address where somebody takes calls and never answers, or where nobody is."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if somebody:
            server.listen()
        yield f"postgresql://marketlag@127.0.0.1:{server.getsockname()[1]}/marketlag"


# ---- what is stored ----------------------------------------------------------------------------


def test_of_two_markets_asked_at_one_service_the_worst_answer_is_stored() -> None:
    rows = health_log._rows(
        [said(ms=9, error="HTTP 503"), said(ms=700), said("clob", 3), said("clob", 8), said("clob", 5)]
    )

    noon = datetime(2026, 1, 5, 12)
    assert sorted(rows) == [("clob", noon, 200, 8, ""), ("gamma", noon, 0, 9, "HTTP 503")]


def test_what_json_can_hold_and_postgresql_cannot_is_left_out() -> None:
    [row] = health_log._rows([said("https://a/\0", error="no \ud83d feed\0")])

    assert row[0] == "https://a/"
    assert row[-1] == "no ? feed"


# ---- a database that is away -------------------------------------------------------------------


def test_an_outage_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "marketlag")
    with address(somebody=False) as nobody:
        log = HealthLog(nobody)
        stored = [log.write([said()]) for _ in range(3)]

    assert stored == [False, False, False]
    [line] = caplog.records
    assert (line.name, line.levelname) == ("marketlag.producer.health", "WARNING")
    assert line.getMessage() == (
        "api_health_log cannot be written (Connection refused); ops.api_health has the records"
    )


def test_a_database_that_never_answers_costs_a_run_a_moment() -> None:
    with address(somebody=True) as silent:
        started = time.monotonic()
        assert not HealthLog(silent, seconds=0.2).write([said()])

    assert time.monotonic() - started < 2


def test_a_run_without_questions_asks_no_database(caplog: pytest.LogCaptureFixture) -> None:
    with address(somebody=False) as nobody:
        assert HealthLog(nobody).write([])

    assert caplog.records == []


@pytest.mark.parametrize("poll", [rss.poll, polymarket.poll])
def test_without_a_database_the_topic_has_the_record_and_the_run_is_fine(broker: str, poll: Any) -> None:
    with address(somebody=False) as nobody:
        web = "http://" + nobody.partition("@")[2].partition("/")[0]  # and no feed and no market either
        settings = Settings(
            kafka=broker, postgres=nobody, markets="fed", feed_url=f"{web}/feed", gamma_url=web, clob_url=web
        )
        getter = Getter(sleep=lambda _: None)
        poll(NOON, Clients(settings, KafkaOut(settings), getter, HealthLog(nobody)))

        [row] = read_topic(settings, API_HEALTH)
    assert '"error_message": "ConnectionError"' in row["value"]
