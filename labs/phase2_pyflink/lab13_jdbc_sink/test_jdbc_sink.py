"""Exit criteria of jdbc_sink: what reached PostgreSQL, what it holds, and when that could be seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pytest

from labkit.checking import Piece, expect, wrong
from labkit.errors import NotChecked
from labkit.services.process import until
from labkit.testing import Table, checkpoint, crash
from labs.phase2_pyflink.lab13_jdbc_sink.history import (
    SETTINGS,
    TABLE,
    History,
    described,
    history,
    seconds_of,
)
from labs.shared.judged import UNKNOWN, judged

Row = Mapping[str, Any]

flagged = judged("fed", "10:00", at="11:00:02.257")
unknown = judged("fed", "11:00", at="12:00:02.250", values=UNKNOWN)
unflagged = judged("GDP-Q3", "12:00", at="13:00:01", lag_flag=False, signal_delta="0.250000")
first_judgement = judged("cpi", "10:00", at="11:00:02.500")
second_judgement = judged("cpi", "10:00", at="13:00:05", lag_flag=False, confidence="0.9000")
of_a_backfill = judged("cpi", "11:00", at="14:00", confidence="0.1111")
of_a_zombie = judged("cpi", "11:00", at="12:00:03", confidence="0.2000")

#: `unflagged` comes behind the checkpoint: after the crash it is read and sent again
SCRIPT = [
    flagged, first_judgement, unknown, checkpoint(), unflagged, crash(), second_judgement, of_a_zombie
]  # fmt: skip


class Checked:
    """What is found out about the piece: each thing once, when a check asks for it."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.table = cache(self._table)
        self.written = cache(self._written)
        self.flushed = cache(self._flushed)

    def _table(self) -> Table:
        """The table that it declares, which PostgreSQL can take: else it would end the TaskManager."""
        __tracebackhide__ = True
        table = described(self.piece.path)
        with history(()) as there:
            judge_columns(table, there.columns())
        return table

    def _written(self) -> tuple[Sequence[Row], Sequence[Row]]:
        """What it sends PostgreSQL of SCRIPT, in order; and what the table holds in the end."""
        __tracebackhide__ = True
        judge_key(self.table().key)
        with history(self.table().key) as there:
            there.add(of_a_backfill)
            there.write(self.piece.path, SCRIPT)
            return there.arrivals(), there.rows()

    def _flushed(self) -> tuple[int, int]:
        """How many of HOURS could be seen while the job ran; the rows of its largest transaction."""
        has_timer = 0 < self.interval() <= int(SETTINGS["jdbc_flush_seconds"])
        with history(self.table().key) as there, there.writing(self.piece.path, HOURS) as beside:
            until(lambda: beside() == HOURS, SLOW, lambda: too_slow(beside()))
            # their timers began together; one that is to come is waited for, however busy the machine is
            until(lambda: sum(transactions(there)) == HOURS, 15 if has_timer else 0.2, lambda: None)
            found = transactions(there)
            return sum(found), max(found, default=0)

    def interval(self) -> float:
        """The declared interval of its flush, in seconds."""
        __tracebackhide__ = True
        return seconds_of(self.table().options.get(INTERVAL, "1 s"))


def too_slow(written: int) -> None:
    """Not the piece's doing: it is the check's own sink that has not written."""
    raise NotChecked(
        f"The sink that stands beside yours has written {written} of {HOURS} rows within {SLOW:.0f} s.",
        "All of them after 1 s: the machine has too much to do, or PostgreSQL does not answer.",
        "./lab check jdbc_sink, when less is running",
    )


@pytest.fixture(scope="module")
def checked(piece: Piece) -> Checked:
    return Checked(piece)


# ---- step 1: the columns -----------------------------------------------------------------------

#: which of Flink's types PostgreSQL takes for its own
TAKES = {
    "text": ("STRING", "VARCHAR", "CHAR"),
    "timestamp without time zone": ("TIMESTAMP(",),
    "numeric": ("DECIMAL", "INT", "BIGINT", "SMALLINT", "DOUBLE", "FLOAT"),
    "boolean": ("BOOLEAN",),
}


@pytest.mark.step(1)
def test_the_table_has_columns_that_the_connector_can_write_and_postgresql_takes(checked: Checked) -> None:
    checked.table()


def judge_columns(table: Table, theirs: dict[str, str]) -> None:
    """Say what the connector or PostgreSQL would refuse."""
    __tracebackhide__ = True
    if (name := table.options.get("table-name")) != TABLE:
        wrong("The rows would go to another table of PostgreSQL's.", got=str(name), expected=TABLE)
    missing = [name for name in theirs if name not in table.columns]
    strange = [name for name in table.columns if name not in theirs]
    for name in strange:
        both = {"got": name, "expected": ", ".join(missing) or "no more than PostgreSQL has"}
        if name.lower() in ("window", "prev"):
            wrong(
                f"A column is called `{name}`, a reserved word. Backticks satisfy Flink, but the connector "
                f'writes names without quotes, and PostgreSQL answers: syntax error at or near "{name}".',
                **both,
            )
        wrong(f"PostgreSQL's table has no column `{name}`: it would refuse every row.", **both)
    if missing:
        got = ", ".join(table.columns)
        wrong(f"The table has no column `{missing[0]}`.", got=got, expected=f"{got}, {', '.join(missing)}")
    for name, type_ in table.columns.items():
        judge_type(name, type_, theirs[name])


def judge_type(name: str, type_: str, theirs: str) -> None:
    __tracebackhide__ = True
    both = {"got": f"{name} {type_}", "expected": f"a type for PostgreSQL's {theirs}"}
    if type_.startswith("TIMESTAMP_LTZ"):
        wrong(
            f"{name} is a {type_}, and the connector's PostgreSQL dialect has no such type. Flink would take the "
            "statement, and the job would fail when it starts: Unsupported type:TIMESTAMP_LTZ(3).",
            **both,
        )
    if type_.startswith("TIMESTAMP(") and not 1 <= int(type_[10:-1]) <= 6:
        wrong(f"{name} is a {type_}, and the PostgreSQL dialect takes a precision from 1 to 6.", **both)
    if name == "detected_at" and type_ in ("TIMESTAMP(1)", "TIMESTAMP(2)"):
        wrong(
            f"{name} is a {type_}, and judgements are told to the millisecond: its last digits would be cut off, and of two "
            "judgements the older one might stay.",
            **both,
        )
    if type_ == "DATE":
        wrong(f"{name} is a DATE: all hours of a day would be one hour.", **both)
    if not type_.startswith(TAKES[theirs]):
        wrong(
            f"{name} is a {type_}. What the connector sends, PostgreSQL does not cast: column "
            f'"{name}" is of type {theirs}, it would say, and refuse every row.',
            **both,
        )


# ---- step 2: the row ---------------------------------------------------------------------------


@pytest.mark.step(2)
def test_a_judged_hour_arrives_whole(checked: Checked) -> None:
    arrivals, _ = checked.written()

    judge_row(arrivals, flagged.fields)


@pytest.mark.step(2)
def test_an_hour_without_a_flag_arrives_too(checked: Checked) -> None:
    arrivals, _ = checked.written()

    if all(row["lag_flag"] for row in arrivals):
        wrong("Only flagged hours reach PostgreSQL. Every judged hour belongs there, flagged or not.")
    judge_row(arrivals, unflagged.fields)


@pytest.mark.step(2)
def test_what_is_not_known_arrives_as_null(checked: Checked) -> None:
    arrivals, _ = checked.written()

    if not any(row["rss_signal"] == UNKNOWN["rss_signal"] for row in arrivals):
        wrong(
            "The hour of which neither change nor price is known has not reached PostgreSQL: a condition on "
            "what is NULL is never true."
        )
    judge_row(arrivals, unknown.fields)


def judge_row(arrivals: Sequence[Row], judgement: Row) -> None:
    """Say what has become of a judgement among the rows that Flink sent."""
    __tracebackhide__ = True
    if not arrivals:
        wrong("The job has come to its end, and Flink has sent PostgreSQL no row at all.")
    row = max(arrivals, key=lambda each: sum(each[name] == value for name, value in judgement.items()))
    for name, expected in judgement.items():
        if row[name] != expected:
            judge_value(name, row[name], judgement)


def judge_value(name: str, got: Any, judgement: Row) -> None:
    __tracebackhide__ = True
    expected, hour = judgement[name], f"{judgement['market']}'s hour {judgement['window_start']}"
    both = {"got": f"{name} {got}", "expected": f"{name} {expected}"}
    same = [other for other, value in judgement.items() if value == got and value is not None]
    if got is None:
        wrong(
            f"{name} of {hour} is NULL in PostgreSQL. A column that an INSERT leaves out does not stay as it "
            "was: NULL is written over what stood there.",
            **both,
        )
    if expected is None:
        wrong(f"{name} of {hour} is not known, and PostgreSQL has a value: unknown is not zero.", **both)
    if same:
        wrong(
            f"{name} of {hour} has the value of {same[0]}. INSERT INTO goes by position, not by name: the first "
            "expression fills the first column of the table.",
            **both,
        )
    if name == "detected_at" and "T" in got:  # of another day than the scripts'
        wrong(
            "detected_at is the time of writing, not that of the judgement. An old judgement that is sent again "
            "would pass for a new one, and PostgreSQL's table keeps the newer of two.",
            **both,
        )
    if name == "detected_at" and got[:8] == expected[:8]:
        wrong(
            f"{name} of {hour} has lost what is behind its seconds, and the newer of two judgements stays.",
            **both,
        )
    if name in ("window_start", "detected_at") and got[-3:] == expected[-3:]:
        wrong(f"{name} of {hour} is shifted. The table's times are in UTC, as the session's zone is.", **both)
    wrong(f"{name} of {hour} has another value in PostgreSQL.", **both)


# ---- step 3: the key ---------------------------------------------------------------------------


def judge_key(key: Sequence[str]) -> None:
    """Say what Flink takes no row for: a column of the key that may be NULL."""
    __tracebackhide__ = True
    unknown_ones = [name for name in key if UNKNOWN.get(name, "") is None]
    if unknown_ones:
        wrong(
            f"{unknown_ones[0]} is a part of the key (step 3), and there are hours of which it is NULL. A column of "
            "the key is never NULL: Flink would end the job at the first of these rows.",
            got=f"the key ({', '.join(key)})", expected="columns that every judgement has",
        )  # fmt: skip


ONCE = "GDP-Q3 12:00, cpi 10:00, cpi 11:00, fed 10:00, fed 11:00"


@pytest.mark.step(3)
def test_an_hour_is_one_row_whatever_is_sent_again(checked: Checked) -> None:
    _, rows = checked.written()
    key = checked.table().key
    more = sorted(set(key) - {"market", "window_start"})
    got = ", ".join(f"{row['market']} {row['window_start']}" for row in rows)
    most = max(Counter((row["market"], row["window_start"]) for row in rows).values(), default=0)

    if not key and most > 1:
        wrong(
            "Hours stand twice in the table. Without a PRIMARY KEY the connector only appends, and after a "
            "failure Flink sends again what came behind the last checkpoint.",
            got=got, expected=ONCE,
        )  # fmt: skip
    if most > 1:
        wrong(
            f"An hour that was judged again stands twice: {' and '.join(more)}, a part of the key, differs from "
            "one judgement to the next.",
            got=got, expected=ONCE,
        )  # fmt: skip
    if "window_start" not in key and got != ONCE:
        wrong(
            "Of each market only one hour is left: all its hours have the same key, and each has overwritten "
            "the one before.",
            got=got, expected=ONCE,
        )  # fmt: skip
    if "market" not in key and got != ONCE:
        wrong(
            "Of two markets in the same hour one is left: they have the same key, and the later row has "
            "overwritten the other market's.",
            got=got, expected=ONCE,
        )  # fmt: skip
    expect(got, ONCE, "Every judged hour is one row of the table.")
    if more or not key:
        wrong(
            f"The table's key is ({', '.join(key)}). PostgreSQL's is (market, window_start), and for another it "
            "takes no upsert: there is no unique or exclusion constraint matching the ON CONFLICT specification.",
        )


@pytest.mark.step(3)
def test_of_two_judgements_of_an_hour_the_newer_one_stays(checked: Checked) -> None:
    _, rows = checked.written()
    stays = {(row["market"], row["window_start"]): f"{row['confidence']}, judged at {row['detected_at']}"
             for row in rows}  # fmt: skip

    expect(stays["cpi", "10:00"], "0.9000, judged at 13:00:05",
           "cpi's hour 10:00 was judged again, and the table still has the first judgement.")  # fmt: skip
    expect(stays["cpi", "11:00"], "0.1111, judged at 14:00",
           "A judgement of cpi's hour 11:00 has overwritten one that was made later.")  # fmt: skip


# ---- step 4: the flush -------------------------------------------------------------------------

HOURS = 120
SLOW = 25.0  # seconds
BATCH = int(SETTINGS["jdbc_batch"])
INTERVAL, ROWS = "sink.buffer-flush.interval", "sink.buffer-flush.max-rows"
RETRIES = "sink.max-retries"


@pytest.mark.step(4)
def test_an_hour_can_be_seen_while_the_job_runs(checked: Checked) -> None:
    seen, _ = checked.flushed()
    waits, batch = checked.interval(), int(checked.table().options.get(ROWS, "100"))
    both = {"got": f"{seen} of {HOURS} hours in the table", "expected": "all of them after 1 s, the setting"}

    if waits == int(SETTINGS["jdbc_flush_seconds"]) / 1000 and checked.table().options[INTERVAL].isdecimal():
        wrong(
            "The interval has no unit, and Flink takes a bare number for milliseconds.",
            got=f"{waits * 1000:g} ms", expected="1 s, the setting",
        )  # fmt: skip
    if seen < HOURS and waits == 0 and batch == 0:
        wrong(
            "Rows wait in the sink while the job runs. Without a timer and without a full batch only a checkpoint "
            "writes them, and MarketLag takes one every five minutes.",
            **both,
        )
    if seen < HOURS and waits == 0:
        wrong(
            f"Rows wait in the sink while the job runs. An interval of 0 means no timer: they wait until {batch} are "
            "there, and this job judges one hour of a market in an hour.",
            **both,
        )
    if seen < HOURS:
        wrong(f"Rows wait in the sink for {waits:g} s, longer than the setting says.", **both)


@pytest.mark.step(4)
def test_a_burst_goes_in_batches(checked: Checked) -> None:
    _, largest = checked.flushed()
    both = {"got": f"up to {largest} rows in a transaction", "expected": f"{BATCH}, the setting"}

    if largest > BATCH:
        wrong(
            f"{largest} hours were held back for one transaction: until it is written they are in the "
            "TaskManager's memory alone, and if PostgreSQL refuses one of them it refuses them all.",
            **both,
        )
    if largest < BATCH // 2:
        wrong(
            f"{HOURS} hours came at once, as after a restart, and each cost a round trip and a commit.",
            **both,
        )


@pytest.mark.step(4)
def test_the_flush_follows_the_settings(checked: Checked) -> None:
    settings = {"jdbc_flush_seconds": "7", "jdbc_batch": "9", "jdbc_retries": "5"}
    options = described(checked.piece.path, **settings).options

    expect(f"{seconds_of(options.get(INTERVAL, '1 s')):g} s", "7 s",
           "MARKETLAG_JDBC_FLUSH_SECONDS=7 does not reach the table.")  # fmt: skip
    expect(f"{options.get(ROWS, '100')} rows", "9 rows",
           "MARKETLAG_JDBC_BATCH=9 does not reach the table.")  # fmt: skip
    expect(f"{options.get(RETRIES, '3')} tries", "5 tries",
           "MARKETLAG_JDBC_RETRIES=5 does not reach the table.")  # fmt: skip


def transactions(there: History) -> list[int]:
    """How many rows of the table each transaction has written."""
    return [rows for (rows,) in there.ask(f"SELECT count(*) FROM {TABLE} GROUP BY xmin::text")]
