"""Checks run from the texts that were committed: which files of a lab were changed, and the committed ones.

Without git, or for a lab that was never committed, there is nothing to compare with, and that is fine.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from labkit.course.curriculum import Lab, read_lab
from labkit.course.folders import Folders
from labkit.errors import LabError


def changed(folders: Folders, *labs: Lab) -> list[Path]:
    """The files of these labs, and those that all labs share, that are not what was committed.

    Of those that were never committed only a conftest.py: pytest takes it by itself, and it may say anything.
    """
    texts = [folders.labs / "shared", folders.labs / "conftest.py"]
    texts += [place for lab in labs for place in (lab.folder, lab.folder.parent / "conftest.py")]
    edited = _git(folders.labs, "diff", "--name-only", "--no-ext-diff", "-z", "--relative", "HEAD", "--",
                  *map(str, texts))  # fmt: skip
    if edited is None:
        return []
    inside = [lab.folder.relative_to(folders.labs) for lab in labs]
    new = _git(folders.labs, "ls-files", "--others", "-z", "--", "conftest.py",
               *(f":(glob){phase}/conftest.py" for phase in {folder.parent for folder in inside}),
               *(f":(glob){folder}/**/conftest.py" for folder in inside))  # fmt: skip
    return [folders.labs / os.fsdecode(name) for name in (edited + (new or b"")).split(b"\0") if name]


def touched(folders: Folders, labs: list[Lab]) -> set[str]:
    """The labs with files that are not as committed, new ones among them. Raises LabError: no git."""
    said = _git(folders.labs, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--", ".")
    prefix = _git(folders.labs, "rev-parse", "--show-prefix")
    if said is None or prefix is None:
        raise LabError(
            "git does not know this folder.", "--changed compares with what was committed.", "./lab dev prove"
        )
    base = os.fsdecode(prefix).strip()
    names = [os.fsdecode(entry)[3:].removeprefix(base) for entry in said.split(b"\0") if entry]
    paths = [folders.labs / name for name in names]
    everything = any(
        path.is_relative_to(folders.labs / "shared") or path.name == "conftest.py" for path in paths
    )
    return {lab.slug for lab in labs if everything or any(path.is_relative_to(lab.folder) for path in paths)}


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
