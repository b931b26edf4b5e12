"""The labs' own READMEs as pages of the guide: the same files, with what lab.toml says on top.

A page of a lab is `path/<slug>.md`, that of a phase with a README `path/<phase>.md`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from docs.guide import course, glossary
from docs.guide.course import Phase, Stop
from docs.guide.knowledge import point_link
from labkit.paths import ROOT

_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]\n]+)\]\((?P<target>[^)\s]+)\)")
_FENCE = re.compile(r"^ *(`{3,})")


def sources() -> dict[str, Path]:
    """Each page that is a file of labs/, by its name in the guide."""
    found: dict[str, Path] = {}
    for phase in course.path():
        if phase.readme:
            found[phase.page] = phase.readme
        found |= {stop.page: stop.lab.readme for stop in phase.stops if stop.lab}
    return found


def navigation() -> list[object]:
    """The path as mkdocs has it in `nav`."""
    found: list[object] = ["path/index.md"]
    for phase in course.path():
        pages: list[object] = [{stop.slug: stop.page} for stop in phase.stops if stop.lab]
        if phase.readme:
            pages.insert(0, {"Overview": phase.page})
        if pages:
            found.append({f"Phase {phase.number}: {phase.title}": pages})
    return found


def page(uri: str, markdown: str) -> str:
    """The README of a lab or a phase as its page; any other text as it is."""
    source = sources().get(uri)
    if source is None:
        return markdown
    text = "\n".join(_lines(markdown, source, uri))
    stop = next((each for each in course.stops().values() if each.page == uri), None)
    if stop is None:
        return text
    head, _, rest = text.partition("\n")
    return f"{head}\n\n{_facts(stop, uri)}\n{rest}"


def overview() -> str:
    """Every phase and lab: what it builds, what it takes, whether it is written."""
    return "\n\n".join(_phase(phase) for phase in course.path())


def written() -> str:
    """How many labs are written, of how many."""
    known = course.stops().values()
    return f"{sum(stop.lab is not None for stop in known)} of {len(known)} are written."


# ---- a lab's page --------------------------------------------------------------------------------


def _facts(stop: Stop, uri: str) -> str:
    lab = stop.lab
    assert lab is not None
    lines = [
        f"- About {lab.minutes} minutes. It begins with `./lab start {lab.slug}`.",
        f"- Builds on: {_needs(stop, uri) or 'nothing before it'}.{_stands_in(stop)}",
        f"- Services: {_services(stop)}.",
    ]
    if lab.knowledge:
        lines.append(f"- On the map: {', '.join(point_link(each, uri) for each in lab.knowledge)}.")
    return '<div class="facts" markdown>\n\n' + "\n".join(lines) + "\n\n</div>\n"


def _needs(stop: Stop, uri: str) -> str:
    """Links to the labs before it."""
    assert stop.lab is not None
    known = course.stops()
    return ", ".join(f"[{slug}]({relative(known[slug].page, uri)})" for slug in stop.lab.needs)


def _stands_in(stop: Stop) -> str:
    """What is said where a lab before it is not written."""
    assert stop.lab is not None
    known = course.stops()
    written = all(known[slug].lab for slug in stop.lab.needs)
    return "" if written else " The reference stands in for those that are not written yet."


def _services(stop: Stop) -> str:
    assert stop.lab is not None
    names = {"kafka": "Kafka", "postgres": "PostgreSQL", "flink": "Flink"}
    of_its_own = ", ".join(names[name] for name in stop.lab.services)
    return f"{of_its_own}; its checks start their own" if of_its_own else "none to start"


def _lines(markdown: str, source: Path, uri: str) -> Iterator[str]:
    """The text line by line; links outside of code lead where the guide has their target."""
    closing = ""
    told: set[str] = set()
    for line in markdown.splitlines():
        fence = _FENCE.match(line)
        if fence and not closing:
            closing = fence[1]
        elif fence and fence[1] == closing:
            closing = ""
        elif not closing:
            line = _LINK.sub(lambda match: _link(match, source, uri), line)
            line = glossary.linked(line, relative("glossary.md", uri), told)
        yield line


def _link(match: re.Match[str], source: Path, uri: str) -> str:
    """The same link on the page; a file that the guide does not show becomes its path."""
    target, _, anchor = match["target"].partition("#")
    if not target or "://" in target or match["image"]:
        return match[0]
    file = Path(posixpath.normpath(source.parent / target))
    shown = {path: page for page, path in sources().items()}
    shown |= {path.parent: page for path, page in shown.items()}
    if file in shown:
        there = shown[file]
    elif file.is_relative_to(ROOT / "docs") and file.suffix == ".md":
        there = file.relative_to(ROOT / "docs").as_posix()
    else:
        path = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else target
        named = match["text"].strip("`")
        return f"`{path}`" if path.endswith(named) else f"{match['text']} (`{path}`)"
    return f"[{match['text']}]({relative(there, uri)}{'#' + anchor if anchor else ''})"


def relative(target: str, uri: str) -> str:
    """The link from one page of the guide to another."""
    return posixpath.relpath(target, posixpath.dirname(uri) or ".")


# ---- the path ------------------------------------------------------------------------------------


def _phase(phase: Phase) -> str:
    written = sum(stop.lab is not None for stop in phase.stops)
    minutes = sum(stop.lab.minutes for stop in phase.stops if stop.lab)
    takes = f", {minutes} minutes so far" if minutes else ""
    lines = [
        f"## Phase {phase.number}: {phase.title} {{ #{phase.name} }}",
        "",
        f"{phase.about} {written} of {len(phase.stops)} labs are written{takes}.".strip(),
    ]
    if phase.readme:
        lines += ["", f"[Overview of the phase]({phase.name}.md)"]
    lines += ["", '<div class="path" markdown>', ""]
    lines += [_item(stop) for stop in phase.stops]
    return "\n".join([*lines, "", "</div>"])


def _item(stop: Stop) -> str:
    """A lab as an item of a list: its place, name, state, what it takes, what it builds."""
    if stop.lab:
        name = f"**[{stop.title}]({stop.slug}.md)**"
        state = f'<span class="chip written">complete</span> {stop.lab.minutes} min'
        if stop.lab.services:
            state += f" · {_services(stop).split(';')[0]}"
        if stop.lab.needs:
            state += f" · after {_needs(stop, 'path/index.md')}"
        builds = f"You build {stop.builds}."
    else:
        name = f"**{stop.title}**"
        runs = "MarketLag runs on its reference." if stop.runs else ""
        state = f'<span class="chip unwritten">not written yet</span> {runs}'.rstrip()
        builds = f"It will build {stop.builds}."
    return f'1. <span id="{stop.slug}"></span>{name} `{stop.slug}`<br>\n   {state}<br>\n   {builds}'
