"""What happens when nothing happens: a quiet hour is noticed, and old state goes, by event-time timers."""

from __future__ import annotations

HOUR_MS = 3_600_000
KEPT_MS = 7 * 24 * HOUR_MS


def timers(window_start: int) -> list[int]:
    """When to look again after an hour with news (event-time ms): at the next hour's end, in seven days."""
    return [window_start + 2 * HOUR_MS, window_start + KEPT_MS]


def is_quiet(last_window_start: int | None, now: int) -> bool:
    """Whether the hour that ends now had no news, and the one before it had: quiet is noticed once."""
    return last_window_start is not None and last_window_start + 2 * HOUR_MS == now
