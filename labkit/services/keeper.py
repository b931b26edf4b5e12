"""Ends a stack when its owner is gone: `python -m labkit.services.keeper STACK_FOLDER`.

Its standard input is a pipe whose other end only the owner has. The kernel closes that end however
the owner goes (exit, Ctrl-C, kill -9), so there is nothing to poll and no pid to mistake.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path


def main(stack: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C is for the owner; we follow by the pipe
    sys.stdin.buffer.read()
    # imported only now: until its one moment comes, a keeper is a few megabytes
    from labkit.services import process
    from labkit.services.service import recorded

    names = [folder.name for folder in stack.iterdir() if (folder / "service.json").exists()]
    owned = [p for name in names for p in recorded(stack / name).processes.values()]
    process.end([*owned, *process.marked(stack)], grace=3)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
