"""A lab's hints: a heading for each step, and below it the next bigger nudge each time one is asked for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from labkit.course import files
from labkit.course.curriculum import Lab
from labkit.course.folders import Folders
from labkit.errors import LabError

_STEP = re.compile(r"^## Step (\d+)\b.*$", re.MULTILINE)
_LEVEL = re.compile(r"^### .*$", re.MULTILINE)


@dataclass(frozen=True)
class Hint:
    """One nudge: the how-manieth of how many for this step."""

    step: int
    number: int
    of: int
    text: str


def hints(lab: Lab) -> dict[int, list[str]]:
    """The hints of each step, smallest first: `## Step 2`, and a `###` heading above each of them."""
    file = lab.folder / "hints.md"
    parts = _STEP.split(files.read(file)) if file.exists() else [""]
    return {
        int(step): [text.strip() for text in _LEVEL.split(body) if text.strip()]
        for step, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def next_hint(folders: Folders, lab: Lab, step: int) -> Hint:
    """The next hint for this step; the last one again when all were given. Raises LabError."""
    known = hints(lab)
    if not known.get(step):
        steps = ", ".join(map(str, sorted(known))) or "none"
        raise LabError(
            f"{lab.slug} has no hint for step {step}.",
            f"Steps with hints: {steps}.",
            f"./lab solution {lab.slug}",
        )
    given = _given(folders, lab)
    number = min(given.get(str(step), 0) + 1, len(known[step]))
    given[str(step)] = number
    files.write(folders.state / "hints" / f"{lab.slug}.json", json.dumps(given) + "\n")
    return Hint(step, number, len(known[step]), known[step][number - 1])


def forget(folders: Folders, lab: Lab) -> None:
    """Start with the smallest hints again: the lab was started anew."""
    (folders.state / "hints" / f"{lab.slug}.json").unlink(missing_ok=True)


def _given(folders: Folders, lab: Lab) -> dict[str, int]:
    file = folders.state / "hints" / f"{lab.slug}.json"
    try:
        return dict(json.loads(files.read(file))) if file.exists() else {}
    except ValueError:  # cut off: the hints begin again
        return {}
