"""Ctrl-C and SIGTERM: one KeyboardInterrupt, and then time to clean up."""

from __future__ import annotations

import signal
from types import FrameType


def interruptible() -> None:
    """From now on the first SIGINT or SIGTERM raises KeyboardInterrupt; the clean-up is not interrupted."""

    def first(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, first)
