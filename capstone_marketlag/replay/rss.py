"""A feed's items as RSS 2.0: the same item as in a JSON feed, in the other providers' shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape


def rss(title: str, items: Sequence[dict[str, Any]]) -> bytes:
    """An RSS 2.0 document of those items, in that order."""
    head = (
        f"<title>{escape(title)}</title><link>https://news.example/</link><description>Recorded</description>"
    )
    body = "\n".join(_item(item) for item in items)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<rss version="2.0"><channel>{head}\n{body}</channel></rss>\n'
    ).encode()


def _item(item: dict[str, Any]) -> str:
    # a description is HTML inside of XML: a plain text is escaped for both
    description = item.get("content_html") or escape(item.get("content_text", ""))
    fields = {"title": item["title"], "link": item["url"], "description": description}
    if "date_published" in item:
        fields["pubDate"] = item["date_published"]
    lines = [f"<{name}>{escape(value)}</{name}>" for name, value in fields.items()]
    if "id" in item:  # not a link, or readers would take it for one
        lines.append(f'<guid isPermaLink="false">{escape(item["id"])}</guid>')
    for author in item.get("authors", []):
        lines.append(f'<source url="https://news.example/">{escape(author["name"])}</source>')
    return f"<item>{''.join(lines)}</item>"
