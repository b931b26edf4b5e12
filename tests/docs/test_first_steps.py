"""The first steps of the README, run as they stand there, on a stack of their own."""

from __future__ import annotations

import os
import re
import subprocess

from labkit.paths import ROOT
from labkit.services.flink import Flink
from labkit.services.kafka import Kafka


def output(*command: str, stack: str) -> str:
    env = {**os.environ, "LAB_STACK_NAME": stack}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_ids(text: str) -> str:
    return re.sub(r"\b[0-9a-f]{32}\b", "…", text)


def test_the_script_of_the_first_steps_prints_what_the_page_shows(kafka: Kafka, flink: Flink) -> None:
    stack = kafka.stack.name
    new_topic = ("./lab", "topic", "--stack", stack, "headlines")
    first, second = output(*new_topic, stack=stack), output(*new_topic, stack=stack)
    rows = output("./lab", "sql", "--stack", stack, "docs/examples/headlines.sql", stack=stack)

    assert first == f"Topic headlines is made on {kafka.address}.\n"
    assert second == f"Topic headlines was there already on {kafka.address}.\n"
    assert without_ids(rows) == without_ids((ROOT / "docs" / "output" / "headlines.txt").read_text())


def test_the_readme_shows_the_same_rows() -> None:
    shown = (ROOT / "docs" / "output" / "headlines.txt").read_text()
    table = "".join(line for line in shown.splitlines(keepends=True) if line[0] in "+|")

    assert table in (ROOT / "README.md").read_text()
