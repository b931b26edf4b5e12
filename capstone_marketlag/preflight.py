"""What has to be true before a job starts, and right after: else it would run, and be wrong in silence.

Before: topics as planned, tables there, a slot for each subtask, nobody else at work on the same topics,
schemas compatible with those registered. After: checkpoints are taken at the interval that was asked for.
"""

from __future__ import annotations

from capstone_marketlag import tables, topics
from capstone_marketlag.settings import Settings
from labkit.errors import LabError
from labkit.flink_rest import FlinkRest


def check(settings: Settings, rest: FlinkRest, names: tuple[str, ...]) -> None:
    """Make topics and tables; refuse to start jobs of these names where something is wrong.

    Raises LabError: a topic is not as planned, a schema is not compatible, slots are missing, a job of that
    name runs already.
    """
    topics.ensure(settings)
    tables.ensure(settings)
    if settings.registry:
        from capstone_marketlag import schemas

        schemas.register(settings)
    alive = {name: job for job, name in rest.alive().items()}
    for name in names:
        if name in alive:
            raise LabError(
                f"A job {name} runs already ({alive[name]}).",
                "Two applications on the same topics would count everything twice.",
                "python -m capstone_marketlag status, or stop",
            )
    free, wanted = rest.get("/overview")["slots-available"], settings.parallelism * len(names)
    if free < wanted:
        raise LabError(
            f"{len(names)} jobs of parallelism {settings.parallelism} need {wanted} slots; {free} are free.",
            "A job without its slots waits for ever.",
            "./lab up flink --taskmanagers 2",
        )


def checkpoints_in_force(settings: Settings, rest: FlinkRest, job: str) -> None:
    """Ask the running job itself. Raises LabError: none are taken, or at another interval, or otherwise."""
    config = rest.get(f"/jobs/{job}/checkpoints/config")
    interval, mode = int(config.get("interval", 0)), str(config.get("mode", "")).upper()
    if interval != settings.checkpoint_seconds * 1000 or mode != "EXACTLY_ONCE":
        never = interval <= 0 or interval >= 2**63 - 1
        raise LabError(
            f"The job takes {'no checkpoints' if never else f'a checkpoint every {interval} ms, {mode}'}.",
            f"Every {settings.checkpoint_seconds} s and EXACTLY_ONCE was asked for: it was cancelled.",
            "set the interval in the job's own options; those of config.yaml are ignored",
        )
