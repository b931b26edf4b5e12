"""The shell of the page: it loads nothing and runs nothing, in light and dark, on a phone and on paper."""

from __future__ import annotations

from pathlib import Path

from capstone_marketlag.report.markup import Html, escaped, tag

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{skip}
{body}
</body>
</html>
"""


def style() -> str:
    """The page's style sheet: style.css."""
    return (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


def html(title: str, head: Html, *sections: Html) -> str:
    """The whole file. The style is ours alone; everything else has gone through `markup`."""
    body = tag("main", head, *sections, id="top", tabindex="-1")
    skip = tag("a", "To the flagged hours", href="#flagged", class_="skip")
    return _PAGE.format(title=escaped(title), style=style(), skip=skip, body=body)
