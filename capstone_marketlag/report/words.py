"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import datetime


def many(count: int, thing: str, things: str = "") -> str:
    """
    >>> many(1, "hour"), many(1200, "hour"), many(2, "match", "matches")
    ('1 hour', '1,200 hours', '2 matches')
    """
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def figure(value: float | None, digits: int = 3) -> str:
    """A number with a fixed number of digits, and a minus sign that looks like one.

    >>> figure(-1.5), figure(None), figure(12345.6, 1)
    ('−1.500', '–', '12,345.6')
    """
    if value is None:
        return "–"
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "−")


def change(value: float | None, digits: int = 3) -> str:
    """The same of a difference, which has a sign in any case; nothing has changed without one.

    >>> change(1.5), change(-0.02, 4), change(0.0), change(None)
    ('+1.500', '−0.0200', '0.000', '–')
    """
    text = figure(value, digits)
    return f"+{text}" if value is not None and round(value, digits) > 0 else text


def exact(value: float | None) -> str:
    """All of the six digits that a number has on the wire, and no zeros behind them.

    >>> exact(5.166667), exact(-2.0), exact(None)
    ('5.166667', '−2', '–')
    """
    if value is None:
        return "–"
    text = f"{value + 0.0:.6f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")


def short(value: float) -> str:
    """A number in as few characters as an axis has.

    >>> short(-1.5), short(0.30000000000000004), short(25000)
    ('−1.5', '0.3', '25,000')
    """
    text = f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.4g}"
    return text.replace("-", "−")


def percent(part: float | None) -> str:
    """
    >>> percent(0.9231), percent(None)
    ('92 %', '–')
    """
    return "–" if part is None else f"{100 * part:.0f} %"


def span(seconds: float) -> str:
    """
    >>> span(10), span(600), span(14_100), span(200_000)
    ('10 s', '10 min', '3 h 55 min', '2 d 7 h')
    """
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def clock(moment: datetime) -> str:
    """A moment of a table: its day and its minute, UTC."""
    return f"{moment:%Y-%m-%d %H:%M}"


def day(moment: datetime) -> str:
    """A day of an axis or a sentence: Mon 5 Jan."""
    return f"{moment:%a} {moment.day} {moment:%b}"


def listed(words: list[str]) -> str:
    """
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
