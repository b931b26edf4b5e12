"""Exit criteria of kafka_to_print: what a real broker's records become, where they are printed, what a copy keeps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import pytest

from labkit.checking import Piece, Wrong, expect, wrong
from labkit.errors import LabError
from labkit.testing import Record, Table, clock, ms
from labs.phase0_setup.lab02_kafka_to_print.morning import (
    CLAIMS,
    CUT_OFF,
    LATIN,
    OIL,
    TAKEN_BACK,
    TOMBSTONE,
    Found,
    Morning,
    Row,
    described,
    morning,
)  # fmt: skip


class Checked:
    """What is found out about the piece, when a check asks for it.

    One job for everything: a job costs as much as all the records. Where that job is refused or fails, each
    thing by itself, so that what is wrong belongs to its step.
    """

    def __init__(self, piece: Piece, stack: ExitStack) -> None:
        self.piece = piece
        self._stack = stack
        self.table = cache(self._table)
        self.together = cache(self._together)
        self.morning = cache(self._morning)
        self.rows = cache(self._rows)
        self.as_declared = cache(self._as_declared)
        self.printed = cache(self._printed)
        self.copied = cache(self._copied)

    def _table(self, group: str = "a-group") -> Table:
        """What it declares; no broker is asked."""
        with told():
            return described(self.piece.path, group=group)

    def _together(self) -> tuple[Morning, Found | None]:
        """The records, and what one job makes of them; with nothing, they are untouched."""
        there = self._stack.enter_context(morning(TOMBSTONE))
        try:
            return there, there.everything(self.piece.path)
        except LabError:
            return self._stack.enter_context(morning(TOMBSTONE)), None

    def _morning(self) -> Morning:
        return self.together()[0]

    def _rows(self) -> Mapping[str, list[Row]]:
        """All committed records as rows, of both tables."""
        there, found = self.together()
        with told():
            return found.rows if found else there.rows(self.piece.path)

    def _as_declared(self) -> list[Row]:
        """The rows that a first start gives, some job of the group having read everything before."""
        there, found = self.together()
        if found:
            return found.declared
        there.commit(10)
        with told():
            return there.read(self.piece.path)

    def _printed(self) -> list[str]:
        there, found = self.together()
        with told():
            return found.printed if found else there.print_(self.piece.path)

    def _copied(self) -> list[Record]:
        there, found = self.together()
        with told():
            return found.copied if found else there.copy(self.piece.path)


@pytest.fixture(scope="module")
def checked(piece: Piece) -> Iterator[Checked]:
    with ExitStack() as stack:
        yield Checked(piece, stack)


@contextmanager
def told() -> Iterator[None]:
    """What Flink has against the file, with what it means."""
    __tracebackhide__ = True
    try:
        yield
    except LabError as error:
        says = re.sub(r"^The query SELECT .*?: ", "", error.happened)  # ours: nobody has written it
        for mark, sentence in REFUSALS.items():
            if mark in says:
                raise Wrong(f"{sentence} Flink says: {says[:200]}") from error
        raise type(error)(says, error.expected, error.next_step) from error


#: in what Flink says: what it means here
REFUSALS = {
    "only supports single physical column": "`raw` hands a run of bytes to one column, and the value has two here: say "
    "which column the key goes to (key.fields) and that it is not in the value as well (value.fields-include).",
    "SELECT would start a job": "A SELECT gives its rows to the client that asked, and ends with it. A job that nobody "
    "looks at writes into a table: INSERT INTO news_print.",
    "Invalid metadata key": "Without FROM the column's own name is the key, and the connector knows none of that name.",
    "Incompatible types for sink column": "Bytes do not become text by themselves: a CAST says that they are one.",
    "Different number of columns": "The INSERT has another number of columns than its table.",
    "Metadata columns can only overwrite": "kafka_timestamp is computed here. Kafka says when a record came: it is a "
    "metadata column, and price_raw and the part event_time declare it again as one.",
    "has no option": "The connector has no option of that name. What is meant for Kafka's client begins "
    "with `properties.`, the rest is a matter of `scan.`, `key.` and `value.`.",
    "Could not parse value for enum": "An option has a value that is none of its own.",
    **dict.fromkeys(
        ("ConfigException", "TaskNotRunningException"),
        "Kafka's client did not start, and the job ended: one of the options that begin with `properties.` has a value "
        "that the client does not know.",
    ),
    "Duplicate columns exist in the metadata": "A column without METADATA is a part of key or value, and Kafka's "
    "timestamp is in neither.",
    **dict.fromkeys(
        ("Failed to deserialize JSON", "JsonEOFException", "JsonParseException", "CharConversionException"),
        "A record that is no JSON has ended the job, and it would end it again after each restart: the table has to "
        "take whatever comes.",
    ),
}


# ---- step 1: bytes -----------------------------------------------------------------------------


@pytest.mark.step(1)
def test_key_and_value_are_bytes(checked: Checked) -> None:
    columns = checked.table().columns

    for name in ("record_key", "record_value"):
        type_ = columns.get(name)
        if type_ is None:
            wrong(f"news_raw has no column {name}.", got=", ".join(columns))
        if type_.startswith(("STRING", "VARCHAR", "CHAR")):
            wrong(
                f"{name} is a {type_}: Flink decodes the bytes, and what is not UTF-8 becomes \ufffd. Nobody gets the "
                "original back from that, and a dead letter has to hold it.",
                got=f"{name} {type_}", expected=f"{name} BYTES",
            )  # fmt: skip
        expect(type_, "BYTES", f"{name} has another type than the parts behind it expect.")


@pytest.mark.step(1)
def test_every_record_is_a_row_with_its_bytes(checked: Checked) -> None:
    rows = checked.rows()["news_raw"]
    news = checked.morning().news
    got = Counter((row["record_key"], row["record_value"]) for row in rows)
    expected = Counter((each.key, each.value) for each in news)

    if got == expected:
        return
    both = {"got": _said(got), "expected": _said(expected)}
    if len(rows) < len(news):
        wrong(f"{len(news)} records were in the topic and {len(rows)} became rows.", **both)
    if got == Counter((each.value, each.key) for each in news):
        wrong("Key and value have changed places: key.fields names the column that the key goes to.", **both)
    if not any(key for key, _ in got):
        wrong("record_key is NULL in every row: nothing reads the records' keys.", **both)
    if not any(value for _, value in got):
        wrong("record_value is NULL in every row: its format looks for a field in the value.", **both)
    wrong("A record's bytes have changed on their way into its row.", **both)


def _said(records: Counter[Any]) -> str:
    """The keys and the heads of the values, one record after the other."""
    return ", ".join(sorted(f"{_head(key)}: {_head(value)}" for key, value in records.elements()))


def _head(data: bytes | None) -> str:
    return "NULL" if data is None else repr(data[:12])[1:] + ("…" if len(data) > 12 else "")


# ---- step 2: where it stands -------------------------------------------------------------------

PLACE = {
    "kafka_topic": "STRING",
    "kafka_partition": "INT",
    "kafka_offset": "BIGINT",
    "kafka_timestamp": "TIMESTAMP_LTZ(3)",
}


@pytest.mark.step(2)
def test_the_place_of_a_record_has_four_columns(checked: Checked) -> None:
    columns = checked.table().columns

    for name, expected in PLACE.items():
        if name not in columns:
            wrong(f"news_raw has no column {name}.", got=", ".join(columns))
        if "*ROWTIME*" in columns[name]:
            wrong(
                f"There is a watermark on {name}: time would go on with the arrival of records. The event time is "
                "when the news was published; the part event_time declares it, and two watermarks exclude each other.",
                got=columns[name], expected=expected,
            )  # fmt: skip
        expect(columns[name], expected, f"{name} has another type than the parts behind it expect.")


@pytest.mark.step(2)
def test_kafka_says_where_a_record_stands(checked: Checked) -> None:
    there = checked.morning()

    for record in (there.news[1], there.news[2], there.news[0]):
        row = _row_of(checked.rows()["news_raw"], record)
        _judge_place(row, record, there.topics.name("news"))


@pytest.mark.step(2)
def test_a_price_stands_in_the_topic_of_prices(checked: Checked) -> None:
    there = checked.morning()
    [record] = there.prices

    _judge_place(_row_of(checked.rows()["price_raw"], record), record, there.topics.name("prices"))


def _row_of(rows: Sequence[Row], record: Record) -> Row:
    __tracebackhide__ = True
    for row in rows:
        if row["record_value"] == record.value:
            return row
    wrong(f"A record has not become a row: {record.text}.")


def _judge_place(row: Row, record: Record, topic: str) -> None:
    __tracebackhide__ = True
    market = (record.key or b"").decode()
    expected = {
        "kafka_topic": topic,
        "kafka_partition": record.partition,
        "kafka_offset": record.offset,
        "kafka_timestamp": clock(record.timestamp),
    }
    got = {**{name: row[name] for name in expected}, "kafka_timestamp": _clock(row["kafka_timestamp"])}
    claimed = {"kafka_topic": "elsewhere", "kafka_partition": 7, "kafka_offset": 700}
    for name, value in expected.items():
        both = {"got": f"{name} {got[name]}", "expected": f"{name} {value}"}
        if got[name] == value:
            continue
        if got[name] is None:
            wrong(
                f"{name} of a record of {market} is NULL: its value does not say where it stands. Kafka does, beside "
                "key and value.",
                **both,
            )
        if got[name] == claimed.get(name) or "2031" in str(got[name]):
            wrong(
                f"{name} is what the record says of itself: this one was copied from elsewhere. Only Kafka knows where "
                "it stands now.",
                **both,
            )
        if name == "kafka_timestamp":
            wrong(
                f"kafka_timestamp of a record of {market} is not when Kafka got it. What is measured by the clock "
                "of the reader is another time at each reading.",
                **both,
            )
        if name == "kafka_topic" and topic.endswith("prices"):
            wrong("price_raw is LIKE news_raw, and its rows say that they come from another topic.", **both)
        wrong(f"{name} of a record of {market} is not what Kafka says.", **both)


def _clock(at: Any) -> str | None:
    return None if at is None else clock(ms(at))


# ---- step 3: which records, from where ---------------------------------------------------------


@pytest.mark.step(3)
def test_the_group_is_the_one_that_the_system_gives(checked: Checked) -> None:
    got = checked.table("this-job").options.get("properties.group.id")
    other = checked.table("another-job").options.get("properties.group.id")

    if not got:
        wrong(
            "Without a group nothing is committed, and nobody can ask Kafka how far this job has read.",
            got="no properties.group.id", expected="this-job, from ${group}",
        )  # fmt: skip
    if got == other:
        wrong(
            f"Every job that reads with this table is `{got}`. Kafka divides no partitions between them, for Flink does "
            "that itself: each gets all records, and each overwrites what the other has committed.",
            got=got, expected="this-job, from ${group}",
        )  # fmt: skip
    expect(got, "this-job", "The group is not the one that the system gives this job: ${group}.")


@pytest.mark.step(3)
def test_the_source_has_no_end(checked: Checked) -> None:
    ends = checked.table().options.get("scan.bounded.mode", "unbounded")

    if ends != "unbounded":
        wrong(
            f"With scan.bounded.mode `{ends}` the job reads what is there now and is FINISHED. News goes on.",
            got=ends, expected="unbounded, as it is without that option",
        )  # fmt: skip


@pytest.mark.step(3)
def test_a_quiet_partition_holds_the_time_back(checked: Checked) -> None:
    idle = checked.table().options.get("scan.watermark.idle-timeout", "0")

    if re.match(r"0*[1-9]", idle):
        wrong(
            f"With scan.watermark.idle-timeout a partition that was quiet for {idle} is left out when time goes on, and what it "
            "holds when it speaks again is late and lost, in silence. price_raw and the part event_time are LIKE this table and "
            "take the option along. MarketLag's producers send heartbeats to quiet partitions instead.",
            got=idle, expected="no such option",
        )  # fmt: skip


@pytest.mark.step(3)
def test_what_was_there_before_is_read(checked: Checked) -> None:
    got = Counter(row["record_value"] for row in checked.as_declared() if row["record_value"] != TAKEN_BACK)
    expected = Counter(each.value for each in checked.morning().news)
    mode = checked.table().options.get("scan.startup.mode", "group-offsets")
    both = {"got": f"{got.total()} of {expected.total()} records", "expected": "all of them"}

    if got == expected:
        return
    if mode == "latest-offset":
        wrong(
            "The job has read nothing of what was in the topic before it started: `latest-offset` begins behind it. "
            "And no error says so.",
            **both,
        )
    if mode == "group-offsets":
        wrong(
            "The job began where its group had committed last, and a job of that group had been at the end before. "
            "What a first start reads must not hang on what somebody read earlier.",
            **both,
        )
    wrong(f"A first start with `{mode}` does not read the topic from its beginning.", **both)


@pytest.mark.step(3)
def test_what_a_transaction_has_taken_back_is_no_row(checked: Checked) -> None:
    got = [row["record_value"] for row in checked.as_declared()]

    if TAKEN_BACK in got:
        wrong(
            "A record was read whose transaction had been aborted. It stays in the log, and a reader that does not ask "
            "for read_committed gets it.",
            got=TAKEN_BACK.decode(), expected="only what is committed",
        )  # fmt: skip


# ---- step 4: print -----------------------------------------------------------------------------


@pytest.mark.step(4)
def test_every_record_is_a_line_of_the_task_manager(checked: Checked) -> None:
    got = Counter(line.split("> ", 1)[-1] for line in checked.printed() if "+I[" in line)
    there = checked.morning().news
    readable = [each for each in there if each.value in (CLAIMS, OIL, CUT_OFF)]

    if not got:
        wrong(
            "The TaskManager has printed no row. Its standard output is the only place where a print sink writes: a "
            "table is written by INSERT INTO.",
            expected=_line(readable[1]),
        )
    for record in readable:
        line, near = _line(record), _nearest(got, record)
        if not near:
            wrong("A record was not printed.", expected=line)
        if got[line] > 1:
            wrong(f"A record was printed {got[line]} times.", got=line)
        if line not in got and near == _line(record, _exchanged=True):
            wrong(
                "INSERT INTO goes by position, not by name: key and value have changed places.",
                got=near,
                expected=line,
            )
        if line not in got:
            wrong(
                "A line is not the record: partition, offset, key and value, in this order.",
                got=near,
                expected=line,
            )
    [tombstone] = [_line(each) for each in there if each.value is None]
    if tombstone not in got and got.total() == len(there) - 1:
        wrong("The record without a value was not printed. It is a record like any other, a tombstone, and you look at a topic "
              "to see what is in it.", expected=tombstone)  # fmt: skip
    expect(got.total(), len(there), f"{len(there)} records were in the topic, one of them without a key.")


def _line(record: Record, _exchanged: bool = False) -> str:
    key, value = ("null" if each is None else each.decode() for each in (record.key, record.value))
    if _exchanged:
        key, value = value, key
    return f"+I[{record.partition}, {record.offset}, {key}, {value}]"


def _nearest(lines: Counter[str], record: Record) -> str:
    """The printed line that has most of the record in it."""
    title = (record.text or "").split('"title": ')[-1].rstrip("}")
    return next((line for line in lines if title in line), "")


# ---- step 5: the copy --------------------------------------------------------------------------


@pytest.mark.step(5)
def test_the_copy_has_each_record_once_with_its_bytes(checked: Checked) -> None:
    got = Counter(each.value for each in checked.copied())
    expected = Counter(each.value for each in checked.morning().news)
    both = {"got": f"{sum(got.values())} records", "expected": f"{sum(expected.values())} records"}

    if got == expected:
        return
    if not got:
        wrong("The topic of the copy is empty: INSERT INTO news_copy writes it.", **both)
    if sum(got.values()) > sum(expected.values()):
        wrong("The copy has records more than once.", **both)
    if None in expected - got:
        wrong("The record without a value is missing in the copy. It is a tombstone: for whoever compacts or keeps the last "
              "version it deletes its key. In the copy that key lives on.", **both)  # fmt: skip
    if sum(got.values()) < sum(expected.values()):
        wrong("A record is missing in the copy.", **both)
    strange, missing = next(iter(got - expected)), next(iter(expected - got))
    if missing == LATIN:
        wrong(
            "The record that is no UTF-8 has other bytes in the copy: it was a text on its way.",
            got=repr(strange), expected=repr(LATIN),
        )  # fmt: skip
    wrong("A record of the copy has another value than its original.",
          got=_head(strange), expected=_head(missing))  # fmt: skip


@pytest.mark.step(5)
def test_a_market_s_records_are_in_its_partition(checked: Checked) -> None:
    originals = {each.value: each for each in checked.morning().news}

    for copy in checked.copied():
        original = originals[copy.value]
        both = {
            "got": f"key {_head(copy.key)}, partition {copy.partition}",
            "expected": f"key {_head(original.key)}, partition {original.partition}",
        }
        if original.key is not None and not any(each.key for each in checked.copied()):
            wrong(
                "The copies have no key. Kafka then spreads them over the partitions as it likes, and the order of a "
                "market's records is lost.",
                **both,
            )
        if copy.key != original.key:
            wrong("A copy has another key than its record.", **both)
        if original.key is not None and copy.partition != original.partition:
            wrong(
                "A copy is in another partition than its record, with the same key. Whoever reads both topics by market "
                "finds that market in two places.",
                **both,
            )


@pytest.mark.step(5)
def test_a_copy_keeps_the_time_of_its_record(checked: Checked) -> None:
    originals = {each.value: each for each in checked.morning().news}

    for copy in checked.copied():
        got, expected = clock(copy.timestamp), clock(originals[copy.value].timestamp)
        if got != expected:
            wrong(
                "The copy's Kafka timestamp is the time of copying. MarketLag takes a headline for one of the future by "
                "that time: write it, news_copy has a column for it that is not VIRTUAL.",
                got=got, expected=expected,
            )  # fmt: skip
