"""The labs in the order of the path, as their folders and lab.toml say. What is not right is named.

labs/<phase>/labNN_<slug>/ is a part of the system (solution.*); with a lab.toml it is a lab.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from labkit.course import files
from labkit.course.markers import COMMENT, Reference, parse
from labkit.errors import LabError
from labkit.paths import shown

_FOLDER = re.compile(r"lab(?P<number>\d\d)_(?P<slug>[a-z][a-z0-9_]*)")
SERVICES = ("kafka", "postgres", "flink")


@dataclass(frozen=True)
class Lab:
    """One lab. builds: which part of the system; time_limit: seconds that its checks may take."""

    slug: str
    phase: str
    folder: Path
    reference_file: Path
    test_file: Path
    title: str
    minutes: int
    builds: str
    needs: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    knowledge: tuple[str, ...] = ()
    time_limit: float = 60

    @property
    def suffix(self) -> str:
        return self.reference_file.suffix

    @property
    def file_name(self) -> str:
        """What the learner's piece is called in mine/."""
        return f"{self.slug}{self.suffix}"

    @property
    def readme(self) -> Path:
        return self.folder / "README.md"

    @property
    def notebook(self) -> Path:
        return self.folder / "lab.ipynb"

    @property
    def discussion(self) -> Path:
        return self.folder / "DISCUSSION.md"

    @cached_property
    def reference(self) -> Reference:
        """The reference's text, cut at its markers. Raises LabError."""
        text = files.read(self.reference_file)
        return parse(text, self.slug, self.suffix, shown(self.reference_file))


class Curriculum:
    """All labs under a folder, in order. Raises LabError for the first thing that is not right."""

    def __init__(self, root: Path) -> None:
        self.root = root
        #: every part of the system by its slug, its reference, whether its lab is written or not
        self.parts: dict[str, Path] = {}
        self.labs: dict[str, Lab] = {}
        tests: dict[str, Lab] = {}
        for folder in _folders(root):
            slug = folder.name[len("labNN_") :]
            if slug in self.parts:
                raise _error(folder, f"another folder is called {slug}", "slugs are unique in the course")
            self.parts[slug] = _only(folder, "solution.*", [f"solution{suffix}" for suffix in COMMENT])
            if (folder / "lab.toml").exists():
                lab = self.labs[slug] = read_lab(folder)
                self._needs_earlier_ones(lab)
                other = tests.setdefault(lab.test_file.name, lab)
                if other is not lab:
                    raise _error(
                        lab.test_file,
                        f"{other.slug} has a file of that name",
                        "names of test files are unique in the course",
                    )

    @property
    def phases(self) -> dict[str, list[Lab]]:
        """The labs of each phase that has one."""
        found: dict[str, list[Lab]] = {}
        for lab in self.labs.values():
            found.setdefault(lab.phase, []).append(lab)
        return found

    def lab(self, slug: str) -> Lab:
        """The lab of that name. Raises LabError, with the names that are near."""
        if slug in self.labs:
            return self.labs[slug]
        if slug in self.parts:
            raise LabError(
                f"The lab of {slug} is not written yet.", "MarketLag runs on its reference.", "./lab list"
            )
        raise LabError(f"There is no lab {slug}.", self._near(slug, list(self.labs)), "./lab list")

    def find(self, name: str) -> list[Lab]:
        """The lab of that name, or all labs of that phase: `phase2_pyflink`, `phase2`. Raises LabError."""
        phases = {phase: labs for phase, labs in self.phases.items() if name in (phase, phase.split("_")[0])}
        if phases:
            return next(iter(phases.values()))
        if name.startswith("phase"):
            raise LabError(
                f"There is no phase {name} with a lab.", self._near(name, list(self.phases)), "./lab list"
            )
        return [self.lab(name)]

    def _near(self, name: str, names: list[str]) -> str:
        from difflib import get_close_matches

        near = get_close_matches(name, names, n=1, cutoff=0.5)
        return f"The nearest is {near[0]}." if near else ""

    def _needs_earlier_ones(self, lab: Lab) -> None:
        for needed in lab.needs:
            if needed == lab.slug or needed not in self.parts:
                raise _error(
                    lab.folder / "lab.toml",
                    f"needs has {needed}, which is not a lab before it",
                    "earlier labs",
                )


def read_lab(folder: Path) -> Lab:
    """The lab of that folder. Raises LabError: file, key, what was expected."""
    file = folder / "lab.toml"
    match = _FOLDER.fullmatch(folder.name)
    if match is None:
        raise _error(folder, "its name is not labNN_slug", "lab05_late_events, for example")
    values = files.toml(file)
    unknown = sorted(set(values) - set(_KEYS))
    if unknown:
        raise _error(file, f"{unknown[0]} is not a key of it", ", ".join(_KEYS))
    for key, (right, expected, needed) in _KEYS.items():
        if (key in values or needed) and not right(values.get(key)):
            what = f"{key} is {values[key]!r}" if key in values else f"{key} is missing"
            raise _error(file, what, expected)
    for key in ("needs", "services", "knowledge"):
        values[key] = tuple(values.get(key, ()))
    return Lab(
        slug=match["slug"],
        phase=folder.parent.name,
        folder=folder,
        reference_file=_only(folder, "solution.*", [f"solution{suffix}" for suffix in COMMENT]),
        test_file=_only(folder, "test_*.py", [each.name for each in folder.glob("test_*.py")]),
        **values,
    )


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        raise LabError(f"{root} is not there.", "The labs are in it.", "git checkout -- labs")
    return sorted(folder for folder in root.glob("phase*/lab*_*") if folder.is_dir() and _has_part(folder))


def _has_part(folder: Path) -> bool:
    """Whether somebody began to write this part; a folder that waits for its issue is none yet."""
    return bool(_FOLDER.fullmatch(folder.name)) and (
        (folder / "lab.toml").exists() or any(folder.glob("solution.*"))
    )


def _only(folder: Path, kind: str, names: list[str]) -> Path:
    found = [folder / name for name in sorted(names) if (folder / name).exists()]
    if len(found) != 1:
        what = f"{shown(folder)}: it has {len(found) or 'no'} {kind}."
        raise LabError(what, "Expected: exactly one.", f"git checkout -- {shown(folder)}")
    return found[0]


def _error(path: Path, what: str, expected: str) -> LabError:
    return LabError(f"{shown(path)}: {what}.", f"Expected: {expected}.", "./lab dev check")


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\n" not in value


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


#: each key: whether a value is right, what is expected, whether it must be there
_KEYS: dict[str, tuple[Callable[[Any], bool], str, bool]] = {
    "title": (_text, "one line", True),
    "minutes": (lambda value: _number(value) and isinstance(value, int), "a whole number of minutes", True),
    "builds": (_text, "one line: which part of the system", True),
    "needs": (_texts, "a list of slugs", False),
    "services": (
        lambda value: _texts(value) and set(value) <= set(SERVICES),
        f"a list of {', '.join(SERVICES)}",
        False,
    ),
    "knowledge": (
        lambda value: _texts(value) and all(re.fullmatch(r"K\d+\.\d+", each) for each in value),
        'points of the map, "K1.5"',
        False,
    ),
    "time_limit": (_number, "seconds", False),
}
