"""The small marks that the charts and their legends share. Colours are the page's: style.css."""

from __future__ import annotations

from capstone_marketlag.report.markup import Html, join, tag

#: what is behind the end of trading, drawn once for the whole page: its name has to be unique in it
PATTERNS = tag(
    "svg",
    tag(
        "defs",
        tag(
            "pattern",
            tag("line", class_="hatch", x1="0", y1="0", x2="0", y2="7"),
            id="closed",
            width="7",
            height="7",
            patternUnits="userSpaceOnUse",
            patternTransform="rotate(45)",
        ),
    ),
    class_="defs",
    width="0",
    height="0",
    aria_hidden="true",
)


def flag(x: float, y: float) -> Html:
    """A triangle that points down at x, y."""
    return tag("path", class_="flag", d=f"M{x - 4:.1f} {y - 7:.1f}h8l-4 7z")


def planted(x: float, y: float) -> Html:
    """A small tick that ends at x, y."""
    return tag("path", class_="planted", d=f"M{x:.1f} {y - 9:.1f}v9")


def carried(x: float, y: float) -> Html:
    return tag("circle", class_="carried", cx=x, cy=y, r=2.4)


def clamped(x: float, y: float) -> Html:
    return tag("path", class_="clamped", d=f"M{x:.1f} {y - 4.5:.1f}l4.5 4.5l-4.5 4.5l-4.5 -4.5z")


def missing(x: float, y: float) -> Html:
    return tag("path", class_="missing", d=f"M{x - 2:.1f} {y - 2:.1f}l4 4m0 -4l-4 4")


def swatch(*marks: Html) -> Html:
    """A picture of 18 by 14 for a legend; the words beside it say what it is."""
    return tag("svg", join(marks), class_="swatch", viewBox="0 0 18 14", aria_hidden="true")


def square(kind: str) -> Html:
    """A small square of that kind's colour."""
    return swatch(tag("rect", class_=kind, x=3.0, y=1.0, width=12.0, height=12.0))
