"""What the report of a run promises to whoever opens it."""

from __future__ import annotations

import doctest
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from capstone_marketlag import chart, report
from capstone_marketlag.compare import Outcome, conserved, first_difference
from capstone_marketlag.oracle import Truth
from capstone_marketlag.report import write_report
from capstone_marketlag.wire import to_wire

START = datetime(2026, 1, 5, tzinfo=timezone.utc)
HOSTILE = "<script>alert('\"&</script>"
VOID = {"meta", "br", "link", "img", "input", "hr"}


# the page, read as a browser would


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

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
        """All that a reader sees; the style is none of it."""
        return " ".join(e.text for e in [self, *self] if e.tag != "style")


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
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pytest.fail(f"<{tag}/>: HTML knows no tag that closes itself")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.open[-1].text += data


# a run, by hand


def hour(number: int) -> str:
    return to_wire(START + timedelta(hours=number))


def figures(signal: float, items: int = 2) -> list[str]:
    return [str(items), f"{signal * items:.6f}", f"{signal:.6f}", "0.700000"]


@dataclass
class Run:
    """A run whose signals are {number of the hour: signal}; right until a test changes it."""

    signals: dict[int, float]
    news_hours: int = 48
    market: str = "fed-rate-hike-in-march"

    def __post_init__(self) -> None:
        hours = {hour(number): figures(signal) for number, signal in self.signals.items()}
        counted = 2 * len(hours)
        counts = {
            "in": counted + 19, "counted": counted, "late": 2, "duplicate": 7, "dead": 4, "heartbeat": 6,
            "rejected": 3, "served": counted + 12, "produced": counted + 9,
        }  # fmt: skip
        self.found = Outcome(dict(hours), dict(hours), dict(counts), ["late-1", "late-2"])
        self.expected = Truth(dict(hours), dict(counts), ["late-1", "late-2"])

    def summary(self) -> dict[str, Any]:
        difference = first_difference(self.found, self.expected)
        return {
            "seed": 7,
            "hours_of_news": self.news_hours,
            "market": self.market,
            "from": to_wire(START + timedelta(minutes=15)),
            "to": to_wire(START + timedelta(hours=self.news_hours + 3)),
            "counts": self.found.counts,
            "conserved": conserved(self.found.counts),
            "signal_hours": len(self.found.hours),
            "oracle_equal": difference is None,
            "first_difference": difference,
            "pieces": {"dead_letters": "reference", "windows": "yours"},
            "seconds": {"services": 6.04, "feed → Kafka": 2.29, "all": 8.5},
            "peak_memory_mb": 1357,
            "versions": {"apache-flink": "2.2.1"},
            "made_at": "2026-11-21T08:40:59Z",
        }

    def write(self, folder: Path, dumps: Path | None = None, **changes: Any) -> str:
        path = folder / "report.html"
        write_report(path, {**self.summary(), **changes}, self.found, self.expected, dumps)
        return path.read_text(encoding="utf-8")

    def page(self, folder: Path, dumps: Path | None = None, **changes: Any) -> Element:
        return Page(self.write(folder, dumps, **changes)).root


def bars(page: Element) -> list[Element]:
    """The bars of the hours, without those of the legend."""
    return [bar for figure in page.all("figure") for bar in figure.all("rect", "bar")]


def tooltips(page: Element) -> list[str]:
    return [title.text for figure in page.all("figure") for title in figure.all("title")]


# the file


def test_the_page_loads_nothing_and_runs_nothing(tmp_path: Path) -> None:
    text = Run({0: 1.5, 30: -2.0}).write(tmp_path)

    page = Page(text).root
    assert not [e.tag for e in page if e.tag in ("script", "link", "img", "iframe", "object", "base")]
    assert not [e for e in page for name in e.attributes if name in ("src", "href") or name.startswith("on")]
    assert re.findall(r"https?:|@import|url\((?!#gap\))|127\.0\.0\.1|localhost|/work/|/tmp/", text) == []


def test_the_page_says_what_it_is_to_every_reader(tmp_path: Path) -> None:
    page = Run({0: 1.5}).page(tmp_path)

    assert [e.attributes["lang"] for e in page.all("html")] == ["en"]
    assert len(page.all("main")) == len(page.all("h1")) == 1
    assert {e.tag for e in page if re.fullmatch(r"h\d", e.tag)} == {"h1", "h2"}
    pictures = page.all("svg")
    assert all(("aria-label" in e.attributes) != ("aria-hidden" in e.attributes) for e in pictures)
    assert (
        "1 of 24 recorded hours have a signal" in page.all("figure")[0].all("svg")[0].attributes["aria-label"]
    )


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    run = Run({0: 1.5}, market=HOSTILE)
    run.found.hours[HOSTILE] = run.found.table[HOSTILE] = figures(9)
    dumps = dump(tmp_path, news=[item("a", HOSTILE, source=HOSTILE)], dead=[letter(HOSTILE, stage=HOSTILE)])
    changes = {
        "pieces": {HOSTILE: "yours"},
        "seconds": {HOSTILE: 1.0, "all": 1.0},
        "versions": {HOSTILE: HOSTILE},
    }

    page = run.page(tmp_path, dumps, first_difference=HOSTILE, **changes)

    assert page.all("script") == []
    # market, difference and its three rows, the hour's row, its place among the strongest with headline and
    # source, reason and who found it, piece, stage, version and its name
    assert page.words().count(HOSTILE) == 15


def test_what_an_hour_tells_stays_text() -> None:
    picture = Page(chart.days([chart.Hour(START, 1.5, 2, HOSTILE)])).root

    assert tooltips(picture) == [HOSTILE]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_marks_have_the_contrast_of_wcag_aa(scheme: str) -> None:
    blocks = re.findall(r":root \{(.*?)\}", report._STYLE, re.DOTALL)
    colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", blocks[("light", "dark").index(scheme)]))
    text = [
        (name, ground) for name in ("ink", "muted", "good", "bad", "signal") for ground in ("card", "paper")
    ]
    marks = [(name, "card") for name in ("signal", "negative", "quiet", "pulse", "hatch")]

    low = {pair: contrast(colours, *pair) for pair in text if contrast(colours, *pair) < 4.5}
    low |= {pair: contrast(colours, *pair) for pair in marks if contrast(colours, *pair) < 3}

    assert low == {}


def contrast(colours: dict[str, str], one: str, other: str) -> float:
    def light(name: str) -> float:
        channels = [int(colours[name][i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


# the verdict


def test_a_good_run_is_called_correct(tmp_path: Path) -> None:
    page = Run({0: 1.5, 5: 2.5}).page(tmp_path)

    [verdict] = page.all("section", "verdict")
    assert [e.text for e in verdict.all("h2")] == ["Correct"]
    assert page.all("head")[0].all("title")[0].text == "MarketLag, seed 7: correct"
    assert "First difference" not in page.words()
    assert verdict.all("table") == []


def test_a_difference_is_shown_and_nothing_is_called_correct(tmp_path: Path) -> None:
    run = Run({0: 1.5, 5: 2.5})
    run.found.hours[hour(5)] = run.found.table[hour(5)] = figures(7.25)

    page = run.page(tmp_path)

    assert "correct" not in page.words().lower()
    [verdict] = page.all("section", "verdict")
    assert [e.text for e in verdict.all("h2")] == ["Wrong"]
    assert verdict.all("p", "difference")[0].words().strip() == (
        "First difference: Hour 2026-01-05T05:00:00Z: "
        "the topic has mentions 2, score 14.500000, signal 7.250000, weight 0.700000, "
        "the oracle mentions 2, score 5.000000, signal 2.500000, weight 0.700000."
    )
    rows = [[cell.text for cell in row.all("td")] for row in verdict.all("tr")]
    assert rows == [
        [],
        ["2026-01-05 05:00", "topic", "2", "14.5", "7.25", "0.7"],
        ["2026-01-05 05:00", "table", "2", "14.5", "7.25", "0.7"],
        ["2026-01-05 05:00", "oracle", "2", "5", "2.5", "0.7"],
    ]


def test_equal_to_the_oracle_and_not_conserved_is_wrong_too(tmp_path: Path) -> None:
    run = Run({0: 1.5})
    run.found.counts["in"] += 1
    run.expected.counts["in"] += 1

    page = run.page(tmp_path)

    assert "correct" not in page.words().lower()
    assert "Not conserved: 1 record unaccounted for." in page.words()
    assert [e.text for e in page.all("span", "sign")] == ["≠", "+", "+", "+", "+"]


def test_an_hour_that_differs_is_marked_beside_what_it_should_be(tmp_path: Path) -> None:
    run = Run({0: 1.5, 5: 2.5, 6: 4.0})
    run.found.hours[hour(5)] = figures(5.0)
    del run.found.hours[hour(6)], run.found.table[hour(6)]

    page = run.page(tmp_path)

    assert [bar.classes for bar in bars(page)] == [["bar"], ["bar", "differs"]]
    wanted = [e.number("height") for figure in page.all("figure") for e in figure.all("rect", "wanted")]
    assert wanted == pytest.approx([60, 96])  # of 120 for the 5.0 that is the highest
    told = tooltips(page)
    assert told[6] == "2026-01-05 06:00 UTC: topic no row; table no row; oracle signal 4 from 2 items"


def test_fifty_wrong_hours_are_counted_and_ten_are_listed(tmp_path: Path) -> None:
    run = Run(dict.fromkeys(range(100), 1.0), news_hours=100)
    for number in range(50):
        run.found.hours[hour(number)] = figures(2.0)

    [verdict] = run.page(tmp_path).all("section", "verdict")

    assert "50 of 100 hours differ" in verdict.words()
    assert len(verdict.all("tr")) == 1 + 3 * 10


# the chart


def test_every_hour_with_a_signal_has_one_bar_and_a_gap_has_none(tmp_path: Path) -> None:
    page = Run({0: 1.5, 2: 0.0, 25: 3.0}).page(tmp_path)

    assert len(page.all("figure")) == 2
    assert len(bars(page)) == 3
    assert min(bar.number("height") for bar in bars(page)) > 0  # zero is there to be seen
    gaps = [slot for figure in page.all("figure") for slot in figure.all("rect", "gap")]
    assert len(gaps) == 45
    told = tooltips(page)
    assert told[:3] + told[25:26] == [
        "2026-01-05 00:00 UTC: signal 1.5 from 2 items",
        "2026-01-05 01:00 UTC: no news",
        "2026-01-05 02:00 UTC: signal 0 from 2 items",
        "2026-01-06 01:00 UTC: signal 3 from 2 items",
    ]


def test_negative_signals_hang_below_the_zero_line(tmp_path: Path) -> None:
    page = Run({0: 2.0, 1: -1.0, 2: -0.000001}).page(tmp_path)

    [figure, _] = page.all("figure")
    [zero] = {line.attributes["y1"] for line in figure.all("line", "zero")}
    above, *below = bars(page)
    assert above.number("y") + above.number("height") == pytest.approx(float(zero))
    assert [bar.number("y") for bar in below] == [float(zero)] * 2
    assert above.number("height") == pytest.approx(2 * below[0].number("height"))
    assert page.all("text")[0].text == "−1"


@pytest.mark.parametrize(
    "signals",
    [{0: 3.12}, {0: 0.0}, {0: -8.0}, {0: 0.000001}, {0: 123456.5, 1: -3}],
    ids=["one", "zero", "negative", "tiny", "huge"],
)
def test_the_bars_stay_inside_the_picture(signals: dict[int, float], tmp_path: Path) -> None:
    page = Run(signals, news_hours=max(signals) + 1).page(tmp_path)

    [figure] = page.all("figure")
    left, top, width, height = map(float, figure.all("svg")[0].attributes["viewbox"].split())
    for rect in figure.all("rect"):
        assert left <= rect.number("x") <= rect.number("x") + rect.number("width") <= width
        assert top <= rect.number("y") <= rect.number("y") + rect.number("height") <= height
    labels = [text.text for text in figure.all("text") if text.attributes["text-anchor"] == "end"]
    assert len(set(labels)) == len(labels) >= 4  # two ticks at least, the word for items, 24


def test_a_world_without_news_has_a_page(tmp_path: Path) -> None:
    page = Run({}).page(tmp_path)

    assert "0 of 48 hours have a signal" in page.words()
    assert bars(page) == []
    assert "The strongest hours" not in page.words()


def test_three_hundred_hours_are_thirteen_days_on_one_scale(tmp_path: Path) -> None:
    page = Run({number: number / 100 for number in range(300)}, news_hours=300).page(tmp_path)

    assert len(bars(page)) == 300
    scales = {tuple(text.text for text in figure.all("text")) for figure in page.all("figure")}
    assert len(page.all("figure")) == 13
    assert len(scales) == 1
    assert len({e.attributes["id"] for e in page if "id" in e.attributes}) == 1
    # nothing is known of the last day's second half: its zero line ends there
    ends = [figure.all("line", "zero")[0].number("x2") for figure in page.all("figure")]
    assert ends[-1] < ends[0] == ends[-2]


def test_a_row_dated_1970_does_not_stretch_the_chart(tmp_path: Path) -> None:
    run = Run({0: 1.5})
    for odd in ("1970-01-01T00:00:00Z", "2026-01-04T23:30:00Z", "no time at all"):
        run.found.hours[odd] = run.found.table[odd] = figures(3)

    page = run.page(tmp_path)

    assert len(page.all("figure")) == 2
    assert len(bars(page)) == 1
    assert "3 hours more, outside the record, in the table only." in page.words()


# the records


def test_the_law_stands_there_in_numbers(tmp_path: Path) -> None:
    run = Run(dict.fromkeys(range(48), 1.0))
    run.found.counts["in"] += 4000
    run.found.counts["duplicate"] += 4000

    page = run.page(tmp_path)

    law = " ".join(page.all("p", "law")[0].words().split())
    assert law == "4,115 records in = 96 counted + 2 late + 4,007 repeated + 4 dead + 6 heartbeats"
    [bar] = page.all("svg", "stacked")
    parts = [rect.number("width") for rect in bar.all("rect")]
    assert min(parts) >= 4  # two of four thousand are still to be seen
    last = bar.all("rect")[-1]
    assert last.number("x") + last.number("width") == pytest.approx(1000, abs=1)


# what the dumps add


def item(
    item_id: str, title: str, score: Any = 2.0, source: str = "Reuters", at: str = "00:10"
) -> dict[str, Any]:
    return {
        "item_id": item_id, "title": title, "published_at": f"2026-01-05T{at}:00Z", "source": source,
        "article_score": score, "source_weight": 0.9,
    }  # fmt: skip


def letter(
    reason: str, original: str = "e30=", stage: str = "producer", offset: Any = None
) -> dict[str, Any]:
    partition = None if offset is None else 0
    return {"reason": reason, "original": original, "stage": stage,
            "source_partition": partition, "source_offset": offset}  # fmt: skip


def dump(folder: Path, news: list[Any] = [], dead: list[Any] = [], late: list[Any] = []) -> Path:  # noqa: B006
    for name, values in (("rss.events", news), ("dlq.rss.events", dead), ("late.rss.events", late)):
        rows = [
            {
                "partition": 0,
                "offset": offset,
                "value": value if isinstance(value, str) else json.dumps(value),
            }
            for offset, value in enumerate(values)
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_the_strongest_hours_name_the_headlines_that_were_counted(tmp_path: Path) -> None:
    news = [
        item("a", "Fed hikes"),
        item("a", "Fed hikes (updated)"),
        item("b", "Dovish", score=-3.0),
        item("late-1", "Too late"),
        item("c", "Dead", score="a lot"),
        item("d", "Dead too"),
        {"kind": "heartbeat", "published_at": "2026-01-05T00:15:00Z"},
        "not JSON",
        ["not an object"],
    ]

    page = Run({0: 1.5}).page(tmp_path, dump(tmp_path, news, dead=[letter("no", stage="gate", offset=5)]))

    [strongest] = page.all("ol", "hours")
    lines = [" ".join(line.words().split()) for line in strongest.all("ul")[0].all("li")]
    assert lines == ["Dovish Reuters, −3 × 0.9", "Fed hikes Reuters, 2 × 0.9"]


def test_the_strongest_hour_is_the_farthest_from_zero(tmp_path: Path) -> None:
    page = Run({0: 1.5, 1: -8.0, 2: 4.0}).page(tmp_path)

    hours = [e.text for e in page.all("ol", "hours")[0].all("strong")]
    assert hours == ["2026-01-05 01:00", "2026-01-05 02:00", "2026-01-05 00:00"]


def test_reasons_that_differ_by_a_value_are_one_reason(tmp_path: Path) -> None:
    dead = [
        letter("no time with a zone in '2026-01-05T10:00:00'", "YQ=="),
        letter("no time with a zone in '2026-01-05T10:00:00'", "YQ=="),
        letter("no time with a zone in '2026-01-06T11:00:00'", "Yg=="),
        letter("not a JSON object", stage="gate", offset=4),
    ]

    page = Run({0: 1.5}).page(tmp_path, dump(tmp_path, dead=dead))

    [reasons] = page.all("table", "reasons")
    assert [[cell.text for cell in row.all("td")] for row in reasons.all("tr")][1:] == [
        ["producer: no time with a zone in …", "3", "2"],
        ["gate: not a JSON object", "1", "1"],
    ]


def test_how_late_the_late_were_is_said(tmp_path: Path) -> None:
    late = [{"late_by_seconds": seconds} for seconds in (600, 45, 14_100)]

    page = Run({0: 1.5}).page(tmp_path, dump(tmp_path, late=late))

    assert "The late came 45 s to 3 h 55 min after their hour had closed." in page.words().replace(
        "\u00a0", " "
    )


# how to do it again, and the examples in the docstrings


def test_the_command_that_makes_this_page_again_is_on_it(tmp_path: Path) -> None:
    page = Run({0: 1.5}, news_hours=300).page(tmp_path)

    assert [e.words().strip() for e in page.all("pre")] == ["make demo SEED=7 HOURS=300"]
    assert "windows (yours)" in [e.text for e in page.all("li", "yours")]


@pytest.mark.parametrize("module", [chart, report])
def test_the_examples_hold(module: Any) -> None:
    assert doctest.testmod(module).failed == 0
