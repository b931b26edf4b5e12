"""A stack for the pipeline's tests: two TaskManagers, so that one may be lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from capstone_marketlag import pieces
from labkit.paths import ROOT
from labkit.services import process
from labkit.services.stack import Stack
from labkit.testing import flink
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


@pytest.fixture(scope="session", autouse=True)
def _own_gateway() -> None:
    """labkit.testing leaves PyFlink at its warm gateway, which ends when it is idle."""
    flink.let_go()


@pytest.fixture
def wrong_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """Puts a piece with another text in it into the learner's folder: wrong_piece(slug, right, wrong)."""
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.setenv("LAB_MINE", str(folder))

    def put(slug: str, right: str, wrong: str) -> None:
        reference = ROOT / "labs" / pieces.LABS[slug]
        text = reference.read_text()
        assert right in text
        (folder / f"{slug}{reference.suffix}").write_text(text.replace(right, wrong))

    return put
