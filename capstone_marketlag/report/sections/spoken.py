"""The charts in words: an hour's tooltip, and a sentence for those who do not see them."""

from __future__ import annotations

from datetime import datetime, timedelta

from capstone_marketlag.report.draw.frame import Slot
from capstone_marketlag.report.markup import shortened
from capstone_marketlag.report.read.facts import Facts, Market
from capstone_marketlag.report.read.hours import Hour
from capstone_marketlag.report.words import clock, exact, figure, many, short

_HOUR = timedelta(hours=1)


def told(facts: Facts, market: Market, at: datetime, hour: Hour | None, planted: bool) -> str:
    """The tooltip of an hour."""
    lines = [f"{at:%a} {clock(at)} to {at + _HOUR:%H:%M} UTC"]
    if hour is None or hour.signal is None:
        lines.append("no news")
    else:
        lines.append(f"signal {exact(hour.signal)} from {many(hour.items, 'item')}")
        lines.append(f"change {_signed(hour.signal_delta)}")
    price = facts.prices.points.get((market.slug, at))
    if price is not None:
        lines.append(
            f"YES {exact(price.price)} at {at:%H:%M}, change {_signed(price.change)}, {price.status}"
        )
    elif market.closes is None or at < market.closes:
        lines.append(f"YES at {at:%H:%M}: missing")
    else:
        lines.append("trading has ended")
    if hour and hour.flagged:
        lines.append(
            f"LAG SIGNAL, confidence {figure(hour.confidence, 4)}, price moved {_signed(hour.price_delta)}"
        )
    if planted:
        lines.append("a planted lag")
    return "\n".join(lines)


def _signed(value: float | None) -> str:
    text = exact(value)
    return f"+{text}" if value is not None and value > 0 else text


def said(market: Market, slots: list[Slot], recorded: bool) -> str:
    """The chart in words. recorded: what was planted is known."""
    words = [
        f"{shortened(market.question, 160)} {many(len(slots), 'hour')} from {clock(slots[0].start)} UTC."
    ]
    signals = [slot.signal for slot in slots if slot.signal is not None]
    if signals:
        words.append(f"{many(len(signals), 'hour has', 'hours have')} news.")
        words.append(f"The signal is from {short(min(signals))} to {short(max(signals))}.")
    prices = [slot.price for slot in slots if slot.price is not None]
    if prices:
        words.append(f"The price of YES goes from {short(prices[0])} to {short(prices[-1])},")
        words.append(f"between {short(min(prices))} and {short(max(prices))}.")
    flagged, planted = sum(slot.flagged for slot in slots), sum(slot.planted for slot in slots)
    both = sum(slot.flagged and slot.planted for slot in slots)
    words.append(f"{many(flagged, 'hour is', 'hours are')} flagged.")
    if recorded:
        words.append(f"{many(planted, 'lag is', 'lags are')} planted, {both} of them flagged.")
    return " ".join(words)
