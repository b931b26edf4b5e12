"""How the application is: its jobs, what they have still to read, what was dead or late, what they found.

Every part is asked for itself. What cannot be asked costs one sentence that says so, and no other part.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from capstone_marketlag import preflight, tables, topics
from capstone_marketlag.application import Application
from capstone_marketlag.backlog import Backlog, backlog
from capstone_marketlag.positions import positions
from capstone_marketlag.settings import Settings
from capstone_marketlag.wire import to_wire
from labkit.errors import LabError

Said = dict[str, Any]

#: which topics each job reads
READS = {
    "signals": (topics.NEWS, topics.PRICES),
    "detector": (topics.SIGNALS_WITH_PRICE, topics.MARKET_META),
}
DEAD = (topics.DEAD_NEWS, topics.DEAD_PRICES, topics.DEAD_PROCESSING)
LATE = (topics.LATE_NEWS, topics.LATE_PRICES)

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_HOURS = """
SELECT date_trunc('hour', detected_at), count(*)
FROM lag_signals_history GROUP BY 1 ORDER BY 1 DESC LIMIT 6
"""
_FLAGS = """
SELECT market, window_start, confidence
FROM lag_signals_history WHERE lag_flag ORDER BY window_start DESC, market LIMIT 5
"""


def report(application: Application) -> Said:
    """What there is to know, ready for JSON; under `unanswered` a sentence for what cannot be asked."""
    unanswered: list[str] = []

    def ask(question: Callable[..., Said], *arguments: Any) -> Said:
        try:
            return question(*arguments)
        except LabError as error:
            unanswered.append(str(error))
            return {}

    jobs = ask(_jobs, application, ask)
    ask(_same_topics, application)
    asked = {topic: at for job in jobs.values() for topic, at in job.pop("positions", {}).items()}
    # of what is dead or late everything: from the first record on
    asked |= {topic: {} for topic in (*DEAD, *LATE)}
    found = ask(backlog, application.settings, asked)
    for name, job in jobs.items():
        read = [topic for topic in READS[name] if topic in asked and topic in found]
        job["behind"] = {topic: _counted(found[topic]) for topic in read}
    return {
        "asked_at": to_wire(_now().replace(microsecond=0)),
        "jobs": jobs,
        "dead": {topic: _counted(found[topic]) for topic in DEAD if topic in found},
        "late": {topic: _counted(found[topic]) for topic in LATE if topic in found},
        **ask(_detected, application.settings),
        **ask(_takes_rows, application.settings),
        "unanswered": unanswered,
    }


# ---- asking ------------------------------------------------------------------------------------


def _jobs(application: Application, ask: Callable[..., Said]) -> Said:
    if not application.jobs:
        raise LabError("The application has not run here.", "", "python -m capstone_marketlag run")
    rest = application.rest
    # Flink collects metrics when somebody asks: the first answer is as old as the last question
    for job in application.jobs.values():
        rest.metrics(f"/jobs/{job.id}", "numRestarts")
    time.sleep(1)
    return {
        name: {"id": job.id, "state": "STOPPED", "savepoint": job.savepoint}
        if job.savepoint
        else ask(_job, application, name) or {"id": job.id, "state": "unknown"}
        for name, job in application.jobs.items()
    }


def _same_topics(application: Application) -> Said:
    """Nothing to say where the topics are those that the jobs read. Raises LabError: one is not."""
    topics.check_same(application.settings, application.topics)
    return {}


def _job(application: Application, name: str) -> Said:
    rest, job = application.rest, application.jobs[name].id
    detail = rest.get(f"/jobs/{job}")
    said: Said = {"id": job, "state": detail["state"]}
    restarts = rest.metrics(f"/jobs/{job}", "numRestarts").get("numRestarts")
    said["restarts"] = None if restarts is None else int(restarts)
    # the last completed one since the job was started; None: there was none yet
    last = rest.get(f"/jobs/{job}/checkpoints")["latest"].get("completed")
    said["checkpoint"] = last and _checkpoint(last)
    # a job that fails again and again is RUNNING most of the time: what came since the checkpoint counts
    since = last["latest_ack_timestamp"] if last else 0
    said["why"] = preflight.why_failed(rest, job, since, application.stack.flink.shut_down_by)
    if detail["state"] != "RUNNING":
        return said
    said["uptime_seconds"] = (detail["now"] - detail["timestamps"]["RUNNING"]) // 1000
    reached = rest.watermark(job)
    at = None if reached is None else _EPOCH + timedelta(milliseconds=reached)
    said["watermark"] = at and to_wire(at)
    said["watermark_lag_seconds"] = at and round((_now() - at).total_seconds())
    read = {topic: positions(application, name, topic) for topic in READS[name]}
    return {**said, "positions": {topic: at for topic, at in read.items() if at}}


def _checkpoint(last: Said) -> Said:
    return {
        "age_seconds": max(0, round(_now().timestamp() - last["latest_ack_timestamp"] / 1000)),
        "duration_ms": last["end_to_end_duration"],
        "bytes": last["state_size"],
    }


def _takes_rows(settings: Settings) -> Said:
    """Nothing to say where PostgreSQL does. Raises LabError: it does not."""
    tables.check_takes_rows(settings)
    return {}


def _detected(settings: Settings) -> Said:
    with tables.transaction(settings) as cursor:
        cursor.execute(_HOURS)
        hours = cursor.fetchall()
        cursor.execute(_FLAGS)
        flags = cursor.fetchall()
    return {
        "detected": {_utc(hour): number for hour, number in reversed(hours)},
        "flags": [
            {
                "market": market,
                "window_start": _utc(hour),
                "confidence": float(sure) if sure is not None else None,
            }
            for market, hour, sure in flags
        ],
    }


def _counted(found: Backlog) -> Said:
    return {"records": found.records, "exact": found.exact}


def _utc(stored: datetime) -> str:
    return to_wire(stored.replace(tzinfo=timezone.utc))


def _now() -> datetime:
    return datetime.now(timezone.utc)


# ---- saying ------------------------------------------------------------------------------------


def lines(said: Said) -> Iterator[str]:
    """A report as lines for a person."""
    for name, job in said["jobs"].items():
        yield f"{name:<9} {_running(job)}"
        if job.get("checkpoint"):
            last = job["checkpoint"]
            size, took = last["bytes"] / 1000, last["duration_ms"] / 1000
            yield f"{'':<9} checkpoint {_span(last['age_seconds'])} ago, {size:.0f} kB in {took:.1f} s"
        elif "checkpoint" in job:
            yield f"{'':<9} no checkpoint yet"
        if job.get("watermark"):
            yield f"{'':<9} event time {job['watermark']}, {_span(job['watermark_lag_seconds'])} ago"
        for topic, number in job["behind"].items():
            yield f"{'':<9} {topic}: {_number(number)} to read"
    for what in ("dead", "late"):
        if said[what]:
            yield f"{what:<9} " + ", ".join(f"{topic} {_number(n)}" for topic, n in said[what].items())
    if "detected" in said:
        hours = ", ".join(f"{hour} {number}" for hour, number in said["detected"].items())
        yield f"{'detected':<9} {hours or 'nothing yet'}"
    for flag in said.get("flags", ()):
        sure = "unknown" if flag["confidence"] is None else f"{flag['confidence']:.4f}"
        yield f"{'lag':<9} {flag['window_start']} {flag['market']}, confidence {sure}"
    yield from said["unanswered"]


def _running(job: Said) -> str:
    if "savepoint" in job:
        return f"{job['state']}, savepoint {job['savepoint']}"
    words = [job["state"]]
    if "uptime_seconds" in job:
        words.append(f"for {_span(job['uptime_seconds'])}")
    if job.get("restarts") is not None:
        words.append(f"restarts {job['restarts']}")
    return ", ".join(words) + (f": {job['why']}" if job.get("why") else "")


def _number(number: Said) -> str:
    return str(Backlog(**number))


def _span(seconds: int) -> str:
    """A length of time in its largest unit: 90 s, 90 min, 40 h, 12 d."""
    for unit, length, most in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 72)):
        if abs(seconds) < length * most:
            return f"{round(seconds / length)} {unit}"
    return f"{round(seconds / 86_400)} d"
