"""What a learner does with a piece: start, reset, drop, take the solution, look at the difference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from labkit.course import files, hints, saved
from labkit.course.curriculum import Lab
from labkit.course.folders import Folders
from labkit.errors import LabError


def start(folders: Folders, lab: Lab) -> Path:
    """Write the stub into mine/. Raises LabError: there is a piece already."""
    piece = folders.mine / lab.file_name
    if piece.exists():
        raise LabError(
            f"{folders.shown(piece)} is there already.",
            "Starting never overwrites.",
            f"./lab check {lab.slug}, or ./lab reset {lab.slug} to begin again",
        )
    hints.forget(folders, lab)
    files.write(piece, lab.reference.stub())
    return piece


def reset(folders: Folders, lab: Lab) -> Path | None:
    """The stub again; what stood there is saved. Returns the copy, if a new one was needed."""
    copy = saved.save(folders, lab, "reset")
    hints.forget(folders, lab)
    files.write(folders.mine / lab.file_name, lab.reference.stub())
    return copy


def drop(folders: Folders, lab: Lab) -> Path | None:
    """Back to the reference; the piece is saved and taken out of mine/."""
    copy = saved.save(folders, lab, "drop")
    piece = folders.mine / lab.file_name
    try:
        piece.unlink()
    except OSError as error:
        raise LabError(
            f"{folders.shown(piece)} could not be deleted ({error.strerror}).", "", "fix its permissions"
        ) from error
    return copy


def take(folders: Folders, lab: Lab) -> Path | None:
    """Put the solution into mine/; what stood there is saved."""
    copy = saved.save(folders, lab, "solution")
    files.write(folders.mine / lab.file_name, lab.reference.solved())
    return copy


def beside(folders: Folders, lab: Lab) -> Iterator[str]:
    """The solution beside the learner's piece, as a difference; without a piece the solution itself."""
    import difflib

    solved = lab.reference.solved().splitlines()
    piece = folders.mine / lab.file_name
    if not piece.exists():
        yield from solved
        return
    yield from difflib.unified_diff(
        files.read(piece).splitlines(), solved, folders.shown(piece), "the solution", lineterm="", n=2
    )
