"""Ends the warm engine when nobody has used it for a while: `python -m labkit.warm.keeper STACK_FOLDER`."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from pathlib import Path

from labkit.paths import LOCKS
from labkit.warm import IDLE_MINUTES


def main(stack: Path) -> None:
    """Sleep until the folder's `used` is old enough and nobody holds the engine; then end the stack."""
    idle = float(os.environ.get("LAB_WARM_MINUTES") or IDLE_MINUTES) * 60
    used = stack / "used"
    started = time.time()
    while True:
        try:
            last = used.stat().st_mtime
        except FileNotFoundError:
            last = started
        left = last + idle - time.time()
        if left > 0:
            time.sleep(left)
            continue
        with (LOCKS / "warm-use.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if used.exists() and used.stat().st_mtime > last:
                continue
            end(stack)
            return


def end(stack: Path) -> None:
    """End every process of the stack but this one and the services beside it, and forget the engine."""
    # imported only now: until its one moment comes, a keeper is a few megabytes
    from labkit.services.process import Owned
    from labkit.services.stack import Stack
    from labkit.warm.services import NAME as SERVICES
    from labkit.warm.stack import WarmStack

    (stack / "engine.json").unlink(missing_ok=True)
    it = WarmStack(stack.name, resident=True)
    for service in it.services:
        service.record.processes = {
            role: owned
            for role, owned in service.record.processes.items()
            if isinstance(owned, Owned) and owned.pid != os.getpid()
        }
    it.down()
    Stack(SERVICES).remove()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
