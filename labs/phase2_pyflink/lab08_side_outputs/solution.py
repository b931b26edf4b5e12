"""One record that cannot be computed is no reason to stop: it goes aside, whole, with what was wrong."""

from __future__ import annotations

from datetime import datetime
from typing import Any

JOB = "detector"
#: how much of a record and of a message a dead letter keeps, in characters
RECORD_CHARACTERS, MESSAGE_CHARACTERS = 100_000, 500


def failure(record: str, error: BaseException, now: datetime) -> dict[str, Any]:
    """The value of dlq.processing: the record, the job, the error's type and message, and when (UTC)."""
    return {
        "record": record[:RECORD_CHARACTERS],
        "job": JOB,
        "error_type": type(error).__name__,
        "message": (str(error) or repr(error))[:MESSAGE_CHARACTERS],
        "failed_at": now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
    }
