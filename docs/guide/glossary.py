"""The glossary's terms, and links to them: where a lab's page has a term in bold, it explains it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from labkit.paths import ROOT

PAGE = ROOT / "docs" / "glossary.md"
_BOLD = re.compile(r"(?<![\[*])\*\*([^*\n]+)\*\*(?!\*)")


def terms(page: Path = PAGE) -> dict[str, str]:
    """Each term, in small letters, and its anchor."""
    return dict(_terms(page.read_text()))


@cache
def _terms(text: str) -> dict[str, str]:
    return {
        term.strip().lower(): _anchor(heading)
        for heading in re.findall(r"^### (.+)$", text, re.MULTILINE)
        for term in heading.split(" / ")
    }


def linked(line: str, glossary: str, told: set[str]) -> str:
    """The line with its bold terms as links to the glossary; what was told before stays plain."""
    if line.startswith("#"):
        return line
    known = terms()

    def link(match: re.Match[str]) -> str:
        anchor = next((known[form] for form in _forms(match[1]) if form in known), None)
        if anchor is None or anchor in told:
            return match[0]
        told.add(anchor)
        return f"[**{match[1]}**]({glossary}#{anchor})"

    return _BOLD.sub(link, line)


def _forms(text: str) -> list[str]:
    """How a term may stand in the glossary: as it is, or in the singular."""
    term = text.strip().lower()
    return [term, term.removesuffix("s"), term.removesuffix("es")]


def _anchor(heading: str) -> str:
    """As Python-Markdown's toc makes it."""
    text = re.sub(r"[^\w\s-]", "", heading).strip().lower()
    return re.sub(r"[-\s]+", "-", text)
