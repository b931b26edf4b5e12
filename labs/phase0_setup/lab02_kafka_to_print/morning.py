"""A morning's records on a real broker, in topics of their own, and what a piece makes of them.

    partition of  key   value
    fed           fed   Fed officials …     claims to stand elsewhere, as copied records do
    oil           oil   Oil falls …
    fed           fed   cut off in the middle
    fed           fed   a title in ISO 8859-1: no UTF-8
    any           none  a heartbeat

In front of fed's stands a record whose transaction was aborted. `prices` has one record. The checks add a
tombstone of oil: morning(TOMBSTONE).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from labkit.errors import LabError
from labkit.services.process import until
from labkit.sqltext import Statement, starts_a_job, statements
from labkit.testing import Record, Results, Table, describe_sql, ms, printed, read_topic, run_sql
from labkit.warm.services import Topics, answering, topics

Row = Mapping[str, Any]
#: key, value, when it came
Sent = tuple[bytes | None, bytes | None, str]

CLAIMS = b'{"market_slug": "fed", "title": "Fed officials weigh another rate hike", "topic": "elsewhere", ' \
    b'"partition": 7, "offset": 700, "timestamp": "2031-01-01T00:00:00Z"}'  # fmt: skip
OIL = b'{"market_slug": "oil", "title": "Oil falls below 60 dollars"}'
CUT_OFF = b'{"market_slug": "fed", "title": "Fed min'
LATIN = '{"market_slug": "fed", "title": "Zinsen steigen f\u00fcr immer"}'.encode("iso-8859-1")
HEARTBEAT = b'{"kind": "heartbeat"}'
TAKEN_BACK = b'{"market_slug": "fed", "title": "taken back"}'

NEWS: list[Sent] = [
    (b"fed", CLAIMS, "09:05"),
    (b"oil", OIL, "09:20"),
    (b"fed", CUT_OFF, "09:40"),
    (b"fed", LATIN, "09:55"),
    (None, HEARTBEAT, "10:00"),
]
#: a record without a value, as compaction deletes by
TOMBSTONE: Sent = (b"oil", None, "10:05")
PRICES: list[Sent] = [(b"fed|Yes", b'{"market_slug": "fed", "outcome": "Yes", "price": 0.41}', "10:00")]

#: reads all that is committed now, whatever the piece says about that
ALL = (
    "/*+ OPTIONS('scan.startup.mode' = 'earliest-offset', 'properties.isolation.level' = 'read_committed') */"
)


#: by its default a partition without news answers after half a second: a job's last
PROMPT = "'properties.fetch.max.wait.ms' = '20'"
#: no script steers these jobs: a checkpoint in ten milliseconds is half of their work
OPTIONS = {"execution.checkpointing.interval": "100 ms"}


@dataclass(frozen=True)
class Found:
    """What became of a morning's records.

    rows: all that is committed, by table. declared: the rows of news_raw that a first start gives, some job
    of the group having read everything before. printed: the TaskManager's lines.
    """

    rows: Mapping[str, list[Row]]
    declared: list[Row]
    printed: list[str]
    copied: list[Record]


@contextmanager
def morning(*more: Sent) -> Iterator[Morning]:
    """The records, and more behind them, written. Raises LabError: Kafka could not be started."""
    with topics({"news": 3, "news.copy": 3, "prices": 3}) as fresh:
        yield Morning(fresh, more)


def described(piece: Path, table: str = "news_raw", group: str = "a-group") -> Table:
    """A table that a piece declares. Raises LabError: its SQL cannot be read."""
    with only(piece, lambda statement: False) as tables:
        return describe_sql(tables, table, values=_values("127.0.0.1:9", "news", "prices", group))


class Morning:
    """The topics of one check. news, prices: the records that are there, where Kafka has put them."""

    def __init__(self, fresh: Topics, more: Sequence[Sent] = ()) -> None:
        self.topics = fresh
        self._abort(b"fed", TAKEN_BACK)
        self.news = self.write("news", [*NEWS, *more])
        self.prices = self.write("prices", PRICES)

    def write(self, topic: str, records: Sequence[Sent]) -> list[Record]:
        """Write (key, value, time), in this order; the records as they are in Kafka now."""
        producer = Producer(self._producer())
        found: list[Record] = []
        for key, value, at in records:
            # one at a time: without a key, records that wait together go to one partition together
            producer.produce(self.topics.name(topic), value, key, timestamp=ms(at), on_delivery=_into(found))
            if producer.flush(10):
                break
        if len(found) < len(records):
            raise LabError(f"Kafka has taken {len(found)} of {len(records)} records.", "", "run it again")
        return found

    def commit(self, number: int) -> None:
        """Let some job of the system's group have read so many records of each partition of news."""
        consumer = Consumer({**self._client(), "group.id": self.topics.group})
        try:
            positions = [TopicPartition(self.topics.name("news"), each, number) for each in range(3)]
            with answering():
                consumer.commit(offsets=positions, asynchronous=False)
        finally:
            consumer.close()

    def committed(self) -> list[int]:
        """What the system's group has committed of each partition of news; -1: nothing."""
        consumer = Consumer({**self._client(), "group.id": self.topics.group})
        try:
            asked = [TopicPartition(self.topics.name("news"), each) for each in range(3)]
            with answering():
                return [max(each.offset, -1) for each in consumer.committed(asked, timeout=10)]
        finally:
            consumer.close()

    def rows(self, piece: Path) -> dict[str, list[Row]]:
        """All that is committed, by table. Raises LabError: as read."""
        with only(piece, lambda statement: False) as tables:
            found = self._sql(tables, _all())
        return {table: found[table].rows for table in _all()}

    def read(self, piece: Path, how: str = "") -> list[Row]:
        """The rows of news_raw, up to what is there now. how: a hint behind its name.

        Raises LabError: its SQL is wrong, or the job fails.
        """
        with only(piece, lambda statement: False) as tables:
            return self._sql(tables, {"rows": f"SELECT * FROM news_raw {how}"})["rows"].rows

    def everything(self, piece: Path) -> Found:
        """All of it by one job. Raises LabError: as read."""
        self.commit(10)
        queries = {"declared": "SELECT * FROM news_raw", **_all()}
        with printed() as lines:
            found = self._sql(piece, queries)
            rows = {table: found[table].rows for table in _all()}
            return Found(rows, found["declared"].rows, lines(), self._copies())

    def print_(self, piece: Path) -> list[str]:
        """What a piece makes the TaskManager print, without its copy. Raises LabError: as read."""
        no_copy = only(piece, lambda statement: target(statement) != "news_copy")
        with no_copy as without_copy, printed() as lines:
            self._run(without_copy)
            return lines()

    def copy(self, piece: Path) -> list[Record]:
        """What a piece has written into the topic of its copy. Raises LabError: as read."""
        self._run(piece)
        return self._copies()

    def values(self) -> dict[str, str]:
        """What a piece leaves open."""
        name, group = self.topics.name, self.topics.group
        return _values(self.topics.address, name("news"), name("prices"), group)

    # ---- inside --------------------------------------------------------------------------------

    def _copies(self) -> list[Record]:
        return read_topic(self.topics.address, self.topics.name("news.copy"))

    def _run(self, piece: Path) -> None:
        if any(starts_a_job(statement) for statement in statements(piece.read_text(encoding="utf-8-sig"))):
            self._sql(piece, {})

    def _sql(self, piece: Path, queries: Mapping[str, str]) -> Results:
        sql = [piece, ends("news_raw", "price_raw")]
        return run_sql(sql, {}, schema={}, query=queries, values=self.values(), options=OPTIONS)

    def _client(self) -> dict[str, Any]:
        return {"bootstrap.servers": self.topics.address, "log_level": 0}

    def _producer(self) -> dict[str, Any]:
        # Java's hash of a key, and so Flink's
        return {**self._client(), "partitioner": "murmur2_random", "linger.ms": 0}

    def _abort(self, key: bytes, value: bytes) -> None:
        producer = Producer({**self._producer(), "transactional.id": self.topics.group})
        producer.list_topics(
            timeout=30
        )  # connected: else it asks for its coordinator again after half a second
        producer.init_transactions(30)
        producer.begin_transaction()
        sent: list[Record] = []
        producer.produce(self.topics.name("news"), value, key, timestamp=ms("09:00"), on_delivery=_into(sent))
        producer.flush(10)
        producer.abort_transaction(30)
        # the broker answers before the abort's mark is written: the next record could take its offset
        marked = lambda: all(self._end("news", each.partition) > each.offset + 1 for each in sent)  # noqa: E731
        until(marked, 10, _no_mark)

    def _end(self, topic: str, partition: int) -> int:
        """The offset behind all that the partition has, marks too."""
        consumer = Consumer({**self._client(), "group.id": self.topics.group})
        try:
            with answering():
                place = TopicPartition(self.topics.name(topic), partition)
                return int(consumer.get_watermark_offsets(place, timeout=10)[1])
        finally:
            consumer.close()


def _no_mark() -> None:
    raise LabError("Kafka has not marked an aborted transaction within 10 s.", "", "run it again")


def ends(*tables: str) -> str:
    """Statements behind a piece's: a job ends where the topics of these tables end now."""
    return "".join(f"ALTER TABLE {name} SET ('scan.bounded.mode' = 'latest-offset');" for name in tables)


def _all() -> dict[str, str]:
    return {table: f"SELECT * FROM {table} {ALL}" for table in ("news_raw", "price_raw")}


def _into(found: list[Record]) -> Callable[[Any, Message], None]:
    def delivered(error: Any, message: Message) -> None:
        if error is None:
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            found.append(Record(message.key(), message.value(), partition, offset, message.timestamp()[1]))

    return delivered


def _values(address: str, news: str, prices: str, group: str) -> dict[str, str]:
    return {
        "news_topic": news, "price_topic": prices, "group": group,
        "kafka_properties": f"'properties.bootstrap.servers' = '{address}', {PROMPT}",
    }  # fmt: skip


@contextmanager
def only(piece: Path, wanted: Callable[[Statement], bool]) -> Iterator[Path]:
    """A file of the same name with its descriptions, and of the statements that start a job those wanted.

    What is left stays on its lines.
    """
    text = ""
    for each in statements(piece.read_text(encoding="utf-8-sig")):
        if not starts_a_job(each) or wanted(each):
            text += "\n" * (each.line - 1 - text.count("\n")) + each.text + ";"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / piece.name
        file.write_text(text)
        yield file


def target(statement: Statement) -> str:
    """The table that an INSERT writes, or nothing."""
    found = re.match(r"INSERT\s+(?:INTO|OVERWRITE)\s+`?(\w+)", statement.text, re.IGNORECASE)
    return found[1].lower() if found else ""
