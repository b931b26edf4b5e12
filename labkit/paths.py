"""Where things are: everything that is downloaded or run lives under .lab (or .venv)."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAB = Path(os.environ.get("LAB_DIR") or ROOT / ".lab").absolute()
#: by their real path: who shares them with another .lab shares the archives of their classes, too
JARS = (LAB / "jars").resolve()
CLASS_DATA = LAB / "class-data"
STACKS = LAB / "stacks"
LOCKS = LAB / "locks"
BUILD = ROOT / "build"


def labs() -> Path:
    """The labs: those of this repository, or those that LAB_LABS names."""
    return Path(os.environ.get("LAB_LABS") or ROOT / "labs").absolute()


def mine() -> Path:
    """The learner's own pieces: mine/, or what LAB_MINE names. Asked each time: a check changes it."""
    return Path(os.environ.get("LAB_MINE") or ROOT / "mine").absolute()


def shown(path: Path) -> str:
    """The path as a person in the repository would type it."""
    try:
        return str(path.relative_to(ROOT))
    except ValueError:
        return str(path)


def package_dir(name: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    return Path(spec.origin).parent
