"""The highest change of the signal in the last seven days of event time, for each market.

    changes of one market, in Flink's state      the hour that is judged
    10:00 -> 0.4   11:00 -> 2.1   13:00 -> -1.5   13:00  ->  highest 2.1

The state is Flink's, not the function's: Flink keeps one for each market, puts it into every checkpoint and
brings it back after a failure.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from pyflink.common import Types
from pyflink.datastream import RuntimeContext, state

HOUR_MS = 3_600_000
#: the seven days that end with an hour, that hour included
HOURS = 7 * 24


class Hour(Protocol):
    """One hour of one market, as the detector hands it in.

    window_start: event-time ms, UTC. signal_delta: None where the hour before had no news.
    """

    @property
    def market(self) -> str: ...
    @property
    def window_start(self) -> int: ...
    @property
    def signal_delta(self) -> Decimal | None: ...


class Changes:
    """The changes of the signal of the market whose turn it is.

    The function around it is keyed by market: before each of its calls Flink has chosen whose turn it is.
    """

    def open(self, runtime_context: RuntimeContext) -> None:
        """Ask Flink for the state. Called once before the first hour, when it is no market's turn yet."""
        # BEGIN SOLUTION step 1: ask Flink for state that each market has for itself
        # text, not a float: 2.2 - 1.2 has to stay 1.0, and a text is read by every later version of this
        descriptor = state.MapStateDescriptor("changes", Types.LONG(), Types.STRING())
        self._changes = runtime_context.get_map_state(descriptor)
        # END SOLUTION

    def remember(self, hour: Hour) -> None:
        """Keep the hour's change, in place of an earlier one of the same hour; where it has none, nothing."""
        # BEGIN SOLUTION step 2: keep the hour's change
        if hour.signal_delta is not None:
            self._changes.put(hour.window_start, str(hour.signal_delta))
        # END SOLUTION

    def highest(self, hour: Hour) -> Decimal | None:
        """The highest change of the 168 hours that end with this one; None where none of them has one."""
        # BEGIN SOLUTION step 3: the highest change of the 168 hours that end with this one
        first = hour.window_start - (HOURS - 1) * HOUR_MS
        known = [
            Decimal(change) for start, change in self._changes.items() if first <= start <= hour.window_start
        ]
        return max(known, default=None)
        # END SOLUTION

    def forget(self, now: int) -> None:
        """Drop the changes that no hour which ends after `now` (event-time ms) can reach."""
        # BEGIN SOLUTION step 4: drop what no later hour can reach
        for start in list(self._changes.keys()):  # a list: nothing is removed from what is iterated over
            if start + HOURS * HOUR_MS <= now:
                self._changes.remove(start)
        # END SOLUTION
