"""How well the flags fit the truth that was planted: precision and recall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from capstone_marketlag.outcome import Key


def quality(lags: Mapping[Key, Mapping[str, Any]], planted: Iterable[Key]) -> dict[str, Any]:
    """flags, hits, precision (hits of flags), recall (hits of planted); None where nothing is to be divided.

    A hit is a flagged hour that was planted as a lag.
    """
    flags = {key for key, lag in lags.items() if lag["lag_flag"]}
    truth = set(planted)
    hits = len(flags & truth)
    return {
        "flags": len(flags),
        "hits": hits,
        "precision": round(hits / len(flags), 4) if flags else None,
        "recall": round(hits / len(truth), 4) if truth else None,
    }
