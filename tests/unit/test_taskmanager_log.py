"""Why a TaskManager has ended itself: it tells its log, and nobody else."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from labkit.services.flink import Flink

ENDED = """\
2026-01-05T10:00:00,000 INFO  o.a.f.r.t.TaskExecutor                 [] - Received task.
{at} ERROR o.a.f.r.t.TaskManagerRunner              [] - Fatal error occurred while executing the TaskManager. Shutting it down...
java.lang.RuntimeException: Writing records to JDBC failed.
\tat org.apache.flink.connector.jdbc.internal.JdbcOutputFormat.close(JdbcOutputFormat.java:217)
Caused by: org.postgresql.util.PSQLException: ERROR: {why}
\t... 4 more
2026-01-05T10:00:09,000 INFO  o.a.f.r.t.TaskExecutor                 [] - Stopping.
"""


def ms(at: str) -> int:
    """Of a log's local time."""
    return int(datetime.strptime(at, "%Y-%m-%dT%H:%M:%S,%f").timestamp() * 1000)


@pytest.fixture
def flink(tmp_path: Path) -> Flink:
    found = Flink(tmp_path)
    found.log_dir.mkdir(parents=True)
    for number, (at, why) in enumerate(
        (("2026-01-05T10:00:05,250", "the disk is full"), ("2026-01-05T10:00:04,000", "older")), 1
    ):
        (found.log_dir / f"taskmanager-{number}.log").write_text(ENDED.format(at=at, why=why))
    return found


def test_the_newest_trace_of_all_taskmanagers_is_told(flink: Flink) -> None:
    trace = flink.shut_down_by()

    assert trace.startswith("java.lang.RuntimeException: Writing records to JDBC failed.\n\tat org.apache")
    assert trace.endswith(
        "Caused by: org.postgresql.util.PSQLException: ERROR: the disk is full\n\t... 4 more\n"
    )


def test_only_what_was_written_since_then_counts(flink: Flink) -> None:
    assert "the disk is full" in flink.shut_down_by(ms("2026-01-05T10:00:05,250"))
    assert flink.shut_down_by(ms("2026-01-05T10:00:05,251")) == ""


def test_where_none_has_ended_itself_there_is_nothing_to_tell(tmp_path: Path) -> None:
    assert Flink(tmp_path).shut_down_by() == ""
