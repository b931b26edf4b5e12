"""The commands of a learner's day. Each is a thin shell over one module, imported when it is called."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from labkit.errors import LabError, of_the_system

if TYPE_CHECKING:
    from labkit.course.child import Child
    from labkit.course.curriculum import Curriculum, Lab
    from labkit.course.folders import Folders
    from labkit.course.runner import Run
    from labkit.course.verdict import Outcome, Verdict


def course() -> tuple[Folders, Curriculum]:
    """Where things are, and the labs. Raises LabError."""
    from labkit.course.curriculum import Curriculum
    from labkit.course.folders import Folders

    folders = Folders.here()
    return folders, Curriculum(folders.labs)


def names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Labs, and phases where they are taken, that begin so: for tab completion."""
    _, curriculum = course()
    found = [*curriculum.labs, *(curriculum.phases if parameter.name == "name" else ())]
    return [CompletionItem(name) for name in found if name.startswith(incomplete)]


def lab_argument(*, required: bool) -> click.Argument:
    """The argument LAB, completed by tab."""
    return click.Argument(
        ["slug"], required=required, metavar="LAB" if required else "[LAB]", shell_complete=names
    )


def _chosen(slug: str | None) -> tuple[Folders, Curriculum, Lab]:
    """The lab that was named, else the one in work."""
    from labkit.course.check import in_work

    folders, curriculum = course()
    return folders, curriculum, curriculum.lab(slug) if slug else in_work(folders, curriculum)


def _say(line: str) -> None:
    click.echo(line)


def _wait(text: str) -> None:
    click.echo(f"  {text}", err=True)


# ---- the way -------------------------------------------------------------------------------------


@click.command("list")
def list_() -> None:
    """The labs that are written, by phase: what each is about, and whose its part is."""
    from labkit.course import memory, show

    folders, curriculum = course()
    for phase, labs in curriculum.phases.items():
        outcomes = {lab.slug: memory.outcome(folders, lab) for lab in labs}
        _say(show.whose(phase, outcomes, only_right=True))
        for lab in labs:
            _say(show.lab_line(lab, outcomes[lab.slug]))
    _say("\nNext: ./lab start LAB")


@click.command()
@click.argument("name", required=False, metavar="LAB|PHASE", shell_complete=names)
def start(name: str | None) -> None:
    """Begin a lab: its stub is written into mine/, and MarketLag runs on it from then on.

    With a phase, the stubs of all its labs: for somebody who knows it already. `./lab check PHASE` then says
    which are worth doing.
    """
    folders, curriculum = course()
    if name is None:
        from labkit.course import show

        # behind the last one the first that is not right
        comes = show.after(folders, curriculum, [*curriculum.labs.values()][-1])
        raise LabError("Which lab?", "One has to be named; ./lab list has them all.", comes)
    labs = curriculum.find(name)
    if labs[0].slug == name:
        _start_one(folders, curriculum, labs[0])
    else:
        _start_all(folders, name, labs)


def _start_all(folders: Folders, phase: str, labs: list[Lab]) -> None:
    from labkit.course import work

    for lab in labs:
        piece = folders.mine / lab.file_name
        there = piece.exists()
        if not there:
            work.start(folders, lab)
        steps = "there already" if there else f"{len(lab.reference.steps)} steps"
        _say(f"  {folders.shown(piece):<30} {steps:<14} {lab.title}")
    _say("Each stands for itself: the reference of all others is around it.")
    _say(f"Next: write what you know, then ./lab check {phase}: it says which labs are worth doing")


def _start_one(folders: Folders, curriculum: Curriculum, lab: Lab) -> None:
    from labkit.course import memory, work
    from labkit.course.verdict import Outcome

    piece = work.start(folders, lab)
    _say(f"{lab.title}, about {lab.minutes} minutes. You build {lab.builds}.")
    _say(f"  task   {folders.shown(lab.readme)}")
    _say(f"  yours  {folders.shown(piece)}")
    if lab.notebook.exists():
        _say(f"  look   ./lab notebook {lab.slug}")
    if lab.services:
        _say(f"  needs  {', '.join(lab.services)}: its checks start their own")
    for step, title in lab.reference.steps.items():
        _say(f"  step {step}: {title}")
    other = [
        need for need in lab.needs
        if need in curriculum.labs and memory.outcome(folders, curriculum.labs[need]) is not Outcome.RIGHT
    ]  # fmt: skip
    if other:
        _say(f"It builds on {', '.join(other)}, which {'is' if len(other) == 1 else 'are'} not yours yet: "
             "the reference stands in.")  # fmt: skip
    _say(f"Next: read the task, edit {folders.shown(piece)}, then ./lab check")


@click.command()
@click.argument("name", required=False, metavar="[LAB|PHASE]", shell_complete=names)
@click.option("-v", "--verbose", is_flag=True, help="With traces, and all that was printed.")
@click.option("--reference", is_flag=True, help="Check the reference, whatever is in mine/.")
@click.option("--edited", is_flag=True, help="With the lab's files as they are, edited or not; not counted.")
def check(name: str | None, verbose: bool, reference: bool, edited: bool) -> None:
    """Check your piece (the one edited last), a lab, or a phase. Exit code 0: all of it yours and right."""
    from labkit.course.child import Child

    with Child() as child:  # it imports pytest while the rest is looked up
        from labkit.course.check import in_work

        folders, curriculum = course()
        labs = curriculum.find(name) if name else [in_work(folders, curriculum)]
        told = _Told(folders, curriculum, verbose, own=not reference, edited=edited)
        sys.exit(told.one(labs[0], child) if labs[0].slug == name or not name else told.phase(labs))


class _Told:
    """Checks, told as they come."""

    def __init__(
        self,
        folders: Folders,
        curriculum: Curriculum,
        verbose: bool,
        *,
        own: bool = True,
        edited: bool = False,
    ) -> None:
        self.folders = folders
        self.curriculum = curriculum
        self.verbose = verbose
        self.own = own
        self.edited = edited

    def one(self, lab: Lab, child: Child | None = None) -> int:
        """A lab: its first red step in full, as soon as it is red."""
        from labkit.course import check, show
        from labkit.course.verdict import GOOD, first_red

        def hear(run: Run, verdict: Verdict) -> None:
            if first_red(run.verdicts) is verdict:
                for line in show.told(lab, run, verdict, full=self.verbose):
                    _say(line)
                sys.stdout.flush()

        if self.own:
            check.must_be_started(self.folders, self.curriculum, lab)
        checked = check.check(
            self.folders, lab, own=self.own, edited=self.edited, on_verdict=hear, child=child, on_wait=_wait
        )
        run = checked.run
        if run.red is not None:
            _say(show.counted(run.verdicts, run.planned))
        else:
            for line in show.right(self.folders, lab, run, edited=self.edited):
                _say(line)
        for note in checked.notes:
            _say(f"  {note}")
        _say(f"Next: {show.next_step(lab, run.red) if run.red else self._after(lab)}")
        return 0 if run.outcome in GOOD else 1

    def phase(self, labs: list[Lab]) -> int:
        """Every lab of a phase on a line, and the first red step of the first red lab in full."""
        from labkit.course import check, show
        from labkit.course.verdict import GOOD, Outcome

        outcomes: dict[str, Outcome] = {}
        first: tuple[Lab, Run, Verdict] | None = None
        for lab in labs:
            if self.own and not (self.folders.mine / lab.file_name).exists():
                outcomes[lab.slug] = Outcome.REFERENCE
                _say(show.lab_line(lab, Outcome.REFERENCE))
                continue
            run = check.check(self.folders, lab, own=self.own, edited=self.edited, on_wait=_wait).run
            outcomes[lab.slug] = run.outcome
            first = first or ((lab, run, run.red) if run.red else None)
            _say(show.lab_line(lab, run.outcome, run.red))
        if first:
            lab, run, verdict = first
            _say("")
            for line in show.one(lab, verdict, full=self.verbose):
                _say(line)
            _say(show.counted(run.verdicts, run.planned))
        _say("")
        _say(show.whose(labs[0].phase, outcomes))
        if self.own and (worth := show.worth_doing(labs, outcomes)):
            _say(worth)
        left = next((lab.slug for lab in labs if outcomes[lab.slug] is Outcome.REFERENCE), None)
        if first:
            _say(f"Next: {show.next_step(first[0], first[2])}")
        elif self.own:
            _say(f"Next: {f'./lab start {left}' if left else self._after(labs[-1])}")
        good = GOOD if not self.own else (Outcome.RIGHT,)
        return 0 if all(outcome in good for outcome in outcomes.values()) else 1

    def _after(self, lab: Lab) -> str:
        from labkit.course import show

        if self.edited:
            return f"./lab check {lab.slug}"
        return show.after(self.folders, self.curriculum, lab)


@click.command(params=[lab_argument(required=False)])
def watch(slug: str | None) -> None:
    """Check your piece now and each time that you save it. Ctrl-C ends it."""
    from labkit.course import check
    from labkit.course.watch import watch as look

    folders, curriculum, lab = _chosen(slug)
    check.must_be_started(folders, curriculum, lab)
    told = _Told(folders, curriculum, verbose=False)

    def again() -> None:
        _say(f"---- {lab.slug} ----")
        try:
            told.one(lab)
        except (LabError, OSError) as error:  # a full disk, half a save: the next one may do
            _say(f"lab: {of_the_system(error) if isinstance(error, OSError) else error}")
        sys.stdout.flush()

    look(folders.mine / lab.file_name, again)


@click.command(params=[lab_argument(required=False)])
@click.option("--port", type=click.IntRange(1, 65535), help="Listen on this port; else the first free one.")
@click.option("--fresh", is_flag=True, help="Begin with a new copy. Yours is kept beside it.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def notebook(slug: str | None, port: int | None, fresh: bool, no_browser: bool) -> None:
    """Open a lab's notebook in JupyterLab, on your piece. Ctrl-C ends it."""
    from labkit.course import jupyter

    folders, _, lab = _chosen(slug)
    copy = jupyter.copy(folders, lab, fresh=fresh)
    piece = folders.mine / lab.file_name
    _say(
        f"{folders.shown(copy)} is your copy of {folders.shown(lab.notebook)}; it runs "
        + (f"{folders.shown(piece)}." if piece.exists() else f"the reference until ./lab start {lab.slug}.")
    )
    if lab.services:
        _say(f"  needs  {', '.join(lab.services)}: its cells start their own")
    jupyter.prepare()
    try:
        with jupyter.served(folders, lab, copy, port) as server:
            _say(f"  open   {server.address}")
            _say("  Ctrl-C here, or File > Shut Down there, ends it.")
            sys.stdout.flush()
            if not no_browser:
                jupyter.open_browser(server.address)
            server.wait()
    except KeyboardInterrupt:
        _say("")
    _say(f"JupyterLab has ended; what you saved is in {folders.shown(copy)}.")
    _say(f"Next: ./lab {'check' if piece.exists() else 'start'} {lab.slug}")


@click.command()
@click.argument("names_", nargs=-1, metavar="[LAB] [STEP]", shell_complete=names)
def hint(names_: tuple[str, ...]) -> None:
    """The next hint for the step that is not right yet, or for STEP. Each call gives a bigger one."""
    from labkit.course import hints

    steps = [int(name) for name in names_ if name.isdigit()]
    slugs = [name for name in names_ if not name.isdigit()]
    if len(steps) > 1 or len(slugs) > 1:
        raise LabError("That is more than a lab and a step.", "", "./lab hint late_events 2, for example")
    folders, _, lab = _chosen(slugs[0] if slugs else None)
    step = steps[0] if steps else _step_in_work(folders, lab)
    found = hints.next_hint(folders, lab, step)
    title = lab.reference.steps.get(step, "")
    _say(f"{lab.slug}, step {step}{f' ({title})' if title else ''}: hint {found.number} of {found.of}\n")
    _say(found.text)
    again = f"./lab hint {lab.slug} {step}" if found.number < found.of else f"./lab solution {lab.slug}"
    _say(f"\nNext: ./lab check {lab.slug}, or {again}")


def _step_in_work(folders: Folders, lab: Lab) -> int:
    """The step that was red last, else the first that is still to do, else the only one. Raises LabError."""
    from labkit.course import files, memory
    from labkit.course.verdict import Outcome

    steps = list(lab.reference.steps)
    last = memory.recalled(folders, lab)
    if last is not None and last.step in steps:
        return last.step
    if last is not None and last.outcome is Outcome.RIGHT:
        raise LabError(
            f"{lab.slug} is right.", "It needs no hint.", f"./lab hint {lab.slug} STEP, all the same"
        )
    piece = folders.mine / lab.file_name
    if not piece.exists():
        return steps[0] if steps else 1
    left = list(lab.reference.left(files.read(piece)))
    before = memory.recalled(folders, lab, of_any_text=True)
    if before and before.step in steps and (not left or before.outcome is Outcome.WRONG):
        return min([before.step, *left])  # it was edited since, and whether that helped is not known
    if left or len(steps) < 2:
        return [*left, *steps, 1][0]
    raise LabError(
        f"Which step of {lab.slug} is not right is not known yet.",
        "It has no TODO left, and was not checked since it changed.",
        f"./lab check {lab.slug}, or ./lab hint {lab.slug} STEP",
    )


@click.command(params=[lab_argument(required=False)])
@click.option("--take", is_flag=True, help="Put it into mine/. What stands there is saved.")
def solution(slug: str | None, take: bool) -> None:
    """The solution beside yours: what you would have to change. Without a piece, the solution."""
    from labkit.course import work

    folders, _, lab = _chosen(slug)
    if take:
        copy = work.take(folders, lab)
        _say(f"{folders.shown(folders.mine / lab.file_name)} is the solution now.")
        _saved(lab, copy)
        _say(f"Next: ./lab check {lab.slug}")
        return
    lines = list(work.beside(folders, lab))
    for line in lines:
        _say(line)
    if not lines:
        _say("Yours is the solution, word for word.")
    _say(f"\nNext: {folders.shown(lab.discussion)} says what it costs; ./lab solution {lab.slug} --take")


@click.command(params=[lab_argument(required=True)])
def reset(slug: str) -> None:
    """Begin a lab again: the stub stands in mine/, your text is saved."""
    from labkit.course import work

    folders, _, lab = _chosen(slug)
    copy = work.reset(folders, lab)
    _say(f"{folders.shown(folders.mine / lab.file_name)} is the stub again.")
    _saved(lab, copy)
    _say(f"Next: edit it, then ./lab check {lab.slug}")


@click.command(params=[lab_argument(required=True)])
def drop(slug: str) -> None:
    """Give a part back to the reference. Your text is saved."""
    from labkit.course import check, work

    folders, curriculum, lab = _chosen(slug)
    check.must_be_started(folders, curriculum, lab)
    copy = work.drop(folders, lab)
    _say(f"MarketLag runs on the reference of {lab.slug} again.")
    _saved(lab, copy)
    _say("Next: ./lab list")


def _saved(lab: Lab, copy: object) -> None:
    if copy is not None:
        _say(f"Your text is saved; it comes back with ./lab saved {lab.slug} --restore 1")


@click.command(params=[lab_argument(required=False)])
@click.option("--restore", type=int, metavar="N", help="Put copy N back into mine/.")
def saved(slug: str | None, restore: int | None) -> None:
    """The copies of a piece: one at every check, reset, drop and solution --take that changed it."""
    from labkit.course import saved as copies

    folders, _, lab = _chosen(slug)
    if restore is not None:
        copy = copies.restore(folders, lab, restore)
        _say(
            f"{folders.shown(folders.mine / lab.file_name)} is as it was on {copy.at:%Y-%m-%d %H:%M:%S} UTC."
        )
        _say(f"Next: ./lab check {lab.slug}")
        return
    known = copies.copies(folders, lab)
    if not known:
        _say(f"Nothing of {lab.slug} was saved yet. A copy is made at every check.")
    for number, copy in enumerate(known, 1):
        _say(f"{number:>4}  {copy.at:%Y-%m-%d %H:%M:%S} UTC  before {copy.why:<9} {folders.shown(copy.path)}")
    _say(f"Next: ./lab saved {lab.slug} --restore N" if known else f"Next: ./lab check {lab.slug}")


@click.command()
def report() -> None:
    """What is done, which wrong answers you met, and what they taught: Markdown, on standard output."""
    from labkit.course import show
    from labkit.course.report import report as lines

    for line in lines(*course()):
        _say(line)
    *_, next_ = show.status(*course())
    click.echo(next_, err=True)  # it is no part of the report


def status() -> None:
    """Where you are, and what comes next: `./lab` alone."""
    from labkit.course import show

    for line in show.status(*course()):
        _say(line)


#: in the order in which they are told
LEARNING: tuple[click.Command, ...] = (
    list_, start, check, watch, notebook, hint, solution, reset, drop, saved, report,
)  # fmt: skip
