"""A copy of the tiny curriculum for each test, and somebody who types commands in it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from labkit import paths
from labkit.cli import cli
from labkit.course.child import Job
from labkit.course.curriculum import Curriculum, Lab
from labkit.course.folders import Folders
from labkit.course.runner import Run, run
from labkit.errors import LabError

TINY = paths.ROOT / "tests" / "fixtures" / "tiny_curriculum"


@dataclass
class Learner:
    """Somebody with a copy of the course. `types` gives (exit code, what was printed)."""

    folders: Folders
    capsys: pytest.CaptureFixture[str]

    @property
    def curriculum(self) -> Curriculum:
        return Curriculum(self.folders.labs)

    def lab(self, slug: str) -> Lab:
        return self.curriculum.lab(slug)

    def piece(self, slug: str) -> Path:
        return self.folders.mine / self.lab(slug).file_name

    def writes(self, slug: str, text: str) -> Path:
        """Put a text into mine/ as the piece of that lab."""
        piece = self.piece(slug)
        piece.parent.mkdir(exist_ok=True)
        piece.write_bytes(text.encode())
        return piece

    def answers(self, slug: str, step: int, text: str) -> Path:
        """Put the solution with this text in the block of that step into mine/."""
        return self.writes(slug, self.lab(slug).reference.answer(step, [text]))

    def types(self, *arguments: str) -> tuple[int, str]:
        """Type `./lab …`."""
        self.capsys.readouterr()
        code = 0
        try:
            cli.main(list(arguments), prog_name="./lab", standalone_mode=False)
        except SystemExit as ended:
            code = int(ended.code or 0)
        except LabError as error:
            code = 1
            return code, self.capsys.readouterr().out + f"lab: {error}\n"
        return code, self.capsys.readouterr().out

    def runs(
        self,
        slug: str,
        *,
        own: bool = True,
        notebook: bool = False,
        on_wait: Callable[[str], None] | None = None,
    ) -> Run:
        """Run the checks of a lab, without anything around them."""
        return run(Job(self.lab(slug), self.folders.mine, own=own, notebook=notebook), on_wait=on_wait)


def git(learner: Learner, *arguments: str) -> None:
    """Type `git …` beside labs/ and mine/."""
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(
        ["git", *who, *arguments], cwd=learner.folders.labs.parent, check=True, capture_output=True
    )


@pytest.fixture
def learner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Learner:
    shutil.copytree(TINY, tmp_path / "course")
    folders = Folders(*(tmp_path / "course" / name for name in ("labs", "mine", ".lab")))
    monkeypatch.setenv("LAB_LABS", str(folders.labs))
    monkeypatch.setenv("LAB_MINE", str(folders.mine))
    monkeypatch.delenv("LAB_PIECE", raising=False)
    # not paths.LAB: a module that is imported meanwhile would keep it, and look there for ever
    monkeypatch.setattr(Folders, "here", lambda: folders)
    return Learner(folders, capsys)
