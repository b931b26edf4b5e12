"""What a check gets of a piece: the path of its file, and for Python the module that it makes.

Not its text: a check judges what a piece does.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from labkit import paths
from labkit.course import mine
from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.course.curriculum import Curriculum


class PieceError(LabError):
    """A piece that cannot be used at all; `where` is its file and line."""

    def __init__(self, happened: str, where: str) -> None:
        super().__init__(happened)
        self.where = where


class Piece:
    """One part of the system, the learner's or the reference."""

    def __init__(self, slug: str, path: Path, *, is_reference: bool) -> None:
        self.slug = slug
        self.path = path
        self.is_reference = is_reference
        self._module: ModuleType | None = None

    def __repr__(self) -> str:
        return f"<piece {self.slug}: {'reference' if self.is_reference else 'yours'}>"

    @property
    def module(self) -> ModuleType:
        """The module of a Python piece, imported from its file as it is now. Raises PieceError."""
        if self._module is None:
            self._module = _imported(self.slug, self.path)
        return self._module


def part(slug: str) -> Piece:
    """A part by its name, as it counts in this process: the learner's piece, or the reference."""
    from labkit.course.curriculum import Curriculum

    return of(Curriculum(paths.labs()), slug)


def of(curriculum: Curriculum, slug: str, *, reference: bool = False) -> Piece:
    """That part of a curriculum; reference: whatever is in mine/."""
    if slug not in curriculum.parts:
        curriculum.lab(slug)  # says which names are near
    file = curriculum.parts[slug]
    chosen = file if reference else mine.chosen(slug, file)
    return Piece(slug, chosen, is_reference=chosen == file)


class _Fresh(SourceFileLoader):
    """From the text, never from bytecode: two edits in one second have the same time stamp."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _imported(slug: str, path: Path) -> ModuleType:
    name = f"lab_piece_{slug}"  # a name that no package has, whatever the piece is called
    spec = importlib.util.spec_from_file_location(name, path, loader=_Fresh(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their module up by name
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise PieceError(
            f"{type(error).__name__}: {error.msg}. Python cannot read the file.",
            f"{path}:{error.lineno}" + (f"  {error.text.strip()}" if error.text else ""),
        ) from error
    return module
