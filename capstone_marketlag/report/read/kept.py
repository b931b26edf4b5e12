"""What Kafka still has of an input topic: it deletes what is old, and later than that what was told of it.

A letter, a late row or an hour outlives its records. Of what is gone nothing can be counted again, so it is
in no sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from capstone_marketlag.report.read.dumps import Record

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ALWAYS = datetime.max.replace(tzinfo=timezone.utc)
#: how far a record's time may be ahead of the moment when it was written
_AHEAD = timedelta(minutes=10)


@dataclass(frozen=True)
class Kept:
    """first: each partition's first offset that is there. since: no item of an hour from then on is gone.

    since is None where nothing is gone at all.
    """

    first: Mapping[int, int] = field(default_factory=dict)
    since: datetime | None = None

    @property
    def trimmed(self) -> bool:
        """Whether records are there, and older ones are gone."""
        return bool(self.first) and self.since is not None

    def has(self, partition: int, offset: int) -> bool:
        """Whether the record of that place is there, or never was: only what was deleted is not had."""
        return self.since is None or offset >= self.first.get(partition, offset + 1)

    def all_of(self, hour: datetime | None) -> bool:
        """Whether no record of that hour is gone."""
        return self.since is None or (hour is not None and hour >= self.since)


def kept(records: Iterable[Record]) -> Kept:
    """What is there of a topic that Kafka has trimmed at its beginning; all of it, if it has not."""
    firsts: dict[int, Record] = {}
    for record in records:
        if record.partition not in firsts or record.offset < firsts[record.partition].offset:
            firsts[record.partition] = record
    since = [_since(record) for record in firsts.values() if record.offset > 0]
    if firsts and not since:
        return Kept()
    return Kept({number: record.offset for number, record in firsts.items()}, max(since, default=_ALWAYS))


def _since(first: Record) -> datetime:
    """What was written before that record may be gone."""
    try:
        return _EPOCH + timedelta(milliseconds=first.written) + _AHEAD
    except OverflowError:
        return _ALWAYS
