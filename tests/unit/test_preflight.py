"""What the start asks of a cluster, and what it says where it refuses."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, cast

import pytest

from capstone_marketlag import preflight
from capstone_marketlag.settings import Settings
from labkit.errors import LabError
from labkit.flink_rest import FlinkRest
from labkit.services.flink import VERSION

SETTINGS = Settings(parallelism=2, checkpoint_seconds=300)
BOTH = ("signals", "detector")
FOREVER = 2**63 - 1


class Cluster:
    """Answers of a cluster with so many free slots on each of its TaskManagers, each heard of so long ago."""

    def __init__(self, *free: int, silent_ms: int = 0, version: str = VERSION, **checkpoints: Any) -> None:
        heard = round(time.time() * 1000) - silent_ms
        self.answers = {
            "/overview": {
                "flink-version": version,
                "slots-available": sum(free),
                "slots-total": 4 * len(free),
            },
            "/taskmanagers": {
                "taskmanagers": [{"freeSlots": each, "timeSinceLastHeartbeat": heard} for each in free]
            },
            "/jobs/job-1/checkpoints/config": checkpoints,
        }

    def get(self, path: str) -> Any:
        return self.answers[path]


def asked(cluster: Cluster) -> FlinkRest:
    return cast("FlinkRest", cluster)


def refused(cluster: Cluster) -> str:
    with pytest.raises(LabError) as error:
        preflight.cluster(SETTINGS, asked(cluster), BOTH)
    return str(error.value)


def test_slots_for_both_jobs_are_enough() -> None:
    preflight.cluster(SETTINGS, asked(Cluster(3, 1)), BOTH)


def test_a_start_without_slots_is_refused() -> None:
    assert refused(Cluster(2, 1)) == (
        "2 jobs of parallelism 2 need 4 slots; 3 are free. A job without its slots waits for ever. "
        "Next: ./lab up flink --taskmanagers 2"
    )


def test_a_cluster_without_taskmanagers_has_no_slots() -> None:
    assert refused(Cluster()).startswith("2 jobs of parallelism 2 need 4 slots; 0 are free.")


def test_a_taskmanager_that_fell_silent_has_no_slots() -> None:
    preflight.cluster(SETTINGS, asked(Cluster(4, silent_ms=20_000)), BOTH)

    assert "0 are free" in refused(Cluster(4, silent_ms=30_000))


@pytest.mark.parametrize("version", ["1.20.1", "2.1.9", "3.0.0", "<unknown>"])
def test_a_cluster_of_another_version_is_refused(version: str) -> None:
    assert refused(Cluster(4, version=version)).startswith(
        f"The cluster is Flink {version}. MarketLag is made for Flink 2.2"
    )


@pytest.mark.parametrize("version", ["2.2.0", "2.2.1-cp1", "2.10.0"])
def test_a_later_version_is_taken(version: str) -> None:
    preflight.cluster(SETTINGS, asked(Cluster(4, version=version)), BOTH)


def test_checkpoints_as_asked_are_in_force() -> None:
    cluster = Cluster(interval=300_000, mode="exactly_once")

    often = replace(SETTINGS, checkpoint_seconds=10, checkpoint_pause_seconds=0)

    preflight.checkpoints_in_force(SETTINGS, asked(cluster), "job-1")
    with pytest.raises(
        LabError, match=r"^The job takes a checkpoint every 300000 ms, EXACTLY_ONCE\. Every 10 s"
    ):
        preflight.checkpoints_in_force(often, asked(cluster), "job-1")


@pytest.mark.parametrize(
    ("interval", "mode", "says"),
    [
        (FOREVER, "exactly_once", "no checkpoints"),
        (10_000, "exactly_once", "a checkpoint every 10000 ms, EXACTLY_ONCE"),
        (300_000, "at_least_once", "a checkpoint every 300000 ms, AT_LEAST_ONCE"),
    ],
)  # fmt: skip
def test_other_checkpoints_are_refused(interval: int, mode: str, says: str) -> None:
    with pytest.raises(LabError) as error:
        preflight.checkpoints_in_force(SETTINGS, asked(Cluster(interval=interval, mode=mode)), "job-1")

    assert str(error.value) == (
        f"The job takes {says}. Every 300 s and EXACTLY_ONCE was asked for: it was cancelled. "
        "Next: set the interval in the job's own options; those of config.yaml are ignored"
    )


def test_the_reason_of_a_failure_is_that_of_the_newest_that_tells_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rest = FlinkRest("http://127.0.0.1:1")
    traces = [
        (
            30,
            "org.apache.flink.util.FlinkExpectedException: The TaskExecutor is shutting down.\n\tat x.y(Z.java:1)",
        ),
        (
            20,
            "java.io.IOException: Failed.\n\tat x.y(Z.java:1)\nCaused by: java.sql.SQLException: refused\n\tat x.y(Z.java:2)",
        ),
        (10, "java.lang.IllegalStateException: older"),
    ]
    entries = [{"timestamp": at, "stacktrace": trace} for at, trace in traces]
    monkeypatch.setattr(rest, "get", lambda path: {"exceptionHistory": {"entries": entries}})

    assert preflight.why_failed(rest, "job-1", 0) == "java.sql.SQLException: refused"
    assert preflight.why_failed(rest, "job-1", 25).startswith("org.apache.flink.util.FlinkExpectedException")
    assert preflight.why_failed(rest, "job-1", 40) == ""

    def shut_down_by(since: int) -> str:
        return f"RuntimeException: Failed.\nCaused by: org.postgresql.util.PSQLException: ERROR: full since {since}\n"

    # the job knows only that the TaskManager went; that said to its log why
    assert preflight.why_failed(rest, "job-1", 25, shut_down_by) == (
        "org.postgresql.util.PSQLException: ERROR: full since 25"
    )
    assert preflight.why_failed(rest, "job-1", 0, shut_down_by) == "java.sql.SQLException: refused"
