"""The same answer at another parallelism and alignment; at one and two subtasks, interrupted, in test_faults."""

from __future__ import annotations

from tests.pipeline.harness import (
    Pipeline,
    assert_right,
    assert_would_be_seen,
    chosen_seed,
    generate,
    only_market,
)

SLUG = "fed-rate-hike-in-march"


def test_one_market_on_three_partitions_at_parallelism_three_by_the_windows_end(pipeline: Pipeline) -> None:
    world = only_market(generate(chosen_seed() + 3, 24), SLUG)
    found, run = pipeline.run(world, parallelism=3, alignment="window_end")

    assert_right(found, world, "window_end")
    assert_would_be_seen(run, world)
