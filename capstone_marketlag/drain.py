"""Waiting until the jobs have read what is there, and stopping them there: for a world that has an end."""

from __future__ import annotations

from capstone_marketlag import dump, topics
from capstone_marketlag.application import Application
from capstone_marketlag.positions import positions
from labkit.errors import LabError
from labkit.services import process

Positions = dict[int, int]  # partition -> the offset behind the last record


def drain(application: Application, seconds: float = 180) -> None:
    """Let both jobs read to the end of their topics, one behind the other, and stop each with a savepoint.

    The stop commits what the first has written; only then the second can have read all of it.
    Raises LabError: a job failed, or did not read everything in time.
    """
    settings = application.settings
    for topic in (topics.NEWS, topics.PRICES):
        wait_read(application, "signals", topic, topics.ends(settings, topic), seconds)
    application.stop_job("signals")
    # not the topic's ends: behind the last record stands the mark of its transaction, which nobody reads
    written = dump.read_topic(settings, topics.SIGNALS_WITH_PRICE)
    ends: Positions = {}
    for row in written:
        ends[row["partition"]] = row["offset"] + 1
    wait_read(application, "detector", topics.SIGNALS_WITH_PRICE, ends, seconds)
    metas = topics.ends(settings, topics.MARKET_META)
    wait_read(application, "detector", topics.MARKET_META, metas, seconds)
    application.stop_job("detector")


def wait_read(application: Application, name: str, topic: str, ends: Positions, seconds: float) -> None:
    """Wait until that job's source has read the last record of every partition.

    Raises LabError: the job failed, or it did not read everything in time.
    """
    rest, job = application.rest, application.jobs[name].id

    def behind() -> Positions:
        at = positions(application, name, topic)
        return {each: at.get(each, 0) for each, end in ends.items() if at.get(each, 0) < end}

    def read() -> bool:
        if rest.state(job) == "FAILED":
            raise LabError(
                f"The job {name} failed: {rest.why_failed(job)}.", "It has no end.", "./lab doctor"
            )
        return not behind()

    def give_up() -> None:
        raise LabError(
            f"The job {name} had not read {topic} after {seconds:.0f} s: it is at {behind()} of {ends}"
            f" and {rest.state(job)}.",
            rest.why_failed(job),
        )

    process.until(read, seconds, give_up, every=0.1)
