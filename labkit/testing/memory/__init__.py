"""A process function alone: state, timers, side outputs and restarts in memory.

core        harness(), and how a script is played on it
contexts    what the function is given in place of Flink's contexts
state       keyed and broadcast state with Flink's rules
"""

from __future__ import annotations

from labkit.testing.memory.core import Harness, Snapshot, harness
from labkit.testing.memory.errors import Refused

__all__ = ["Harness", "Refused", "Snapshot", "harness"]
