"""Exit criteria of first_query: what the session does to two questions, then the views, headline by headline.

The file runs in a session as somebody else left it: in batch mode, in New York.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from difflib import get_close_matches

import pytest

from labkit.checking import Wrong, expect, wrong
from labkit.errors import LabError
from labkit.sqltext import settings
from labkit.testing import run_sql
from labs.shared.headlines import HEADLINES, MORNING, headline

MODE, ZONE = "execution.runtime-mode", "table.local-time-zone"
NEW_YORK = "America/New_York"
SOMEBODYS = {MODE: "batch", ZONE: NEW_YORK}

#: the lab's headlines, and one that another source has had already, word for word, and that comes twice
ARRIVING = [
    *MORNING,
    headline("10:40", "Bloomberg", "Jobs report beats every forecast"),
    headline("10:40", "Bloomberg", "Jobs report beats every forecast"),
]

#: options with which every job of MarketLag would say something else: with a value other than these, or with
#: one of these; and what it does. None of them is a setting of MarketLag's, which would win over the piece.
HARMFUL = {
    "table.exec.source.idle-timeout": (
        False, "0",
        "a partition that is silent for that long no longer holds the others back, so hours close without its rows",
    ),
    "table.exec.sink.not-null-enforcer": (
        False, "error", "rows with a NULL where there may be none are dropped, and nobody is told",
    ),
    "pipeline.auto-watermark-interval": (
        True, "0",
        "that is how often a source tells how far it is. 0 means never, and without watermarks no hour is ever over",
    ),
}  # fmt: skip

#: a table with an end, so that batch mode has an answer too; and two moments that read 09:05 in UTC
INPUT = """
CREATE VIEW three AS SELECT * FROM (VALUES ('hike'), ('drift'), ('split')) AS headlines (title);
CREATE VIEW moments AS
SELECT CAST(TO_TIMESTAMP_LTZ(epoch_ms, 3) AS TIMESTAMP(3)) AS wall_clock
FROM (VALUES (1767603900000), (1783328700000)) AS instants (epoch_ms);
"""
QUESTIONS = {"count": "SELECT COUNT(*) AS n FROM three", "clock": "SELECT wall_clock FROM moments"}


@pytest.fixture(scope="module")
def asked(piece):
    """The options that the file asks for."""
    with told_by(piece):
        return settings(piece.path.read_text(encoding="utf-8-sig"), piece.path.name)


@pytest.fixture(scope="module")
def answers(piece, asked):
    """QUESTIONS, asked in the file's session; and whether its zone counts, or Flink knows none of that name."""
    if (mode := asked.get(MODE, "batch")).lower() not in ("streaming", "batch"):
        wrong(f"SQL knows no mode `{mode}`: there are streaming and batch.")

    def ask(options):
        # rows that are gathered before they are told are a choice, and would look like batch mode here
        options = {**SOMEBODYS, **options, "table.exec.mini-batch.enabled": "false"}
        return run_sql(INPUT, {}, schema={}, query=QUESTIONS, options=options)

    try:
        with told_by(piece):
            return ask(asked), True
    except Wrong as refused:
        if "time zone" not in refused.sentence:
            raise
        return ask({**asked, ZONE: NEW_YORK}), False


@pytest.fixture(scope="module")
def views(piece, asked):
    """Both views of the file over ARRIVING, each headline settled before the next."""
    with told_by(piece):
        return run_sql(
            piece.path, ARRIVING, schema=HEADLINES, options={**SOMEBODYS, **asked}, each_step=True,
            query={"hourly": "mentions_hourly", "total": "mentions_total"},
        )  # fmt: skip


@contextmanager
def told_by(piece) -> Iterator[None]:
    """What Flink has against the file is the learner's to read; that there is no Flink is not his doing."""
    try:
        yield
    except LabError as error:
        if not error.happened.startswith(("The query", "The options", piece.path.name)):
            raise
        for mark, sentence in REFUSALS.items():
            if mark in error.happened:
                raise Wrong(f"{sentence} Flink says: {error.happened}") from error
        raise Wrong(error.happened) from error


NO_WINDOW = (
    "A window closes by event time, and headlines has no watermark yet: here each headline corrects its hour."
)
#: in what Flink says: what it means here
REFUSALS = {
    "would start a job": "The file describes views and starts nothing; lab.ipynb shows what is in them.",
    "is not being grouped": "Without GROUP BY an aggregate is one row for the whole table, "
    "and in it hour_start has no single value.",
    "Window aggregate can only": NO_WINDOW,
    "a time attribute type": NO_WINDOW,
    "Object 'mentions_": "The contract names two views, mentions_hourly and mentions_total.",
}


# ---- step 1 ------------------------------------------------------------------------------------


@pytest.mark.step(1)
def test_an_answer_is_there_while_the_input_goes_on(asked, answers):
    results, _ = answers
    got = " ".join(f"{kind}{row['n']}" for kind, row in results["count"].changelog)

    batch = "the session is still in batch mode, as it was before your file."
    if MODE in asked:
        batch = "you asked for batch mode, which waits for the end of its input. News has none."
    elif near := misspelt(MODE, asked):
        batch = f"Flink took `{near}` without a word, for it refuses no name, and the mode is still batch."
    expect(got, "+I1 -U1 +U2 -U2 +U3", "Each headline corrects the count before it.",
           mistakes={f"Three headlines came and there was one answer, after the last: {batch}": "+I3"})  # fmt: skip


# ---- step 2 ------------------------------------------------------------------------------------


@pytest.mark.step(2)
def test_a_moment_reads_the_same_wherever_the_job_runs(asked, answers):
    results, zone_is_known = answers
    january, july = sorted(row["wall_clock"] for row in results["clock"].rows)
    got = [f"{january:%b %H:%M}", f"{july:%b %H:%M}"]

    new_york = "the session still has the zone of the machine it was started on, here New York."
    if not zone_is_known:
        new_york = f"Flink knows no zone `{asked[ZONE]}`. Names are those of the zone database; UTC is one."
    elif near := misspelt(ZONE, asked):
        new_york = f"Flink knows no option `{near}` and said nothing, so the clock is still New York's."
    expect(got, ["Jan 09:05", "Jul 09:05"],
           f"What is 09:05 in UTC reads {january:%H:%M} in this session: its hours are another zone's.",
           mistakes={f"What is 09:05 in UTC reads 04:05: {new_york}": ["Jan 04:05", "Jul 05:05"],
                     "The clock is right in January and an hour ahead in July: "
                     "this zone has summer time, UTC has none.": ["Jan 09:05", "Jul 10:05"]})  # fmt: skip


@pytest.mark.step(2)
def test_no_option_makes_the_jobs_say_something_else(asked):
    for option, (harms, value, what_it_does) in HARMFUL.items():
        if option in asked and asked[option].lower().startswith(value) is harms:
            wrong(f"MarketLag takes `{option}` from here for all of its queries: {what_it_does}.")


def misspelt(option, asked):
    """An option of nearly that name, where the right one is missing."""
    near = get_close_matches(option, list(asked), n=1, cutoff=0.7)
    return near[0] if near and option not in asked else None


# ---- step 3 ------------------------------------------------------------------------------------


@pytest.mark.step(3)
def test_a_headline_corrects_the_row_of_its_hour(views):
    got = after_each(views["hourly"], "hour_start", "mention_count")

    expect(got[-1], "Mon 09:00 3, Mon 10:00 4, Tue 09:00 1",
           "mentions_hourly has one row for each hour with a headline.",
           mistakes={"An hour has a row for each source: GROUP BY names more than the hour.":
                         "Mon 09:00 1, Mon 09:00 2, Mon 10:00 1, Mon 10:00 3, Tue 09:00 1",
                     "Each moment has a row of its own, which no other moment corrects: the hour is the group.":
                         "Mon 09:00 1, Mon 09:00 1, Mon 09:00 1, Mon 10:00 1, Mon 10:00 1, Mon 10:00 2, Tue 09:00 1",
                     "Each count was appended beside the one before it. It has to take its place "
                     "(-U 09:00 1, +U 09:00 2), or whoever adds the counts up has 1 + 2.":
                         "Mon 09:00 1, Mon 09:00 2, Mon 09:00 3, "
                         "Mon 10:00 1, Mon 10:00 2, Mon 10:00 3, Mon 10:00 4, Tue 09:00 1",
                     "Two sources had the same title in the hour of 10:00, and it counts once: "
                     "DISTINCT counts titles, and each headline is a mention.":
                         "Mon 09:00 3, Mon 10:00 2, Tue 09:00 1",
                     "A headline of 10:40 came twice, and counts once: DISTINCT takes two that are alike for one. "
                     "What comes is a mention; whether it is a repeat is for another part to say.":
                         "Mon 09:00 3, Mon 10:00 3, Tue 09:00 1",
                     "An hour with one headline has no row: it is an hour with news too.":
                         "Mon 09:00 3, Mon 10:00 4",
                     "Monday's 09:00 and Tuesday's are one row: an hour belongs to a day.":
                         "10 4, 9 4"})  # fmt: skip
    expect(
        got,
        [
            "Mon 09:00 1",
            "Mon 09:00 1, Mon 10:00 1",
            "Mon 09:00 2, Mon 10:00 1",
            "Mon 09:00 3, Mon 10:00 1",
            "Mon 09:00 3, Mon 10:00 2",
            "Mon 09:00 3, Mon 10:00 2, Tue 09:00 1",
            "Mon 09:00 3, Mon 10:00 3, Tue 09:00 1",
            "Mon 09:00 3, Mon 10:00 4, Tue 09:00 1",
        ],
        "Each headline is in the count of its hour as soon as it has come.",
    )


# ---- step 4 ------------------------------------------------------------------------------------


@pytest.mark.step(4)
def test_the_total_is_of_all_headlines_so_far(views):
    got = after_each(views["total"], "mention_count")

    expect(got, ["1", "2", "3", "4", "5", "6", "7", "8"],
           "The total after each headline is the number of headlines so far.",
           mistakes={"The third headline is not in the total: you count the rows of mentions_hourly, and it "
                     "added none. It corrected one (-U 09:00 1, +U 09:00 2).":
                         ["1", "2", "2", "2", "2", "3", "3", "3"],
                     "The total is only the count of the busiest hour.": ["1", "1", "2", "3", "3", "3", "3", "4"],
                     "Two hours with one headline each make 2, not 1: DISTINCT takes equal counts for one.":
                         ["1", "1", "3", "4", "5", "6", "4", "8"],
                     "The total is the count of the one hour that was corrected last.":
                         ["1", "1", "2", "3", "2", "1", "3", "4"]})  # fmt: skip


# ---- reading a changelog -----------------------------------------------------------------------


def after_each(result, *columns):
    """The table after each headline, as its changes have made it: these columns, a row after the other."""
    table, tables = [], []
    for arriving in ARRIVING:
        for change in result.changes:
            if change.step is None or change.step.fields is not arriving.fields:  # two of them are equal
                continue
            row = " ".join(shown(change.row, column) for column in columns)
            if change.kind in ("+I", "+U"):
                table.append(row)
            else:
                table.remove(row)
        tables.append(", ".join(sorted(table)))
    return tables


def shown(row, column):
    if column not in row:
        wrong(f"A view has lost its column {column}, which the contract names.", got=sorted(row))
    value = row[column]
    return f"{value:%a %H:%M}" if isinstance(value, datetime) else str(value)
