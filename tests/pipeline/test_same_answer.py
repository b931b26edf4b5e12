"""The same answer for any seed, at any parallelism, and however often it was interrupted."""

from __future__ import annotations

import pytest

from tests.pipeline.harness import Pipeline, Run, assert_right, chosen_seed, generate, only_market
from tests.services.conftest import kill

SLUG = "fed-rate-hike-in-march"


@pytest.mark.parametrize("parallelism", [1, 3])
def test_one_market_on_three_partitions_at_any_parallelism(pipeline: Pipeline, parallelism: int) -> None:
    seed = chosen_seed() + parallelism
    world = only_market(generate(seed, 30), SLUG)
    found, _ = pipeline.run(world, parallelism=parallelism)

    assert_right(found, world)


def test_the_other_alignment(pipeline: Pipeline) -> None:
    world = generate(chosen_seed() + 4, 24)
    found, _ = pipeline.run(world, alignment="window_end")

    assert_right(found, world, "window_end")


def test_ten_restarts_at_random_places(pipeline: Pipeline) -> None:
    """kill -9 of the TaskManager that does the work, ten times, each somewhere between two checkpoints."""
    seed = chosen_seed() + 5
    world = only_market(generate(seed, 72), SLUG)

    def ten_times(run: Run) -> None:
        for number in range(10):
            run.somewhere_between_checkpoints()
            name = ("signals", "detector")[number % 2]
            kill(run.pid_of(run.taskmanager_of(name)))
            run.stack.up("flink", taskmanagers=2)
            run.recovered_within(60, "signals", "detector")
        assert run.restored("signals") + run.restored("detector") >= 10

    found, _ = pipeline.run(world, ten_times, seed=seed)

    assert_right(found, world)
