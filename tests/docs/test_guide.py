"""What the guide makes from labs and code: the path, the labs' pages, the map, the contracts, the pictures."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from capstone_marketlag import tables, topics
from docs.guide import contracts, course, glossary, knowledge, labpages, pictures
from labkit.course.curriculum import Curriculum
from labkit.errors import LabError
from labkit.paths import ROOT, labs
from tests.docs import checks

TINY = ROOT / "tests" / "fixtures" / "tiny_curriculum" / "labs"


# ---- the path ----------------------------------------------------------------------------------


def test_every_lab_and_part_is_on_the_path_at_its_place() -> None:
    on_path = {f"{stop.phase}/lab{stop.number:02}_{stop.slug}" for stop in course.stops().values()}
    parts = Curriculum(labs()).parts.values()

    assert {file.parent.relative_to(labs()).as_posix() for file in parts} <= on_path
    assert [len(phase.stops) for phase in course.path()] == [3, 8, 15, 9, 4]


def test_a_lab_that_lands_needs_no_line_anywhere(tmp_path: Path) -> None:
    shutil.copytree(TINY, tmp_path / "labs")
    (tmp_path / "labs" / "phase0_setup" / "README.md").write_text("# Phase 0\n")
    plan = {
        "phase0_setup": {"title": "Set-up", "about": "First.", "labs": {
            "lab01_greeting": {"builds": "what the plan said", "knowledge": ["K1.1"]},
            "lab09_farewell": {"builds": "a last line", "knowledge": ["K1.2"]}}},
        "page": [],
    }  # fmt: skip
    phases = course.path_of(Curriculum(tmp_path / "labs"), plan)
    first = phases[0]

    assert [(stop.slug, stop.lab is not None, stop.runs) for stop in first.stops] == [
        ("greeting", True, True), ("squares", True, True), ("farewell", False, False)]  # fmt: skip
    assert first.stops[0].builds == "the first line that anybody reads"
    assert (first.stops[0].page, first.stops[2].page) == ("path/greeting.md", "path/index.md#farewell")
    assert first.readme == tmp_path / "labs" / "phase0_setup" / "README.md"
    assert [phase.title for phase in phases] == ["Set-up", "Quality", "Jobs"]


def test_the_path_says_of_each_lab_what_it_takes_or_that_it_is_not_written() -> None:
    page = labpages.overview()
    [written] = re.findall(r'^1\. <span id="late_events">.*\n.*\n.*$', page, re.MULTILINE)
    [planned] = re.findall(r'^1\. <span id="savepoints">.*\n.*\n.*$', page, re.MULTILINE)

    assert "[Late events, exactly](late_events.md)" in written
    assert "40 min" in written
    assert "deduplication" in written
    assert "not written yet" in planned
    assert "It will build an upgrade" in planned
    assert page.count('class="chip written"') == len(Curriculum(labs()).labs)
    assert page.count('<span id="') == len(course.stops())


# ---- a lab's page ------------------------------------------------------------------------------


def test_a_labs_page_is_its_readme_with_links_that_fit() -> None:
    uri = "path/first_query.md"
    page = labpages.page(uri, labpages.sources()[uri].read_text())

    assert page.startswith('# A first query, and the session it runs in\n\n<div class="facts" markdown>')
    assert "About 10 minutes. It begins with `./lab start first_query`." in page
    assert "(../knowledge.md#k1-1)" in page
    assert "[Start](../start.md)" in page
    assert "../../../docs" not in page


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("[a](../../../docs/decisions/0005-exact-lateness.md#x)", "[a](../decisions/0005-exact-lateness.md#x)"),
        ("[the state lab](../../phase2_pyflink/lab06_state/README.md)", "[the state lab](state.md)"),
        ("[the state lab](../../phase2_pyflink/lab06_state)", "[the state lab](state.md)"),
        ("[lab.ipynb](lab.ipynb)", "`labs/phase0_setup/lab01_first_query/lab.ipynb`"),
        ("[the rows](../../shared/headlines.py)", "the rows (`labs/shared/headlines.py`)"),
        ("[b](#steps) [c](https://example.org/x)", "[b](#steps) [c](https://example.org/x)"),
        ("A **watermark**, and the **watermark**", "A [**watermark**](../glossary.md#watermark), and the **watermark**"),
    ],
)  # fmt: skip
def test_links_and_terms_of_a_readme(link: str, shown: str) -> None:
    source = labpages.sources()["path/first_query.md"]
    lines = list(labpages._lines(f"{link}\n```\n[a](b.md) **watermark**\n```", source, "path/first_query.md"))

    assert lines == [shown, "```", "[a](b.md) **watermark**", "```"]


def test_every_page_of_a_lab_is_built_with_what_it_takes(site: Path) -> None:
    for uri in labpages.sources():
        html = (site / uri.removesuffix(".md") / "index.html").read_text()
        assert ('<div class="facts">' in html) == any(stop.page == uri for stop in course.stops().values()), (
            uri
        )


# ---- the glossary ------------------------------------------------------------------------------


def test_every_term_has_a_sentence_or_two() -> None:
    page = glossary.PAGE.read_text()
    found = re.findall(r"^### ([^\n]+)\n\n(.+?)(?=\n\n|\Z)", page, re.MULTILINE | re.DOTALL)

    assert len(found) == len(re.findall("^### ", page, re.MULTILINE)) > 60
    assert {term: text for term, text in found if not 20 < len(text) < 320} == {}


def test_terms_are_found_in_any_form() -> None:
    told: set[str] = set()

    assert glossary.linked("**Checkpoints** and **slots** and **no term**", "g.md", told) == (
        "[**Checkpoints**](g.md#checkpoint) and [**slots**](g.md#slot) and **no term**"
    )
    assert told == {"checkpoint", "slot"}


def test_lab_pages_explain_their_terms(site: Path) -> None:
    page = (site / "path" / "late_events" / "index.html").read_text()

    assert set(re.findall(r'href="../../glossary/#([\w-]+)"', page)) >= {
        "event-time",
        "window",
        "watermark",
        "late",
    }


# ---- the knowledge map -------------------------------------------------------------------------


def test_the_map_has_every_point_and_each_is_reached_or_waits_for_something() -> None:
    found = knowledge.of_this_course()

    counts = [10, 4, 6, 2, 2, 4, 4, 3, 4, 4, 3, 5, 3, 2]
    assert list(found) == [
        f"K{chapter}.{n}" for chapter, count in enumerate(counts, 1) for n in range(1, count + 1)
    ]
    assert [point.number for point in found.values() if not (point.reached or point.coming)] == []
    assert len({point.name for point in found.values()}) == 56


def test_the_map_names_the_labs_and_pages_that_reach_a_point() -> None:
    found = knowledge.of_this_course()

    assert "[late_events](path/late_events.md)" in found["K1.5"].reached
    assert "[The system](system.md)" in found["K12.1"].reached
    assert found["K6.1"].reached == []
    assert "Confluent" in found["K6.1"].coming[0]


def test_a_point_that_nothing_reaches_or_waits_for_is_seen() -> None:
    found = knowledge.map_of([], {"start.md": ["K1.1"]}, [{"title": "x", "knowledge": ["K1.2"]}])

    assert [n for n, point in found.items() if point.reached] == ["K1.1"]
    assert [n for n, point in found.items() if point.coming] == ["K1.2"]


def test_a_point_that_is_not_on_the_map_is_refused() -> None:
    with pytest.raises(
        LabError, match=r"start.md has K15.1, which is no point of the map. Points are K1.1 to K14.2"
    ):
        knowledge.map_of([], {"start.md": ["K15.1"]}, [])


def test_the_page_says_how_much_is_reached() -> None:
    found = knowledge.of_this_course().values()
    page = knowledge.table()

    assert f"**{sum(bool(point.reached) for point in found)} of 56 points are reached.**" in page
    assert page.count('<span class="chip unwritten">missing</span>') == sum(
        not point.reached for point in found
    )


# ---- topics and tables -------------------------------------------------------------------------


def test_every_topic_and_every_field_of_it_has_its_place() -> None:
    page = contracts.topic_sections()

    assert re.findall(r"^### (.+)$", page, re.MULTILINE) == list(topics.plan())
    for field in ("| `source_weight` | number, 0 to 1 |  |", "| `price_status` | `observed`, `carried`, `clamped` |  |",
                  "| `fetched_at` | UTC, ISO 8601 with Z |  |", "| `signal_delta` | number or null | null: the hour before"):  # fmt: skip
        assert field in page
    assert page.count("A heartbeat:") == 4


def test_every_table_and_every_column_of_it_has_its_place() -> None:
    page = contracts.table_sections()

    assert re.findall(r"^### (.+)$", page, re.MULTILINE) == list(tables.NAMES)
    assert "Primary key: `market, window_start`" in page
    assert "| `confidence` | numeric(5, 4) | `CHECK (confidence BETWEEN 0 AND 1)` |" in page
    assert [len(re.findall(r"^\| `", section, re.MULTILINE)) for section in page.split("### ")[1:]] == [
        7,
        15,
        5,
    ]


# ---- pictures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_picture_has_a_name_and_keeps_inside_of_its_frame(name: str) -> None:
    drawn = pictures.PICTURES[name][0]()
    svg = drawn.svg()

    assert checks.flaws(f"<h1>x</h1>{svg}") == []
    assert len(drawn.says) > 60
    assert pictures.PICTURES[name][0]().svg() == svg
    assert outside(svg, drawn.width, drawn.height) == []


def outside(svg: str, width: int, height: int) -> list[str]:
    """Elements that leave the frame; a letter counts as half as wide as it is high."""
    found = []
    for text in re.findall(r"<(?:text|rect|line|circle)[^>]*>[^<]*", svg):
        at = {
            name: float(value) for name, value in re.findall(r'\b([a-z]+[12]?|font-size)="(-?[\d.]+)"', text)
        }
        wide = len(text.split(">", 1)[1]) * at.get("font-size", 0) * 0.5
        left = at.get("x", at.get("x1", at.get("cx", 0)))
        left -= wide / 2 if 'anchor="middle"' in text else 0
        right = max(left + wide, left + at.get("width", 0), at.get("x2", 0))
        low = max(at.get("y", at.get("cy", 0)) + at.get("height", 0), at.get("y2", 0))
        if left < 0 or right > width or low > height:
            found.append(text)
    return found


def test_what_leaves_the_frame_is_found() -> None:
    assert outside(
        '<text x="90" y="10" font-size="12">far too long</text><rect x="1" y="1" width="5" height="5">',
        100,
        20,
    ) == ['<text x="90" y="10" font-size="12">far too long']


def test_the_hour_closes_at_the_first_poll_behind_its_end_and_the_delay() -> None:
    svg = pictures.window_closes().svg()
    shown = re.findall(r'y="222"[^>]*>(\d+:\d\d)<', svg)

    assert shown == ["9:55", "10:10", "10:25", "10:40", "10:55", "11:10"]
    assert re.findall(r'class="strong"[^>]*>([^<]+)<', svg) == ["11:10"]
    assert svg.count('class="mark"') == 3 * len(pictures.POLLS) + 1
    assert "closes at the poll of 11:15" in svg


def test_the_architecture_names_every_part_of_the_sql_job_and_its_topics_in_order() -> None:
    says = pictures.architecture().says
    in_order = [
        "rss.events",
        *pictures.pieces.SIGNALS,
        "signals_with_price",
        "job detector",
        "lag_signals_history",
    ]

    assert [says.index(name) for name in in_order] == sorted(says.index(name) for name in in_order)
