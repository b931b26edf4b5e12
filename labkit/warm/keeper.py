"""Looks after the warm engine while nobody uses it: `python -m labkit.warm.keeper STACK_FOLDER`.

After a minute it makes what lets the next start be quick; after some more it ends the engine, and itself.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.paths import LOCKS
from labkit.warm import IDLE_MINUTES

_QUIET_SECONDS = 60


def main(stack: Path) -> None:
    """Wait until the folder's `used` is old enough; then archive, then end the stack."""
    idle = float(os.environ.get("LAB_WARM_MINUTES") or IDLE_MINUTES) * 60
    used = stack / "used"
    used.touch()
    archived = False
    while True:
        last = used.stat().st_mtime
        quiet = time.time() - last
        if quiet >= idle:
            with _alone():
                if used.stat().st_mtime == last:
                    end(stack)
                    return
        elif quiet >= _QUIET_SECONDS and not archived:
            archived = True
            archive(stack)
        else:
            time.sleep(min(idle, idle if archived else _QUIET_SECONDS) - quiet)


@contextmanager
def _alone() -> Iterator[None]:
    with (LOCKS / "warm-use.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# imported only when needed: until its moments come, a keeper is a few megabytes


def archive(stack: Path) -> None:
    """Make the class-data archives that are not there yet."""
    from labkit.warm.stack import WarmStack

    WarmStack(stack.name, resident=True).archive()


def end(stack: Path) -> None:
    """End every process of the stack but this one and the services beside it, and forget the engine."""
    from labkit.services.stack import Stack
    from labkit.warm.services import NAME as SERVICES
    from labkit.warm.stack import WarmStack

    (stack / "engine.json").unlink(missing_ok=True)
    # as one that is not resident: this process is no service of it, and ends by itself
    WarmStack(stack.name, resident=False).down()
    Stack(SERVICES).remove()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
