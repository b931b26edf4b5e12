"""The application's commands on running services, as a person would type them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from capstone_marketlag import dump, tables, topics
from capstone_marketlag.application import Application
from labkit.course.curriculum import Curriculum
from labkit.errors import LabError
from labkit.paths import BUILD, ROOT, labs
from labkit.services import process
from tests.docs.checks import shape
from tests.pipeline.harness import Pipeline


@pytest.fixture
def command(pipeline: Pipeline) -> Iterator[Any]:
    """command(*arguments): its exit code, standard output and standard error; on the tests' own services."""
    pipeline.up()
    pipeline.empty()

    def run(*arguments: str, **env: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "capstone_marketlag", *arguments], capture_output=True, text=True, timeout=180,
            cwd=ROOT, env={**os.environ, "LAB_STACK_NAME": pipeline.stack.name, **QUICK, **env},
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    yield run
    # with their cluster: a task that waits for a deleted topic cannot be cancelled, and Flink would end its
    # TaskManager for that minutes later. Whoever needs it next starts it
    pipeline.stack.down("flink")


QUICK = {"MARKETLAG_CHECKPOINT_SECONDS": "1", "MARKETLAG_CHECKPOINT_PAUSE_SECONDS": "0",
         "MARKETLAG_JDBC_FLUSH_SECONDS": "1"}  # fmt: skip


QUIET_HOUR = r" - \S+Z INFO detector: no news for an hour key=\S+ event_time=\S+:00:00Z watermark=\S+Z$"


def assert_as_shown(name: str, said: tuple[int, str, str]) -> None:
    """The command ended well and printed what its page shows, but for what differs from run to run."""
    code, out, err = said
    assert code == 0, err
    assert shape(err + out) == shape((ROOT / "docs" / "output" / f"{name}.txt").read_text())


def test_a_database_that_lets_nobody_make_tables_refuses_the_start(pipeline: Pipeline) -> None:
    pipeline.up()
    pipeline.empty()
    pipeline.tell("ALTER DATABASE {database} SET default_transaction_read_only = on")
    try:
        application = Application(pipeline.stack, pipeline.settings(), pipeline.stack.dir / "marketlag")
        with pytest.raises(LabError, match=r"^PostgreSQL cannot be asked: .*read-only transaction"):
            application.run()
    finally:
        pipeline.tell("ALTER DATABASE {database} RESET default_transaction_read_only")
    assert pipeline.alive() == []


def test_run_replay_status_stop_resume_report_retention(
    pipeline: Pipeline, command: Any, tmp_path: Path
) -> None:
    assert_as_shown("run", command("run"))

    code, out, err = command("run", "--anew")
    assert (code, out) == (1, "")
    assert "Two applications on the same topics would count everything twice." in err

    assert_as_shown("replay", command("replay", "--hours", "12", "--seed", "5"))

    def caught_up() -> bool:
        code, out, _ = command("status", "--json")
        said = json.loads(out)
        assert (code, said["unanswered"]) == (0, [])
        left = [n["records"] for job in said["jobs"].values() for n in job.get("behind", {}).values()]
        return len(left) == 4 and not any(left) and bool(said.get("detected"))

    process.until(caught_up, 60, lambda: pytest.fail("the jobs did not catch up within 60 s"), every=1)
    assert_as_shown("status", command("status"))

    assert_as_shown("stop", command("stop"))
    assert "STOPPED" in command("status")[1].upper()
    # the world ends with three hours without news: the detector says so where Flink keeps what its workers say
    kept = "".join(file.read_text() for file in pipeline.stack.flink.log_dir.glob("taskmanager-*.log"))
    assert re.search(QUIET_HOUR, kept, re.MULTILINE), "no line of the detector in the TaskManagers' logs"

    assert_as_shown("resume", command("resume", MARKETLAG_PARALLELISM="1"))

    assert_as_shown("report", command("report"))
    page = (BUILD / "report" / "report.html").read_text()
    assert "not compared with an oracle" in page.lower()

    stay = {table: aged(pipeline, table, column, days) for table, (column, days) in KEPT.items()}
    said = command("retention")
    assert_as_shown("retention", said)
    assert said[1].splitlines() == [f"{table}: 2 rows deleted" for table in KEPT]
    assert {table: rows(pipeline, table) for table in KEPT} == stay
    assert all(stay.values())

    deleted_under_the_running_jobs(pipeline, command, topics.PRICES, tmp_path)


#: what the pages promise: the column that says how old a row is, and the days that it is kept
KEPT = {
    tables.LAG_SIGNALS: ("detected_at", 90),
    tables.SIGNALS: ("window_end", 90),
    tables.API_HEALTH: ("logged_at", 30),
}


def aged(pipeline: Pipeline, table: str, column: str, days: int) -> dump.Rows:
    """Make two rows of the table minutes older than they are kept, and the others younger; those others."""
    change = f"""
        ALTER TABLE {table} DISABLE TRIGGER USER;  -- a row would not be replaced by an older one
        UPDATE {table} SET {column} = now() AT TIME ZONE 'utc' - interval '{days} days'
          + CASE WHEN n > 2 THEN n ELSE -n END * interval '1 minute'
        FROM (SELECT ctid AS place, row_number() OVER (ORDER BY ctid) AS n FROM {table}) AS numbered
        WHERE ctid = place;
        ALTER TABLE {table} ENABLE TRIGGER USER"""
    with tables.transaction(pipeline.settings()) as cursor:
        cursor.execute(change)
    limit = datetime.now(timezone.utc).replace(tzinfo=None) - timedelta(days=days)
    return [row for row in rows(pipeline, table) if row[column] > limit]


def rows(pipeline: Pipeline, table: str) -> dump.Rows:
    return sorted(dump.read_table(pipeline.settings(), table), key=repr)


def deleted_under_the_running_jobs(pipeline: Pipeline, command: Any, topic: str, mine: Path) -> None:
    """It is told, and nothing is begun in silence; beside it a part that was started and is not done."""
    assert "is gone" not in command("status")[1]
    settings = pipeline.settings()
    admin = AdminClient(settings.kafka_client())
    admin.delete_topics([topic])[topic].result()
    process.until(lambda: topic not in topics.ids(settings), 30, lambda: pytest.fail("not deleted"))

    assert f"Topic {topic} is gone." in command("status")[1]

    pipeline.cancel_all()
    (mine / "windows.sql").write_text(Curriculum(labs()).lab("windows").reference.stub())
    code, out, err = command("resume", LAB_MINE=str(mine))
    assert code == 1
    assert out == "windows: yours is to do, the reference stands in. ./lab check windows says more.\n"
    assert f"marketlag: Topic {topic} is gone." in err
    topics.ensure(settings)
    code, out, err = command("resume")
    assert (code, out) == (1, "")
    assert f"marketlag: Topic {topic} was deleted and made anew." in err
