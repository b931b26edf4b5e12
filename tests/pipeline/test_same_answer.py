"""The same answer for any seed, at any parallelism, and however often it was interrupted."""

from __future__ import annotations

import json

import pytest

from capstone_marketlag import topics
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


@pytest.mark.parametrize(("parallelism", "alignment"), [(1, "window_start"), (3, "window_end")])
def test_one_market_on_three_partitions_at_any_parallelism_and_alignment(
    pipeline: Pipeline, parallelism: int, alignment: str
) -> None:
    seed = chosen_seed() + parallelism
    world = only_market(generate(seed, 24), SLUG)
    found, run = pipeline.run(world, parallelism=parallelism, alignment=alignment)

    assert_right(found, world, alignment)
    assert_would_be_seen(run, world)


def test_ten_restarts_at_random_places(pipeline: Pipeline) -> None:
    """R01, R26: kill -9 of a TaskManager or of a Python worker, ten times, with rows in open transactions."""
    seed = chosen_seed() + 5
    world = only_market(generate(seed, 120), SLUG)

    def ten_times(run: Run) -> None:
        kinds = ["signals", "detector"] * 2 + ["worker"] * 6
        run.random.shuffle(kinds)
        for kind in kinds:
            run.between_checkpoints(topics.SIGNALS if kind == "signals" else topics.LAG_SIGNALS)
            if kind == "worker":
                kill(run.worker())
                run.recovered_within(60, "detector")
            else:
                # for the control: what signals has written there will be there twice
                hurt = run.lose_taskmanager_of(kind, topics.SIGNALS if kind == "signals" else "")
                assert kind in hurt
                run.recovered_within(60, *hurt)
        assert run.restored("signals") + run.restored("detector") >= len(kinds)

    found, run = pipeline.run(world, ten_times, seed=seed)

    assert_right(found, world)
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
