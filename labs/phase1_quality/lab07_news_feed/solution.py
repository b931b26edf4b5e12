"""A feed as it comes over HTTP becomes news items: JSON Feed 1.1, RSS or Atom.

An item that cannot be placed in time is not an item: it is returned as rejected, with its reason, so
that the caller can write it to the dead letters. Nothing is dropped here, and no field of one item, however
wrong, costs another item.
"""

from __future__ import annotations

import codecs
import hashlib
import html
import io
import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import feedparser


@dataclass(frozen=True)
class NewsItem:
    """One item of a feed. published_at: UTC."""

    item_id: str
    title: str
    link: str
    summary: str
    source: str
    published_at: datetime


@dataclass(frozen=True)
class Rejected:
    """An item that is no news item, as it stood in the feed, and why."""

    original: str
    reason: str


@dataclass
class Feed:
    """What one answer of a feed held, in order of event time."""

    items: list[NewsItem] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def parse(body: bytes, content_type: str = "") -> Feed:
    """The items of a feed, oldest first, and those that had to be rejected.

    Raises ValueError: the body is no feed at all.
    """
    start = body.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    # the body before its label: servers send RSS as application/json, and JSON as text/plain
    if start == b"{" or ("json" in content_type.lower() and start != b"<"):
        return _json_feed(body)
    return _xml_feed(body)


def _json_feed(body: bytes) -> Feed:
    try:
        document = json.loads(body)
        entries = document["items"]
        originals = [json.dumps(entry) for entry in entries]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a JSON feed ({error.__class__.__name__})") from error
    if not isinstance(entries, list):
        raise ValueError("not a JSON feed (items is no list)")
    feed = Feed()
    for entry, original in zip(entries, originals, strict=True):
        if not isinstance(entry, dict):
            feed.rejected.append(Rejected(original, "the item is not an object"))
            continue
        _add(
            feed,
            original=original,
            given_id=entry.get("id"),
            title=entry.get("title"),
            link=entry.get("url"),
            summary=_text(entry.get("content_text"))
            or _without_tags(_text(entry.get("content_html")))
            or _text(entry.get("summary")),
            source=_author(entry) or _text(document.get("title")),
            date=entry.get("date_published") or entry.get("date_modified"),
        )
    return _in_order(feed)


def _author(entry: dict[str, Any]) -> str:
    """The first author who has a name. By the standard a list of objects; found in feeds: anything."""
    authors = entry.get("authors") or entry.get("author")
    for author in authors if isinstance(authors, list) else [authors]:
        name = _text(author.get("name") if isinstance(author, dict) else author)
        if name:
            return name
    return ""


def _xml_feed(body: bytes) -> Feed:
    try:
        # as a stream: given bytes, feedparser would first try to open the file of that name
        document = feedparser.parse(io.BytesIO(_with_real_characters(body)))
    except Exception as error:  # it promises none, and lets slip whatever its parts raise
        raise ValueError(f"not a feed that can be read ({error.__class__.__name__})") from error
    # bozo alone says little: a wrong charset declaration with good entries sets it too
    if not document.get("version") and not document.entries:  # an empty body has not even a version
        raise ValueError("neither JSON Feed nor RSS nor Atom")
    feed = Feed()
    for entry in document.entries:
        source = (entry.get("source") or {}).get("title") or entry.get("author") or document.feed.get("title")
        _add(
            feed,
            original=json.dumps({k: v for k, v in entry.items() if isinstance(v, str)}),
            given_id=entry.get("id"),
            title=_title(entry),
            link=entry.get("link"),
            summary=_without_tags(_text(entry.get("summary"))),
            source=_text(source),
            # its text: feedparser's own reading takes a time without a zone, or with CEST, as UTC
            date=entry.get("published") or dict.get(entry, "updated"),
        )
    return _in_order(feed)


def _title(entry: Any) -> str:
    """A title as text, also where the feed wrote it as HTML: Atom says so, RSS does it unsaid, in CDATA."""
    title = _text(entry.get("title"))
    return title if entry.get("title_detail", {}).get("type") == "text/plain" else _without_tags(title)


def _add(
    feed: Feed, *, original: str, given_id: Any, title: Any, link: Any, summary: str, source: str, date: Any
) -> None:
    title, link = _text(title), _text(link)
    try:
        published = moment(date)
    except ValueError as error:
        feed.rejected.append(Rejected(original, str(error)))
        return
    if not title and not summary:
        feed.rejected.append(Rejected(original, "neither title nor text"))
        return
    # id before link before a hash: a title may be edited, and two items may share one
    identity = _text(given_id) or link or _hash(source, title, published.isoformat())
    feed.items.append(NewsItem(identity, title, link, summary, source or "unknown", published))


def _in_order(feed: Feed) -> Feed:
    """Feeds list the newest first; produced like that, an hour's older items would all be late."""
    feed.items.sort(key=lambda item: (item.published_at, item.item_id))
    return feed


# ---- time --------------------------------------------------------------------------------------

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ]+(\d\d:\d\d)(:\d\d)?(?:[.,](\d+))?"  # day, minute, second, fraction
    r" ?([Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)?(?: [A-Z]+|\[[\w/+-]+\])?",  # zone, and its name
    re.ASCII,
)
#: zones as JavaScript and RFC 3339 write them, in a date of RFC 822: email.utils reads +01 as a minute
_OFFSET = re.compile(r"(?<=:\d\d) ?(?:GMT|UTC)? ?([+-])(\d{1,2})(?::?(\d\d))?\b", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def moment(date: Any) -> datetime:
    """The moment in UTC that a feed's date names: RFC 3339, or RFC 822 as in RSS and some JSON feeds.

    >>> moment("Mon, 05 Jan 2026 05:00:00 EST").isoformat()
    '2026-01-05T10:00:00+00:00'

    Raises ValueError: it names none, or not one alone. Guessing a zone would move news by hours.
    """
    text = _text(date)
    if not text:
        raise ValueError("there is no date")
    if len(text) > 100:  # a reason quotes the date, and has to fit into a record
        raise ValueError(f"a date of {len(text)} characters")
    try:
        found = _rfc3339(text) or _rfc822(text)
        if found.tzinfo is None:
            raise ValueError(f"no zone that is known in {text!r}")
        found = found.astimezone(timezone.utc)
    except OverflowError:  # the first morning of the year 1 in Tokyo
        raise ValueError(f"beyond the years 1 to 9999: {text!r}") from None
    if found <= _EPOCH:
        raise ValueError(f"not later than 1970: {text!r}")  # the zero of a clock that was never set
    return found


def _rfc3339(text: str) -> datetime | None:
    match = _RFC3339.fullmatch(text)
    if not match:
        return None
    day, minute, second, fraction, zone = match.groups(default="")
    if zone:
        zone = f"{zone[:3]}:{zone[3:].lstrip(':') or '00'}" if zone[0] in "+-" else "+00:00"
    try:
        # in the one form that every Python reads: 3.10 knows neither Z nor seven digits
        return datetime.fromisoformat(f"{day}T{minute}{second or ':00'}.{fraction[:6]:0<6}{zone}")
    except ValueError:
        raise ValueError(f"neither RFC 3339 nor RFC 822: {text!r}") from None


def _rfc822(text: str) -> datetime:
    if re.search(r"\d\s*[ap]\.?m\b", text, re.IGNORECASE):
        raise ValueError(f"a clock of twelve hours: {text!r}")  # email.utils reads 02:00 PM as 02:00
    text = re.sub(r"(?<=:\d\d)\.\d+|\s*\([^()]*\)$", "", text)  # a fraction; the zone's name once more
    text = _OFFSET.sub(lambda zone: f" {zone[1]}{zone[2]:0>2}{zone[3] or '00'}", text)
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        raise ValueError(f"neither RFC 3339 nor RFC 822: {text!r}") from None
    # -0000 is UTC, from somebody who does not tell where they are; Python's own formatdate writes it
    return found.replace(tzinfo=timezone.utc) if text.endswith("-0000") else found


# ---- text --------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    """A string, or a number as a string, that can be written as UTF-8; of everything else nothing."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return str(value).encode("utf-8", "replace").decode().strip()  # half of a surrogate pair becomes "?"


def _without_tags(text: str) -> str:
    # no "<" inside a tag: else a text of nothing but "<" takes the square of its length
    text = re.sub(r"<[^<>]*>", " ", text)
    text = html.unescape(re.sub(r"&#\w{9,};?", "\N{REPLACEMENT CHARACTER}", text))
    return re.sub(r"\s+", " ", text).strip()


def _with_real_characters(body: bytes) -> bytes:
    """The body with each &#…; that is no character (emoji as two halves, for one) as U+FFFD.

    feedparser would give up the whole feed for one of them.
    """

    def real(match: re.Match[bytes]) -> bytes:
        number = match[1].decode()
        code = int(number[1:], 16) if number[0] in "xX" else int(number)
        return match[0] if code < 0xD800 or 0xE000 <= code < 0x110000 else b"&#xFFFD;"

    return re.sub(rb"&#([xX][0-9a-fA-F]{1,40}|[0-9]{1,40});?", real, body)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
