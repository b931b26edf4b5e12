"""HTML and SVG, made so that text cannot become markup: whatever is not Html is escaped on its way in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape as _escape

#: what HTML has no place for: control characters, halves of surrogate pairs
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_WEB = re.compile(r"https?://[^\s/]", re.IGNORECASE)

Attribute = str | float | bool | None


class Html(str):
    """Text that is markup already. Only this module makes it of text that may come from data."""

    __slots__ = ()


def escaped(text: str) -> Html:
    """The text as it has to stand in a page, also between quotes.

    >>> escaped('<b title="x">'), escaped(Html("<b>"))
    ('&lt;b title=&quot;x&quot;&gt;', '<b>')
    """
    return text if isinstance(text, Html) else Html(_escape(_NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", text)))


def join(parts: Iterable[str | None], between: str = "") -> Html:
    """The parts one behind the other, each escaped unless it is Html; None is nothing."""
    return Html(escaped(between).join(escaped(part) for part in parts if part is not None))


def tag(name: str, *children: str | None, **attributes: Attribute) -> Html:
    """An element. class_ is class, aria_label is aria-label; an attribute that is None or False is left out.

    >>> tag("td", "a & b", class_="number", aria_label='"')
    '<td class="number" aria-label="&quot;">a &amp; b</td>'
    >>> tag("rect", x=1.25, y=2.0, hidden=True)
    '<rect x="1.2" y="2" hidden=""></rect>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    if isinstance(value, float):
        value = f"{value:.1f}".removesuffix(".0")
    text = "" if value is True else str(value)
    return f' {key.rstrip("_").replace("_", "-")}="{escaped(text)}"'


def stranger(text: str, most: int = 160) -> Html:
    """Somebody's words: on one line, shortened, and held apart so that no text direction leaks out of them.

    >>> stranger("  Fed   hikes ")
    '<bdi>Fed hikes</bdi>'
    """
    return tag("bdi", shortened(text, most))


def shortened(text: str, most: int) -> str:
    """
    >>> shortened("one two three", 7)
    'one tw…'
    """
    text = " ".join(text[: 20 * most].split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def link(text: Html, address: str) -> Html:
    """The text, as a link if the address is one of the web; any other address leads nowhere.

    >>> link(Html("x"), "javascript:alert(1)")
    'x'
    """
    if not _WEB.match(address):
        return text
    return tag("a", text, href=address, rel="noopener noreferrer nofollow", target="_blank")
