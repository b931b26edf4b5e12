"""Everything that the page tells, read once and put together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from capstone_marketlag import tables, topics
from capstone_marketlag.report.read import dumps, health, hours, letters, news, prices
from capstone_marketlag.report.read.hours import Hours, Key
from capstone_marketlag.report.read.letters import Failures, Letters
from capstone_marketlag.report.read.news import News
from capstone_marketlag.report.read.prices import Prices
from capstone_marketlag.report.read.values import listing, mapping, moment, text
from capstone_marketlag.wire import to_wire

_HOUR = timedelta(hours=1)
#: more hours than a demo can have: a date that is far off must not make a chart of that width
_MOST_HOURS = 24 * 90
_MOST_MARKETS = 12

#: of a run in which anything happened none of these is empty
_NEVER_EMPTY = (topics.NEWS, topics.PRICES, topics.SIGNALS, topics.LAG_SIGNALS)
_TOPICS = (
    *_NEVER_EMPTY,
    topics.MARKET_META,
    topics.LATE_NEWS,
    topics.LATE_PRICES,
    topics.DEAD_NEWS,
    topics.DEAD_PRICES,
    topics.DEAD_PROCESSING,
    topics.API_HEALTH,
)

NEWS_PARTS = ("counted", "late", "duplicate", "dead", "heartbeat")
PRICE_PARTS = ("used", "not_used", "late", "duplicate", "dead", "heartbeat")


@dataclass(frozen=True)
class Market:
    """closes: as the pipeline was last told; early: the world closes it before its planned end."""

    slug: str
    question: str
    closes: datetime | None
    early: bool


@dataclass
class Facts:
    """A run. start, end: of the time that is drawn. recorded: its world is known, so what was planted is too.

    planted: the lags that are in the world; moves: its ordinary hours, in which news and price move together.
    missing: the dumps that are not there; empty: those that hold nothing, though anything at all fills them.
    """

    summary: dict[str, Any]
    start: datetime | None
    end: datetime | None
    markets: list[Market]
    hours: Hours
    recorded: bool
    planted: set[Key]
    moves: set[Key]
    news: News
    prices: Prices
    letters: dict[str, Letters]
    failures: Failures
    sources: dict[str, health.Source]
    lines: dict[str, int]
    missing: list[str]
    empty: list[str]

    @property
    def alignment(self) -> str:
        return text(self.summary.get("alignment")) or "window_start"

    @property
    def conserved(self) -> bool:
        """By our own count, by the demo's, and no reader got an hour twice."""
        left = news.left(self.news.counts, NEWS_PARTS), news.left(self.prices.counts, PRICE_PARTS)
        return left == (0, 0) and self.summary.get("conserved") in (True, None) and not self.hours.twice

    @property
    def equal(self) -> bool | None:
        """Whether the oracle agrees. None: nobody asked it, as where nothing planted is known."""
        told = self.summary.get("oracle_equal")
        return None if told is None else told is True

    @property
    def right(self) -> bool:
        return self.conserved and self.equal is True

    @property
    def under_way(self) -> int:
        """Records of a running application that are in no place yet: their hour has not closed."""
        left = [
            news.left(self.news.counts, NEWS_PARTS),
            news.left(self.prices.counts, PRICE_PARTS),
        ]
        return sum(left) if not self.recorded and min(left) >= 0 else 0

    @property
    def wrong(self) -> bool:
        lost = not self.conserved and not (self.under_way and not self.hours.twice)
        return lost or self.equal is False

    @property
    def hits(self) -> list[Key]:
        """The planted lags that were flagged."""
        return sorted(self.planted & {(hour.market, hour.told) for hour in self.hours.flagged})


def read(folder: Path) -> Facts:
    """The facts of the run whose folder that is. Raises LabError: there is no summary in it."""
    summary, world = dumps.summary(folder), dumps.document(folder / "world.json")
    found = hours.read(folder)
    dead = {topic: letters.read(folder, topic) for topic in (topics.NEWS, topics.PRICES)}
    # a world is played into topics of its own; those of an application that runs lose what is old
    priced = prices.read(folder, dead[topics.PRICES], complete=bool(world))
    start, end = _span(summary, world, found, priced)
    lines = dumps.lengths(folder)
    return Facts(
        summary=summary,
        start=start,
        end=end,
        markets=_markets(folder, summary, world, found),
        hours=found,
        recorded=bool(world),
        planted=_planted(world, "lags"),
        moves=_planted(world, "moves"),
        news=news.read(folder, found, dead[topics.NEWS], complete=bool(world)),
        prices=priced,
        letters=dead,
        failures=letters.failures(folder),
        sources=health.read(folder),
        lines=lines,
        missing=[
            *([] if world else ["world.json"]),
            *(name for name in (*_TOPICS, *tables.NAMES) if not dumps.exists(folder, name)),
        ],
        empty=[name for name in _NEVER_EMPTY if lines.get(f"topics/{name}.jsonl") == 0],
    )


def _span(
    summary: dict[str, Any], world: dict[str, Any], found: Hours, priced: Prices
) -> tuple[datetime | None, datetime | None]:
    """From the first full hour to the last; of the data where nobody says it."""
    told = [(summary.get("from"), summary.get("to")), (world.get("start"), world.get("end"))]
    starts = sorted(hour.start for hour in found.found.values() if hour.start)
    starts = starts or sorted(at for _, at in priced.points)
    for first, last in told:
        start, end = moment(first), moment(last)
        if start and end and start <= end:
            start = start.replace(minute=0, second=0, microsecond=0)
            return start, min(end, start + _MOST_HOURS * _HOUR)
    if not starts:
        return None, None
    return starts[0], min(starts[-1] + _HOUR, starts[0] + _MOST_HOURS * _HOUR)


def _planted(world: dict[str, Any], what: str) -> set[Key]:
    found = set()
    for each in map(mapping, listing(world.get(what))):
        start = moment(each.get("hour"))
        if start:
            found.add((text(each.get("market")), to_wire(start)))
    return found


def _markets(folder: Path, summary: dict[str, Any], world: dict[str, Any], found: Hours) -> list[Market]:
    """Those of the run in its order, then those that only the data knows."""
    metas: dict[str, dict[str, Any]] = {}
    for row in dumps.objects(folder, topics.MARKET_META):
        metas[text(row.get("market_slug"))] = row
    recorded = {text(each.get("slug")): each for each in map(mapping, listing(world.get("markets")))}
    named = [text(each) for each in listing(summary.get("markets"))] or list(recorded)
    others = sorted({hour.market for hour in found.found.values()} - set(named))
    return [
        _market(slug, metas.get(slug, {}), recorded.get(slug, {})) for slug in dict.fromkeys(named + others)
    ][:_MOST_MARKETS]


def _market(slug: str, meta: dict[str, Any], recorded: dict[str, Any]) -> Market:
    early = moment(recorded.get("closed_time"))
    planned = moment(recorded.get("end_date"))
    return Market(
        slug=slug,
        question=text(meta.get("question"))
        or text(recorded.get("question"))
        or slug
        or "(a market without a name)",
        closes=moment(meta.get("close_time")) or early or planned,
        early=early is not None and (planned is None or early < planned),
    )
