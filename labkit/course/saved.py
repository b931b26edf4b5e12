"""Copies of a learner's pieces: .lab/saved/<slug>/<UTC time>-<why>.<suffix>, one whenever a text may go.

Nothing is ever deleted here; the same text is not saved twice in a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from labkit.course import files
from labkit.course.curriculum import Lab
from labkit.course.folders import Folders
from labkit.errors import LabError

_NAME = re.compile(r"(?P<at>\d{8}T\d{6}\.\d{6}Z)-(?P<why>\w+)")
_FORM = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class Copy:
    """A text that was saved, when, and before what."""

    path: Path
    stamp: str
    why: str

    @property
    def at(self) -> datetime:
        """When it was saved, UTC."""
        return datetime.strptime(self.stamp, _FORM).replace(tzinfo=timezone.utc)


def copies(folders: Folders, lab: Lab) -> list[Copy]:
    """What was saved of a lab's piece, newest first."""
    found = []
    for path in (folders.state / "saved" / lab.slug).glob(f"*{lab.suffix}"):
        match = _NAME.fullmatch(path.stem)
        if match:
            found.append(Copy(path, match["at"], match["why"]))
    return sorted(found, key=lambda copy: copy.stamp, reverse=True)


def save(folders: Folders, lab: Lab, why: str, at: datetime | None = None) -> Path | None:
    """Save the learner's piece as it is now, if there is one and it is not what was saved last."""
    piece = folders.mine / lab.file_name
    if not piece.exists():
        return None
    text = files.read(piece)
    last = copies(folders, lab)
    if last and files.read(last[0].path) == text:
        return None
    when = (at or datetime.now(timezone.utc)).strftime(_FORM)
    path = folders.state / "saved" / lab.slug / f"{when}-{why}{lab.suffix}"
    files.write(path, text)
    return path


def restore(folders: Folders, lab: Lab, number: int) -> Copy:
    """Put copy `number` of the list (1 is the newest) back into mine/; what stands there is saved first."""
    known = copies(folders, lab)
    if not 1 <= number <= len(known):
        raise LabError(
            f"There is no copy {number} of {lab.slug}.",
            f"{len(known)} were saved." if known else "None was saved yet.",
            f"./lab saved {lab.slug}",
        )
    copy = known[number - 1]
    text = files.read(copy.path)
    save(folders, lab, "restore")
    files.write(folders.mine / lab.file_name, text)
    return copy
