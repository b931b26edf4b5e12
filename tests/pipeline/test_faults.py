"""Faults of OPERATIONS.md, each fired while records are in open transactions; nothing lost, nothing twice.

Each has its negative control: what the same checks say where the guarantee is missing. R01 and R26 (TaskManagers
and Python workers that are killed) are in test_same_answer.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from capstone_marketlag import topics
from capstone_marketlag.application import Application
from capstone_marketlag.drain import wait_read
from capstone_marketlag.jobs import signals
from labkit.errors import LabError
from tests.pipeline import storms
from tests.pipeline.harness import (
    Pipeline,
    Run,
    assert_right,
    assert_would_be_seen,
    chosen_seed,
    generate,
    is_right,
    only_market,
)
from tests.services.conftest import kill

SLUG = "fed-rate-hike-in-march"


@pytest.fixture
def seed() -> int:
    return chosen_seed() + 20


# ---- processes that stop, and go on ------------------------------------------------------------------------


def test_r07_a_pause_below_the_heartbeat_timeout_restarts_nothing(pipeline: Pipeline, seed: int) -> None:
    world = only_market(generate(seed, 16), SLUG)

    def pause(run: Run) -> None:
        run.between_checkpoints(topics.SIGNALS)
        paused(run, run.pid_of(run.taskmanager_of("signals")), 3)
        run.wait_checkpoints(2)

    found, run = pipeline.run(world, pause, seed=seed)

    assert (run.restored("signals"), run.restored("detector")) == (0, 0)
    assert_right(found, world)


def test_r06_a_zombie_that_goes_on_after_its_work_was_given_away(pipeline: Pipeline, seed: int) -> None:
    """SIGSTOP past the timeout, the jobs restart elsewhere, SIGCONT: what it still writes must not count."""
    world = only_market(generate(seed, 60), SLUG)

    def zombies(run: Run) -> None:
        for name in ("signals", "detector"):
            run.between_checkpoints(topics.SIGNALS, topics.LAG_SIGNALS)
            pid = run.pid_of(run.taskmanager_of(name))
            os.kill(pid, signal.SIGSTOP)
            try:
                run.recovered_within(60, name)
            finally:
                os.kill(pid, signal.SIGCONT)
            run.wait_spare()

    found, run = pipeline.run(world, zombies, seed=seed)

    assert run.restored("signals") + run.restored("detector") >= 2, (
        "the control of R07: such a pause does restart"
    )
    assert_right(found, world)
    assert not is_right(run.uncommitted(), world)


def test_r09_a_broker_that_is_killed_and_comes_back_after_ten_seconds(pipeline: Pipeline, seed: int) -> None:
    world = only_market(generate(seed, 24), SLUG)

    def outage(run: Run) -> None:
        run.between_checkpoints()
        [broker] = run.stack.kafka.record.processes.values()
        kill(broker.pid)
        time.sleep(10)  # the length of the outage
        run.stack.up("kafka")
        run.wait_checkpoints(2, 90)

    found, run = pipeline.run(world, outage, seed=seed)

    assert_right(found, world)
    assert_would_be_seen(run, world)


def test_r11_a_database_that_is_killed_and_comes_back_after_twenty_seconds(
    pipeline: Pipeline, seed: int
) -> None:
    world = only_market(generate(seed, 30), SLUG)

    def outage(run: Run) -> None:
        run.between_checkpoints(topics.SIGNALS)
        [server] = run.stack.postgres.record.processes.values()
        kill(server.pid)
        time.sleep(20)  # the length of the outage
        with pytest.raises(LabError, match="PostgreSQL cannot be asked"):  # the control: it was away
            run.table_rows()
        run.stack.up("postgres")
        run.wait_checkpoints(2, 90)

    found, run = pipeline.run(world, outage, seed=seed)

    assert_right(found, world)
    assert_would_be_seen(run, world)


def paused(run: Run, pid: int, seconds: float) -> None:
    """Stop a process for that long."""
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)  # the length of the pause
    finally:
        os.kill(pid, signal.SIGCONT)


# ---- records that should not be there ----------------------------------------------------------------------


def test_r15_four_thousand_mutated_records_among_twenty_thousand(pipeline: Pipeline, seed: int) -> None:
    world = storms.with_poison(generate(seed, 20), seed, good=20_000, bad=4_000)
    found, run = pipeline.run(world)

    assert_right(found, world)
    assert (run.restored("signals"), run.restarts("signals"), run.restarts("detector")) == (0, 0, 0)
    assert sum(found.dead[topics.NEWS].values()) + sum(found.dead[topics.PRICES].values()) > 2_000


@pytest.mark.parametrize(
    ("piece", "right", "wrong"),
    [
        ("dead_letters", "OR '[' || json || ']' IS NOT JSON ARRAY", "OR FALSE"),
        ("price_sanity", "BETWEEN 0 AND 1) IS NOT TRUE THEN 'price", "NOT BETWEEN 0 AND 1) THEN 'price"),
    ],
)
def test_r15_the_control_a_gate_with_a_hole_is_seen(
    pipeline: Pipeline, seed: int, wrong_piece: Any, piece: str, right: str, wrong: str
) -> None:
    wrong_piece(piece, right, wrong)
    world = storms.with_poison(generate(seed, 6), seed, good=500, bad=3_000)
    found, _ = pipeline.run(world)

    assert not is_right(found, world)


def test_r16_r18_repeats_up_to_an_hour_apart_and_a_storm_of_late_records(
    pipeline: Pipeline, seed: int
) -> None:
    world = storms.with_repeats(generate(seed, 20), seed, 5_000)
    world = storms.with_late_storm(world, seed, 5_000)
    found, run = pipeline.run(world)

    assert_right(found, world)
    assert found.news["duplicate"] > 10_000
    assert found.news["late"] > 800
    assert_would_be_seen(run, world)


@pytest.mark.parametrize(
    ("piece", "right", "wrong"),
    [
        ("deduplication", "BY market_slug, item_id ORDER", "BY market_slug, item_id, kafka_offset ORDER"),
        ("late_events", "<= closed_until", "< closed_until - INTERVAL '1' HOUR"),
    ],
)
def test_r16_r18_the_control_repeats_that_count_and_late_ones_that_are_not_told(
    pipeline: Pipeline, seed: int, wrong_piece: Any, piece: str, right: str, wrong: str
) -> None:
    wrong_piece(piece, right, wrong)
    world = storms.with_late_storm(storms.with_repeats(generate(seed, 14), seed, 300), seed, 300)
    found, _ = pipeline.run(world)

    assert not is_right(found, world)


# ---- stop, and go on with another parallelism --------------------------------------------------------------


def test_r21_stopped_and_resumed_at_another_parallelism_and_back(pipeline: Pipeline, seed: int) -> None:
    world = only_market(generate(seed, 60), SLUG)

    def rescale(run: Run) -> None:
        for parallelism in (2, 1):
            run.between_checkpoints()
            run.application.stop()
            run.application = again(run.application, parallelism)
            run.application.resume()

    found, _ = pipeline.run(world, rescale, seed=seed, parallelism=1)

    assert_right(found, world)


def test_r21_the_control_begun_anew_everything_is_sent_twice(pipeline: Pipeline, seed: int) -> None:
    world = only_market(generate(seed, 16), SLUG)

    def anew(run: Run) -> None:
        run.between_checkpoints()
        run.application.stop()
        with pytest.raises(LabError, match="The application ran here before"):
            run.application.run()
        run.application.run(anew=True)

    found, _ = pipeline.run(world, anew, seed=seed)

    assert found.twice
    assert not is_right(found, world)


def again(application: Application, parallelism: int) -> Application:
    """The same application as another process would see it, at another parallelism."""
    settings = replace(application.settings, parallelism=parallelism)
    return Application(application.stack, settings, application.folder, application.options)


# ---- what refuses to start, and what a weaker start would do -----------------------------------------------


@pytest.mark.parametrize("interval", ["3650 d", "5 s"])
def test_r30_a_job_without_the_checkpoints_that_were_asked_for_is_not_started(
    pipeline: Pipeline, interval: str
) -> None:
    options = {"execution.checkpointing.interval": interval}
    with (
        pytest.raises(LabError, match=r"^The job takes a checkpoint every \d+ ms, EXACTLY_ONCE\."),
        pipeline.started(generate(1, 3), options=options),
    ):
        pass

    assert pipeline.alive() == []


def test_r01_the_control_an_at_least_once_sink_writes_twice(
    pipeline: Pipeline, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = signals.connectors

    def weaker(settings: Any) -> Mapping[str, str]:
        return {
            name: text.replace("'sink.delivery-guarantee' = 'exactly-once'", "'sink.delivery-guarantee' = 'at-least-once'")
            for name, text in right(settings).items()
        }  # fmt: skip

    monkeypatch.setattr(signals, "connectors", weaker)
    world = only_market(generate(seed, 24), SLUG)

    def lost(run: Run) -> None:
        run.wait_checkpoints(2)
        before = sum(topics.ends(run.application.settings, topics.SIGNALS).values())
        run.wait_grown(topics.SIGNALS, before)
        kill(run.pid_of(run.taskmanager_of("signals")))
        run.stack.up("flink", taskmanagers=2)

    found, _ = pipeline.run(world, lost, seed=seed)

    assert found.twice
    assert not is_right(found, world)


def test_a_job_that_ended_before_it_had_read_everything_is_told(pipeline: Pipeline) -> None:
    with pipeline.started(generate(1, 3)) as run:
        run.application.rest.cancel(run.application.jobs["signals"].id)
        with pytest.raises(LabError, match=r"^The job signals had not read rss\.events .* and CANCELED\."):
            wait_read(run.application, "signals", topics.NEWS, {0: 5}, seconds=2)
