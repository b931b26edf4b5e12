"""What somebody has to wait for who asked for something else: said while it lasts, and not counted as theirs.

    with waiting("Fetching 12 jars (35 MB), once"):
        ...

`own_time()` is a clock that stands still meanwhile: what limits the time of a learner's code goes by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_depth = 0
_since = 0.0  # when the outermost one began, if there is one
_waited = 0.0  # seconds of all that are over


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Say what is being waited for, here or where the listener hears it; own_time() stands still."""
    global _depth, _since, _waited
    with _lock:
        _depth += 1
        if _depth == 1:
            _since = time.monotonic()
    _say(f"{text}.")
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            over = _depth == 0
            if over:
                _waited += time.monotonic() - _since
        if over:
            _go_on()


def own_time() -> float:
    """Seconds of a clock that stands still while something is waited for."""
    with _lock:
        now = _since if _depth else time.monotonic()
        return now - _waited


def tell(say: Callable[[str], None], go_on: Callable[[], None]) -> None:
    """From now on these hear the sentence of each wait, and when the last one is over."""
    global _say, _go_on
    _say, _go_on = say, go_on


def _print(text: str) -> None:
    from labkit import console  # rich takes longer than what is mostly there

    console.err.print(f"  {text}", markup=False)


_say: Callable[[str], None] = _print
_go_on: Callable[[], None] = lambda: None  # noqa: E731
