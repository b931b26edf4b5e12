"""What has to be true before a job starts, and right after: else it would run, and be wrong in silence.

Before: topics as planned, tables there, a cluster that is new enough, runs no job of that name and has a slot
for each subtask, schemas compatible with those registered. After: checkpoints are taken at the interval that
was asked for. What is asked of the cluster is the part `cluster_and_slots`.

An application on another cluster with the same Kafka is not seen. Open transactions would be no sign of one:
those of an application that was killed stay open too, and it has to be resumable at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from capstone_marketlag import pieces, tables, topics
from capstone_marketlag.settings import Settings
from labkit.errors import LabError
from labkit.flink_rest import FlinkRest
from labkit.services.flink import VERSION

#: the Flink that the jobs are planned with, without its last number: what a cluster must have at least
LEAST = VERSION.rpartition(".")[0]


def check(settings: Settings, rest: FlinkRest, names: tuple[str, ...]) -> None:
    """Make topics and tables; refuse to start jobs of these names where something is wrong.

    Raises LabError: a topic is not as planned, a schema is not compatible, the cluster is too old, slots are
    missing, a job of that name runs already.
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
    cluster(settings, rest, names)


def cluster(settings: Settings, rest: FlinkRest, names: tuple[str, ...]) -> None:
    """Ask the cluster whether it can take jobs of these names. Raises LabError: it can not."""
    # no operator of either job is wider than the settings say
    jobs = {name: [settings.parallelism] for name in names}
    now = round(time.time() * 1000)
    _refuse(pieces.python(pieces.PREFLIGHT).before_start(rest.get, jobs, now, LEAST))


def checkpoints_in_force(settings: Settings, rest: FlinkRest, job: str) -> None:
    """Ask the running job itself. Raises LabError: none are taken, or at another interval, or otherwise."""
    _refuse(pieces.python(pieces.PREFLIGHT).once_running(rest.get, job, settings.checkpoint_seconds))


def why_failed(
    rest: FlinkRest, job: str, since: int, shut_down_by: Callable[[int], str] = lambda since: ""
) -> str:
    """The reason of the job's newest failure since then (ms, UTC), or nothing: there was none.

    shut_down_by: the trace with which a TaskManager has ended itself since then.
    """
    why = pieces.python(pieces.PREFLIGHT).why
    told = rest.why_failed(job, since, why)
    trace = shut_down_by(since) if "FlinkExpectedException" in told else ""
    return str(why(trace))[:300] if trace else told


def _refuse(problems: Iterator[tuple[str, str, str]]) -> None:
    for problem in problems:
        raise LabError(*problem)
