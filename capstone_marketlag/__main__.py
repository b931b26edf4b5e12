"""python -m capstone_marketlag demo | produce | status | retention"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from pathlib import Path

import click

from capstone_marketlag import local
from labkit import console
from labkit.errors import LabError, of_the_system
from labkit.interrupt import interruptible
from labkit.paths import BUILD, shown


@click.group()
def cli() -> None:
    """MarketLag, the system."""


@cli.command()
@click.option("--seed", type=int, default=1, show_default=True, envvar="SEED", help="Which recorded world.")
@click.option(
    "--hours",
    type=click.IntRange(1, 24 * 60),
    default=48,
    show_default=True,
    envvar="HOURS",
    help="Hours of news.",
)
@click.option("--to", type=click.Path(path_type=Path), default=BUILD / "demo", help="Folder for the results.")
def demo(seed: int, hours: int, to: Path) -> None:
    """Run the whole pipeline on a recorded world; exit 0 only if the result is right."""
    from capstone_marketlag.demo import run

    if not run(seed, hours, to):
        raise LabError("The result is not right.", "It has to be conserved and equal to the oracle.",
                       f"open {shown(to / 'report.html')}")  # fmt: skip


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
    from capstone_marketlag.status import lines, report

    said = report(local.application())
    for line in [json.dumps(said)] if as_json else lines(said):
        console.out.print(line, markup=False)


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
            f"marketlag: {error.format_message()} Next: make demo SEED=7 HOURS=300", markup=False
        )
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        console.err.print("\nmarketlag: Stopped; everything it started was ended.", markup=False)
        sys.exit(130)


if __name__ == "__main__":
    main()
