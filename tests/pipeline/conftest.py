"""A stack for the pipeline's tests: two TaskManagers, so that one may be lost."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from labkit.services import process
from labkit.services.stack import Stack
from tests.pipeline.harness import Pipeline


@pytest.fixture(scope="session")
def pipeline() -> Iterator[Pipeline]:
    """Kafka, PostgreSQL and Flink for the whole system; ended and deleted after the last test."""
    stack = Stack(f"pipeline-{os.getpid()}", only_ours=True)
    try:
        stack.up("kafka", "postgres", "flink", taskmanagers=2, owned=True)
        yield Pipeline(stack)
    finally:
        stack.remove()
    assert process.marked(stack.dir) == []
