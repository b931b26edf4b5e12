"""The commands of authors and instructors."""

from __future__ import annotations

import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labkit.course.commands import course, names
from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.course.curriculum import Lab
    from labkit.course.folders import Folders
    from labkit.course.runner import Run


@click.group()
def dev() -> None:
    """For authors: begin a lab, see whether it is complete, prove its checks."""


@dev.command()
@click.argument("where", metavar="PHASE/labNN_SLUG")
@click.option("--sql", "suffix", flag_value=".sql", help="The piece is SQL.")
@click.option("--python", "suffix", flag_value=".py", default=".py", help="The piece is Python (default).")
def new(where: str, suffix: str) -> None:
    """Write the files of a new lab. What is there already stays."""
    from labkit.course import scaffold
    from labkit.course.folders import Folders

    folders = Folders.here()
    for path in scaffold.new(folders.labs, where, suffix):
        click.echo(f"  {folders.shown(path)}")
    click.echo("Next: write it, then ./lab dev check and ./lab dev prove")


@dev.command("check")
@click.argument("slugs", nargs=-1, metavar="[LAB]...", shell_complete=names)
def check_(slugs: tuple[str, ...]) -> None:
    """Whether labs are complete: files, headings, steps, hints, answers. Without names: all."""
    from labkit.course import complete

    _, curriculum = course()
    labs = [curriculum.lab(slug) for slug in slugs] or list(curriculum.labs.values())
    found = {lab.slug: list(complete.flaws(lab)) for lab in labs}
    for slug, flaws in found.items():
        click.echo(f"{slug}: {'complete' if not flaws else f'{len(flaws)} to mend'}")
        for flaw in flaws:
            click.echo(f"  {flaw}")
    bad = next((slug for slug, flaws in found.items() if flaws), None)
    click.echo(f"Next: {f'./lab dev check {bad}' if bad else './lab dev prove'}")
    sys.exit(bad is not None)


@dev.command()
@click.argument("slugs", nargs=-1, metavar="[LAB]...", shell_complete=names)
@click.option("--changed", is_flag=True, help="Only labs whose files are not as committed.")
@click.option("--no-mutations", is_flag=True, help="Without the mutations, which take longest.")
@click.option("--all", "everywhere", is_flag=True, help="Mutate given lines too.")
@click.option("--jobs", default=1, type=click.IntRange(1, 16), help="So many labs at once (1).")
@click.option("-v", "--verbose", is_flag=True, help="A line for each run.")
def prove(
    slugs: tuple[str, ...], changed: bool, no_mutations: bool, everywhere: bool, jobs: int, verbose: bool
) -> None:
    """Prove the checks of labs: stub, reference, wrong and right answers, mutations. Without names: all."""
    from labkit.course import side_by_side, untouched
    from labkit.course.folders import Folders

    folders, curriculum = course()
    labs = [curriculum.lab(slug) for slug in slugs] or list(curriculum.labs.values())
    if changed:
        touched = untouched.touched(Folders.here(), labs)
        labs = [lab for lab in labs if lab.slug in touched or set(lab.needs) & touched]

    if jobs > 1 and len(labs) > 1:
        flags = {"--no-mutations": no_mutations, "--all": everywhere, "--verbose": verbose}
        options = [flag for flag, given in flags.items() if given]
        failed = []
        with closing(side_by_side.proofs([lab.slug for lab in labs], options, jobs)) as proofs:
            for slug, holds, said in proofs:
                click.echo(said)
                failed += [] if holds else [slug]
    else:
        proven = partial(_proven, with_mutations=not no_mutations, everywhere=everywhere, verbose=verbose)
        failed = [lab.slug for lab in labs if not proven(folders, lab)]
    click.echo(f"Next: {f'mend {failed[0]}, then ./lab dev prove {failed[0]}' if failed else 'make test'}")
    sys.exit(bool(failed))


def _proven(folders: Folders, lab: Lab, *, with_mutations: bool, everywhere: bool, verbose: bool) -> bool:
    """Prove this lab, and say what came of it; whether it holds."""
    from labkit.course import proving

    def hear(what: str, run: Run) -> None:
        if verbose:
            red = f" at step {run.red.at}: {run.red.says}" if run.red else ""
            click.echo(f"  {run.seconds:5.1f} s  {what}: {run.outcome}{red}")

    try:
        proof = proving.prove(lab, with_mutations=with_mutations, everywhere=everywhere, on_run=hear)
    except LabError as error:
        click.echo(f"{lab.slug}: not proven\n  {error}")
        return False
    killed = proof.mutants - len(proof.survivors)
    tried = f", {killed} of {proof.mutants} mutations noticed" if proof.mutants else ""
    word = "proven" if proof.holds else "not proven"
    click.echo(f"{lab.slug}: {word}, {proof.runs} runs, {proof.seconds:.1f} s{tried}")
    for failure in proof.failures:
        click.echo(f"  {failure}")
    for survivor in proof.survivors:
        at = f"{folders.shown(lab.reference_file)}:{lab.reference.lines[survivor.line - 1]}"
        click.echo(f"  survives: {at}  {survivor.change}")
    for change in proof.stale:
        click.echo(f"  answers.toml calls equivalent what is not tried: {change}")
    sys.stdout.flush()
    return proof.holds


@click.command()
@click.option(
    "--stubs", "to", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Where to."
)
def export(to: Path) -> None:
    """A handout: of every lab the stub, the task, the notebook and the tests, without its answers.

    To write in, not to run: the tests need this repository. Collect the stubs that were filled in as
    CLASS/<learner>/<lab>.sql or .py, and ./lab grade CLASS, here, says what is right. Hints are left out: the
    last one of a step is almost its answer. Who is to check alone gets the repository instead, hints and all.
    """
    from labkit.course import grading

    count = grading.export(course()[1], to)
    click.echo(f"{count} labs in {to}, without solutions, answers, hints and discussions.")
    click.echo("Next: give it out; then ./lab grade CLASS, with CLASS/<learner>/<lab>.sql or .py of each")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--lab", "name", metavar="LAB|PHASE", shell_complete=names, help="Only these labs.")
@click.option("--csv", "table", type=click.Path(path_type=Path), help="Where to (default DIR/grades.csv).")
@click.option("--junit", type=click.Path(path_type=Path), help="Where to (default DIR/grades.xml).")
def grade(folder: Path, name: str | None, table: Path | None, junit: Path | None) -> None:
    """Check a class: DIR/<learner>/<lab>.sql or .py, each piece alone. Writes CSV and JUnit XML.

    By the labs' files as they were committed; those that were edited are named.
    """
    from labkit.course import files, grading, show
    from labkit.course.check import as_committed

    folders, curriculum = course()
    chosen = curriculum.find(name) if name else list(curriculum.labs.values())
    labs, notes = [], []
    for lab in chosen:
        committed, said = as_committed(folders, lab)
        labs.append(committed)
        notes += said
    for note in dict.fromkeys(notes):
        click.echo(note)
    grades: dict[str, list[grading.Grade]] = {}
    for learner in grading.learners(folder):
        grades[learner] = []
        for each in grading.grade(folder, learner, labs):
            grades[learner].append(each)
            click.echo(f"{learner:<16}{show.lab_line(each.lab, each.run.outcome, each.run.red)}")
            sys.stdout.flush()
        if not grades[learner]:
            click.echo(f"{learner:<16}  has no piece of these labs")
    table, junit = table or folder / "grades.csv", junit or folder / "grades.xml"
    files.write(table, grading.as_csv(grades))
    files.write(junit, grading.as_junit(grades))
    click.echo(f"{sum(map(len, grades.values()))} pieces: {table}, {junit}")


TEACHING: tuple[click.Command, ...] = (dev, export, grade)
