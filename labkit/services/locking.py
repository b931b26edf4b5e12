"""One at a time: a lock file that the kernel releases however its holder ends."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from labkit.errors import LabError
from labkit.waiting import waiting


@contextmanager
def held(path: Path, waiting_for: str, seconds: float = 600) -> Iterator[None]:
    """Hold the lock file; say what is being waited for, and give up after that many seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    with path.open("w") as file:
        if not _free(file):
            with waiting(f"Waiting: {waiting_for}"):
                while not _free(file):
                    if time.monotonic() > deadline:
                        raise LabError(
                            f"Waited {seconds:.0f} s: {waiting_for}.", "", "end it, then run this again"
                        )
                    time.sleep(0.1)
        yield


def _free(file: TextIO) -> bool:
    """Take the lock, if nobody has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
