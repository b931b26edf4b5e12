"""Exit criteria of windows: which window each headline is in, an hour's figures, and when and how often it comes out.

One script of two markets for all of them, then the plan of what stands behind the piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest

from labkit.checking import expect, wrong
from labkit.errors import LabError
from labkit.testing import clock, explain_sql, ms, run_sql, watermark
from labs.shared.news import NEWS_ON_TIME, news_on_time

FED, BTC = "fed", "btc"
HOUR = 3_600_000


def came(item_id, at, market, source, weight, score, title):
    return news_on_time(
        item_id, at, market_slug=market, source=source, source_weight=weight, article_score=score, title=title
    )


#: in order of arrival. No market pauses for an hour, and `too_late` came when its hour had closed:
#: the part late_events lets none of that kind through
SCRIPT = [
    came("same_title", "10:20:30", FED, "CNBC", "0.7", 2, "Fed weighs a hike"),
    came("first", "10:00", FED, "Reuters", 1, 2, "Fed weighs a hike"),
    came("last", "10:59:59.999", FED, "CNBC", "0.7", "-1.5", "A dovish voter speaks"),
    came("no_keyword", "10:05", BTC, "Bloomberg", "0.9", 0, "Miners move north"),
    watermark("10:19"),
    came("eleven", "11:00", FED, "Reuters", 1, 1, "Rate path unclear"),
    came("hike", "10:25", FED, "CNBC", "0.7", 4, "Hike, says a hawk"),
    came("quiet", "10:40", FED, "Reuters", 1, 0, "Markets wait"),
    came("up", "10:50", BTC, "Reuters", 1, 1, "Fund rate falls"),
    watermark("10:59:59.998"),
    watermark("10:59:59.999"),
    came("too_late", "10:45", FED, "Reuters", 1, 9, "Fed hikes, a rumour says"),
    came("second", "11:10", FED, "Reuters", 1, 1, "Rate path unclear"),
    came("alone", "11:20", BTC, "Bloomberg", "0.9", "-1.234567", None),
    came("third", "11:30", FED, "Bloomberg", "0.9", 0, "Yields unchanged"),
    watermark("11:59:59.999"),
    came("open", "12:05", FED, "Reuters", 1, 2, "Fed weighs a cut"),
]
#: the last millisecond of each window: when the watermark reaches it, the window fires
CLOSES = {"10:00": "10:59:59.999", "11:00": "11:59:59.999"}
INPUT = {"news_on_time": NEWS_ON_TIME}


@dataclass(frozen=True)
class Figures:
    """What an hour of a market comes to."""

    count: int
    score: str
    signal: str
    weight: str


HOURS = {
    (FED, "10:00"): Figures(5, "6.5", "1.03", "0.82"),
    (BTC, "10:00"): Figures(2, "1", "0.5", "0.95"),
    (FED, "11:00"): Figures(3, "2", "0.666667", "0.966667"),
    (BTC, "11:00"): Figures(1, "-1.234567", "-1.11111", "0.9"),
}
MEASURES = ("mention_count", "keyword_score", "source_weighted_signal", "source_weight_avg")
TIMES = ("window_start", "window_end", "window_time")

QUERIES = {
    # one row may have one time attribute only where it leaves Flink's tables: window_time is cast
    "windowed": "SELECT item_id, window_start, window_end, CAST(window_time AS TIMESTAMP_LTZ(3)) AS window_time "
    "FROM news_windowed",
    "hourly": "SELECT market_slug, window_start, window_end, CAST(window_time AS TIMESTAMP_LTZ(3)) AS window_time, "
    f"{', '.join(MEASURES)}, "
    f"{', '.join(f'TYPEOF({name}) AS type_of_{name}' for name in (*MEASURES, *TIMES[:2]))} FROM signal_hourly",
}

#: in what Flink says: the step that it is about, and what it means here
REFUSALS = {
    "Column 'window_": (1, "A table has no windows by itself: the three columns come from a window function."),
    "a time attribute type": (1, "Windows go by the time attribute, the column that the watermark belongs to; "
                                 "what a cast or a calculation makes is an ordinary time."),
    "cannot be nested": (3, "A mean of means would need two queries, and is not what is asked for: "
                            "one mean over the headlines."),
    "is not being grouped": (4, "What stands in SELECT beside aggregates is named in GROUP BY."),
    "news_windowed' not found": (1, "The contract names two views, news_windowed and signal_hourly."),
    "signal_hourly' not found": (4, "The contract names two views, news_windowed and signal_hourly."),
}  # fmt: skip


@dataclass(frozen=True)
class Refused:
    """Flink does not take the file. step: the one that it is about."""

    step: int
    sentence: str


@pytest.fixture(scope="module")
def seen(piece):
    """What both views give for SCRIPT, or what Flink has against the file."""
    try:
        return run_sql(piece.path, SCRIPT, schema=INPUT, query=QUERIES)
    except LabError as error:
        for mark, (step, sentence) in REFUSALS.items():
            if mark in error.happened:
                return Refused(step, f"{sentence} Flink says: {error.happened}")
        raise


def of(seen, view, step):
    """What that view gave; None where Flink refuses the file for a later step, which tells it then."""
    if not isinstance(seen, Refused):
        return seen[view]
    if seen.step <= step:
        wrong(seen.sentence)
    return None


# ---- step 1: the window ------------------------------------------------------------------------


@pytest.mark.step(1)
def test_each_headline_is_in_the_one_window_that_its_own_time_lies_in(seen):
    if not (windowed := of(seen, "windowed", 1)):
        return
    rows = windowed.before_end.rows

    for step in SCRIPT:
        if step.kind == "row":
            name = step.fields["item_id"]
            its = [row for row in rows if row["item_id"] == name]
            if flaw := flaw_of_windows(step.at, its):
                got = ", ".join(f"{clock(start)} to {clock(end)}" for start, end in map(bounds, its))
                hour = step.at - step.at % HOUR
                wrong(f"`{name}` is of {clock(step.at)}. {flaw}",
                      got=got or "no window", expected=f"{clock(hour)} to {clock(hour + HOUR)}")  # fmt: skip


def bounds(row):
    return ms(row["window_start"]), ms(row["window_end"])


def flaw_of_windows(at, rows):
    """What is wrong with the windows of a headline of that time: rows of news_windowed. None: nothing is."""
    if not rows:
        return "It is in no window, though its hour is over. A session ends behind a pause; here none was long enough."
    start, end = bounds(rows[0])
    if len(rows) > 1:
        if all(bounds(row)[0] == start for row in rows):
            return f"It is in {len(rows)} windows that begin together: CUMULATE tells again and again how far the hour has come."
        return f"It is in {len(rows)} windows that overlap, and would be counted in each: HOP is for moving means."
    if start == at and at % HOUR:
        return (
            "Its window begins with a headline and lasts until a pause: a session. Hours stand on the clock."
        )
    if end - start != HOUR:
        return f"Its window is {timedelta(milliseconds=end - start)} long: the job is about hours."
    if start % HOUR:
        return "Its window does not begin on the full hour: its hours are shifted, or those of another zone."
    if start != at - at % HOUR:
        return "Its window reads as another zone's clock has it. The session is in UTC, and so is the topic."
    if ms(rows[0]["window_time"]) != end - 1:
        return (
            f"Its window_time is {clock(ms(rows[0]['window_time']))}. It is the last millisecond inside of the window, "
            f"{clock(end - 1)}: at its end the next one begins."
        )
    return None


# ---- steps 2 and 3: the figures ------------------------------------------------------------------


def closed(hourly, market, hour):
    """The row of that hour of that market when it has closed. Says so if there is none, or another one beside it."""
    mixed = {row["market_slug"] for row in hourly.emitted_before(CLOSES[hour]).table()}
    rows = [
        row
        for row in hourly.emitted_before(CLOSES[hour]).table()
        if row["market_slug"] == market and clock(ms(row["window_start"])) == hour
    ]
    if not rows and mixed and market not in mixed:
        wrong(f"No hour is of `{market}`: its headlines are in the rows of {' and '.join(sorted(mixed))}. "
              "Each market has hours of its own.")  # fmt: skip
    if not rows and HOURS[market, hour].count == 1:
        wrong(f"The hour from {hour} of `{market}` has closed with one headline, and signal_hourly has no row of it. One "
              "headline is news.")  # fmt: skip
    if not rows:
        wrong(f"The hour from {hour} of `{market}` has closed, and signal_hourly has no row of it.")
    if len(rows) > 1:
        wrong(f"The hour from {hour} of `{market}` has {len(rows)} rows in signal_hourly. "
              "The group is the market and its window, nothing less and nothing more.",
              got=f"mention_count {', '.join(str(row['mention_count']) for row in rows)}", expected="one row")  # fmt: skip
    return rows[0]


def measured(hourly, measure):
    """That measure of each of HOURS, as numbers; and its type."""
    rows = {place: closed(hourly, *place) for place in HOURS}
    types = {row[f"type_of_{measure}"].removesuffix(" NOT NULL") for row in rows.values()}
    return {place: row[measure] for place, row in rows.items()}, types.pop()


def written(values):
    """Numbers of HOURS as one reads them: 1.03, 0.5, 0.666667."""
    return ", ".join("NULL" if value is None else f"{Decimal(str(value)):f}" if isinstance(value, int)
                     else f"{Decimal(str(value)):f}".rstrip("0").rstrip(".") for value in values.values())  # fmt: skip


def asked(measure, hourly, right, sentence, mistakes):
    """Nothing if the measure is right in each of HOURS and a number that the topic takes."""
    values, type_ = measured(hourly, measure)
    expected = {place: Decimal(right(figures)) for place, figures in HOURS.items()}
    if set(values.values()) == {None}:
        wrong(f"{measure} is NULL in every hour.", expected=written(expected))
    if values != expected:
        expect(written(values), written(expected), f"{sentence} These are `fed` and `btc` from 10:00, then from 11:00.",
               mistakes=mistakes)  # fmt: skip
    kinds = ("BIGINT", "INT") if measure == "mention_count" else ("DECIMAL",)
    if not type_.startswith(kinds):
        wrong(f"{measure} is right, and of a type that the topic does not take: Flink puts no {type_} into a {kinds[0]} by itself.",
              got=type_, expected=kinds[0])  # fmt: skip


@pytest.mark.step(2)
def test_an_hour_counts_its_headlines(seen):
    if not (hourly := of(seen, "hourly", 2)):
        return
    asked(
        "mention_count", hourly, lambda figures: figures.count,
        "Each headline is a mention, whatever is in it.",
        {"`same_title` is a headline of its own: two sources may print the same words. Repeats of one item were taken "
         "out long before, by item_id.": "4, 2, 2, 0",
         "`second` is a headline of its own, though it says what `eleven` said: a source may print the same words again. "
         "Repeats of one item were taken out long before, by item_id.": "5, 2, 2, 0",
         "`alone` has no title, and is a headline: COUNT of a column leaves out where it is NULL.": "5, 2, 3, 0",
         "A headline without a keyword has the score 0, and is a headline: it is counted too.": "4, 1, 2, 1",
         "That counts the sources, not their headlines.": "2, 2, 2, 1",
         "That counts the scores that differ.": "4, 2, 2, 1"},
    )  # fmt: skip


@pytest.mark.step(2)
def test_an_hour_adds_up_the_scores_of_its_headlines(seen):
    if not (hourly := of(seen, "hourly", 2)):
        return
    asked(
        "keyword_score", hourly, lambda figures: figures.score,
        "keyword_score is the sum of article_score.",
        {"That is the sum of score times weight: keyword_score is how much there was, whoever said it.": "5.15, 1, 2, -1.1111103",
         "That is the mean. keyword_score grows with the number of headlines.": "1.3, 0.5, 0.666667, -1.234567",
         "DISTINCT takes equal scores for one headline: `first` and `same_title` have 2 each.": "4.5, 1, 1, -1.234567",
         "`last` is dovish, -1.5: scores have a sign, and opposite news cancel out.": "9.5, 1, 2, 1.234567",
         "Scores below 0 are left out: `last` is dovish, -1.5, and takes away.": "8, 1, 2, NULL",
         "Whole numbers: -1.5 has become -1 on its way.": "7, 1, 2, -1",
         "Whole numbers: the half of 6.5 is gone.": "6, 1, 2, -1",
         "That is the highest score of the hour.": "4, 1, 1, -1.234567",
         "Two digits behind the point are left. A score has six, and so has their sum: who rounds here rounds for all who read it.":
         "6.5, 1, 2, -1.23",
         "One digit behind the point is left. A score has six, and so has their sum: who rounds here rounds for all who read it.":
         "6.5, 1, 2, -1.2"},
    )  # fmt: skip


@pytest.mark.step(3)
def test_the_signal_is_the_mean_of_score_times_weight(seen):
    if not (hourly := of(seen, "hourly", 3)):
        return
    asked(
        "source_weighted_signal", hourly, lambda figures: figures.signal,
        "source_weighted_signal is the mean, over the headlines, of article_score times source_weight.",
        {"A product of two means is not the mean of products: here a blog's high score gets a share of Reuters' weight."
         : "1.066, 0.475, 0.644445, -1.11111",
         "That is the sum: ten blogs that repeat each other would make a loud hour. The signal is what one headline says "
         "in the mean.": "5.15, 1, 2, -1.11111",
         "That is the sum of products divided by the sum of the weights. It takes the weight out again: an hour of blogs alone "
         "would be as loud as one of Reuters.": "1.256098, 0.526316, 0.689655, -1.234567",
         "The weights are missing: that is the mean of the scores alone.": "1.3, 0.5, 0.666667, -1.234567",
         "That is a mean of the sources' means: a source with one headline has as much say as one with three."
         : "1.025, 0.5, 0.5, -1.11111",
         "DISTINCT takes equal products for one headline: `eleven` and `second` are two.": "1.03, 0.5, 0.5, -1.11111",
         "The mean is over the headlines with a keyword only: one with the score 0 says something too, namely nothing."
         : "1.2875, 1, 1, -1.11111",
         "Whole numbers divided: 5 by 5, 1 by 2 and 2 by 3 give whole numbers, and the rest is gone. Cast nothing to "
         "an integer before you divide.": "1, 0, 0, -1",
         "Whole numbers: each product was cut before the mean was taken.": "0, 0, 0, -1",
         "Two digits are left. The change since the hour before is a difference of two of these, and small.": "1.03, 0.5, 0.67, -1.11",
         "Cut off, not rounded: 2 divided by 3 is nearer to 0.666667.": "1.03, 0.5, 0.666666, -1.11111",
         "The sign is gone: `alone` is dovish, and its hour would be as loud for a hike as one of a hawk.":
         "1.03, 0.5, 0.666667, 1.11111",
         "What is below 0 was made 0: an hour against a hike would be one without news.": "1.03, 0.5, 0.666667, 0"},
    )  # fmt: skip


@pytest.mark.step(3)
def test_the_weight_of_an_hour_is_the_mean_over_its_headlines(seen):
    if not (hourly := of(seen, "hourly", 3)):
        return
    asked(
        "source_weight_avg", hourly, lambda figures: figures.weight,
        "source_weight_avg is the mean of source_weight over the headlines.",
        {"A source that reports three times counts three times: DISTINCT takes equal weights for one."
         : "0.85, 0.95, 0.95, 0.9",
         "That is the sum of the weights.": "4.1, 1.9, 2.9, 0.9",
         "Whole numbers: a weight of 0.7 has become 0.": "0, 0, 0, 0",
         "That is the best source of the hour, not the mean.": "1, 1, 1, 0.9",
         "Mentions and weights have changed places: that is the signal.": "1.03, 0.5, 0.666667, -1.11111"},
    )  # fmt: skip


# ---- step 4: once, when it is closed ----------------------------------------------------------------


@pytest.mark.step(4)
def test_an_hour_comes_out_once_when_it_is_closed(seen):
    hourly = of(seen, "hourly", 4)
    out = [change for change in hourly.before_end.changes if _is(change.row, FED, "10:00")]
    told = " ".join(f"{change.kind} {change.row['mention_count']}" for change in out)
    times = ", ".join(clock(change.by) if change.by else "at once" for change in out)

    if not hourly.append_only:
        wrong("The figures are right, and each headline takes its hour back (-U) and puts another in its place (+U), `too_late` as well. "
              "This is an ordinary GROUP BY, for ever ready to correct every hour there was. It is a window's only if it names "
              "window_start and window_end, both, as the window function gave them.",
              got=told, expected="+I 5")  # fmt: skip
    if hourly.emitted_before("10:59:59.998").changes:
        wrong("The hour from 10:00 was out before the watermark had reached its end: headlines for it were still to come.",
              got=f"out by {times}", expected="10:59:59.999")  # fmt: skip
    if len(out) != 1:
        wrong("The hour from 10:00 of fed came out more than once. Who adds the hours up counts it again.",
              got=told, expected="+I 5")  # fmt: skip
    if opened := [
        change for change in hourly.before_end.changes if clock(ms(change.row["window_start"])) == "12:00"
    ]:
        wrong("The hour from 12:00 was out though the watermark stood at 11:59:59.999: it has only begun.",
              got=f"{opened[0].kind} {opened[0].row['mention_count']}", expected="nothing")  # fmt: skip


@pytest.mark.step(4)
def test_an_hour_says_where_it_begins_and_ends(seen):
    hourly = of(seen, "hourly", 4)
    row = closed(hourly, FED, "10:00")
    got = tuple(clock(ms(row[name])) for name in TIMES)
    types = tuple(row[f"type_of_{name}"].removesuffix(" NOT NULL") for name in TIMES[:2])

    expect(got, ("10:00", "11:00", "10:59:59.999"),
           "window_start, window_end and window_time of the hour from 10:00 are what the window function gave it.")  # fmt: skip
    expect(types, ("TIMESTAMP(3)", "TIMESTAMP(3)"),
           "window_start and window_end keep their type: the join with the price compares them with the price's.")  # fmt: skip


PRICE_YES = """
  market_slug STRING, price DECIMAL(10, 6), prev_price DECIMAL(10, 6), price_delta DECIMAL(10, 6), price_status STRING,
  event_time TIMESTAMP_LTZ(3), WATERMARK FOR event_time AS SOURCE_WATERMARK()
"""
#: the last of the parts behind, in the order in which MarketLag writes it: only a time attribute can be sorted by
BEHIND = "SELECT * FROM signal_change ORDER BY window_time"
NO_TIME = (
    "The change since the hour before goes by window_time, and MarketLag sorts the hours by it: refused, for it is no time "
    "attribute any more. It stays one only where GROUP BY names it."
)
LEGACY = (
    "The rows are right, and the join with the hour's price no longer sees windows on this side. Behind the legacy form, "
    "GROUP BY TUMBLE(...), window_start is a mere time, so Flink plans an ordinary join, which keeps every hour for ever and "
    "takes rows back. A window function in FROM hands its windows on."
)
OTHER_WINDOWS = (
    "The rows are right, and the join with the hour's price sees windows of another kind on this side. The price is in TUMBLE "
    "windows of an hour; Flink joins windows only with those of the same function and size."
)


@pytest.mark.step(4)
def test_the_next_parts_can_build_on_its_windows(piece, reference):
    joined = [piece.path, reference("joins").path]
    inputs = {**INPUT, "price_yes": PRICE_YES}
    try:
        plan = explain_sql([*joined, reference("lag_over").path], schema=inputs, query=BEHIND)
    except LabError as error:
        if not error.happened.startswith(("The plan", "The query")):
            raise
        plan = None
    if plan is None or "WindowJoin" not in plan:
        if "GroupWindowAggregate" in explain_sql(piece.path, schema=INPUT, query="signal_hourly"):
            wrong(LEGACY)
        wrong(NO_TIME if joins_windows(joined, inputs) else OTHER_WINDOWS)
    if "GroupAggregate" in plan:
        wrong("The hours come from a GroupAggregate, which has no end of a window to forget at: its state grows by a row for "
              "each market and hour, for ever.")  # fmt: skip


def joins_windows(sql, inputs):
    """Whether Flink plans the join with the price as one of windows."""
    try:
        return "WindowJoin" in explain_sql(sql, schema=inputs, query="signal_with_price")
    except LabError:
        return False


def _is(row, market, hour):
    return row["market_slug"] == market and clock(ms(row["window_start"])) == hour
