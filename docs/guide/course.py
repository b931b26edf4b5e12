"""The path as the guide shows it: every lab in order, written or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from labkit.course import files
from labkit.course.curriculum import Curriculum, Lab
from labkit.paths import labs as labs_folder

PLAN = Path(__file__).with_name("plan.toml")


@dataclass(frozen=True)
class Stop:
    """A lab of the path. lab: what lab.toml says, once it is there; runs: MarketLag has its reference."""

    slug: str
    phase: str
    number: int
    builds: str
    knowledge: tuple[str, ...]
    runs: bool
    lab: Lab | None

    @property
    def title(self) -> str:
        return self.lab.title if self.lab else self.slug.replace("_", " ").capitalize()

    @property
    def page(self) -> str:
        """Where the guide shows it: its own page, or its line on the path."""
        return f"path/{self.slug}.md" if self.lab else f"path/index.md#{self.slug}"


@dataclass(frozen=True)
class Phase:
    """A part of the path. readme: its own page in labs/, where there is one."""

    name: str
    title: str
    about: str
    stops: tuple[Stop, ...]
    readme: Path | None

    @property
    def number(self) -> str:
        return self.name.removeprefix("phase").split("_")[0]

    @property
    def page(self) -> str:
        return f"path/{self.name}.md"


def path() -> list[Phase]:
    """The phases of this course."""
    return _path(labs_folder())


@cache
def _path(root: Path) -> list[Phase]:
    return path_of(Curriculum(root), plan())


def read_again() -> None:
    """The next call of `path` reads the labs anew."""
    _path.cache_clear()


def plan() -> dict[str, Any]:
    return files.toml(PLAN)


def path_of(curriculum: Curriculum, planned: Mapping[str, Any]) -> list[Phase]:
    """The phases of a curriculum and a plan: what is written wins, what is in one of the two is there."""
    references = {file.parent.name: file for file in curriculum.parts.values()}
    phases = {name: each for name, each in planned.items() if name != "page"}
    for file in curriculum.parts.values():
        phases.setdefault(file.parent.parent.name, {})
    found = []
    for name, each in sorted(phases.items()):
        lines: Mapping[str, Any] = each.get("labs", {})
        written = {lab.folder.name: lab for lab in curriculum.labs.values() if lab.phase == name}
        here = {f.parent.name for f in curriculum.parts.values() if f.parent.parent.name == name}
        stops = tuple(
            _stop(folder, name, lines.get(folder, {}), written.get(folder), runs=folder in references)
            for folder in sorted({*lines, *here})
        )
        readme = curriculum.root / name / "README.md"
        title = each.get("title", name.split("_", 1)[-1].replace("_", " ").capitalize())
        found.append(Phase(name, title, each.get("about", ""), stops, readme if readme.exists() else None))
    return found


def stops() -> dict[str, Stop]:
    """Every lab by its slug."""
    return {stop.slug: stop for phase in path() for stop in phase.stops}


def _stop(folder: str, phase: str, line: Mapping[str, Any], lab: Lab | None, *, runs: bool) -> Stop:
    number, _, slug = folder.removeprefix("lab").partition("_")
    return Stop(
        slug=slug,
        phase=phase,
        number=int(number),
        builds=lab.builds if lab else line.get("builds", ""),
        knowledge=lab.knowledge if lab else tuple(line.get("knowledge", ())),
        runs=runs,
        lab=lab,
    )
