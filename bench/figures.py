"""What every bench says of its figures in the same way."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence


def p95(values: Sequence[float | None]) -> float:
    """The 95th percentile of those that there are, by nearest rank: of few the highest, of none no number."""
    ordered = sorted(value for value in values if value is not None)
    return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else float("nan")


def machine() -> str:
    """Its cores, and how busy it was."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
