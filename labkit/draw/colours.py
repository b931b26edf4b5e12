"""Colours for marks that stand out on a white page and on a dark one, told apart without red and green.

Text has none of them: no colour at all has 4.5 : 1 on both. It takes the colour of the page's own text.
"""

from __future__ import annotations

#: the pages that a picture has to be readable on
PAGES = ("#ffffff", "#1e1e1e")
#: text on each of them, where a picture is a file of its own and has to say so itself
INKS = ("#1f2328", "#e6e6e6")

#: three by Okabe and Ito, one by Paul Tol: chosen for eyes that see fewer colours
BLUE, GREEN, VERMILLION, PURPLE = "#0072b2", "#009e73", "#d55e00", "#aa4499"
MARKS = (BLUE, GREEN, VERMILLION, PURPLE)


def contrast(one: str, other: str) -> float:
    """How much two colours stand out from each other, from 1 to 21, as WCAG 2 counts it.

    >>> round(contrast("#ffffff", "#000000"))
    21
    """
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def blended(colour: str, share: float, page: str) -> str:
    """What a colour looks like that covers this share of a page.

    >>> blended("#ff0000", 0.5, "#ffffff")
    '#ff8080'
    """
    mixed = (
        round(share * top + (1 - share) * below)
        for top, below in zip(_channels(colour), _channels(page), strict=True)
    )
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = (
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in (channel / 255 for channel in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
