"""One at a time: a lock file that the kernel releases however its holder ends."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.errors import LabError


@contextmanager
def held(path: Path, waiting_for: str, seconds: float = 600) -> Iterator[None]:
    """Hold the lock file; say what is being waited for, and give up after that many seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    with path.open("w") as file:
        announced = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not announced:
                    from labkit import console  # rich takes longer than a lock that is free

                    console.err.print(f"  Waiting: {waiting_for}.", markup=False)
                    announced = True
                if time.monotonic() > deadline:
                    raise LabError(
                        f"Waited {seconds:.0f} s: {waiting_for}.", "", "end it, then run this again"
                    ) from None
                time.sleep(0.1)
        yield
