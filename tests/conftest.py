"""What every test needs of its process."""

from __future__ import annotations

import os
import signal

# A run in the background of a script ignores Ctrl-C, and so would all that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What this run was told is not for those that it starts.
os.environ.pop("PYTEST_ADDOPTS", None)
