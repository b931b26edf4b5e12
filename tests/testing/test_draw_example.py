"""The example of the page about pictures does what the page shows, and real plans and results can be drawn."""

from __future__ import annotations

import re
import runpy

import pytest

pytest.importorskip("matplotlib", reason="pictures need ./lab setup docs")

from labkit.draw import changelog, plan
from labkit.paths import ROOT
from labkit.testing import explain_sql, row, run_sql
from labkit.testing.plans import Plan

EXAMPLES = ROOT / "docs" / "examples" / "draw"


def test_the_picture_and_the_words_on_the_page_are_the_examples() -> None:
    picture = runpy.run_path(str(EXAMPLES / "late.py"))["picture"]

    assert f"{picture.describe()}\n" == (EXAMPLES / "late.txt").read_text()
    shown = (ROOT / "docs" / "pictures" / "draw-late.svg").read_text()
    assert all(texts(picture.html()) == texts(shown) != [] for texts in (_texts, _names))


def _texts(svg: str) -> list[str]:
    return re.findall(r">([^<]+)</text>", svg)


def _names(svg: str) -> list[str]:
    return re.findall(r'aria-label="([^"]+)"', svg)


SCHEMA = {"readings": "city STRING, celsius DOUBLE"}
VIEW = "CREATE TEMPORARY VIEW counted AS SELECT city, COUNT(*) AS n FROM readings GROUP BY city"


def test_a_changelog_of_flinks() -> None:
    script = [row(city=city, celsius=1.0) for city in ("Oslo", "Rome", "Oslo")]
    picture = changelog(run_sql(VIEW, script, schema=SCHEMA, query="counted"), key="city")

    assert [line.strip() for line in picture.describe().splitlines()[1:]] == [
        "1 +I Oslo: 1, at once",
        "2 +I Rome: 1, at once",
        "3 -U Oslo: 1, at once",
        "4 +U Oslo: 2, at once",
        "the table: Oslo: 2; Rome: 1",
    ]


def reachable(it: Plan) -> set[int]:
    """The operators from which a way leads down to one that nobody reads."""
    sources = {source for source, _ in it.edges}
    found = {place for place in range(len(it.operators)) if place not in sources}
    while more := {source for source, target in it.edges if target in found} - found:
        found |= more
    return found


def test_a_plan_of_flinks_hangs_together_where_two_outputs_share_a_part() -> None:
    it = explain_sql(
        [VIEW],
        schema=SCHEMA,
        query={"many": "SELECT * FROM counted WHERE n > 1", "all": "SELECT * FROM counted"},
        options={"table.optimizer.reuse-optimize-block-with-digest-enabled": "true"},
    )
    [aggregate] = [place for place, each in enumerate(it.operators) if each.name == "GroupAggregate"]

    assert it.count("GroupAggregate") == 1
    assert len([target for source, target in it.edges if source == aggregate]) == 2
    assert reachable(it) == set(range(len(it.operators)))
    assert "◆ GroupAggregate" in plan(it, mark="GroupAggregate").describe()
