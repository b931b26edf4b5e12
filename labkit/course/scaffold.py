"""A new lab: every file of it, with what has to be written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from labkit.course import files
from labkit.course.complete import HEADINGS
from labkit.course.markers import COMMENT
from labkit.errors import LabError


def new(labs: Path, where: str, suffix: str) -> Iterator[Path]:
    """Write labs/<phase>/labNN_<slug>/; files that are there stay. Raises LabError: no such name."""
    match = re.fullmatch(r"(?P<phase>phase\d\w*)/lab\d\d_(?P<slug>[a-z][a-z0-9_]*)", where)
    if match is None:
        raise LabError(
            f"{where} is no place for a lab.",
            "phase1_quality/lab05_late_events, for example.",
            "./lab dev new --help",
        )
    folder, slug, mark = labs / where, match["slug"], COMMENT[suffix]
    texts = {
        "lab.toml": (
            f'title = "{slug}"\nminutes = 30\nneeds = []\nbuilds = "the part"\n'
            "services = []\nknowledge = []\n"
        ),
        "README.md": f"# {slug}\n\n" + "\n\n".join(f"## {heading}\n\n…" for heading in HEADINGS) + "\n",
        f"solution{suffix}": f"{mark} BEGIN SOLUTION step 1: the idea\n\n{mark} END SOLUTION\n",
        f"test_{slug}.py": (
            f'"""Exit criteria of {slug}."""\n\nfrom __future__ import annotations\n\nimport pytest\n\n'
            "from labkit.checking import expect\n\n\n"
            "@pytest.mark.step(1)\ndef test_the_law_it_proves(piece):\n"
            '    expect(None, "the whole answer", "What is wrong, as a teacher would say it.")\n'
        ),
        "hints.md": "# Hints\n\n## Step 1\n"
        + "".join(f"\n### {nudge}\n\n…\n" for nudge in ("A nudge", "A bigger nudge", "Almost the answer")),
        "answers.toml": (
            '[[wrong]]\nname = "a name"\nstep = 1\ntext = "…"\nsays = "the sentence it must get"\n'
            'teaches = "One line for the report."\n\n[[right]]\nname = "another way"\nstep = 1\ntext = "…"\n'
        ),
        "DISCUSSION.md": f"# {slug}: what it costs\n\n…\n",
        "lab.ipynb": json.dumps(_notebook(slug), indent=1) + "\n",
    }
    solved = any(folder.glob("solution.*"))
    for name, text in texts.items():
        if not (folder / name).exists() and not (solved and name.startswith("solution")):
            files.write(folder / name, text)
            yield folder / name


def _notebook(slug: str) -> dict[str, object]:
    def code(name: str, source: str) -> dict[str, object]:
        return {
            "cell_type": "code",
            "id": name,
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": source,
        }

    return {
        "cells": [
            {"cell_type": "markdown", "id": "predict", "metadata": {}, "source": "Predict first."},
            code("take", f'from labkit.checking import part\n\npiece = part("{slug}")'),
            code("look", "# NBVAL_CHECK_OUTPUT\n"),
        ],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
