"""What the last check of a piece said, and the way that led there. Both may be deleted at any time.

.lab/checks/<slug>.json is of use as long as the piece and all that it was checked with are what they were: an
outcome follows from the files, not from a database. .lab/journal.jsonl is the way, for the report.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from labkit.course import files
from labkit.course.curriculum import Lab
from labkit.course.folders import Folders
from labkit.course.runner import Run
from labkit.course.verdict import GOOD, Outcome
from labkit.errors import LabError


@dataclass(frozen=True)
class Last:
    """What the last check said. step and says: of the first red check."""

    outcome: Outcome
    step: int = 0
    says: str = ""


@dataclass(frozen=True)
class Entry:
    """One check that said something else than the one before it."""

    at: str
    slug: str
    outcome: Outcome
    step: int
    says: str


def remember(folders: Folders, lab: Lab, run: Run) -> None:
    """Keep what this check of the learner's piece said."""
    red = run.red
    last = Last(run.outcome, red.at if red else 0, red.says if red else "")
    if last != recalled(folders, lab, of_any_text=True):
        at = datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
        _append(folders, {"at": at, "slug": lab.slug, **_json(last)})
    values = {"of": _fingerprint(folders, lab), "checks": len(run.verdicts), **_json(last)}
    values["right"] = sum(verdict.outcome in GOOD for verdict in run.verdicts)
    files.write(_file(folders, lab), json.dumps(values, indent=1) + "\n")


def recalled(folders: Folders, lab: Lab, *, of_any_text: bool = False) -> Last | None:
    """What the last check said, if it was of the texts as they are now."""
    file = _file(folders, lab)
    if not file.exists():
        return None
    try:
        values = json.loads(files.read(file))
        last = Last(Outcome(values["outcome"]), values["step"], values["says"])
        return last if of_any_text or values["of"] == _fingerprint(folders, lab) else None
    except (ValueError, KeyError, TypeError):  # cut off, or of another version: then nothing is known
        return None


def outcome(folders: Folders, lab: Lab) -> Outcome | None:
    """The lab's outcome as the files say; None: not checked since the last change."""
    piece = folders.mine / lab.file_name
    if not piece.exists():
        return Outcome.REFERENCE
    last = recalled(folders, lab)
    if last is not None:
        return last.outcome
    return Outcome.TO_DO if lab.reference.left(files.read(piece)) else None


def journal(folders: Folders) -> Iterator[Entry]:
    """Every entry, oldest first."""
    file = folders.state / "journal.jsonl"
    for line in files.read(file).splitlines() if file.exists() else ():
        try:
            values = json.loads(line)
            yield Entry(
                values["at"], values["slug"], Outcome(values["outcome"]), values["step"], values["says"]
            )
        except (ValueError, KeyError, TypeError):  # a line that a full disk cut off
            continue


def _append(folders: Folders, values: dict[str, Any]) -> None:
    file = folders.state / "journal.jsonl"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as lines:
            lines.write(json.dumps(values) + "\n")
    except OSError as error:
        raise LabError(
            f"{file.name} in .lab could not be written ({error.strerror}).",
            "Your piece is as it was.",
            "make room or fix the permissions, then check again",
        ) from error


def _json(last: Last) -> dict[str, Any]:
    return {"outcome": last.outcome.value, "step": last.step, "says": last.says}


def _file(folders: Folders, lab: Lab) -> Path:
    return folders.state / "checks" / f"{lab.slug}.json"


def _fingerprint(folders: Folders, lab: Lab) -> str:
    """One for the piece, and the names and texts of what it is checked with."""
    import hashlib

    digest = hashlib.sha256()
    for path in (folders.mine / lab.file_name, *_checked_with(folders, lab)):
        text = path.read_bytes().replace(b"\r\n", b"\n") if path.exists() else b""
        digest.update(f"{folders.shown(path)}\0{len(text)}\0".encode() + text)
    return digest.hexdigest()


def _checked_with(folders: Folders, lab: Lab) -> Iterator[Path]:
    """The lab's own files, what all labs share, and the reference of every other part."""
    for folder in (lab.folder, folders.labs / "shared"):
        found = folder.rglob("*")
        yield from sorted(path for path in found if path.is_file() and not _of_no_check(path, folder))
    yield from (folder / "conftest.py" for folder in (folders.labs, lab.folder.parent))
    yield from sorted(folders.labs.glob("phase*/lab*_*/solution.*"))


def _of_no_check(path: Path, folder: Path) -> bool:
    """Pages for people, and what Python and editors leave behind."""
    hidden = any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(folder).parts)
    return hidden or path.name in ("README.md", "hints.md", "DISCUSSION.md", "answers.toml", "lab.ipynb")
