"""Where a copy of the course keeps its labs, the learner's pieces, and what it remembers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labkit import paths


@dataclass(frozen=True)
class Folders:
    """labs: the path. mine: the learner's pieces. state: .lab, which may be deleted at any time."""

    labs: Path
    mine: Path
    state: Path

    @classmethod
    def here(cls) -> Folders:
        """This repository's, or what LAB_LABS, LAB_MINE and LAB_DIR name."""
        return cls(paths.labs(), paths.mine(), paths.LAB)

    def shown(self, path: Path) -> str:
        """The path as a person who stands beside labs/ and mine/ would type it."""
        for folder in (self.labs, self.mine):
            if path.is_relative_to(folder):
                return str(Path(folder.name) / path.relative_to(folder))
        return paths.shown(path)
