"""What the application says about its work: one line each, as text or as JSON, to stderr or into Flink's log.

    log = logs.get("producer.rss")                                                     also job.detector
    log.info("2 items rejected", extra={"key": "fed", "event_time": "2026-01-05T10:00:00Z"})

Anomalies that the system lives with (a price carried, an item rejected) are INFO. Progress is no log: it
is printed.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone

from capstone_marketlag.wire import to_wire

_ROOT = "marketlag"
#: what a line may carry besides its message, by `extra`
FIELDS = ("key", "event_time", "watermark")


def get(name: str) -> logging.Logger:
    """The logger of one part: producer.<name> or job.<name>."""
    return logging.getLogger(f"{_ROOT}.{name}")


def configure(form: str, level: int = logging.INFO, worker: bool = False) -> None:
    """From now on lines of that level and above go to stderr; form: text or json.

    worker: a worker of Flink's, which takes its process's log into that of its TaskManager; they go there.
    """
    handler = _ToTheProcess() if worker else logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    root = logging.getLogger(_ROOT)
    root.handlers, root.propagate = [handler], False  # a Lambda's own root handler would say it again
    root.setLevel(level)


def _fields(record: logging.LogRecord) -> dict[str, str]:
    """at, level, producer or job, message, and of FIELDS those that were given."""
    part, _, name = record.name.removeprefix(f"{_ROOT}.").partition(".")
    fields = {
        "at": to_wire(datetime.fromtimestamp(record.created, timezone.utc)),
        "level": record.levelname,
        part: name,
        "message": record.getMessage(),
    }
    if record.exc_info:
        fields["error"] = logging.Formatter().formatException(record.exc_info)
    return fields | {key: str(record.__dict__[key]) for key in FIELDS if key in record.__dict__}


class _ToTheProcess(logging.Handler):
    """To whoever takes the log of the process, as a message that is whole: he would leave our fields out."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger().log(record.levelno, "%s", self.format(record))


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_fields(record), ensure_ascii=False)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at, level, name, message, *more = _fields(record).items()
        line = f"{at[1]} {level[1]} {name[1]}: {message[1]}"
        return " ".join([line, *(f"{key}={value}" for key, value in more)])
