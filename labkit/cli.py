"""./lab: one command for everything a learner or an operator types.

Each command is a thin shell over one module; every error a person can cause ends as one sentence
on stderr and a non-zero exit, never as a trace.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from labkit import console
from labkit.course import commands as course
from labkit.course.teaching import TEACHING
from labkit.errors import LabError, of_the_system
from labkit.interrupt import interruptible

NEXT = "Next: {}"


class Sections(click.Group):
    """Commands under headings, in the order in which they are needed."""

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        learning = [str(command.name) for command in course.LEARNING]
        teaching = [str(command.name) for command in TEACHING]
        rest = [name for name in self.commands if name not in (*learning, *teaching)]
        for title, names in (
            ("The labs", learning),
            ("Services and tools", rest),
            ("Authors and instructors", teaching),
        ):
            if not names:
                continue
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(90)) for name in names])


@click.group(
    cls=Sections,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.pass_context
def cli(context: click.Context) -> None:
    """MarketLag's lab: services, SQL, jobs, and the way through the course."""
    if context.invoked_subcommand is None:
        from labkit.services.stack import Stack

        lines = Stack().describe()
        console.out.print("MarketLag: news → Kafka → Flink → PostgreSQL, on this machine.\n")
        for line in lines or ["No service is up."]:
            console.out.print(f"  {line}", markup=False)
        console.out.print(
            "\n  make demo       the whole pipeline on a recorded feed, checked and reported"
            "\n  ./lab list      the labs: each replaces a part of it with yours"
            "\n  ./lab up        Kafka, PostgreSQL and Flink for yourself"
            "\n  ./lab doctor    what this machine has and lacks"
            "\n  ./lab --help    everything else\n"
        )
        course.status()


for _command in course.LEARNING:
    cli.add_command(_command)


@cli.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--taskmanagers", type=click.IntRange(1, 8), help="How many TaskManagers (default 1).")
@click.option("--slots", type=click.IntRange(1, 32), help="Slots in each TaskManager (default 4).")
@click.option("--stack", default="main", show_default=True, help="Which set of services.")
def up(services: tuple[str, ...], taskmanagers: int | None, slots: int | None, stack: str) -> None:
    """Start kafka, postgres and flink, or those named (also: registry)."""
    from labkit.services.stack import Stack

    it = Stack(stack)
    seconds = it.up(*services, taskmanagers=taskmanagers, slots=slots)
    for line in it.describe():
        console.out.print(line, markup=False)
    took = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    console.err.print(f"Ready: {took}. {NEXT.format('./lab sql, and ./lab down at the end')}")


@cli.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--stack", default="main", show_default=True, help="Which set of services.")
@click.option("--all", "every", is_flag=True, help="Every stack of this copy: demos and test runs too.")
@click.option("--data", is_flag=True, help="Delete what the services stored as well.")
def down(services: tuple[str, ...], stack: str, every: bool, data: bool) -> None:
    """End the services that run, or those named. What they stored stays."""
    from labkit.services.stack import Stack, all_stacks

    if data and services:
        raise LabError("--data deletes a whole stack.", "It takes no service.", "./lab down --data")
    for it in all_stacks() if every else [Stack(stack)]:
        if data:
            it.remove()
        else:
            it.down(*services)
    console.err.print(f"Down. {NEXT.format('./lab up')}")


@cli.command()
def doctor() -> None:
    """Python, disk, memory, ports, architecture, versions: a line each, and what to do where it fails."""
    from labkit.doctor import examine

    findings = examine()
    for finding in findings:
        console.out.print(str(finding), markup=False)
    bad = [finding for finding in findings if not finding.ok]
    if bad:
        raise LabError(f"{len(bad)} of {len(findings)} need something.", "", bad[0].next_step)
    console.err.print(NEXT.format("make demo"))


@cli.command()
@click.argument("script", required=False, type=click.Path(path_type=Path))
@click.option("-e", "--execute", "text", help="Run this text instead of a file.")
@click.option("--stack", default="main", show_default=True, help="Which set of services.")
def sql(script: Path | None, text: str | None, stack: str) -> None:
    """Run a SQL script on the cluster, or open a prompt. `-` reads from standard input."""
    from labkit.sql import prompt, run_script

    if text is None and script is None and sys.stdin.isatty():
        sys.exit(prompt(stack))
    if text is None:
        text = sys.stdin.read() if script is None or str(script) == "-" else _read(script)
    run_script(text, stack)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(
            f"{path} cannot be read ({getattr(error, 'strerror', None) or 'it is not text'}).",
            "A file with SQL statements was expected.",
            "./lab sql, for a prompt",
        ) from error


@cli.command()
@click.argument("name")
@click.option("--partitions", type=click.IntRange(1), default=1, show_default=True)
@click.option("--stack", default="main", show_default=True, help="Which set of services.")
def topic(name: str, partitions: int, stack: str) -> None:
    """Make a topic: the broker makes none by itself."""
    from labkit.services.stack import Stack

    kafka = Stack(stack).kafka
    if not kafka.usable():
        raise LabError("kafka does not run.", "A topic needs a broker.", "./lab up kafka")
    made = kafka.make_topic(name, partitions)
    console.out.print(f"Topic {name} {'is made' if made else 'was there already'} on {kafka.address}.")


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("job", type=click.Path(path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--stack", default="main", show_default=True, help="Which set of services.")
@click.option("--print-only", is_flag=True, help="Print the line and do not run it.")
def run(job: Path, arguments: tuple[str, ...], stack: str, print_only: bool) -> None:
    """Print the exact `flink run` line for a PyFlink job, and run it."""
    from labkit.jobs import run_job

    sys.exit(run_job(job, list(arguments), stack, print_only))


@cli.command("env")
@click.option("--stack", default="main", show_default=True, help="Which set of services.")
def env_(stack: str) -> None:
    """Print what a shell needs to work on the services: eval "$(./lab env)"."""
    import shlex

    from labkit.services.stack import Stack

    for key, value in Stack(stack).environment().items():
        if os.environ.get(key) != value:
            console.out.print(f"export {key}={shlex.quote(value)}", markup=False)


for _command in TEACHING:
    cli.add_command(_command)


def main() -> NoReturn:
    """The entry point: commands, and errors as sentences."""

    interruptible()
    try:
        cli.main(prog_name="./lab", complete_var="_LAB_COMPLETE", standalone_mode=False)
        code = 0
    except click.exceptions.NoArgsIsHelpError as help_:
        console.err.print(help_.format_message(), markup=False)
        code = 2
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        command = f"{context.command_path} --help" if context else "./lab --help"
        console.err.print(f"lab: {error.format_message()} {NEXT.format(command)}", markup=False)
        code = 2
    except LabError as error:
        console.err.print(f"lab: {error}", markup=False)
        code = 1
    except BrokenPipeError:  # `./lab sql … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        console.err.print(f"lab: {of_the_system(error)}", markup=False)
        code = 1
    except (KeyboardInterrupt, click.Abort):
        console.err.print("\nlab: Stopped; what this command started was ended.", markup=False)
        code = 130
    sys.exit(code)
