"""The view lag_signals: hours of a market that the detector has judged, as rows of a script."""

from __future__ import annotations

from typing import Any

from labkit.testing import Step, row

#: the view's columns, in its order
LAG_SIGNALS = """
  market STRING, question STRING, window_start TIMESTAMP_LTZ(3),
  signal_delta DECIMAL(16, 6), max_signal_delta DECIMAL(16, 6), price_delta DECIMAL(10, 6),
  lag_flag BOOLEAN, confidence DECIMAL(5, 4),
  rss_signal DECIMAL(16, 6), prev_rss_signal DECIMAL(16, 6), source_weight_avg DECIMAL(16, 6),
  price DECIMAL(10, 6), prev_price DECIMAL(10, 6), price_status STRING, detected_at TIMESTAMP_LTZ(3)
"""
#: an hour in which the news moved and the price did not: every column has a value of its own
FLAGGED = {
    "question": "Will the Fed raise rates in March?",
    "signal_delta": "1.250000",
    "max_signal_delta": "2.500000",
    "price_delta": "0.005000",
    "lag_flag": True,
    "confidence": "0.7385",
    "rss_signal": "1.750000",
    "prev_rss_signal": "0.500000",
    "source_weight_avg": "0.950000",
    "price": "0.315000",
    "prev_price": "0.310000",
    "price_status": "observed",
}
#: the first hour of a market that nobody has described or priced yet: what is not known is NULL
UNKNOWN = {
    **dict.fromkeys(FLAGGED),
    "price_delta": "0.000000",
    "lag_flag": False,
    "rss_signal": "0.400000",
    "source_weight_avg": "0.700000",
    "price_status": "missing",
}


def judged(market: str, hour: str, at: str, values: dict[str, Any] = FLAGGED, **changes: Any) -> Step:
    """A judgement of one hour of a market, made at that time; with these values but for the changes.

    >>> judged("fed", "10:00", at="11:00:02", confidence="0.5").fields["confidence"]
    '0.5'
    """
    return row(market=market, window_start=hour, detected_at=at, **{**values, **changes})
