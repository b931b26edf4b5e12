"""A market's feed: its items, and when each of them is shown, with what feeds really do to them.

Items appear minutes after they were written, some only hours later; some are dated ahead, edited, shown for
days, or taken away and shown again. Some have no date, none with a zone, no id, no author.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

from capstone_marketlag.replay.headlines import headline, text
from capstone_marketlag.replay.story import Story
from capstone_marketlag.wire import to_wire

#: by the news of an hour: how many items, at least and at most, and their tones
_HOURS = {
    "quiet": ((0, 0), ("calm",)),
    "ordinary": ((1, 5), ("calm", "calm", "calm", "calm", "mild")),
    "calm": ((2, 4), ("calm", "calm", "calm", "mild")),
    "busy": ((4, 8), ("hot", "hot", "hot", "hot", "hot", "mild")),
    "storm": ((4, 6), ("storm",)),
}
#: hours whose signal is known to the last digit: the scores of their items, all from the best source
_EXACT = {"nothing": ("0", "0"), "one point": ("0.5", "1.5")}
_SOURCES = ("Reuters", "Bloomberg", "CNBC", "Market Watchers Daily", "reuters ", "The Ledger")
_EASTERN = timezone(timedelta(hours=-5))


def entries(random_: random.Random, market: str, story: Story, start: datetime) -> list[dict[str, Any]]:
    """What the feed of that market shows: {market, from, until, item}, in order of being written."""
    found: list[dict[str, Any]] = []
    number = 0
    for at, hour in enumerate(story.hours):
        begin = start + timedelta(hours=at)
        plain = hour.news not in ("ordinary", "busy")
        for tone in _tones(random_, hour.news):
            number += 1
            if hour.news in _EXACT:
                published = begin + timedelta(seconds=random_.randrange(120, 1800))
                item = _item(random_, market, number, tone, published)
                item |= {"content_text": "", "authors": [{"name": "Reuters"}]}
                item.pop("content_html", None)
            else:
                published = begin + timedelta(milliseconds=250 * random_.randrange(4 * 3600))
                item = _item(random_, market, number, tone, published)
            shown = published.replace(microsecond=0)
            shown += timedelta(seconds=random_.randrange(10, 240 if plain else 480))
            if not plain:
                shown = _flawed(random_, item, published, shown)
            found += [
                {"market": market, "from": to_wire(since), "until": to_wire(until), "item": version}
                for since, until, version in _spans(random_, shown, item)
            ]
    return found


def _tones(random_: random.Random, news: str) -> Iterator[str]:
    if news in _EXACT:
        yield from _EXACT[news]
        return
    (least, most), tones = _HOURS[news]
    for _ in range(random_.randint(least, most)):
        yield random_.choice(tones)


def _item(random_: random.Random, market: str, number: int, tone: str, published: datetime) -> dict[str, Any]:
    """As a JSON feed shows it. Every feed counts from 1: an id says something only beside its market."""
    below = text(random_, tone)
    return {
        "id": f"item-{number:05}",
        "url": f"https://news.example/{market}/{number}?from=feed&page=1",
        "title": headline(random_, market, tone),
        **({"content_html": f"<p>{below}</p>"} if random_.random() < 0.1 else {"content_text": below}),
        "date_published": _date(random_, published),
        "authors": [{"name": random_.choice(_SOURCES)}],
    }


def _date(random_: random.Random, moment: datetime) -> str:
    """One of the forms in which feeds write a moment; those of RFC 822 know no fractions."""
    return random_.choice(
        (
            to_wire(moment),
            moment.isoformat(timespec="milliseconds"),
            moment.astimezone(_EASTERN).isoformat(timespec="seconds"),
            format_datetime(moment),
            format_datetime(moment, usegmt=True),
            format_datetime(moment.astimezone(_EASTERN)).replace("-0500", "EST"),
        )
    )


def _flawed(random_: random.Random, item: dict[str, Any], published: datetime, shown: datetime) -> datetime:
    """Do to an item what happens to some; returns when it is first shown."""
    flaw = random_.random()
    if flaw < 0.02:
        del item["date_published"]
    elif flaw < 0.035:
        item["date_published"] = published.strftime("%Y-%m-%dT%H:%M:%S")  # no zone: no moment in time
    elif flaw < 0.045:
        item["date_published"] = to_wire(published + timedelta(days=26_700))  # a clock of the next century
    elif flaw < 0.055:
        item["date_published"] = to_wire(published + timedelta(minutes=random_.randrange(25, 60)))
    elif flaw < 0.075:
        del item["id"]  # then its address identifies it
    elif flaw < 0.09:
        del item["authors"]
    elif flaw < 0.13:  # the sender's clock runs fast
        return published.replace(microsecond=0) - timedelta(seconds=random_.randrange(60, 540))
    elif flaw < 0.18:
        return shown + timedelta(minutes=random_.randrange(70, 300))
    return shown


def _spans(
    random_: random.Random, shown: datetime, item: dict[str, Any]
) -> Iterator[tuple[datetime, datetime, dict[str, Any]]]:
    """(since, until, version): most items stay for hours, some for days; some change, some come again."""
    days_long = random_.random() < 0.01
    stays = timedelta(minutes=random_.randrange(2880, 4320) if days_long else random_.randrange(150, 420))
    gone, fate = shown + stays, random_.random()
    if fate < 0.08:
        changed = shown + timedelta(minutes=random_.randrange(20, 90))
        addition = random_.choice((" (updated)", " — hike odds at a glance", ": the Fed reacts"))
        yield shown, changed, item
        yield changed, gone, {**item, "title": item["title"] + addition}
    else:
        yield shown, gone, item
    if fate > 0.97:
        again = gone + timedelta(minutes=random_.randrange(60, 600))
        yield again, again + timedelta(minutes=random_.randrange(30, 120)), item
