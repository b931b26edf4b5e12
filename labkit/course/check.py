"""One lab checked: one check of it at a time, its text saved first, from untouched tests, remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from labkit.course import memory, runner, saved, untouched
from labkit.course.child import Child, Job
from labkit.course.curriculum import Curriculum, Lab
from labkit.course.folders import Folders
from labkit.course.runner import Run
from labkit.course.verdict import Outcome, Verdict
from labkit.errors import LabError
from labkit.services.locking import held

_AS_THEY_ARE = " (--edited takes them as they are)"


@dataclass(frozen=True)
class Checked:
    """What came of it, and what else has to be said."""

    run: Run
    notes: tuple[str, ...] = ()


def check(
    folders: Folders,
    lab: Lab,
    *,
    own: bool = True,
    edited: bool = False,
    on_verdict: Callable[[Run, Verdict], None] | None = None,
    child: Child | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> Checked:
    """Check the learner's piece (own), or the reference. edited: tests as they are, not as committed.

    What edited tests say is not remembered: MarketLag goes by the committed ones. child: one that was
    started before it was known what to check. The rest: as `runner.run` has it.
    """
    with held(folders.state / "locks" / f"check-{lab.slug}.lock", f"another check of {lab.slug} runs"):
        if own:
            saved.save(folders, lab, "check")
        other, notes = (lab, []) if edited else as_committed(folders, lab, _AS_THEY_ARE)
        run = runner.run(Job(other, folders.mine, own=own), on_verdict, child, on_wait)
        if own and not edited and run.outcome is not Outcome.ERROR:
            memory.remember(folders, lab, run)
        if lab.notebook.exists() and not _notebook_was_run(run):
            notes.append("Its notebook was not run, it needs nbval: ./lab setup docs")
        return Checked(run, tuple(notes))


def in_work(folders: Folders, curriculum: Curriculum) -> Lab:
    """The lab whose piece was edited last. Raises LabError: nothing was started."""
    pieces = {lab: folders.mine / lab.file_name for lab in curriculum.labs.values()}
    started = {lab: path.stat().st_mtime_ns for lab, path in pieces.items() if path.exists()}
    if not started:
        first = next(iter(curriculum.labs), None)
        raise LabError(
            "Nothing is in work.",
            "Your pieces stand in mine/.",
            f"./lab start {first}" if first else "./lab list",
        )
    return max(started, key=lambda lab: started[lab])


def must_be_started(folders: Folders, curriculum: Curriculum, lab: Lab) -> None:
    """Raises LabError: there is no piece of that lab. With what may have become of it."""
    if (folders.mine / lab.file_name).exists():
        return
    stray = [path for path in strays(folders, curriculum) if lab.slug in _near(path.stem, curriculum)]
    if stray:
        at, to = folders.shown(stray[0]), folders.shown(folders.mine / lab.file_name)
        raise LabError(f"There is no {to}.", f"{at} belongs to no lab.", f"mv {at} {to}")
    copies = saved.copies(folders, lab)
    if copies:
        raise LabError(
            f"{folders.shown(folders.mine / lab.file_name)} is gone.",
            f"{len(copies)} copies of it are saved; until it is back MarketLag runs on the reference.",
            f"./lab saved {lab.slug} --restore 1",
        )
    raise LabError(
        f"{lab.slug} is not started.", "MarketLag runs on its reference.", f"./lab start {lab.slug}"
    )


def strays(folders: Folders, curriculum: Curriculum) -> list[Path]:
    """Files in mine/ that look like pieces and belong to no part."""
    names = {f"{slug}{reference.suffix}" for slug, reference in curriculum.parts.items()}
    kinds = {reference.suffix for reference in curriculum.parts.values()} | {".txt"}
    found = folders.mine.iterdir() if folders.mine.is_dir() else iter(())
    return sorted(path for path in found if path.suffix in kinds and path.name not in names)


def _near(name: str, curriculum: Curriculum) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(name, list(curriculum.labs), n=3, cutoff=0.5)


def as_committed(folders: Folders, lab: Lab, else_: str = "") -> tuple[Lab, list[str]]:
    """The lab as it was committed, where its files were changed; what to say about that, and else_."""
    names = [folders.shown(path) for path in untouched.changed(folders, lab)]
    if not names:
        return lab, []
    files = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not as committed"
    other = untouched.committed(folders, lab)
    if other is None:
        return lab, [f"{files}; git cannot give the committed text, so it was checked as it is."]
    return other, [f"{files}: checked as committed{else_}."]


def _notebook_was_run(run: Run) -> bool:
    from labkit.course import cells

    return cells.can_run() or run.red is not None
