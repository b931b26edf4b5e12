"""What the report of a run promises to whoever opens it, and to whoever wrote a wrong piece."""

from __future__ import annotations

import base64
import doctest
import importlib
import itertools
import json
import pkgutil
import re
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from capstone_marketlag import report
from capstone_marketlag.oracle import truth
from capstone_marketlag.replay.generate import world
from capstone_marketlag.report import page, write_report
from capstone_marketlag.report.draw.frame import PRICE_TOP, SIGNAL, TOP
from capstone_marketlag.report.markup import escaped, link
from capstone_marketlag.wire import to_wire
from labkit.errors import LabError

START = datetime(2026, 1, 5, tzinfo=timezone.utc)
FED, BTC = "fed-rate-hike", "bitcoin-at-120k"
HOSTILE = "<script>alert('\"&</script>"
VOID = {"meta", "br", "link", "img", "input", "hr"}
NEWS, PRICES, SIGNALS, LAGS = "rss.events", "polymarket.price_hourly", "rss.signals_hourly", "lag_signals"


# ---- the page, read as a browser would ---------------------------------------------------------


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)
    order: list[Element | str] = field(default_factory=list)

    def all(self, tag: str, kind: str = "") -> list[Element]:
        """Every element below with this tag and, if given, this class."""
        return [e for e in self if e.tag == tag and (not kind or kind in e.classes)]

    def __iter__(self) -> Iterator[Element]:
        for child in self.children:
            yield child
            yield from child

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    def number(self, name: str) -> float:
        return float(self.attributes[name])

    def words(self) -> str:
        """All that a reader sees, spaces made one; the style is none of it."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for each in self.order:
            if isinstance(each, str):
                yield each
            elif each.tag != "style":
                yield from each._texts()
        if self.tag not in ("span", "bdi", "a", "b", "strong", "code"):
            yield " "


class Page(HTMLParser):
    """A tree of elements; fails where a tag is closed that is not the one that is open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.root = Element("", {})
        self.open = [self.root]
        self.feed(text)
        self.close()
        assert [e.tag for e in self.open] == [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        self.open[-1].order.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pytest.fail(f"<{tag}/>: HTML knows no tag that closes itself")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.open[-1].text += data
        self.open[-1].order.append(data)


# ---- a run's folder, by hand -------------------------------------------------------------------


def hour(number: int) -> str:
    return to_wire(START + timedelta(hours=number))


def item(market: str, identity: str, number: int, moved: float = 2.0, **other: Any) -> dict[str, Any]:
    """A record of rss.events in that hour; moved: article_score × source_weight."""
    return {
        "market_slug": market, "item_id": identity, "title": f"Headline {identity}",
        "link": f"https://news.example/{identity}", "published_at": hour(number)[:14] + "10:00Z",
        "source": "Reuters", "source_weight": 0.5, "article_score": 2 * moved, **other,
    }  # fmt: skip


def heartbeat(**time: str) -> dict[str, Any]:
    return {"kind": "heartbeat", **time, "fetched_at": hour(0), "timezone": "UTC"}


def letter(
    reason: str, original: str = "e30=", stage: str = "producer", offset: Any = None
) -> dict[str, Any]:
    partition = None if offset is None else 0
    return {"original": original, "reason": reason, "stage": stage,
            "source_partition": partition, "source_offset": offset}  # fmt: skip


class Run:
    """A run of a day with two markets; right until a test changes it. topics: values of records, in their order."""

    def __init__(self, hours: int = 24) -> None:
        self.hours, self.alignment = hours, "window_start"
        self.topics: dict[str, list[Any]] = {
            name: [] for name in (
                NEWS, PRICES, SIGNALS, LAGS, "polymarket.market_meta", "signals_with_price", "dlq.rss.events",
                "dlq.polymarket.price_hourly", "dlq.processing", "late.rss.events",
                "late.polymarket.price_hourly", "ops.api_health",
            )
        }  # fmt: skip
        self.tables: dict[str, list[Any]] = {
            "lag_signals_history": [], "rss_signals_hourly": [], "api_health_log": []
        }  # fmt: skip
        self.world: dict[str, Any] = {
            "markets": [{"slug": slug, "question": f"Will {slug}?", "end_date": hour(2000), "closed_time": None}
                        for slug in (FED, BTC)],
            "lags": [], "moves": [],
        }  # fmt: skip
        self.changes: dict[str, Any] = {}
        for slug in (FED, BTC):
            self.topics["polymarket.market_meta"].append(
                {
                    "market_slug": slug,
                    "question": f"Will {slug}?",
                    "close_time": hour(2000),
                    "fetched_at": hour(0),
                }
            )

    def news(
        self, number: int, signal: float = 0.5, market: str = FED, flagged: bool = False, **lag: Any
    ) -> Run:
        """An hour of news: two items, each sent twice, the hour's signal, and the detector's word on it."""
        start = hour(number)
        items = [item(market, f"{market}-{number}-{each}", number, signal) for each in "ab"]
        self.topics[NEWS] += items * 2
        self.topics[SIGNALS].append({"market_slug": market, "window_start": start, "mention_count": 2,
                                     "source_weighted_signal": signal})  # fmt: skip
        row = {"market": market, "window_start": start, "rss_signal": signal, "signal_delta": None,
               "max_signal_delta": None, "price": 0.5, "price_delta": 0.0, "lag_flag": flagged,
               "confidence": None, "price_status": "observed"}  # fmt: skip
        if flagged:
            row |= {"signal_delta": signal, "max_signal_delta": signal, "confidence": 0.9}
        row |= lag
        self.topics[LAGS].append(row)
        stored = start[:-1].replace("T", " ")
        self.tables["lag_signals_history"].append(
            {name: f"{value:.6f}" if isinstance(value, float) else value for name, value in row.items()}
            | {"window_start": stored}
        )
        return self

    def price(
        self, number: int, price: Any = 0.5, market: str = FED, status: str = "observed", **other: Any
    ) -> Run:
        row = {"market_slug": market, "outcome": "Yes", "price": price, "prev_price": 0.5, "price_delta": 0.0,
               "price_status": status, "event_time": hour(number)}  # fmt: skip
        self.topics[PRICES].append(row | other)
        return self

    def planted(self, number: int, market: str = FED, what: str = "lags") -> Run:
        self.world[what].append({"market": market, "hour": hour(number)})
        return self

    def counts(self) -> dict[str, dict[str, int]]:
        """As the demo would count a run in which nothing is lost."""
        every = [self.topics.get(name, []) for name in (NEWS, PRICES)]
        news, prices = ([value for value in values if isinstance(value, dict)] for values in every)
        beats = [sum(value.get("kind") == "heartbeat" for value in rows) for rows in (news, prices)]
        sent = [
            len({str([v.get(name) for name in names]) for v in values if "kind" not in v})
            for values, names in (
                (news, ("market_slug", "item_id")),
                (prices, ("outcome", "market_slug", "event_time")),
            )
        ]
        return {
            "news": {"in": len(every[0]), "counted": sent[0], "late": 0, "heartbeat": beats[0], "dead": 0,
                     "duplicate": len(news) - beats[0] - sent[0], "served": len(news), "produced": len(news),
                     "rejected": 0},
            "prices": {"in": len(every[1]), "used": sent[1], "not_used": 0, "late": 0, "dead": 0,
                       "heartbeat": beats[1], "duplicate": len(prices) - beats[1] - sent[1],
                       "produced": len(prices), "rejected": 0},
        }  # fmt: skip

    def summary(self) -> dict[str, Any]:
        return {
            "seed": 7, "hours_of_news": self.hours, "markets": [FED, BTC], "from": hour(0),
            "to": hour(self.hours), "alignment": self.alignment, "signal_threshold": "1.0", "price_threshold": "0.02", "counts": self.counts(), "conserved": True,
            "oracle_equal": True, "first_difference": None,
            "lags": {"planted": len(self.world["lags"]),
                     "window_start": {"flags": 20, "hits": 2, "precision": 0.1, "recall": 0.67},
                     "window_end": {"flags": 4, "hits": 3, "precision": 0.75, "recall": 1.0}},
            "pieces": {"dead_letters": "reference", "windows": "reference"},
            "seconds": {"services": 6.04, "feed → Kafka": 2.29, "all": 8.5}, "peak_memory_mb": 1357,
            "versions": {"apache-flink": "2.2.1"}, "made_at": "2026-11-21T08:40:59Z", **self.changes,
        }  # fmt: skip

    def write(self, folder: Path) -> Path:
        for kind, dumps in (("topics", self.topics), ("tables", self.tables)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            for name, values in dumps.items():
                rows = (
                    values
                    if kind == "tables"
                    else [record(number, value) for number, value in enumerate(values)]
                )
                text = "".join(json.dumps(row) + "\n" for row in rows)
                (folder / kind / f"{name}.jsonl").write_text(text)
        (folder / "world.json").write_text(json.dumps(self.world))
        (folder / "summary.json").write_text(json.dumps(self.summary()))
        return folder

    def text(self, folder: Path) -> str:
        return write_report(self.write(folder)).read_text(encoding="utf-8")

    def page(self, folder: Path) -> Element:
        return Page(self.text(folder)).root


def record(offset: int, value: Any) -> dict[str, Any]:
    """A line of a topic's dump; a value that is a text stands as it is."""
    text = value if isinstance(value, str) else json.dumps(value)
    return {"partition": 0, "offset": offset, "timestamp": 1_800_000_000_000, "key": "k", "value": text}


def a_day() -> Run:
    """Nine hours with news, three flagged, two planted, prices all day."""
    run = Run()
    for number in range(8):
        run.news(number)
    for number in range(24):
        run.price(number, 0.4 + number / 100).price(number, 0.6, BTC).price(number, market=FED, outcome="No")
    run.news(8, 3.0, flagged=True).planted(8)
    run.news(10, 2.0, flagged=True, price_delta=-0.0199, confidence=0.7354)
    run.news(12, 4.0, BTC, flagged=True, price_status="carried").planted(20)
    run.topics[NEWS] += [heartbeat(published_at=hour(24))] * 3
    run.topics[PRICES] += [heartbeat(event_time=hour(24))] * 3
    return run


def section(root: Element, name: str) -> Element:
    [found] = [each for each in root.all("section") if each.attributes.get("id") == name]
    return found


def rows_of(table: Element) -> list[list[str]]:
    """The cells' words, row by row, without the head."""
    [body] = table.all("tbody")
    return [[cell.words() for cell in row.children] for row in body.all("tr")]


def captioned(root: Element, title: str) -> Element:
    [found] = [each for each in root.all("table") if each.all("caption")[0].text.startswith(title)]
    return found


def charts(root: Element) -> list[Element]:
    return [each.all("svg")[0] for each in root.all("div", "timeline")]


# ---- the file ----------------------------------------------------------------------------------


def test_the_page_loads_nothing_and_runs_nothing(tmp_path: Path) -> None:
    text = a_day().text(tmp_path)

    root = Page(text).root
    assert [
        e.tag for e in root if e.tag in ("script", "link", "img", "iframe", "object", "base", "form")
    ] == []
    assert [e for e in root for name in e.attributes if name == "src" or name.startswith("on")] == []
    assert {e.attributes["href"][:8] for e in root.all("a")} - {"https://"} == {
        e.attributes["href"][:8] for e in root.all("a") if e.attributes["href"].startswith("#")
    }
    assert re.findall(r"@import|url\((?!#)|127\.0\.0\.1|localhost|/work/|/tmp/", text) == []
    [policy] = [e for e in root.all("meta") if e.attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policy.attributes["content"].startswith("default-src 'none'")


def test_the_page_says_what_it_is_to_every_reader(tmp_path: Path) -> None:
    root = a_day().page(tmp_path)

    assert [e.attributes["lang"] for e in root.all("html")] == ["en"]
    assert len(root.all("main")) == len(root.all("h1")) == 1
    levels = [int(e.tag[1]) for e in root if re.fullmatch(r"h\d", e.tag)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(("aria-label" in e.attributes) != ("aria-hidden" in e.attributes) for e in root.all("svg"))
    assert [e for e in root.all("th") if e.attributes.get("scope") not in ("row", "col")] == []
    assert [e for e in root.all("table") if len(e.all("caption")) != 1] == []
    scrolled = root.all("div", "scroll")
    assert all({"tabindex", "role", "aria-label"} <= set(e.attributes) for e in scrolled)
    ids = [e.attributes["id"] for e in root if "id" in e.attributes]
    assert len(set(ids)) == len(ids)
    assert {e.attributes["href"][1:] for e in root.all("a") if e.attributes["href"].startswith("#")} <= set(
        ids
    )


def test_a_chart_is_told_in_words_too(tmp_path: Path) -> None:
    said = [chart.attributes["aria-label"] for chart in charts(a_day().page(tmp_path))]

    assert said == [
        "Will fed-rate-hike? 24 hours from 2026-01-05 00:00 UTC. 10 hours have news. The signal is from 0.5 to 3. "
        "The price of YES goes from 0.4 to 0.63, between 0.4 and 0.63. 2 hours are flagged. "
        "2 lags are planted, 1 of them flagged.",
        "Will bitcoin-at-120k? 24 hours from 2026-01-05 00:00 UTC. 1 hour has news. The signal is from 4 to 4. "
        "The price of YES goes from 0.6 to 0.6, between 0.6 and 0.6. 1 hour is flagged. "
        "0 lags are planted, 0 of them flagged.",
    ]


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    run = a_day().news(14, 5.0, HOSTILE, flagged=True, price_status=HOSTILE)
    for value in run.topics[NEWS]:
        value |= {name: HOSTILE for name in ("title", "source") if name in value}
    run.topics["polymarket.market_meta"].append({"market_slug": FED, "question": HOSTILE})
    run.topics["dlq.rss.events"].append(letter(HOSTILE, base64.b64encode(HOSTILE.encode()).decode(), HOSTILE))
    run.topics["dlq.processing"].append(dict.fromkeys(("job", "error_type", "message", "record"), HOSTILE))
    run.topics["ops.api_health"].append({"source": HOSTILE, "status": 500, "error_message": HOSTILE})
    run.world["lags"].append({"market": HOSTILE, "hour": hour(3)})
    run.changes = {
        "seed": HOSTILE, "hours_of_news": HOSTILE, "markets": [FED, HOSTILE], "alignment": HOSTILE,
        "oracle_equal": False, "first_difference": HOSTILE, "pieces": {HOSTILE: HOSTILE},
        "seconds": {HOSTILE: 1.0, "all": 1.0}, "versions": {HOSTILE: HOSTILE}, "made_at": HOSTILE,
        "lags": {"window_end": {"flags": HOSTILE}},
    }  # fmt: skip

    text = run.text(tmp_path)

    root = Page(text).root
    assert [e for e in root if e.tag in ("script", "bdi") and e.tag == "script"] == []
    # of the markup that text may hold, none comes through; the text itself does, in all of these places
    assert "<script" not in text
    assert root.words().count(HOSTILE) >= 25
    assert [e for e in root for name in e.attributes if name.startswith(("on", "alert"))] == []


@pytest.mark.parametrize(
    ("address", "links"),
    [
        ("https://news.example/a?b=1&c=2", True),
        ("http://news.example", True),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)//http://x", False),
        ("data:text/html,x", False),
        ("//news.example/a", False),
        ("", False),
    ],
)
def test_only_an_address_of_the_web_is_a_link(address: str, links: bool) -> None:
    assert link(escaped("<title>"), address).startswith("<a href=") == links


def test_the_page_knows_light_and_dark_and_paper() -> None:
    style = page.style()

    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style
    assert re.search(r"@media screen and \(max-width: \d+rem\)", style)
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    assert re.findall(r"--\w+(?=:)", light) == re.findall(r"--\w+(?=:)", dark)
    assert set(re.findall(r"var\((--\w+)\)", style)) <= set(re.findall(r"--\w+(?=:)", light))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_marks_have_the_contrast_of_wcag_aa(scheme: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", page.style(), re.DOTALL)
    colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", blocks[("light", "dark").index(scheme)]))
    text = [
        (name, ground)
        for name in ("ink", "muted", "link", "good", "bad", "flag")
        for ground in ("card", "paper")
    ]
    marks = ("signal", "flag", "price", "clamped", "hatch", "quiet", "pulse", "late", "spare", "bad")

    low = {pair: contrast(colours, *pair) for pair in text if contrast(colours, *pair) < 4.5}
    low |= {
        (name, "card"): contrast(colours, name, "card")
        for name in marks
        if contrast(colours, name, "card") < 3
    }

    assert low == {}


def contrast(colours: dict[str, str], one: str, other: str) -> float:
    def light(name: str) -> float:
        channels = [int(colours[name][i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_without_a_summary_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"There is no summary\.json in .*"):
        write_report(tmp_path)

    assert list(tmp_path.iterdir()) == []


# ---- what was found ----------------------------------------------------------------------------


def test_the_finding_is_one_sentence_and_the_verdict_is_correct(tmp_path: Path) -> None:
    root = a_day().page(tmp_path)

    assert root.all("title")[0].text == "MarketLag, seed 7: 3 lag signals, correct"
    assert [e.words() for e in root.all("h1")] == [
        "In 3 hours of 11 with news, on 2 markets, the news moved and the price did not."
    ]
    [verdict] = root.all("section", "verdict")
    assert [e.words() for e in verdict.all("h2")] == ["Correct"]
    assert [line.words().lstrip("✓• ") for line in verdict.all("li")] == [
        "Conserved: each of 122 records is in exactly one place.",
        "Equal to the oracle, which works the answer out a second time, from the recorded world, "
        "with code of its own.",
        "Pieces: all 2 are the reference's.",
    ]
    assert "First difference" not in root.words()


@pytest.mark.parametrize(
    ("thresholds", "said"),
    [
        ({}, "rose by more than 1.0, and the price of YES moved by less than 0.02."),
        ({"signal_threshold": "2.5", "price_threshold": "0.010"},
         "rose by more than 2.5, and the price of YES moved by less than 0.010."),
        ({"signal_threshold": None, "price_threshold": HOSTILE},
         "rose by more than its threshold, and the price of YES moved by less than its threshold."),
    ],
)  # fmt: skip
def test_a_lag_signal_is_told_with_the_thresholds_of_the_run(
    tmp_path: Path, thresholds: dict[str, Any], said: str
) -> None:
    run = a_day()
    run.changes = thresholds

    [lead] = run.page(tmp_path).all("p", "lead")

    assert said in lead.words()


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ({"a": "yours", "b": "reference", "c": "yours"}, "a and c are yours, the other 1 the reference's."),
        ({"a": "yours", "b": "reference"}, "a is yours, the other 1 the reference's."),
        ({"a": "yours"}, "all 1 are yours."),
        ({}, "the summary does not say whose."),
    ],
)
def test_whose_pieces_it_ran_on_is_said(tmp_path: Path, pieces: dict[str, str], said: str) -> None:
    run = a_day()
    run.changes = {"pieces": pieces}

    [verdict] = run.page(tmp_path).all("section", "verdict")

    assert verdict.all("li")[-1].words().endswith(f"Pieces: {said}")


def test_a_difference_is_shown_and_nothing_is_called_correct(tmp_path: Path) -> None:
    run = a_day()
    difference = "Hour 2026-01-05T05:00:00Z of fed: rss.signals_hourly has no row, the oracle mentions 2."
    run.changes = {"oracle_equal": False, "first_difference": difference}

    root = run.page(tmp_path)

    assert "correct" not in root.words().lower()
    [verdict] = root.all("section", "verdict")
    assert verdict.all("p", "difference")[0].words() == f"First difference: {difference}"
    assert "Not equal to the oracle" in verdict.words()


def test_what_the_dumps_have_lost_is_not_conserved_whatever_the_summary_says(tmp_path: Path) -> None:
    run = a_day()
    run.topics[SIGNALS].pop()

    root = run.page(tmp_path)

    assert "correct" not in root.words().lower()
    assert "Not conserved: 122 records in, 120 accounted for." in root.words()
    assert "Not conserved: 2 records unaccounted for." in section(root, "records").words()
    assert "news counted: 20 in the dumps, 22 in summary.json" in root.words()


def test_an_hour_that_a_reader_gets_twice_is_wrong(tmp_path: Path) -> None:
    run = a_day()
    run.topics[LAGS].append(run.topics[LAGS][8])

    root = run.page(tmp_path)

    [verdict] = root.all("section", "verdict")
    assert f"First difference: {hour(8)} of {FED} stands twice in a topic." in verdict.words()
    assert len(rows_of(captioned(root, "Flagged hours"))) == 3


def test_a_run_without_flags_has_a_page(tmp_path: Path) -> None:
    root = Run().news(0).page(tmp_path)

    assert root.all("h1")[0].words() == (
        "In none of 1 hour with news, on 1 market, did the news move without the price."
    )
    assert "No hour was flagged." in root.words()
    assert len(charts(root)) == 2


# ---- a running application: nothing is planted, no oracle was asked -----------------------------


class Live(Run):
    """As a folder is filled from an application that runs: without a world, a seed, an oracle."""

    def summary(self) -> dict[str, Any]:
        unknown = (
            "seed", "hours_of_news", "lags", "oracle_equal", "first_difference", "counts", "conserved",
        )  # fmt: skip
        return super().summary() | dict.fromkeys(unknown) | self.changes

    def write(self, folder: Path) -> Path:
        super().write(folder)
        (folder / "world.json").unlink()
        return folder


def a_live_day() -> Live:
    run = Live()
    for number in range(24):
        run.price(number)
    run.news(7).news(8, 3.0, flagged=True)
    return run


def test_what_no_oracle_has_seen_is_neither_correct_nor_wrong(tmp_path: Path) -> None:
    root = a_live_day().page(tmp_path)

    assert root.all("title")[0].text == "MarketLag: 1 lag signal, not compared"
    [verdict] = root.all("section", "verdict")
    assert verdict.all("h2")[0].words() == "Not compared"
    assert [line.words().lstrip("✓• ") for line in verdict.all("li")] == [
        "Conserved: each of 32 records is in exactly one place.",
        "Oracle: not compared with an oracle (nothing planted is known).",
        "Pieces: all 2 are the reference's.",
        "Missing: not in this folder: world.json.",
    ]
    assert verdict.all("li", "fails") == []
    said = root.words().lower()
    assert [word for word in ("correct", "wrong", "first difference", "make demo") if word in said] == []


def test_where_nothing_planted_is_known_no_hour_is_called_unplanted(tmp_path: Path) -> None:
    root = a_live_day().page(tmp_path)

    flagged = captioned(root, "Flagged hours")
    assert [row[:6] for row in rows_of(flagged)] == [
        ["2026-01-05 08:00", FED, "+3.000", "0.0000", "0.9000", "observed"]
    ]
    assert "Planted" not in [head.words() for head in flagged.all("th")]
    assert "Nothing planted is known" in section(root, "confidence").words()
    assert not any("planted" in chart.attributes["aria-label"] for chart in charts(root))


def test_news_whose_hour_is_still_open_is_under_way_and_not_lost(tmp_path: Path) -> None:
    run = a_live_day()
    run.topics[NEWS] += [item(FED, "just now", 23), item(BTC, "just now", 23)]
    run.changes = {"conserved": False}

    root = run.page(tmp_path)

    assert root.all("section", "verdict")[0].all("h2")[0].words() == "Not compared"
    assert (
        "Under way: 32 of 34 records are in exactly one place; the others are not read yet, "
        "or their hour is open." in root.words()
    )
    law = section(root, "records").all("p", "law")[0].words()
    assert law == "10 records in = 4 counted + 0 late + 4 repeated + 0 dead + 0 heartbeats + 2 under way"


def test_more_rows_than_records_are_wrong_in_a_running_application_too(tmp_path: Path) -> None:
    run = a_live_day()
    run.topics[SIGNALS][0]["mention_count"] = 7

    assert run.page(tmp_path).all("section", "verdict")[0].all("h2")[0].words() == "Wrong"


class Week(Live):
    """An application that ran from hour 0 on; of its inputs Kafka has deleted what was written before hour 4.

    Each record was written when the newest before it happened. twice: a letter, row or hour that should not be.
    """

    def __init__(self) -> None:
        super().__init__()
        dead, late = (self.topics[f"{kind}.{NEWS}"] for kind in ("dlq", "late"))
        for number in range(10):
            self.news(number)
            news, prices = self.topics[NEWS], self.topics[PRICES]
            if number >= 2:
                news.append(item(FED, f"{FED}-{number - 2}-a", number - 2))  # the feed still shows it
            for came, hours_late, shown_again in ((2, 2, 6), (7, 6, 8)):
                row = item(FED, f"late at {came}", came - hours_late)
                if number in (came, shown_again):
                    news.append(row)
                if number == came:
                    late.append({**row, "late_by_seconds": 3600 * hours_late})
            if number in (3, 9):
                dead.append(letter("no object", stage="gate", offset=len(news)))
                news.append("[]")
            news.append(heartbeat(published_at=hour(number)[:14] + "15:00Z"))
            self.price(number)
            if number in (2, 7):
                self.price(number - 2, market=BTC)
                self.topics[f"late.{PRICES}"].append(prices[-1])
            if number in (3, 9):
                self.topics[f"dlq.{PRICES}"].append(letter("no object", stage="gate", offset=len(prices)))
                prices.append("[]")
            prices.append(heartbeat(event_time=hour(number)))

    def write(self, folder: Path) -> Path:
        super().write(folder)
        for topic, time_ in ((NEWS, "published_at"), (PRICES, "event_time")):
            path, newest, rows = folder / "topics" / f"{topic}.jsonl", START, []
            for row, value in zip(
                map(json.loads, path.read_text().splitlines()), self.topics[topic], strict=True
            ):
                if isinstance(value, dict):
                    newest = max(newest, datetime.fromisoformat(value[time_].replace("Z", "+00:00")))
                rows.append({**row, "timestamp": int(newest.timestamp() * 1000)})
            there = [json.dumps(row) + "\n" for row in rows if row["timestamp"] >= at_four()]
            path.write_text("".join(there))
        return folder


def at_four() -> int:
    return int((START + timedelta(hours=4)).timestamp() * 1000)


def laws(root: Element) -> list[str]:
    return [law.words() for law in section(root, "records").all("p", "law")]


def test_what_kafka_has_deleted_of_an_input_is_in_no_sum(tmp_path: Path) -> None:
    root = Week().page(tmp_path)

    # six hours of 2 items, 2 repeats, an item of two hours before and a heartbeat; of the latter items those of
    # hours 2 and 3 stand for their first sight, which is gone. One late item came in that time, another one was
    # shown again. Of the dead and of the late prices the first is gone.
    assert laws(root) == [
        "40 records in = 14 counted + 2 late + 17 repeated + 1 dead + 6 heartbeats",
        "14 records in = 6 used (YES) + 0 not used (other outcomes) + 1 late + 0 repeated + 1 dead + 6 heartbeats",
    ]
    [verdict] = root.all("section", "verdict")
    assert verdict.all("h2")[0].words() == "Not compared"
    assert "Conserved: each of 54 records is in exactly one place." in verdict.words()
    assert "Kafka has deleted the oldest records." in section(root, "records").words()


def test_where_the_hour_of_a_deleted_sight_is_deleted_too_the_next_one_is_a_repeat(tmp_path: Path) -> None:
    run = Week()
    del run.topics[SIGNALS][:4]

    root = run.page(tmp_path)

    assert laws(root)[0] == "40 records in = 12 counted + 2 late + 19 repeated + 1 dead + 6 heartbeats"
    assert root.all("section", "verdict")[0].all("h2")[0].words() == "Not compared"


def test_an_input_that_is_gone_to_its_end_has_nothing_to_account_for(tmp_path: Path) -> None:
    folder = Week().write(tmp_path)
    for topic in (NEWS, PRICES):
        (folder / "topics" / f"{topic}.jsonl").write_text("")

    root = Page(write_report(folder).read_text()).root

    assert {law.split(" = ")[0] for law in laws(root)} == {"0 records in"}
    assert root.all("section", "verdict")[0].all("h2")[0].words() == "Not compared"


def test_a_record_in_two_places_is_wrong_in_a_trimmed_topic_too(tmp_path: Path) -> None:
    counted_twice, late_and_counted, hour_twice, dead_price = (Week() for _ in range(4))
    counted_twice.topics[SIGNALS][8]["mention_count"] += 1
    late_and_counted.topics[f"late.{NEWS}"].append(item(FED, f"{FED}-8-a", 8))
    hour_twice.topics[SIGNALS].append(hour_twice.topics[SIGNALS][8])
    dead_price.topics[f"dlq.{PRICES}"].append(letter("no", stage="gate", offset=1_000))

    for number, run in enumerate((counted_twice, late_and_counted, hour_twice, dead_price)):
        verdict = run.page(tmp_path / str(number)).all("section", "verdict")[0]
        assert verdict.all("h2")[0].words() == "Wrong", number


def test_a_lost_record_is_in_no_place_of_a_trimmed_topic(tmp_path: Path) -> None:
    run = Week()
    run.topics[SIGNALS][8]["mention_count"] -= 1

    assert laws(run.page(tmp_path))[0] == (
        "40 records in = 13 counted + 2 late + 17 repeated + 1 dead + 6 heartbeats + 1 under way"
    )


@pytest.mark.parametrize("what", ["gone", "lost"])
def test_of_a_recorded_world_nothing_may_be_deleted(tmp_path: Path, what: str) -> None:
    folder = a_day().write(tmp_path)
    path = folder / "topics" / f"{NEWS}.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[4:] if what == "gone" else lines[:20] + lines[24:]))

    root = Page(write_report(folder).read_text()).root

    assert root.all("section", "verdict")[0].all("h2")[0].words() == "Wrong"


@pytest.mark.parametrize("dumped", [True, False], ids=["empty", "missing"])
def test_an_application_that_has_seen_nothing_has_a_page(tmp_path: Path, dumped: bool) -> None:
    run = Live()
    run.topics = {name: [] for name in run.topics} if dumped else {}
    run.tables = {name: [] for name in run.tables} if dumped else {}
    nothing = dict.fromkeys(("counts", "from", "to", "markets", "seconds", "peak_memory_mb", "versions"))
    run.changes = {**nothing, "pieces": {}}

    root = run.page(tmp_path)

    words = root.all("section", "verdict")[0].words()
    assert "Conserved: there is no record, of news or of prices." in words
    assert (
        "empty: rss.events, polymarket.price_hourly, rss.signals_hourly and lag_signals." in words
    ) == dumped
    assert ("not in this folder: world.json, rss.events," in words) != dumped
    assert root.all("h1")[0].words() == "No hour was judged: nothing came out at the end of the pipeline."


# ---- the charts --------------------------------------------------------------------------------


def test_every_hour_with_news_has_a_bar_and_every_hour_tells_itself(tmp_path: Path) -> None:
    chart, _ = charts(a_day().page(tmp_path))

    assert len(chart.all("rect", "bar")) == 10
    told = [group.all("title")[0].text.split("\n") for group in chart.all("g", "hour")]
    assert len(told) == 24
    assert told[8] == [
        "Mon 2026-01-05 08:00 to 09:00 UTC",
        "signal 3 from 2 items",
        "change +3",
        "YES 0.48 at 08:00, change 0, observed",
        "LAG SIGNAL, confidence 0.9000, price moved 0",
        "a planted lag",
    ]
    assert told[9] == [
        "Mon 2026-01-05 09:00 to 10:00 UTC",
        "no news",
        "YES 0.49 at 09:00, change 0, observed",
    ]


def test_a_flagged_hour_is_marked_in_both_panels_and_a_planted_one_differently(tmp_path: Path) -> None:
    chart, _ = charts(a_day().page(tmp_path))

    bands, bars = chart.all("rect", "band"), [e for e in chart.all("rect", "bar") if "flagged" in e.classes]
    line = chart.all("path", "price")[0]
    lowest = max(float(y) for y in re.findall(r" (\d+\.\d)", line.attributes["d"]))
    assert len(bands) == len(bars) == len(chart.all("path", "flag")) == 2
    for band, bar in zip(bands, bars, strict=True):
        assert band.number("x") <= bar.number("x") < band.number("x") + band.number("width")
        assert band.number("y") < bar.number("y")
        assert band.number("y") + band.number("height") > lowest
    assert len(chart.all("circle", "flagged")) == 2
    assert len(chart.all("path", "planted")) == 2  # of them one is no flag


@pytest.mark.parametrize(("alignment", "ends"), [("window_start", 8), ("window_end", 9)])
def test_the_move_that_a_flag_was_compared_with_is_drawn(tmp_path: Path, alignment: str, ends: int) -> None:
    run = Run().news(7).news(8, 3.0, flagged=True)
    for number in range(24):
        run.price(number)
    run.alignment = alignment

    root = run.page(tmp_path)

    chart = charts(root)[0]
    [band] = chart.all("rect", "band")
    slot = band.number("width")
    [move] = chart.all("path", "compared")
    begin, end = (float(x) for x in re.findall(r"[ML](\d+\.\d)", move.attributes["d"]))
    assert (begin, end) == pytest.approx(((ends - 1) * slot, ends * slot), abs=0.2)
    assert f"price move up to its {'start' if ends == 8 else 'end'}" in section(root, "markets").words()


def test_hours_without_news_are_gaps_and_a_signal_of_zero_is_none(tmp_path: Path) -> None:
    chart = charts(Run(6).news(0, 2.0).news(1, 0.0).news(4, -1.0).page(tmp_path))[0]

    above, zero, below = chart.all("rect", "bar")
    assert zero.number("height") > 0
    slot = chart.all("rect", "slot")[0].number("width")
    gaps = [gap.number(name) / slot for gap in chart.all("rect", "quiet") for name in ("x", "width")]
    assert gaps == pytest.approx([2, 2, 5, 1], abs=0.1)
    # the zero line is there where the news is, and a negative signal hangs from it
    lines = [line.number(name) / slot for line in chart.all("line", "zero") for name in ("x1", "x2")]
    assert lines == pytest.approx([0, 2, 4, 5], abs=0.1)
    ground = chart.all("line", "zero")[0].number("y1")
    assert above.number("y") + above.number("height") == pytest.approx(ground, abs=0.2)
    assert below.number("y") == pytest.approx(ground, abs=0.2)


def test_what_is_no_observed_price_has_its_own_mark(tmp_path: Path) -> None:
    run = (
        Run(8).price(0).price(1, status="carried").price(2).price(3, 1.0, status="clamped").price(5).price(7)
    )

    chart = charts(run.page(tmp_path))[0]

    assert [len(chart.all(tag, kind)) for tag, kind in (
        ("circle", "carried"), ("path", "clamped"), ("path", "missing"), ("circle", "alone"))] == [1, 1, 2, 2]  # fmt: skip
    solid, broken = chart.all("path", "price")
    assert solid.attributes["d"].count("L") == 2  # to 2 and 3; nothing leads to 5 and 7
    assert "guessed" in broken.classes
    assert broken.attributes["d"].count("L") == 1


def test_a_clamped_price_does_not_make_the_others_a_flat_line(tmp_path: Path) -> None:
    run = Run(24)
    for number in range(24):
        run.price(number, 0.40 + 0.1 * (number % 2))
    run.topics[PRICES][12] |= {"price": 1.0, "price_status": "clamped"}

    chart = charts(run.page(tmp_path))[0]

    heights = [float(y) for y in re.findall(r" (\d+\.\d)", chart.all("path", "price")[0].attributes["d"])]
    assert max(heights) - min(heights) > 80
    assert sorted(set(heights))[-1] - sorted(set(heights))[1] > 70  # the ordinary prices fill the panel


def test_the_price_is_the_first_of_yes_that_is_neither_dead_nor_late(tmp_path: Path) -> None:
    run = Run(3)
    run.price(0, 0.99).price(0, 0.41).price(0, 0.98).price(1, 0.97).price(1, 0.2, outcome="No").price(2, 0.42)
    run.topics[PRICES][0]["outcome"] = "YES"
    run.topics["dlq.polymarket.price_hourly"].append(letter("no", stage="gate", offset=0))
    run.topics["late.polymarket.price_hourly"].append(run.topics[PRICES][3])

    told = [group.all("title")[0].text for group in charts(run.page(tmp_path))[0].all("g", "hour")]

    assert [re.findall(r"YES (\S+) at|(missing)", text) for text in told] == [
        [("0.41", "")],
        [("", "missing")],
        [("0.42", "")],
    ]


def test_the_close_is_marked_and_nothing_is_missing_behind_it(tmp_path: Path) -> None:
    run = Run(24)
    for number in range(12):
        run.price(number)
    run.topics["polymarket.market_meta"].append({"market_slug": FED, "close_time": hour(12)[:14] + "07:00Z"})
    run.world["markets"][0]["closed_time"] = hour(12)[:14] + "07:00Z"

    root = run.page(tmp_path)

    chart = charts(root)[0]
    [line], [shade] = chart.all("line", "close"), chart.all("rect", "closed")
    slot = chart.all("rect", "slot")[0].number("width")
    assert line.number("x1") == shade.number("x") == pytest.approx((12 + 7 / 60) * slot, abs=0.2)
    assert len(chart.all("path", "missing")) == 1  # 12:00 itself
    assert "closed early, 2026-01-05 12:07 UTC" in root.words()
    assert "closes 2026-03-29 08:00 UTC" in root.words()  # the other market


@pytest.mark.parametrize(
    ("hours", "closes", "said"),
    [
        (24, 12, ["trading ends", "5 Jan 12:07"]),
        (15, 9, ["trading ends", "5 Jan 09:07"]),
        (15, 13, ["ends 5 Jan 13:07"]),
        (240, 235, ["ends 14 Jan 19:07"]),
    ],
)
def test_the_name_of_the_close_is_on_no_price(
    tmp_path: Path, hours: int, closes: int, said: list[str]
) -> None:
    run = Run(hours)
    for number in range(closes + 1):
        run.price(number, 0.2 + number / 1000)
    end = hour(closes)[:14] + "07:00Z"
    run.topics["polymarket.market_meta"].append({"market_slug": FED, "close_time": end})

    chart = charts(run.page(tmp_path))[0]

    [line], names = chart.all("line", "close"), chart.all("text", "name")
    assert [text.words() for text in names if "ends" in text.words() or "Jan" in text.words()] == said
    for text in names[: len(said)]:
        behind = text.number("x") > line.number("x1") and "text-anchor" not in text.attributes
        between_the_panels = TOP + SIGNAL + 15 < text.number("y") < PRICE_TOP
        assert behind or between_the_panels


@pytest.mark.parametrize(
    "signals",
    [{0: 0.0}, {0: 0.000001}, {0: 123456.5, 1: -3}, {0: 1e29, 1: -1e29}],
    ids=["zero", "tiny", "huge", "wrong"],
)
def test_everything_stays_inside_the_picture(signals: dict[int, float], tmp_path: Path) -> None:
    run = Run(max(signals) + 1)
    for number, signal in signals.items():
        run.news(number, signal)

    chart = charts(run.page(tmp_path))[0]

    left, top, width, height = map(float, chart.attributes["viewbox"].split())
    for rect in chart.all("rect"):
        assert left <= rect.number("x") <= rect.number("x") + rect.number("width") <= left + width
        assert top <= rect.number("y") <= rect.number("y") + rect.number("height") <= height
    labels = [each.text for each in charts_axis(run.page(tmp_path))]
    assert len(labels) == len(set(labels)) >= 4


def charts_axis(root: Element) -> list[Element]:
    return root.all("div", "axis")[0].all("span")


def test_a_row_dated_1970_does_not_stretch_the_chart(tmp_path: Path) -> None:
    run = Run().news(3)
    for odd in ("1970-01-01T00:00:00Z", "2026-01-04T23:30:00Z", "no time at all", None, 7, {"a": 1}):
        run.topics[SIGNALS].append({"market_slug": FED, "window_start": odd, "mention_count": 1,
                                    "source_weighted_signal": 9.0})  # fmt: skip

    root = run.page(tmp_path)

    assert len(charts(root)[0].all("g", "hour")) == 24
    assert len(charts(root)[0].all("rect", "bar")) == 1
    assert "no time at all" in captioned(root, "Every hour").words()


def test_the_table_has_all_that_the_chart_has_to_the_last_digit(tmp_path: Path) -> None:
    run = Run().news(3, 1.234567, flagged=True, confidence=0.8125, price_delta=-0.0199)

    assert rows_of(captioned(run.page(tmp_path), "Every hour")) == [
        ["2026-01-05 03:00", "2", "1.234567", "1.234567", "1.234567", "0.5", "−0.0199", "observed", "0.8125",
         "flagged"],
    ]  # fmt: skip


def test_fifty_markets_of_a_wrong_piece_are_not_fifty_charts(tmp_path: Path) -> None:
    run = a_day()
    for number in range(50):
        run.news(2, market=f"m-{number}", flagged=True)

    root = run.page(tmp_path)

    assert len(charts(root)) == 12
    assert "40 markets more: in the dumps only." in root.words()
    assert len(rows_of(captioned(root, "Flagged hours"))) == 53


# ---- the flagged hours -------------------------------------------------------------------------


def test_every_flagged_hour_is_a_row_in_order_of_time(tmp_path: Path) -> None:
    rows = rows_of(captioned(a_day().page(tmp_path), "Flagged hours"))

    assert [row[:7] for row in rows] == [
        ["2026-01-05 08:00", FED, "+3.000", "0.0000", "0.9000", "observed", "planted"],
        ["2026-01-05 10:00", FED, "+2.000", "−0.0199", "0.7354", "observed", "no"],
        ["2026-01-05 12:00", BTC, "+4.000", "0.0000", "0.9000", "carried", "no"],
    ]


def test_a_flag_that_only_the_table_has_is_a_row_too_and_said(tmp_path: Path) -> None:
    run = a_day()
    run.topics[LAGS].pop()

    root = run.page(tmp_path)

    assert len(rows_of(captioned(root, "Flagged hours"))) == 3
    assert "1 flagged hour is in the topic or in the table only, not in both." in root.words()


def test_flags_without_an_observed_price_are_counted_apart(tmp_path: Path) -> None:
    words = section(a_day().page(tmp_path), "flagged").words()

    assert "3 hours are flagged. 1 of them had no observed price (1 carried): count those apart." in words


def test_the_headlines_are_those_that_were_counted_strongest_first(tmp_path: Path) -> None:
    run = Run().news(7).news(8, 3.0, flagged=True)
    run.topics[NEWS] = [
        item(FED, "dead", 8, 90.0),
        item(FED, "late", 8, 80.0),
        item(FED, "mild", 8, 1.0),
        item(FED, "dovish", 8, -6.5, title="Dovish", source="Bloomberg"),
        item(FED, "dovish", 8, -7.5, title="Dovish (updated)"),
        item(FED, "hike", 8, 11.0, title="Fed hikes"),
        item(FED, "none", 8, article_score="a lot"),
        item(FED, "other hour", 9, 70.0),
        item(BTC, "other market", 8, 60.0),
        heartbeat(published_at=hour(8)),
        "not JSON",
        ["not an object"],
    ]
    run.topics["dlq.rss.events"].append(letter("no", stage="gate", offset=0))
    run.topics["late.rss.events"].append({"market_slug": FED, "item_id": "late", "late_by_seconds": 60})

    [lines] = captioned(run.page(tmp_path), "Flagged hours").all("td", "lines")

    assert [line.words() for line in lines.all("li")] == [
        "+11.00Fed hikes Reuters",
        "−6.50Dovish Bloomberg",
        "+1.00Headline mild Reuters",
        "and 1 more",
    ]


def test_a_flag_without_a_confidence_is_no_flag_of_confidence_zero(tmp_path: Path) -> None:
    run = Run().news(7).news(8, 3.0, flagged=True, confidence=None).news(9, 6.0, flagged=True, confidence=7)

    root = run.page(tmp_path)

    assert [row[4] for row in rows_of(captioned(root, "Flagged hours"))] == ["none", "7.0000"]
    assert "2 flagged hours have none from 0 to 1." in root.words()
    assert root.all("svg", "histogram") == []


def test_of_many_flags_the_surest_stand_first_and_all_behind_a_click(tmp_path: Path) -> None:
    run = Run()
    for number in range(13):
        run.news(number, 3.0, flagged=True, confidence=number / 20)

    root = run.page(tmp_path)

    surest = rows_of(captioned(root, "The 8 of highest confidence"))
    assert [row[0][-5:] for row in surest] == [f"{number:02}:00" for number in range(12, 4, -1)]
    [every] = section(root, "flagged").all("details")
    assert len(rows_of(captioned(every, "Flagged hours"))) == 13


# ---- how sure, and how right -------------------------------------------------------------------


def test_the_histogram_has_every_flagged_hour(tmp_path: Path) -> None:
    run = Run()
    for number, sure in enumerate((0.0, 0.05, 0.6, 0.61, 0.95, 1.0)):
        run.news(number, 3.0, flagged=True, confidence=sure)

    [picture] = run.page(tmp_path).all("svg", "histogram")

    assert [title.text for title in picture.all("title")] == [
        "0.00 to 0.05: 1 flagged hour",
        "0.05 to 0.10: 1 flagged hour",
        "0.60 to 0.65: 2 flagged hours",
        "0.95 to 1.00: 2 flagged hours",
    ]
    assert sum(int(count.text) for count in picture.all("text", "count")) == 6


@pytest.mark.parametrize("alignment", ["window_start", "window_end"])
def test_precision_and_recall_of_this_run_are_counted_and_the_other_is_told(
    tmp_path: Path, alignment: str
) -> None:
    run = a_day().planted(8, BTC)
    run.alignment = alignment

    rows = rows_of(captioned(run.page(tmp_path), "3 planted lags in this world"))

    counted = ["3", "1", "33 %", "33 %"]
    told = {"window_start": ["20", "2", "10 %", "67 %"], "window_end": ["4", "3", "75 %", "100 %"]}
    assert [row[1:] for row in rows] == [counted if name == alignment else told[name] for name in told]
    assert ["this run" in row[0] for row in rows] == [name == alignment for name in told]


def test_planted_against_flagged_is_drawn_under_both_alignments_on_one_scale(tmp_path: Path) -> None:
    table = captioned(a_day().planted(8, BTC).page(tmp_path), "3 planted lags in this world")

    assert [bar.attributes["aria-label"] for bar in table.all("svg", "stacked")] == [
        "window_start: 1 flagged and planted, 2 flagged only, 2 planted only",
        "window_end: 3 flagged and planted, 1 flagged only, 0 planted only",
    ]
    assert [
        each.attributes["style"] for each in table.all("span", "below") if "style" in each.attributes
    ] == [
        "width:100.0%",
        "width:80.0%",
    ]


def test_what_was_planted_and_not_flagged_is_listed_with_its_figures(tmp_path: Path) -> None:
    run = a_day().news(20, 1.5, signal_delta=0.9, price_delta=0.05)

    assert rows_of(captioned(run.page(tmp_path), "Planted lags that were not flagged")) == [
        ["2026-01-05 20:00", FED, "+0.900", "+0.0500", "observed"]
    ]


def test_flags_of_ordinary_hours_are_told(tmp_path: Path) -> None:
    words = section(a_day().planted(10, what="moves").page(tmp_path), "confidence").words()

    assert "Of the 2 not planted 1 is an hour in which the price moved together with the news" in words


# ---- every record ------------------------------------------------------------------------------


def test_the_law_stands_there_in_numbers_that_a_recount_gives(tmp_path: Path) -> None:
    run = a_day()
    run.topics[NEWS] += [item(FED, "late", 1), "not JSON", {"published_at": 7, "kind": "heartbeat"}]
    run.topics["late.rss.events"].append({"market_slug": FED, "item_id": "late"})
    run.topics["dlq.rss.events"] += [
        letter("no", stage="gate", offset=len(run.topics[NEWS]) - n) for n in (1, 2)
    ]
    run.topics["dlq.rss.events"].append(letter("refused"))
    run.price(3, 0.9).price(-4)
    run.topics["late.polymarket.price_hourly"].append(run.topics[PRICES][-1])
    total = {name: len(run.topics[name]) for name in (NEWS, PRICES)}

    laws = [" ".join(law.words().split()) for law in section(run.page(tmp_path), "records").all("p", "law")]

    assert laws == [
        f"{total[NEWS]} records in = 22 counted + 1 late + 22 repeated + 2 dead + 3 heartbeats",
        f"{total[PRICES]} records in = 48 used (YES) + 24 not used (other outcomes) + 1 late + 1 repeated + 0 dead "
        "+ 3 heartbeats",
    ]


def test_a_part_of_two_in_thousands_is_still_to_be_seen(tmp_path: Path) -> None:
    run = a_day()
    run.topics[NEWS] += run.topics[NEWS][:2] * 2000
    run.topics["late.rss.events"].append({"market_slug": FED, "item_id": "late"})

    bar = section(run.page(tmp_path), "records").all("svg", "stacked")[0]

    parts = bar.all("rect")
    assert min(part.number("width") for part in parts) >= 4
    assert parts[-1].number("x") + parts[-1].number("width") == pytest.approx(1000, abs=1)


def test_why_the_dead_are_dead_is_told_with_an_original(tmp_path: Path) -> None:
    def encoded(text: bytes) -> str:
        return base64.b64encode(text).decode()

    run = a_day()
    run.topics["dlq.rss.events"] += [
        letter("no time with a zone in '2026-01-05T10:00:00'", encoded(b"first <one>")),
        letter("no time with a zone in '2026-01-06T11:00:00'", encoded(b"second")),
        letter("not a JSON object", encoded(b"\xff\xfe" + b"x" * 500), stage="gate", offset=4),
        letter(
            "source_weight is not between 0 and 1", encoded(b"y" * 500 + b'"source_weight": 7}'), "gate", 5
        ),
    ]
    run.topics["dlq.polymarket.price_hourly"].append(letter("no market: HTTP 500", "not base64 at all"))

    rows = rows_of(captioned(run.page(tmp_path), "Why the dead are dead"))

    assert [row[:2] for row in rows] == [
        ["no time with a zone in …rss.events, producer", "2"],
        ["no market: HTTP 500polymarket.price_hourly, producer", "1"],
        ["not a JSON objectrss.events, gate", "1"],
        ["source_weight is not between 0 and 1rss.events, gate", "1"],
    ]
    assert rows[2][2] == "\ufffd\ufffd" + "x" * 217 + "…"
    assert rows[3][2] == "…" + "y" * 60 + '"source_weight": 7}'  # what is wrong with it is not cut off
    assert rows[0][2] == "first <one>"


def test_of_many_reasons_the_rarer_ones_wait_behind_a_click(tmp_path: Path) -> None:
    run = a_day()
    run.topics["dlq.rss.events"] += [
        letter(f"reason {'abcdefghij'[n]}") for n in range(10) for _ in range(n + 1)
    ]

    root = run.page(tmp_path)

    assert [row[1] for row in rows_of(captioned(root, "Why the dead"))] == ["10", "9", "8", "7", "6", "5"]
    assert [row[1] for row in rows_of(captioned(root, "4 rarer reasons"))] == ["4", "3", "2", "1"]


def test_how_late_the_late_were_is_said(tmp_path: Path) -> None:
    run = a_day()
    run.topics["late.rss.events"] += [{"late_by_seconds": seconds} for seconds in (600, 45, 14_100, "soon")]
    run.topics["late.polymarket.price_hourly"].append({"late_by_seconds": 300_000})

    words = section(run.page(tmp_path), "records").words().replace("\N{NO-BREAK SPACE}", " ")

    assert (
        "4 news items, 45 s to 3 h 55 min after their hour had closed. 1 price, 3 d 11 h after its hour"
        in words
    )


def test_prices_that_are_not_observed_and_failures_are_counted(tmp_path: Path) -> None:
    run = (
        Run(8).price(0).price(1, status="carried").price(2, 1.0, status="clamped").price(3, status="guessed")
    )
    run.news(5, price_status="missing", price=None)
    run.topics["dlq.processing"] += [
        {"job": "detector", "error_type": "ValueError", "message": "no number", "record": "{}"},
        {"job": "detector", "error_type": "ValueError", "message": "no number", "record": "[]"},
        "not JSON",
    ]

    root = run.page(tmp_path)

    words = section(root, "records").words()
    assert (
        "1 observed, 1 carried, 1 clamped, 1 of another status. For 1 hour with news there was none" in words
    )
    assert "3 records in dlq.processing." in words
    assert rows_of(captioned(root, "What could not be computed")) == [
        ["ValueError: no numberdetector", "2", "{}"],
        ["no message", "1", ""],
    ]


def test_the_health_of_the_apis_is_counted_by_source(tmp_path: Path) -> None:
    run = a_day()
    for source, status, problem in (
        ("clob", 200, ""), ("clob", 200, "not JSON"), ("clob", 0, "ConnectionError"),
        ("http://127.0.0.1:36359/v1.1/fed.json", 200, ""), ("http://127.0.0.1:36359/v1.1/fed.json", 304, ""),
    ):  # fmt: skip
        run.topics["ops.api_health"].append(
            {"source": source, "status": status, "response_time_ms": 7, "error_message": problem}
        )

    text = run.text(tmp_path)

    rows = rows_of(captioned(Page(text).root, "Health of the APIs"))
    assert [[cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in rows] == [
        ["/v1.1/fed.json", "2", "0", "7 ms", "200 × 1, 304 × 1", "none"],
        ["clob", "3", "2", "7 ms", "200 × 2, no answer × 1", "not JSON × 1, ConnectionError × 1"],
    ]
    assert "127.0.0.1" not in text  # a port of this machine is nobody's to know, and another one next time


# ---- how to do it again ------------------------------------------------------------------------


def test_the_commands_that_make_and_count_it_again_are_on_it(tmp_path: Path) -> None:
    run = a_day()
    run.topics[LAGS] = [row for row in run.topics[LAGS] if isinstance(row, dict)]

    make, recount = [each.words() for each in section(run.page(tmp_path), "run").all("pre")]

    assert make == "make demo SEED=7 HOURS=24"
    words = shlex.split(recount)
    assert words[:2] == ["python3", "-c"]
    counted = subprocess.run(
        [sys.executable, *words[1:]], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert counted.stdout == "3\n"


def test_a_run_by_the_other_alignment_is_made_again_by_it(tmp_path: Path) -> None:
    run = a_day()
    run.alignment = "window_end"

    make = section(run.page(tmp_path), "run").all("pre")[0].words()

    assert make == "MARKETLAG_ALIGNMENT=window_end make demo SEED=7 HOURS=24"


def test_the_page_can_be_made_again_of_its_folder(tmp_path: Path) -> None:
    text = a_day().text(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    assert write_report(tmp_path) == tmp_path / "report.html"

    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert (tmp_path / "report.html").read_text() == text


def test_time_memory_and_versions_are_told(tmp_path: Path) -> None:
    words = section(a_day().page(tmp_path), "run").words()

    told = [
        "Seconds in all 8.5",
        "1,357 MB",
        "apache-flink 2.2.1",
        "services 6.0",
        "Made 2026-11-21 08:40 UTC",
    ]
    assert [each for each in told if each not in words] == []


# ---- odd data ----------------------------------------------------------------------------------

ODD: list[Any] = [
    None, True, "", "NaN", "1e999", HOSTILE, "\ud800\x00\u202e", "x" * 5_000, [], [[]], {}, {"a": [1]}, -1, 0.5,
    10**400, 1e300, -1e300, "9999-12-31T23:00:00Z", "0001-01-01T00:00:00Z", "2026-01-05T08:00:00+02:00",
]  # fmt: skip


def test_no_odd_value_of_a_field_breaks_the_page(tmp_path: Path) -> None:
    """Each of them in each field of each kind of record, next to records that are as they should be."""
    run = everything()
    for values in [*run.topics.values(), *run.tables.values()]:
        for value in [value for value in values if isinstance(value, dict)][:2]:
            values += [value | {name: odd} for name in value for odd in ODD]
    for odd in ODD:
        run.world["lags"] += [{"market": FED, "hour": odd}, {"market": odd, "hour": hour(2)}, odd]
        run.world["markets"] += [odd, {"slug": odd, "end_date": odd, "closed_time": odd, "question": odd}]

    root = run.page(tmp_path)

    assert root.all("h1")
    assert "2026-01-05 08:00" in captioned(root, "Flagged hours").words()


def test_no_odd_value_in_the_summary_breaks_the_page(tmp_path: Path) -> None:
    run = Run(4).news(1, 2.0, flagged=True)
    plain = run.write(tmp_path) and run.summary()
    for odd in ODD:
        for changes in (
            dict.fromkeys(plain, odd),
            {name: dict.fromkeys(value, odd) for name, value in plain.items() if isinstance(value, dict)},
        ):
            (tmp_path / "summary.json").write_text(json.dumps(plain | changes))
            assert Page(write_report(tmp_path).read_text(encoding="utf-8")).root.all("h1")


def everything() -> Run:
    """A record of each kind."""
    run = a_day()
    run.topics["dlq.rss.events"].append(letter("no", stage="gate", offset=2))
    run.topics["dlq.polymarket.price_hourly"].append(letter("no"))
    run.topics["dlq.processing"].append(
        {"job": "detector", "error_type": "E", "message": "m", "record": "{}"}
    )
    run.topics["late.rss.events"].append({"market_slug": FED, "item_id": "late", "late_by_seconds": 60})
    run.topics["late.polymarket.price_hourly"].append(
        {"market_slug": FED, "outcome": "Yes", "late_by_seconds": 60}
    )
    run.topics["ops.api_health"].append(
        {"source": "clob", "status": 200, "response_time_ms": 7, "error_message": ""}
    )
    return run


def test_no_odd_line_breaks_the_page(tmp_path: Path) -> None:
    lines = [b"", b"{", b"[]", b"null", b"\xff\xfe", b"7", b'{"value": {"base64": "AA=="}}', b'{"value": "[1]"}',
             b'{"partition": [], "offset": {}, "value": "{}"}', b"[" * 100_000]  # fmt: skip
    everything().write(tmp_path)
    for path in tmp_path.glob("*/*.jsonl"):
        path.write_bytes(b"\n".join(lines) + b"\n" + path.read_bytes() + lines[-1])

    root = Page(write_report(tmp_path).read_text(encoding="utf-8")).root

    assert len(rows_of(captioned(root, "Flagged hours"))) == 3


def test_no_missing_file_breaks_the_page_and_each_is_named(tmp_path: Path) -> None:
    for path in sorted(everything().write(tmp_path).rglob("*.json*")):
        text = path.read_bytes()
        if path.name not in ("summary.json", "signals_with_price.jsonl"):  # of it the page tells nothing
            path.unlink()
            root = Page(write_report(tmp_path).read_text(encoding="utf-8")).root
            said = root.all("section", "verdict")[0].words()
            assert f"Missing: not in this folder: {path.name.removesuffix('.jsonl')}." in said, path
        path.write_bytes(text)


# ---- a whole world -----------------------------------------------------------------------------


def test_a_whole_world_is_told_as_the_oracle_knows_it_in_little_time(tmp_path: Path) -> None:
    """Five days on three markets, with 30,000 records of news in them."""
    recorded = world(seed=1, hours=120)
    expected, run = truth(recorded), Run(123)
    run.world, run.changes = recorded, {"markets": [market["slug"] for market in recorded["markets"]]}
    for (market, start), figures in expected.hours.items():
        run.topics[SIGNALS].append({"market_slug": market, "window_start": start, "mention_count": int(figures[0]),
                                    "source_weighted_signal": float(figures[2])})  # fmt: skip
        row = expected.lags[market, start] | {"market": market, "window_start": start}
        run.topics[LAGS].append({name: number(value) for name, value in row.items()})
    for slug, hours in recorded["prices"].items():
        for start, quoted in hours.items():
            sides = quoted.get("Yes") if isinstance(quoted, dict) else None
            if isinstance(sides, dict) and isinstance(sides.get("BUY"), float):
                run.topics[PRICES].append({"market_slug": slug, "outcome": "Yes", "event_time": start,
                                           "price": sides["BUY"], "price_status": "observed"})  # fmt: skip
    items = [
        item(entry["market"], shown.get("id") or shown["url"], 0, title=shown["title"], summary="x" * 120,
             published_at=entry["from"])
        for entry in recorded["entries"] for shown in (entry["item"],)
    ]  # fmt: skip
    run.topics[NEWS] = (items * (30_000 // len(items) + 1))[:30_000]
    run.write(tmp_path)

    began = time.process_time()  # not by the clock: others work beside the tests
    path = write_report(tmp_path)
    took = time.process_time() - began
    root = Page(path.read_text(encoding="utf-8")).root

    assert took < 2
    assert path.stat().st_size < 1_000_000
    flagged = sorted((start, market) for (market, start), lag in expected.lags.items() if lag["lag_flag"])
    rows = rows_of(captioned(root, "Flagged hours"))
    assert [(row[0].replace(" ", "T") + ":00Z", row[1]) for row in rows] == flagged
    assert len(flagged) > 15
    planted = {(lag["hour"], lag["market"]) for lag in recorded["lags"]}
    assert sum(row[6] == "planted" for row in rows) == len(planted & set(flagged))
    bars = Counter(market for market, _ in expected.hours)
    assert [len(chart.all("rect", "bar")) for chart in charts(root)] == [
        bars[market["slug"]] for market in recorded["markets"]
    ]


def number(value: Any) -> Any:
    return float(value) if isinstance(value, str) and re.fullmatch(r"-?\d+\.\d+", value) else value


# ---- the examples in the docstrings ------------------------------------------------------------

MODULES = [
    importlib.import_module(each.name)
    for each in pkgutil.walk_packages(report.__path__, f"{report.__name__}.")
]


@pytest.mark.parametrize(
    "module", MODULES, ids=lambda module: module.__name__.removeprefix("capstone_marketlag.")
)
def test_the_examples_hold(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


def test_there_is_markup_in_one_module_only() -> None:
    """Html is text that is not escaped any more: nobody but `markup` makes it."""
    makers: Callable[[Any], bool] = lambda module: "Html(" in Path(module.__file__).read_text()  # noqa: E731

    assert [module.__name__ for module in MODULES if makers(module)] == ["capstone_marketlag.report.markup"]
