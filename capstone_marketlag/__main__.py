"""python -m capstone_marketlag demo | run | replay | produce | status | stop | resume | report | retention"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import click

from capstone_marketlag import local
from labkit import console
from labkit.errors import LabError, of_the_system
from labkit.interrupt import interruptible
from labkit.paths import BUILD, shown


def _of_the_world(command: Callable[..., None]) -> Callable[..., None]:
    """The options --seed and --hours: which recorded world is played."""
    hours = click.option(
        "--hours", type=click.IntRange(1, 24 * 60), default=240, show_default=True, envvar="HOURS",
        help="Hours of news.",
    )  # fmt: skip
    seed = click.option(
        "--seed", type=int, default=1, show_default=True, envvar="SEED", help="Which recorded world."
    )
    return seed(hours(command))


@click.group()
def cli() -> None:
    """MarketLag, the system."""


@cli.command()
@_of_the_world
@click.option(
    "--to", type=click.Path(path_type=Path, resolve_path=True), default=BUILD / "demo",
    help="Folder for the results.",
)  # fmt: skip
@click.option(
    "--mine", type=click.Choice(["right", "all"]), default="right", show_default=True, envvar="MINE",
    help="Which pieces of mine/: those that are right, or all.",
)  # fmt: skip
def demo(seed: int, hours: int, to: Path, mine: str) -> None:
    """Run the whole pipeline on a recorded world; exit 0 only if the result is right."""
    from capstone_marketlag.demo import run as run_demo

    if not run_demo(seed, hours, to, wrong_pieces=mine == "all"):
        raise LabError("The result is not right.", "It has to be conserved and equal to the oracle.",
                       f"open {shown(to / 'report.html')}")  # fmt: skip
    console.out.print(f"Next: open {shown(to / 'report.html')}, then ./lab list", markup=False)


@cli.command()
@click.option("--anew", is_flag=True, help="From the beginning of the topics, whatever was kept.")
def run(anew: bool) -> None:
    """Start both jobs on the services of `./lab up`; refuse where they would run wrongly."""
    application = local.application()
    with _on_right_pieces(), console.stage("signals and detector"):
        jobs = application.run(anew)
    _started(jobs)
    console.out.print("Next: python -m capstone_marketlag replay, or produce --live --market SLUG --feed URL")


@cli.command()
def stop() -> None:
    """Stop both jobs, each with a savepoint: nothing is lost, nothing is closed early."""
    application = local.application()
    with console.stage("savepoints"):
        savepoints = application.stop()
    for name, savepoint in savepoints.items():
        console.out.print(f"{name:<9} stopped, its state is in {savepoint}", markup=False)
    console.out.print("Next: python -m capstone_marketlag resume")


@cli.command()
def resume() -> None:
    """Start both jobs from where they were: the last stop, or the newest checkpoint after a crash."""
    application = local.application()
    with _on_right_pieces(), console.stage("signals and detector"):
        jobs = application.resume()
    _started(jobs)
    console.out.print("Next: python -m capstone_marketlag status")


@cli.command()
@_of_the_world
@click.option(
    "--pace", type=click.FloatRange(0, 900), default=0.0, show_default=True,
    help="Seconds between two ticks of 15 virtual minutes.",
)  # fmt: skip
def replay(seed: int, hours: int, pace: float) -> None:
    """Play a recorded world through the producers into Kafka; Ctrl-C ends it."""
    from capstone_marketlag.replay.local import play

    counts = play(local.settings(), seed, hours, pace)
    news, prices = counts["news"], counts["prices"]
    console.out.print(f"{news['produced']} news items and {prices['produced']} prices are in Kafka.")
    console.out.print("Next: python -m capstone_marketlag status")


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
def report(folder: Path | None) -> None:
    """Write the report of what the application found so far, or again that of a run's FOLDER."""
    from capstone_marketlag.report import write_report

    if folder is None:
        from capstone_marketlag import folders

        folder = BUILD / "report"
        with folders.whole(folder) as new:
            with console.stage("read topics and tables"):
                _dump_now(new)
            write_report(new)
    else:
        write_report(folder)
    console.out.print(f"The report: {shown(folder / 'report.html')}")


def _dump_now(folder: Path) -> None:
    """The topics and tables of the running application, and their summary, as a run leaves them."""
    from capstone_marketlag import dump
    from capstone_marketlag.outcome import outcome
    from capstone_marketlag.summary import of_running

    settings = local.settings()
    read, stored = dump.read_all(settings)
    dump.write_all(folder, read, stored)
    summary = of_running(settings, outcome(read, stored, settings.alignment))
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")


@contextmanager
def _on_right_pieces() -> Iterator[None]:
    """Within it a part of the jobs is the learner's where its lab calls it right; a line for each other."""
    from capstone_marketlag import pieces

    with pieces.chosen(all_of_mine=False) as left_out:
        for line in pieces.told(left_out):
            console.out.print(f"{line}.", markup=False)
        yield


def _started(jobs: dict[str, str]) -> None:
    for name, job in jobs.items():
        console.out.print(f"{name:<9} runs as {job}")


@cli.command()
@click.option("--live", is_flag=True, help="Real markets, real time; Ctrl-C ends it.")
@click.option(
    "--market", "markets", multiple=True, metavar="SLUG", help="A market of Polymarket; again for more."
)
@click.option("--feed", metavar="URL", help="Its news feed; {market} stands for the slug.")
@click.option("--once", is_flag=True, help="One run of everything, then end.")
def produce(live: bool, markets: tuple[str, ...], feed: str | None, once: bool) -> None:
    """Send the news and prices of real markets to Kafka, as they are now."""
    from capstone_marketlag.producers.live import produce as feed_kafka

    if not live:
        raise LabError(
            "Without --live nothing is produced.",
            "With it, real markets are asked; make demo and replay play the recorded world.",
            "python -m capstone_marketlag produce --live --market SLUG --feed URL",
        )
    feed_kafka(markets, feed, once)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document, for programs.")
def status(as_json: bool) -> None:
    """Jobs, checkpoints, what is still to read, dead and late records, the last lag signals."""
    from capstone_marketlag import status as asked

    application = local.application()
    # only while somebody looks and waits: what stays is the answer
    with console.err.status("asking Flink, Kafka and PostgreSQL …"):
        said = asked.report(application)
    for line in [json.dumps(said)] if as_json else asked.lines(said):
        console.out.print(line, markup=False)
    if not (as_json or said["unanswered"]):  # what cannot be asked says by itself what comes next
        stopped = any("savepoint" in job for job in said["jobs"].values())
        console.out.print(f"Next: python -m capstone_marketlag {'resume' if stopped else 'report, or stop'}")


@cli.command()
def retention() -> None:
    """Delete from PostgreSQL what is older than it is kept: 90 days of hours, 30 of health records."""
    from capstone_marketlag.retention import delete_old

    for table, rows in delete_old(local.settings(), datetime.now(timezone.utc)).items():
        console.out.print(f"{table}: {rows} rows deleted")


def main() -> None:
    interruptible()
    try:
        cli.main(standalone_mode=False)
    except LabError as error:
        console.err.print(f"marketlag: {error}", markup=False)
        sys.exit(1)
    except OSError as error:
        console.err.print(f"marketlag: {of_the_system(error)}", markup=False)
        sys.exit(1)
    except click.ClickException as error:
        console.err.print(
            f"marketlag: {error.format_message()} Next: python -m capstone_marketlag --help", markup=False
        )
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        # only the demo starts services; what run or resume had begun is cancelled, a stop goes on in Flink
        ended = (
            "everything it started was ended"
            if "demo" in sys.argv
            else "see: python -m capstone_marketlag status"
        )
        console.err.print(f"\nmarketlag: Stopped; {ended}.", markup=False)
        sys.exit(130)


if __name__ == "__main__":
    main()
