"""The same answer for any seed, at any parallelism, and however often it was interrupted."""

from __future__ import annotations

import pytest

from tests.pipeline.harness import (
    Pipeline,
    assert_right,
    assert_would_be_seen,
    chosen_seed,
    generate,
    only_market,
)

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
