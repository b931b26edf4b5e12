"""What one feed showed when, worked out once, so that every answer is a look-up."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import Any


class Timeline:
    """The items a feed showed at each moment, newest first, as feeds list them. It never changes."""

    def __init__(self, entries: Sequence[dict[str, Any]]) -> None:
        # wire times of one form sort as text
        newest_first = sorted(entries, key=lambda entry: entry["from"], reverse=True)
        coming, going = defaultdict(set), defaultdict(set)
        for place, entry in enumerate(newest_first):
            coming[entry["from"]].add(place)
            going[entry["until"]].add(place)
        shown: set[int] = set()
        self._items = [entry["item"] for entry in newest_first]
        self._changes = sorted({*coming, *going})
        self._shown: list[list[int]] = []
        for moment in self._changes:
            shown = (shown | coming[moment]) - going[moment]
            self._shown.append(sorted(shown))

    def at(self, moment: str) -> list[dict[str, Any]]:
        """The items shown at that wire time."""
        last = bisect_right(self._changes, moment) - 1
        return [self._items[place] for place in self._shown[last]] if last >= 0 else []
