"""What is asked of a Flink cluster before MarketLag starts on it, and of its jobs right after.

    ask("/taskmanagers")  ->  what the cluster says  ->  a number  ->  a Problem, or none

A question is a GET of Flink's REST API, which the web UI asks as well. Nothing here changes the cluster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

#: GET of a path of Flink's REST API, as `ask("/overview")`: its answer as dicts, lists, numbers and texts
Ask = Callable[[str], Any]

#: a TaskManager is silent when nothing was heard of it for longer; one that lives is heard every 10 s
SILENT_MS = 25_000

#: what an exception says that only followed another one, and tells nothing of the reason
FOLLOWED = ("Python process exits with code", "Timeout has occurred")


class Problem(NamedTuple):
    """A sentence each for what is wrong and what was expected, and what to type next."""

    happened: str
    expected: str
    next_step: str


def slots_needed(jobs: Mapping[str, Sequence[int]]) -> int:
    """How many slots these jobs take together. jobs: by name the parallelism of each of their operators.

    >>> slots_needed({"signals": [2, 2, 1], "detector": [3, 1]})
    5
    """
    # BEGIN SOLUTION step 1: the slots that the jobs take
    # a slot holds one subtask of every operator of a job, and nothing of another job
    return sum(max(operators) for operators in jobs.values())
    # END SOLUTION


def slots_free(ask: Ask, now: int) -> int:
    """How many slots are free on TaskManagers that are heard of. now: ms since the epoch."""
    # BEGIN SOLUTION step 2: the slots that are free
    found = 0
    for each in ask("/taskmanagers")["taskmanagers"]:
        # a moment, whatever its name says; 0 until the first heartbeat after it has registered
        heard = each["timeSinceLastHeartbeat"]
        if heard == 0 or now - heard <= SILENT_MS:
            found += each["freeSlots"]
    return found
    # END SOLUTION


def version_fits(ask: Ask, least: str) -> bool:
    """Whether the cluster's Flink has the major version of `least`, and is not older."""
    # BEGIN SOLUTION step 3: the cluster's version against the one it must have at least
    running, wanted = (
        [int(number) for number in re.findall(r"\d+", version.partition("-")[0])]
        for version in (ask("/overview")["flink-version"], least)
    )
    return running[:1] == wanted[:1] and running >= wanted
    # END SOLUTION


def checkpoints(ask: Ask, job: str) -> tuple[int | None, str]:
    """How often the job takes checkpoints, in ms, and in which mode (in capitals); None: it takes none."""
    # BEGIN SOLUTION step 4: the interval that is in force in the job
    config = ask(f"/jobs/{job}/checkpoints/config")
    # Java's largest number stands where no interval was set
    interval = None if config["interval"] == 2**63 - 1 else config["interval"]
    return interval, config["mode"].upper()
    # END SOLUTION


def why(trace: str) -> str:
    """Of a long trace the one line that says why: class and message of what came first.

    Of a message of several lines the first. Where no exception says why: the text's first line.
    """
    # BEGIN SOLUTION step 5: the line of a long trace that says why
    # at the beginning of its line, behind what tells how it came there: py4j's colon, Java's words
    raised = re.findall(r"^(?:Caused by: |: )?([\w.$]+(?:Exception|Error)\b.*)", trace, re.MULTILINE)
    reasons = [line for line in raised if not any(word in line for word in FOLLOWED)]
    if reasons:
        return reasons[-1].strip()  # of causes the innermost stands last
    return trace.strip().partition("\n")[0]
    # END SOLUTION


# ---- given: what MarketLag asks, and what it says ----------------------------------------------------


def before_start(ask: Ask, jobs: Mapping[str, Sequence[int]], now: int, least: str) -> Iterator[Problem]:
    """What stands against starting these jobs on this cluster."""
    if not version_fits(ask, least):
        yield Problem(
            f"The cluster is Flink {ask('/overview')['flink-version']}.",
            f"MarketLag is made for Flink {least}, or a later one with the same first number.",
            "./lab up flink, with LAB_FLINK unset",
        )
    needed, free = slots_needed(jobs), slots_free(ask, now)
    if free < needed:
        highest = max(max(operators) for operators in jobs.values())
        yield Problem(
            f"{len(jobs)} jobs of parallelism {highest} need {needed} slots; {free} are free.",
            "A job without its slots waits for ever.",
            "./lab up flink --taskmanagers 2",
        )


def once_running(ask: Ask, job: str, seconds: int) -> Iterator[Problem]:
    """What is wrong with the checkpoints of a running job that was to take one every so many seconds."""
    interval, mode = checkpoints(ask, job)
    if interval != seconds * 1000 or mode != "EXACTLY_ONCE":
        every = "no checkpoints" if interval is None else f"a checkpoint every {interval} ms, {mode}"
        yield Problem(
            f"The job takes {every}.",
            f"Every {seconds} s and EXACTLY_ONCE was asked for: it was cancelled.",
            "set the interval in the job's own options; those of config.yaml are ignored",
        )
