"""What every test needs of its process."""

from __future__ import annotations

import signal

# A run in the background of a script ignores Ctrl-C, and so would all that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
