"""What the two jobs are made of, before they run: what makes them restorable, and what they must not hold."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from capstone_marketlag.jobs import detector, signals
from labkit.stream_env import give_uids, stream_environment, transformations
from labkit.table_env import table_environment
from tests.pipeline.harness import Pipeline


@pytest.fixture(autouse=True)
def _up(pipeline: Pipeline) -> None:
    pipeline.up()


def operators(pipeline: Pipeline, plan: Path, **options: str) -> Counter[str]:
    """How often each kind of operator stands in the plan of `signals`."""
    settings = pipeline.settings()
    environment = table_environment(pipeline.stack, {**signals.job_options(settings), **options})
    signals.compile_plan(environment, settings, plan)
    return Counter(node["type"].rpartition("_")[0] for node in json.loads(plan.read_text())["nodes"])


def test_each_topic_is_read_once_and_each_record_is_judged_once(pipeline: Pipeline, tmp_path: Path) -> None:
    found = operators(pipeline, tmp_path / "plan.json")

    each = [f"stream-exec-{name}" for name in ("table-source-scan", "over-aggregate", "deduplicate")]
    assert {name: found[name] for name in each} == {
        "stream-exec-table-source-scan": 2,
        "stream-exec-over-aggregate": 3,  # how far each topic has closed, and the change since the last hour
        "stream-exec-deduplicate": 2,
    }
    # nothing in front of a window that holds watermarks back, nothing that takes rows back
    assert [
        name for name in found if "python" in name or "group-aggregate" in name or "changelog" in name
    ] == []


def test_the_control_without_reuse_each_sink_has_a_first_sight_of_its_own(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    without = {"table.optimizer.reuse-optimize-block-with-digest-enabled": "false"}
    found = operators(pipeline, tmp_path / "plan.json", **without)

    assert found["stream-exec-deduplicate"] > 2


def test_a_plan_names_no_server_and_no_password(pipeline: Pipeline, tmp_path: Path) -> None:
    settings = pipeline.settings()
    operators(pipeline, tmp_path / "plan.json")
    text = (tmp_path / "plan.json").read_text()

    assert settings.kafka not in text
    assert [
        option for option in ("bootstrap", "password", "jdbc:", "transactional-id") if option in text
    ] == []


def test_the_detectors_operators_have_the_same_uids_at_any_parallelism(pipeline: Pipeline) -> None:
    named = []
    for parallelism in (1, 3):
        settings = pipeline.settings(parallelism=parallelism)
        environment = stream_environment(pipeline.stack, detector.job_options(settings))
        named.append(give_uids(detector.build(environment, settings)))

    assert named[0] == named[1]
    assert len(set(named[0])) == len(named[0])
    assert "detect-v1" in named[0]


def test_python_runs_in_one_operator_of_the_detector(pipeline: Pipeline) -> None:
    """Each more would be a worker process for each subtask, to be started again with every restart."""
    settings = pipeline.settings()
    environment = stream_environment(pipeline.stack, detector.job_options(settings))
    built = detector.build(environment, settings)
    python = [
        uid for uid, kind in ((each.getUid(), each.getClass().getName()) for each in transformations(built))
        if "python" in kind.lower() or "key_by" in (uid or "")
    ]  # fmt: skip

    assert python == ["detect-v1"]
