"""Runs a command, and again when it gives up by itself: what an orchestrator does for a TaskManager.

Flink ends a TaskManager (exit code 1) if a task fails while it is being closed, as a JDBC sink does whenever
its database refuses what it still holds. Whoever runs TaskManagers has to start them again, or one outage of
the database leaves a cluster without slots. A command that was killed, that ended well, or that ended within
seconds is not started again: the one who started it has to know.

python -S restarting.py COMMAND [ARGUMENT]...
"""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import time

GAVE_UP = 1
#: seconds; what ends sooner has never worked
SHORT = 5.0


def main(command: list[str]) -> int:
    """Run it until it ends otherwise; its exit code, for a signal 128 + its number."""
    while True:
        began = time.monotonic()
        child = subprocess.Popen(command, preexec_fn=_end_with_me)
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())  # noqa: B023  of this round
        code = child.wait()
        if code != GAVE_UP or time.monotonic() - began < SHORT:
            return code if code >= 0 else 128 - code
        sys.stderr.write(f"It gave up after {time.monotonic() - began:.0f} s and is started again.\n")
        sys.stderr.flush()


def _end_with_me() -> None:
    """In the child: if its parent is killed, so is it (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
