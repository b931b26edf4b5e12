"""Is this hour a lag signal, and how sure are we? The rules of the detector, without a line of Flink.

Formula (project design, 12.1 and 12.2):
    lag_flag    signal_delta > 1.0 and |price_delta| < 0.02
    confidence  signal_delta / max_signal_delta * 0.5 + (1 - |price_delta|) * 0.3 + source_weight_avg * 0.2,
                held between 0 and 1; max_signal_delta is the highest of the seven days that end with this
                hour, this hour included; where it is not above 0 the first term is 0

All in Decimal: as floats 2.2 - 1.2 is above 1.0, and 0.12 - 0.10 is not 0.02.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

_ZERO, _ONE = Decimal(0), Decimal(1)
_FOUR_DIGITS = Decimal("0.0001")
_SIGNAL_PART, _PRICE_PART, _SOURCE_PART = Decimal("0.5"), Decimal("0.3"), Decimal("0.2")


@dataclass(frozen=True)
class Thresholds:
    """How far the news has to move, and how little the price may; both exclusive."""

    signal: Decimal = Decimal("1.0")
    price: Decimal = Decimal("0.02")


def lag_flag(
    signal_delta: Decimal | None, price_delta: Decimal, thresholds: Thresholds = Thresholds()
) -> bool:
    """Whether the news moved and the price did not. No delta (the hour before had no news): no flag.

    >>> lag_flag(Decimal("2.2") - Decimal("1.2"), Decimal(0))
    False
    >>> lag_flag(Decimal("1.01"), Decimal("-0.019"))
    True
    """
    if signal_delta is None:
        return False
    return signal_delta > thresholds.signal and abs(price_delta) < thresholds.price


def confidence(
    signal_delta: Decimal, max_signal_delta: Decimal, price_delta: Decimal, source_weight_avg: Decimal
) -> Decimal:
    """How sure, 0 to 1, to four digits.

    >>> confidence(Decimal(2), Decimal(4), Decimal("0.01"), Decimal("0.9"))
    Decimal('0.7270')
    """
    share = signal_delta / max_signal_delta if max_signal_delta > _ZERO else _ZERO
    sure = share * _SIGNAL_PART + (_ONE - abs(price_delta)) * _PRICE_PART + source_weight_avg * _SOURCE_PART
    return min(max(sure, _ZERO), _ONE).quantize(_FOUR_DIGITS, ROUND_HALF_UP)
