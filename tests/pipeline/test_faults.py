"""Faults of OPERATIONS.md, each fired while records are in open transactions; nothing lost, nothing twice.

Each has its negative control: what the same checks say where the guarantee is missing.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import Producer

from capstone_marketlag import dump, oracle, status, tables, topics
from capstone_marketlag.application import Application
from capstone_marketlag.drain import drain, wait_read
from capstone_marketlag.jobs import signals
from capstone_marketlag.outcome import outcome
from capstone_marketlag.replay.player import Player, settings_for
from capstone_marketlag.replay.server import ReplayServer
from labkit.errors import LabError
from labkit.services import process
from tests.pipeline import storms
from tests.pipeline.harness import (
    Fault,
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


# ---- processes that are killed, or stop and go on ----------------------------------------------------------


def test_ten_restarts_at_random_places(pipeline: Pipeline, seed: int) -> None:
    """R01, R06, R07, R09, R11, R26, in a random order: each once the jobs go on behind the one before."""
    world = only_market(generate(seed, 200), SLUG)

    def all_of_them(run: Run) -> None:
        faults: list[Fault] = [
            lambda run: taskmanager_killed(run, "signals", topics.SIGNALS),
            lambda run: taskmanager_killed(run, "signals", topics.SIGNALS),
            lambda run: taskmanager_killed(run, "detector", topics.LAG_SIGNALS),
            worker_killed,
            worker_killed,
            pause_below_the_heartbeat_timeout,
            lambda run: zombie(run, "signals"),
            lambda run: zombie(run, "detector"),
            lambda run: broker_away(run, seconds=10),
            lambda run: database_says_no(run, pipeline, *READ_ONLY, away=20),
            lambda run: database_says_no(run, pipeline, *A_CONSTRAINT),
        ]
        run.random.shuffle(faults)
        for fault in faults:
            fault(run)
        assert run.restored("signals") + run.restored("detector") >= 10

    # at once, and then rarer than elsewhere: each attempt while the database is away costs a TaskManager
    options = {
        "restart-strategy.exponential-delay.backoff-multiplier": "8",
        "restart-strategy.exponential-delay.max-backoff": "4 s",
        "restart-strategy.exponential-delay.reset-backoff-threshold": "5 s",
    }
    found, run = pipeline.run(world, all_of_them, seed=seed, options=options)

    assert_right(found, world)
    assert_would_be_seen(run, world)
    assert_heartbeats_stand_behind_their_hour(run)
    # the control: whoever reads what was never committed sees rows twice
    assert run.uncommitted().twice
    assert not is_right(run.uncommitted(), world)


def assert_heartbeats_stand_behind_their_hour(run: Run) -> None:
    """Else an hour would be judged before all that is known about it is there, or not at all."""
    closed: dict[int, str] = {}
    for row in run.read[topics.SIGNALS_WITH_PRICE]:
        value = json.loads(row["value"])
        if value["kind"] == "heartbeat":
            closed[row["partition"]] = value["window_end"]
        else:
            assert closed.get(row["partition"], "") < value["window_end"], value


def taskmanager_killed(run: Run, name: str, written: str) -> None:
    """R01."""
    run.between_checkpoints(written)
    # for the control: what signals has written there will be there twice
    hurt = run.lose_taskmanager_of(name, topics.SIGNALS if name == "signals" else "")
    assert name in hurt
    run.recovered_within(60, *hurt)


def worker_killed(run: Run) -> None:
    """R26."""
    run.between_checkpoints(topics.LAG_SIGNALS)
    kill(run.worker())
    run.recovered_within(60, "detector")


def pause_below_the_heartbeat_timeout(run: Run) -> None:
    """R07."""
    run.between_checkpoints(topics.SIGNALS)
    before = [run.restored(name) for name in run.application.jobs]
    taskmanager = run.taskmanager("signals")
    taskmanager.suspend()
    try:
        time.sleep(3)  # the length of the pause
    finally:
        taskmanager.resume()
    run.wait_checkpoints(2)
    # a longer one does restart: zombie
    assert [run.restored(name) for name in run.application.jobs] == before


def zombie(run: Run, name: str) -> None:
    """R06: SIGSTOP past the timeout, the jobs restart elsewhere, SIGCONT: what it still writes must not count."""
    run.between_checkpoints(topics.SIGNALS, topics.LAG_SIGNALS)
    taskmanager = run.taskmanager(name)
    taskmanager.suspend()
    try:
        run.recovered_within(60, name)
    finally:
        taskmanager.resume()


def broker_away(run: Run, seconds: float) -> None:
    """R09: kill -9, and started again after that long."""
    run.between_checkpoints()
    [broker] = run.stack.kafka.record.processes.values()
    kill(broker.pid)
    time.sleep(seconds)  # the length of the outage
    run.stack.up("kafka")
    run.wait_checkpoints(2, seconds=90)


def database_away(run: Run, seconds: float) -> None:
    """R11: kill -9, and started again after that long."""
    [server] = run.stack.postgres.record.processes.values()
    kill(server.pid)
    time.sleep(seconds)  # the length of the outage
    with pytest.raises(LabError, match="PostgreSQL cannot be asked"):  # the control: it was away
        run.table_rows()
    run.stack.up("postgres")


#: what PostgreSQL is told, what takes it back, and what `status` says in between
READ_ONLY = (
    "ALTER DATABASE {database} SET default_transaction_read_only = on",
    "ALTER DATABASE {database} RESET default_transaction_read_only",
    "PostgreSQL takes no rows: cannot execute INSERT in a read-only transaction.",
)
A_CONSTRAINT = (
    f"ALTER TABLE {tables.LAG_SIGNALS} ADD CONSTRAINT not_today CHECK (window_start < '2000-01-01') NOT VALID",
    f"ALTER TABLE {tables.LAG_SIGNALS} DROP CONSTRAINT not_today",
    'violates check constraint "not_today"',
)


def database_says_no(
    run: Run, pipeline: Pipeline, refuse: str, allow: str, told: str, away: float = 0
) -> None:
    """It answers and reads, and takes no rows, as when its disk is full: jobs fail, it is told, until it is over.

    away: for so many seconds it does not even answer at first, and comes back as one that stands by.
    """

    def said() -> str:
        return "\n".join(status.lines(status.report(run.application)))

    run.between_checkpoints(topics.SIGNALS)
    before = run.restored("detector") + run.restored("signals")
    pipeline.tell(refuse)
    try:
        if away:
            database_away(run, away)
        process.until(lambda: told in said(), 60, lambda: pytest.fail(f"not told: {said()}"), every=0.5)
        restored = lambda: run.restored("detector") + run.restored("signals") > before  # noqa: E731
        process.until(restored, 60, lambda: pytest.fail("no job failed for it within 60 s"), every=0.2)
    finally:
        pipeline.tell(allow)
    run.wait_checkpoints(2, seconds=90)
    assert told not in said()  # the control: it is over


# ---- records that should not be there ----------------------------------------------------------------------


def test_r15_r16_r18_mutated_repeated_and_late_records_among_many(pipeline: Pipeline, seed: int) -> None:
    world = storms.with_poison(generate(seed, 20), seed, good=15_000, bad=4_000)
    world = storms.with_repeats(world, seed, 4_000)
    world = storms.with_late_storm(world, seed, 4_000)
    found, run = pipeline.run(world)

    assert_right(found, world)
    assert (run.restored("signals"), run.restarts("signals"), run.restarts("detector")) == (0, 0, 0)
    assert sum(found.dead[topics.NEWS].values()) + sum(found.dead[topics.PRICES].values()) > 2_000
    assert found.news["duplicate"] > 8_000
    assert found.news["late"] > 600
    assert_would_be_seen(run, world, topics.DEAD_NEWS)


def test_r15_r16_r18_the_control_holes_repeats_and_late_ones_are_each_seen(
    pipeline: Pipeline, seed: int, wrong_piece: Any
) -> None:
    """Four wrong pieces at once, and for each a figure that is its own."""
    wrong_piece("dead_letters", "'[' || json || ']' IS JSON ARRAY AND", "")
    wrong_piece(
        "price_sanity", "BETWEEN 0 AND 1) IS NOT TRUE THEN 'price", "NOT BETWEEN 0 AND 1) THEN 'price"
    )
    wrong_piece(
        "deduplication", "BY market_slug, item_id ORDER", "BY market_slug, item_id, kafka_offset ORDER"
    )
    wrong_piece("late_events", "<= closed_until", "< closed_until - INTERVAL '1' HOUR")
    world = storms.with_poison(generate(seed, 14), seed, good=500, bad=3_000)
    world = storms.with_late_storm(storms.with_repeats(world, seed, 300), seed, 300)
    found, _ = pipeline.run(world)

    truth = oracle.truth(world)
    assert not is_right(found, world)
    # by reason: what the producers could not use has reasons of its own, and no hole in a gate makes it fewer
    for reasons, all_of_them, hole in (
        (found.dead[topics.NEWS], truth.dead_news, "not a JSON object"),
        (found.dead[topics.PRICES], truth.dead_prices, "price is not between 0 and 1"),
    ):
        assert reasons.get(hole, 0) < all_of_them[hole]
    # what a hole lets through can only make more of them late
    missing = set(truth.late_news) - set(found.late_news)
    assert missing
    # and all that slipped through and all that is not told as late are fewer than what counts too much: repeats do
    hole = "not a JSON object"
    through = truth.dead_news[hole] - found.dead[topics.NEWS].get(hole, 0)
    assert found.news["counted"] - truth.news["counted"] > through + len(missing)


#: what is no hour, no market: each would be refused by a table, a topic or the state for ever
IMPOSSIBLE_HOURS = (
    {"price": 7}, {"price_delta": -1.5}, {"source_weighted_signal": 1e300}, {"market_slug": "a\0b"},
    {"market_slug": "half \ud83d"}, {"window_end": "2026-01-05T12:00:00Z"}, {"price_status": "half \udc00"}, {},
)  # fmt: skip
IMPOSSIBLE_MARKETS = ({"market_slug": "half \ud83d"}, {"fetched_at": "now"}, {})


def impossible(run: Run, slug: str) -> int:
    """Write to the topics between the jobs what is no hour and no market; how many records."""
    hour = {
        "kind": "signal", "market_slug": "stranger", "window_start": "2026-01-05T10:00:00Z",
        "window_end": "2026-01-05T11:00:00Z", "source_weighted_signal": 2.5, "prev_rss_signal": 1.0,
        "signal_delta": 1.5, "source_weight_avg": 0.5, "price": 0.5, "price_delta": 0.0, "price_status": "observed",
    }  # fmt: skip
    # as it is, it is a market, with a question that PostgreSQL would not take
    market = {"market_slug": slug, "fetched_at": "2026-01-05T00:00:00Z", "question": "?\0\ud83d"}
    records = [
        *((topics.SIGNALS_WITH_PRICE, {**hour, **wrong} if wrong else {}) for wrong in IMPOSSIBLE_HOURS),
        *((topics.MARKET_META, {**market, **wrong} if wrong else {}) for wrong in IMPOSSIBLE_MARKETS),
        (topics.MARKET_META, market),
    ]
    producer = Producer(run.application.settings.kafka_client())
    for topic, value in records:
        producer.produce(topic, json.dumps(value).encode(), b"stranger")
    assert producer.flush(30) == 0
    return len(records) - 1


def test_what_others_write_between_the_jobs_goes_aside_and_a_world_that_stopped_is_made_whole(
    pipeline: Pipeline, seed: int
) -> None:
    """The recorded world's server dies in the middle; the same command again sends everything once more."""
    world = only_market(generate(seed, 12), SLUG)
    with pipeline.started(world) as run:
        ticks = run.player.ticks()
        for _ in range(20):
            next(ticks)
        wrong = impossible(run, SLUG)
        run.server.close()
        with pytest.raises(
            LabError, match=r"^The recorded world does not answer at .* is in Kafka\. Next: the same"
        ):
            deque(ticks)
        with ReplayServer(world) as server:
            wanted = settings_for(world, server, run.application.settings)
            deque(Player(world, server, wanted).ticks())
        drain(run.application)
        found = outcome(*dump.read_all(run.application.settings))
        assert (run.restarts("signals"), run.restarts("detector")) == (0, 0)

    truth = oracle.truth(world)
    assert found.failures == wrong
    assert (found.hours, found.lags) == (truth.hours, truth.lags)
    assert found.history == found.lags
    assert found.news["duplicate"] > truth.news["duplicate"]
    assert [each for each in found.twice if "stranger" not in each] == []


# ---- stop, and go on with another parallelism --------------------------------------------------------------


def test_r21_r30_stopped_and_resumed_at_another_parallelism_and_back(pipeline: Pipeline, seed: int) -> None:
    world = only_market(generate(seed, 60), SLUG)

    def rescale(run: Run) -> None:
        for parallelism in (2, 1):
            run.between_checkpoints()
            run.application.stop()
            if parallelism == 2:
                refused_to_resume(pipeline, again(run.application, parallelism))
            run.application = again(run.application, parallelism)
            run.application.resume()

    found, run = pipeline.run(world, rescale, seed=seed, parallelism=1)

    assert_right(found, world)
    # the control: begun anew, everything is sent twice
    application = run.application
    with pytest.raises(LabError, match="The application ran here before"):
        application.run()
    application.run(anew=True)
    drain(application)
    pipeline.cancel_all()
    twice = outcome(*dump.read_all(application.settings))
    assert twice.twice
    assert not is_right(twice, world)


def refused_to_resume(pipeline: Pipeline, application: Application) -> None:
    """R30: both jobs are submitted, and refused before their first checkpoint; where they stopped is not forgotten."""
    application.options["execution.checkpointing.interval"] = "3650 d"
    with pytest.raises(LabError, match=r"^The job takes a checkpoint every \d+ ms, EXACTLY_ONCE\."):
        application.resume()
    assert pipeline.alive() == []


def test_r21_a_stop_that_nobody_waited_for_is_gone_on_from_and_nothing_is_sent_twice(
    pipeline: Pipeline, seed: int
) -> None:
    world = only_market(generate(seed, 24), SLUG)

    def cut_off(run: Run) -> None:
        run.between_checkpoints()
        interrupted_stop(run.application)
        next_command = again(run.application, 1)
        with pytest.raises(LabError, match=r"^A job (signals|detector) runs already"):
            next_command.resume()
        # the second waits for the savepoint that the first asked for, and is cut off at detector: left to the resume
        interrupted_stop(next_command)
        process.until(lambda: not pipeline.alive(), 30, lambda: pytest.fail("the stop did not end detector"))
        assert [job.savepoint is None for job in next_command.jobs.values()] == [False, True]
        run.application = again(run.application, 1)
        run.application.resume()

    found, run = pipeline.run(world, cut_off, seed=seed, parallelism=1)

    assert_right(found, world)
    assert_would_be_seen(run, world)


def interrupted_stop(application: Application) -> None:
    """Ctrl-C behind the request to stop a job: Flink does it, and nobody hears where its savepoint is."""
    right = application.rest.get

    def get(path: str) -> dict[str, Any]:
        if "/savepoints/" in path:
            raise KeyboardInterrupt
        return right(path)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(application.rest, "get", get)
        with pytest.raises(KeyboardInterrupt):
            application.stop()


def again(application: Application, parallelism: int) -> Application:
    """The same application as another process would see it, at another parallelism."""
    settings = replace(application.settings, parallelism=parallelism)
    return Application(application.stack, settings, application.folder, application.options)


# ---- what a weaker start would do --------------------------------------------------------------------------


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
        run.wait_checkpoints(1, "signals")
        run.lose_taskmanager_of("signals", unheld=topics.SIGNALS)

    found, run = pipeline.run(world, lost, seed=seed, checkpoint_seconds=4)

    assert found.twice
    assert not is_right(found, world)
    # and a job that ended before it had read everything is told
    with pytest.raises(LabError, match=r"^The job signals had not read rss\.events .* and FINISHED\."):
        wait_read(run.application, "signals", topics.NEWS, {0: 1_000_000}, seconds=2)
