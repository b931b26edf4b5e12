"""A run's folder: written beside its place, put there whole; nothing but an earlier run is ever deleted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from capstone_marketlag.report.read import dumps
from labkit.errors import LabError
from labkit.paths import shown

#: all that a run leaves in its folder
_LEAVES = frozenset({"world.json", "topics", "tables", "summary.json", "report.html"})


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A new folder, which takes this one's place when the block ends well; until then nothing is touched.

    Raises LabError: something else than an earlier run stands there, before the block or after it.
    """
    folder = folder.resolve()
    _check(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # a name of its own: whatever else stands beside the folder is somebody's
    with TemporaryDirectory(prefix=".marketlag-", dir=folder.parent) as beside:
        new = Path(beside) / "new"
        new.mkdir()
        yield new
        _check(folder)
        if folder.exists():
            folder.rename(Path(beside) / "old")
        new.rename(folder)


def _check(folder: Path) -> None:
    if not folder.exists():
        return
    next_step = "name a folder that is empty, or not there yet"
    if not folder.is_dir():
        raise LabError(f"{shown(folder)} is a file.", "The results of a run are a folder.", next_step)
    there = {each.name for each in folder.iterdir()}
    if not there:
        return
    others = sorted(there - _LEAVES)
    if others or "oracle_equal" not in dumps.document(folder / "summary.json"):
        what = f"has {others[0]} in it" if others else "has no run's summary.json in it"
        raise LabError(
            f"{shown(folder)} {what}.", "Only the folder of an earlier run is written anew.", next_step
        )
