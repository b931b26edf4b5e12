"""The dead letters: where their records stand, why they are dead, and one example for each reason."""

from __future__ import annotations

import base64
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from capstone_marketlag import topics
from capstone_marketlag.report.read.dumps import records
from capstone_marketlag.report.read.values import mapping, text

#: a value in a reason: "no time in '2026-01-05 10:00'" and its like are one reason
_VALUE = re.compile(r"'[^']*'|\"[^\"]*\"|\d{4}-\d\d-\d\dT\S*")
#: of an example, in characters of base64
_MOST = 4_000


@dataclass(frozen=True, order=True)
class Reason:
    """Who found the record dead (gate or producer), and why."""

    topic: str
    stage: str
    why: str


@dataclass
class Letters:
    """places: of the records that the gate took out; refused: how many the producer did not even send.

    reasons: how many letters have each; examples: the original of the first of them, as text.
    """

    places: set[tuple[int, int]] = field(default_factory=set)
    refused: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    examples: dict[Reason, str] = field(default_factory=dict)


@dataclass
class Failures:
    """Records that could not be computed: by job, type of error and message, with an example each."""

    kinds: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str, str], str] = field(default_factory=dict)


def read(folder: Path, source: str) -> Letters:
    """The dead letters of that source topic."""
    letters = Letters()
    for record in records(folder, {topics.NEWS: topics.DEAD_NEWS, topics.PRICES: topics.DEAD_PRICES}[source]):
        letter = mapping(record.value)
        stage = text(letter.get("stage")) or "nobody"
        if stage == "producer":
            letters.refused += 1
        else:
            partition, offset = letter.get("source_partition"), letter.get("source_offset")
            if isinstance(partition, int) and isinstance(offset, int):
                letters.places.add((partition, offset))
        why = _VALUE.sub("…", text(letter.get("reason"))) or "no reason is given"
        reason = Reason(source, stage, why)
        letters.reasons[reason] += 1
        letters.examples.setdefault(reason, _original(letter.get("original")))
    return letters


def failures(folder: Path) -> Failures:
    """What is in dlq.processing."""
    found = Failures()
    for record in records(folder, topics.DEAD_PROCESSING):
        value = mapping(record.value)
        kind = (text(value.get("job")), text(value.get("error_type")), text(value.get("message")))
        found.kinds[kind] += 1
        found.examples.setdefault(kind, text(value.get("record")))
    return found


def _original(encoded: object) -> str:
    """The bytes as text; what cannot be one is shown as it is."""
    if not isinstance(encoded, str):
        return ""
    start = encoded[:_MOST]
    try:
        return base64.b64decode(start + "=" * (-len(start) % 4)).decode(errors="replace")
    except ValueError:
        return start
