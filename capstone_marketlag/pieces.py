"""The parts list: which lab each part of MarketLag comes from. The only module that imports from labs.

A part is the lab's reference, or yours as soon as mine/<slug>.sql or mine/<slug>.py exists
(labkit.course.mine has the rule).
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from labkit.course import fitness, mine
from labkit.course.curriculum import Curriculum
from labkit.course.folders import Folders
from labkit.course.verdict import Outcome
from labkit.paths import labs, shown
from labkit.sqltext import settings

#: whose SETs both jobs begin with; its views are a learner's first queries, and no job reads them
SESSION = "first_query"
#: what is asked of the cluster before both jobs start, and of each right after
PREFLIGHT = "cluster_and_slots"

#: the SQL parts of the job `signals`, in the order in which each builds on the one before
SIGNALS = (
    "kafka_to_print",
    "event_time",
    "dead_letters",
    "deduplication",
    "late_events",
    "price_sanity",
    "windows",
    "joins",
    "lag_over",
)

LABS = {
    SESSION: "phase0_setup/lab01_first_query/solution.sql",
    "kafka_to_print": "phase0_setup/lab02_kafka_to_print/solution.sql",
    PREFLIGHT: "phase0_setup/lab03_cluster_and_slots/solution.py",
    "dead_letters": "phase1_quality/lab01_dead_letters/solution.sql",
    "event_time": "phase1_quality/lab03_event_time/solution.sql",
    "deduplication": "phase1_quality/lab04_deduplication/solution.sql",
    "late_events": "phase1_quality/lab05_late_events/solution.sql",
    "price_sanity": "phase1_quality/lab06_price_sanity/solution.sql",
    "market_prices": "phase1_quality/lab08_market_prices/solution.py",
    "news_feed": "phase1_quality/lab07_news_feed/solution.py",
    "keyword_scoring": "phase2_pyflink/lab03_keyword_scoring/solution.py",
    "joins": "phase2_pyflink/lab09_joins/solution.sql",
    "lag_over": "phase2_pyflink/lab10_lag_over/solution.sql",
    "datastream_basics": "phase2_pyflink/lab01_datastream_basics/solution.py",
    "state": "phase2_pyflink/lab06_state/solution.py",
    "timers": "phase2_pyflink/lab07_timers/solution.py",
    "side_outputs": "phase2_pyflink/lab08_side_outputs/solution.py",
    "jdbc_sink": "phase2_pyflink/lab13_jdbc_sink/solution.sql",
    "enrichment": "phase2_pyflink/lab14_enrichment/solution.py",
    "confidence": "phase2_pyflink/lab11_confidence/solution.py",
    "windows": "phase2_pyflink/lab05_windows/solution.sql",
}


def path(slug: str) -> Path:
    """The file that this part is read from: yours if there is one, else the reference."""
    return mine.chosen(slug, labs() / LABS[slug])


def given(slug: str, name: str) -> Path:
    """A file that stands beside this part's reference and is nobody's to replace."""
    return (labs() / LABS[slug]).with_name(name)


def whose() -> dict[str, str]:
    """For each part `reference` or `yours`."""
    return {slug: "reference" if path(slug) == labs() / LABS[slug] else "yours" for slug in LABS}


def session() -> dict[str, str]:
    """The options that both jobs begin with. Raises LabError: a SET of that part cannot be read."""
    file = path(SESSION)
    return settings(file.read_text(encoding="utf-8-sig"), shown(file))


@contextmanager
def chosen(all_of_mine: bool) -> Iterator[dict[str, str]]:
    """Within it a piece of the learner's counts only if its lab calls it right; those that do not, and why.

    all_of_mine: wrong ones count as well. A piece that no lab checks yet counts. Where LAB_PIECE says already
    what counts, nothing changes. Raises LabError: a piece cannot be checked.
    """
    if all_of_mine or mine.ONLY in os.environ:
        yield {}
        return
    found = dict(fitness.outcomes(Folders.here(), Curriculum(labs()), LABS))
    os.environ[mine.ONLY] = ",".join(slug for slug, said in found.items() if said in (None, Outcome.RIGHT))
    try:
        yield {slug: str(said) for slug, said in found.items() if said not in (None, Outcome.RIGHT)}
    finally:
        del os.environ[mine.ONLY]


def told(left_out: Mapping[str, str]) -> list[str]:
    """A line for each piece that does not count."""
    return [
        f"{slug}: yours is {why}, the reference stands in. ./lab check {slug} says more"
        for slug, why in left_out.items()
    ]


def python(slug: str) -> ModuleType:
    """The module of a Python part."""
    return load(slug, path(slug))


@lru_cache
def load(slug: str, file: Path) -> ModuleType:
    """The module of a Python part that stands in that file: a worker is told, it does not look."""
    spec = importlib.util.spec_from_file_location(f"marketlag_piece_{slug}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module
