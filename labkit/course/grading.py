"""A class's pieces against the untouched tests, and what a class is given: stubs without answers."""

from __future__ import annotations

import csv
import io
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from labkit.course import cells, files, runner
from labkit.course.child import Job
from labkit.course.curriculum import Curriculum, Lab
from labkit.course.runner import Run
from labkit.course.verdict import GOOD, Outcome, Verdict, printable
from labkit.errors import LabError

#: what a class is not given: the last hint of a step is almost its answer
ANSWERS = ("solution.*", "answers.toml", "hints.md", "DISCUSSION.md")


@dataclass(frozen=True)
class Grade:
    """One learner's piece of one lab."""

    learner: str
    lab: Lab
    run: Run

    @property
    def right(self) -> int:
        return sum(verdict.outcome in GOOD for verdict in self.run.verdicts)


def learners(folder: Path) -> list[str]:
    """Who is in that folder. Raises LabError: nobody."""
    inside = folder.iterdir() if folder.is_dir() else iter(())
    found = sorted(each.name for each in inside if each.is_dir() and not each.name.startswith("."))
    if not found:
        raise LabError(
            f"{folder} has no folder of a learner.",
            "One folder a learner was expected, with late_events.sql and so on in it.",
            "./lab grade --help",
        )
    return found


def grade(folder: Path, learner: str, labs: Iterable[Lab]) -> Iterator[Grade]:
    """Check every piece in `folder/<learner>/`, each alone, with the reference of all else."""
    import labkit.course.plugin  # noqa: F401  # and pytest, here once: each run is a fork of this process

    if cells.can_run():
        cells.preload()

    for lab in labs:
        if (folder / learner / lab.file_name).exists():
            yield Grade(learner, lab, runner.run(Job(lab, (folder / learner).absolute())))


def as_csv(grades: Mapping[str, Iterable[Grade]]) -> str:
    """A line for each piece: outcome, how many checks are right, the first red step and its sentence.

    And one for each learner who has no piece.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["learner", "lab", "outcome", "right", "checks", "step", "says", "seconds"])
    for learner, pieces in grades.items():
        rows = [
            [
                learner, each.lab.slug, str(each.run.outcome), each.right, each.run.planned,
                each.run.red.at if each.run.red else "", each.run.red.says if each.run.red else "",
                each.run.seconds,
            ]
            for each in pieces
        ]  # fmt: skip
        lines.writerows(rows or [[learner, "", "no piece", 0, 0, "", "", 0]])
    return text.getvalue()


def as_junit(grades: Mapping[str, Iterable[Grade]]) -> str:
    """JUnit XML: a suite for each learner, a case for each check."""
    suites = ET.Element("testsuites", name="labs")
    for learner, pieces in grades.items():
        suite = ET.SubElement(suites, "testsuite", name=printable(learner))
        for each in pieces:
            for verdict in each.run.verdicts:
                _case(suite, each.lab, verdict)
        suite.set("tests", str(len(suite)))
        for kind in ("failure", "error"):
            suite.set(f"{kind}s", str(sum(case.find(kind) is not None for case in suite)))
    ET.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _case(suite: ET.Element, lab: Lab, verdict: Verdict) -> None:
    case = ET.SubElement(suite, "testcase", name=verdict.item or "checks", time=str(verdict.seconds))
    case.set("classname", f"{lab.phase}.{lab.slug}")
    if verdict.outcome not in GOOD:
        kind = "error" if verdict.outcome is Outcome.ERROR else "failure"
        problem = ET.SubElement(case, kind, message=verdict.says, type=str(verdict.outcome))
        problem.text = "\n".join(filter(None, [verdict.says, verdict.expected, verdict.got, verdict.where]))


def export(curriculum: Curriculum, to: Path) -> int:
    """Write every lab into that folder with its stub in place of its solution; how many labs.

    Raises LabError: there is something already.
    """
    if to.exists() and any(to.iterdir()):
        raise LabError(
            f"{to} is not empty.", "A new folder was expected.", "./lab export --stubs DIR, another one"
        )
    for lab in curriculum.labs.values():
        folder = to / lab.phase / lab.folder.name
        shutil.copytree(lab.folder, folder, ignore=shutil.ignore_patterns(*ANSWERS, "__pycache__", ".*"))
        files.write(folder / lab.file_name, lab.reference.stub())
    return len(curriculum.labs)
