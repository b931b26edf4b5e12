"""A class's pieces against the untouched tests, and what a class is given: stubs without answers."""

from __future__ import annotations

import csv
import io
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.course import files, runner
from labkit.course.child import Job
from labkit.course.curriculum import Curriculum, Lab
from labkit.course.runner import Run
from labkit.course.verdict import GOOD, Outcome
from labkit.errors import LabError

#: what a learner does not get
ANSWERS = ("answers.toml", "DISCUSSION.md")


@dataclass(frozen=True)
class Grade:
    """One learner's piece of one lab."""

    learner: str
    lab: Lab
    run: Run

    @property
    def right(self) -> int:
        return sum(verdict.outcome in GOOD for verdict in self.run.verdicts)


def grade(folder: Path, labs: Iterable[Lab]) -> Iterator[Grade]:
    """Check every piece in `folder/<learner>/`, each alone, with the reference of all else."""
    import labkit.course.plugin  # noqa: F401  # and pytest, here once: each run is a fork of this process

    wanted = list(labs)
    learners = sorted(each for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []
    if not learners:
        raise LabError(
            f"{folder} has no folder of a learner.",
            "One folder a learner was expected, with late_events.sql and so on in it.",
            "./lab grade --help",
        )
    for learner in learners:
        for lab in wanted:
            if (learner / lab.file_name).exists():
                yield Grade(learner.name, lab, runner.run(Job(lab, learner.absolute())))


def as_csv(grades: Iterable[Grade]) -> str:
    """A line for each piece: outcome, how many checks are right, the first red step and its sentence."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["learner", "lab", "outcome", "right", "checks", "step", "says", "seconds"])
    for each in grades:
        red = each.run.red
        lines.writerow([
            each.learner, each.lab.slug, str(each.run.outcome), each.right, each.run.planned,
            red.at if red else "", red.says if red else "", each.run.seconds,
        ])  # fmt: skip
    return text.getvalue()


def as_junit(grades: Iterable[Grade]) -> str:
    """JUnit XML: a suite for each learner, a case for each check."""
    suites = ET.Element("testsuites", name="labs")
    found: dict[str, ET.Element] = {}
    for each in grades:
        if each.learner not in found:
            found[each.learner] = ET.SubElement(suites, "testsuite", name=each.learner)
        suite = found[each.learner]
        for verdict in each.run.verdicts:
            case = ET.SubElement(suite, "testcase", name=verdict.item or "checks", time=str(verdict.seconds))
            case.set("classname", f"{each.lab.phase}.{each.lab.slug}")
            if verdict.outcome not in GOOD:
                kind = "error" if verdict.outcome is Outcome.ERROR else "failure"
                problem = ET.SubElement(case, kind, message=verdict.says, type=str(verdict.outcome))
                problem.text = "\n".join(
                    filter(None, [verdict.says, verdict.expected, verdict.got, verdict.where])
                )
    for suite in found.values():
        cases = list(suite)
        suite.set("tests", str(len(cases)))
        for kind in ("failure", "error"):
            suite.set(f"{kind}s", str(sum(case.find(kind) is not None for case in cases)))
    ET.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


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
        shutil.copytree(
            lab.folder, folder, ignore=shutil.ignore_patterns("solution.*", *ANSWERS, "__pycache__", ".*")
        )
        files.write(folder / lab.file_name, lab.reference.stub())
    return len(curriculum.labs)
