"""What stops somebody who cannot see well, or at all: each function says what is wrong.

stumbles   of a built page: language, order of headings, names of links, buttons, frames and pictures
faint      of a style sheet: colours of ours with too little contrast, or that nobody has judged
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

#: link texts that say nothing about where they lead
EMPTY_WORDS = {"here", "click here", "this", "link", "more", "read more", "page", "this page"}


@dataclass
class _Named:
    """An element that needs a name, while it is open."""

    tag: str
    where: str
    name: str = ""


@dataclass
class _Reader(HTMLParser):
    stumbles: list[str] = field(default_factory=list)
    level: int = 0
    heading: str = ""
    _open: list[_Named] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "html" and not given.get("lang"):
            self.stumbles.append("no language")
        if re.fullmatch(r"h[1-6]", tag):
            level = int(tag[1])
            if level > self.level + 1:
                self.stumbles.append(f"h{level} behind {f'h{self.level}' if self.level else 'nothing'}")
            self.level = level
        label = given.get("aria-label") or given.get("title") or ""
        if (tag == "a" and "href" in given) or tag == "button":
            self._open.append(_Named(tag, given.get("href", "button"), label))
        if tag == "iframe" and not label:
            self.stumbles.append(f"a frame without a name: {given.get('src')}")
        if tag == "img":
            self._names(given.get("alt", ""))
        if tag == "svg" and label:
            self._names(label)

    def handle_data(self, data: str) -> None:
        self._names(data)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1].tag == tag:
            closed = self._open.pop()
            name = " ".join(closed.name.split())
            if not name:
                self.stumbles.append(f"a {'link' if tag == 'a' else tag} without a name: {closed.where}")
            elif name.lower().rstrip(".") in EMPTY_WORDS:
                self.stumbles.append(f"a link that says only “{name}”: {closed.where}")

    def _names(self, text: str) -> None:
        for each in self._open:
            each.name += text


def stumbles(html: str) -> list[str]:
    """What is wrong in a page that was built."""
    reader = _Reader()
    reader.feed(html)
    return reader.stumbles


# ---- contrast ------------------------------------------------------------------------------------

PAGE, CODE, HEAD, FOOT = (
    "md-default-bg-color",
    "md-code-bg-color",
    "md-primary-fg-color",
    "md-footer-bg-color",
)
BOXES = ("ours", "kept", "outside", "window")

#: each colour of a text: what it is read on
TEXTS = {
    "md-default-fg-color": (PAGE, CODE),
    "md-default-fg-color--light": (PAGE, CODE, *BOXES),
    "md-typeset-color": (PAGE, CODE, *BOXES),
    "md-typeset-a-color": (PAGE, CODE),
    "md-accent-fg-color": (PAGE, CODE),
    "md-primary-bg-color": (HEAD,),
    "md-primary-bg-color--light": (HEAD,),
    "md-footer-fg-color": (FOOT,),
    "md-footer-fg-color--light": (FOOT,),
    "md-code-fg-color": (CODE,),
    **{
        f"md-code-hl-{name}-color": (CODE,)
        for name in (
            "keyword", "string", "number", "function", "constant", "special", "comment", "operator", "punctuation",
            "generic", "variable",
        )
    },
    "good": (PAGE,),
    "open": (PAGE,),
}  # fmt: skip
#: each colour of a mark or a line that carries meaning
MARKS = {"mark": (PAGE, "window"), "line": (PAGE,)}


def schemes(css: str) -> dict[str, dict[str, str]]:
    """The colours of each scheme by their names, without the leading dashes."""
    return {
        name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", body))
        for name, body in re.findall(r'\[data-md-color-scheme="(\w+)"\] \{(.*?)\}', css, re.DOTALL)
    }


def faint(css: str) -> list[str]:
    """Each colour of ours that is too weak on what it stands on, or stands nowhere in the tables above."""
    found = []
    for scheme, colours in schemes(css).items():
        backgrounds = {each for behind in (*TEXTS.values(), *MARKS.values()) for each in behind}
        judged = {*TEXTS, *MARKS, *backgrounds}
        found += [f"{scheme}: {name} is judged by nobody" for name in colours if name not in judged]
        found += [f"{scheme}: {name} is not set" for name in sorted(judged) if name not in colours]
        for table, needed in ((TEXTS, 4.5), (MARKS, 3.0)):
            for name, behind in table.items():
                for back in behind:
                    if {name, back} <= set(colours):
                        ratio = contrast(colours[name], colours[back])
                        if ratio < needed:
                            found.append(f"{scheme}: {name} on {back} has {ratio:.1f}, {needed} is needed")
    return found


def contrast(one: str, other: str) -> float:
    """How far two colours #rrggbb are apart, 1 to 21, as WCAG 2 counts."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
