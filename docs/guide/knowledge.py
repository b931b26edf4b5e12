"""The knowledge map: each of its points, and the labs and pages that reach it.

A lab names its points in lab.toml, a page in its front matter. What is only on the plan is shown as missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mkdocs.utils.meta import get_data

from docs.guide import course
from labkit.course import files
from labkit.errors import LabError
from labkit.paths import ROOT

NAMES = Path(__file__).with_name("knowledge.toml")
PAGES = ROOT / "docs"


@dataclass
class Point:
    """A point of the map. reached: links to labs and pages; coming: what is planned for it."""

    number: str
    name: str
    chapter: str
    reached: list[str] = field(default_factory=list)
    coming: list[str] = field(default_factory=list)


def points() -> dict[str, Point]:
    """Every point by its number, K1.1 to K14.2."""
    found: dict[str, Point] = {}
    for chapter, each in enumerate(files.toml(NAMES)["chapter"], 1):
        for number, name in enumerate(each["points"], 1):
            point = Point(f"K{chapter}.{number}", name, f"{chapter}. {each['title']}")
            found[point.number] = point
    return found


def map_of(
    phases: Iterable[course.Phase], pages: Mapping[str, list[str]], planned: Iterable[Mapping[str, object]]
) -> dict[str, Point]:
    """The map of these labs, pages and plans. pages: the points of each, by its name in the guide.

    Raises LabError: something names a point that is not on the map.
    """
    found = points()

    def point(number: str, who: str) -> Point:
        if number not in found:
            raise LabError(
                f"{who} has {number}, which is no point of the map.",
                f"Points are {next(iter(found))} to {list(found)[-1]}.",
                "mend it, then make docs",
            )
        return found[number]

    for phase in phases:
        for stop in phase.stops:
            for number in stop.knowledge:
                link = f"[{stop.slug}]({stop.page})"
                to = point(number, stop.slug)
                (to.reached if stop.lab else to.coming).append(link if stop.lab else f"the lab {link}")
    for uri, numbers in pages.items():
        for number in numbers:
            point(number, uri).reached.append(f"[{_title(uri)}]({uri})")
    for page in planned:
        for number in page["knowledge"]:  # type: ignore[attr-defined]
            point(number, str(page["title"])).coming.append(f"a page, “{page['title']}”")
    return found


def of_this_course() -> dict[str, Point]:
    """The map as it stands."""
    return map_of(course.path(), pages(), course.plan()["page"])


def pages() -> dict[str, list[str]]:
    """The points that each page of the guide names in its front matter."""
    found = {}
    for file in sorted(PAGES.rglob("*.md")):
        _, meta = get_data(file.read_text())
        if meta.get("knowledge"):
            found[file.relative_to(PAGES).as_posix()] = list(meta["knowledge"])
    return found


def table() -> str:
    """The map as sections of Markdown, with how much of it is reached."""
    found = of_this_course()
    reached = sum(bool(point.reached) for point in found.values())
    lines = [f"**{reached} of {len(found)} points are reached.** The others say what they wait for."]
    chapter = ""
    for point in found.values():
        if point.chapter != chapter:
            chapter = point.chapter
            lines += ["", f"## {chapter}", ""]
        lines.append(
            f'- <span id="{anchor(point.number)}"></span>`{point.number}` {point.name}<br>\n  {_where(point)}'
        )
    return "\n".join(lines)


def _where(point: Point) -> str:
    if point.reached:
        return ", ".join(point.reached) + (f"; to come: {', '.join(point.coming)}" if point.coming else "")
    return f'<span class="chip unwritten">missing</span> waits for {", ".join(point.coming) or "a place"}'


def point_link(number: str, uri: str) -> str:
    """A link to that point of the map, with its name, from a page of the guide."""
    name = points()[number].name if number in points() else "not on the map"
    up = "../" * uri.count("/")
    return f"[{number} {name}]({up}knowledge.md#{anchor(number)})"


def anchor(number: str) -> str:
    return number.lower().replace(".", "-")


def _title(uri: str) -> str:
    text, _ = get_data((PAGES / uri).read_text())
    return next(line.removeprefix("# ") for line in text.splitlines() if line.startswith("# "))
