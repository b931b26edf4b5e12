"""Checks run from the texts that were committed: which files of a lab were changed, and the committed ones.

Without git, or for a lab that was never committed, there is nothing to compare with, and that is fine.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from labkit.course.curriculum import Lab, read_lab
from labkit.course.folders import Folders


def changed(folders: Folders, lab: Lab) -> list[Path]:
    """The files of this lab, and those that labs share, that are not what was committed."""
    shared = [folders.labs / "shared", folders.labs / "conftest.py"]
    said = _git(folders.labs, "diff", "--name-only", "--no-ext-diff", "-z", "--relative", "HEAD", "--",
                str(lab.folder), *map(str, shared))  # fmt: skip
    return [folders.labs / os.fsdecode(name) for name in (said or b"").split(b"\0") if name]


def committed(folders: Folders, lab: Lab) -> Lab | None:
    """The same lab in a copy of all labs as they were committed; None where git cannot give it."""
    tree = _git(folders.labs, "rev-parse", "HEAD:./")
    if tree is None:
        return None
    to = folders.state / "committed" / tree.decode().strip() / folders.labs.name
    if not to.is_dir():
        archive = _git(folders.labs, "archive", "--format=tar", "HEAD")
        if archive is None:
            return None
        _unpack(archive, to)
    folder = to / lab.folder.relative_to(folders.labs)
    return read_lab(folder) if folder.is_dir() else None


def _unpack(archive: bytes, to: Path) -> None:
    """Whole or not at all; older copies go."""
    import io
    import shutil
    import tarfile
    import tempfile

    copies = to.parent.parent
    if copies.exists():
        shutil.rmtree(copies)
    to.parent.mkdir(parents=True)
    beside = Path(tempfile.mkdtemp(dir=copies))
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(beside)  # git made it of this repository's own files
        beside.replace(to)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git says; None where there is no git, no repository, or no such thing in it."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, stdin=subprocess.DEVNULL
        )
    except OSError:  # no git on this machine
        return None
    return done.stdout if done.returncode == 0 else None
