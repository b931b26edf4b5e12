"""What came out of a scripted job: changes with their kinds, and when each was out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.testing import journal
from labkit.testing.script import SETTLE, Step, Time, clock, ms

_END = 2**63 - 1


@dataclass(frozen=True)
class Change:
    """One row of the changelog that came out.

    after, by: the last watermark that the end of the job saw before it, and the first one behind it (None:
    none). at_end: only the end of the input brought it out; in an unbounded run it would not be there.
    step: the step of the script by which it was out; with each_step=True the one that caused it. None: at
    the end. attempt: how often the job had been restarted. time: the timestamp that Flink has given the
    record.
    """

    kind: str
    row: Any
    after: int | None
    by: int | None
    at_end: bool
    step: Step | None
    attempt: int
    time: int | None

    def __str__(self) -> str:
        when = (
            "at the end of input"
            if self.at_end
            else f"after {clock(self.after)}"
            if self.after
            else "at once"
        )
        return f"{self.kind} {self.row} ({when})"


class Sides(dict[str, "Result"]):
    """Side outputs: by their tags, or by the tags' ids. Raises KeyError: which there are."""

    def __getitem__(self, tag: Any) -> Result:
        return super().__getitem__(getattr(tag, "tag_id", tag))

    def __missing__(self, tag: str) -> Result:
        raise KeyError(
            f"{tag!r} is no side output that was given back. There are: {', '.join(self) or 'none'}"
        )


class Result:
    """The output of one query or stream.

    `changes` is what a sink that takes part in checkpoints holds: what a crash() took back is not in it.
    `seen` is what one that writes at once has shown: with that, in its place.
    """

    def __init__(
        self, name: str, seen: Sequence[Change], kept: Sequence[bool], counters: Mapping[str, int]
    ) -> None:
        self.name = name
        self.seen = list(seen)
        self.changes = [change for change, keep in zip(seen, kept, strict=True) if keep]
        self.side = Sides()
        #: by name, over all operators: numLateRecordsDropped and the functions' own
        self.counters = dict(counters)

    @property
    def changelog(self) -> list[tuple[str, Any]]:
        """(kind, row) of every change, kinds being +I, -U, +U and -D."""
        return [(change.kind, change.row) for change in self.changes]

    @property
    def append_only(self) -> bool:
        """Whether every change is an insertion."""
        return all(change.kind == "+I" for change in self.changes)

    @property
    def rows(self) -> list[Any]:
        """The rows of an append-only result. Raises AssertionError: it has updates."""
        for change in self.changes:
            assert change.kind == "+I", (
                f"{self.name} is an updating result ({change.kind} {change.row}): "
                "its rows are .table(), its changes .changelog"
            )
        return [change.row for change in self.changes]

    def table(self, key: str | Sequence[str] | None = None) -> list[Any]:
        """The table that the changes make: the rows that are left.

        key: the columns by which a later row takes an earlier one's place, as an upsert sink has them.
        Without it every -U and -D takes back a row that is equal to it. Raises AssertionError: there is
        none.
        """
        if key is not None:
            columns = [key] if isinstance(key, str) else list(key)
            upserted: dict[tuple[Any, ...], Any] = {}
            for change in self.changes:
                place = tuple(change.row[column] for column in columns)
                if change.kind in ("+I", "+U"):
                    upserted[place] = change.row
                elif change.kind == "-D":
                    upserted.pop(place, None)
            return list(upserted.values())
        left: list[Any] = []
        for change in self.changes:
            if change.kind in ("+I", "+U"):
                left.append(change.row)
            else:
                assert change.row in left, (
                    f"{self.name}: {change.kind} {change.row} takes back what was not there"
                )
                left.remove(change.row)
        return left

    @property
    def before_end(self) -> Result:
        """What came out before the end of the input: all there would be of an input that goes on."""
        return self._only(lambda change: not change.at_end)

    def emitted_before(self, at: Time) -> Result:
        """What was out once the watermark had reached this time, and before it went on."""
        limit = ms(at)
        return self._only(lambda change: not change.at_end and change.by is not None and change.by <= limit)

    @property
    def repeated(self) -> list[Any]:
        """What a crash() made come out a second time: rows that were taken back and came again."""
        taken_back = [each.row for each in self.seen]
        for change in self.changes:
            taken_back.remove(change.row)
        again = [change.row for change in self.changes]
        return [row for row in taken_back if row in again]

    @property
    def late_dropped(self) -> int:
        """How many late rows the windows dropped."""
        return self.counters.get("numLateRecordsDropped", 0)

    def _only(self, wanted: Any) -> Result:
        kept = [change for change in self.changes if wanted(change)]
        return Result(self.name, kept, [True] * len(kept), self.counters)

    def __repr__(self) -> str:
        return f"Result({self.name}: {len(self.changes)} changes)"


class Results(Mapping[str, Result]):
    """Several results of one job, by name."""

    def __init__(self, results: Mapping[str, Result]) -> None:
        self._results = dict(results)

    def __getitem__(self, name: str) -> Result:
        return self._results[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    def __repr__(self) -> str:
        return f"Results({', '.join(map(repr, self._results.values()))})"


def result(name: str, lines: list[list[Any]], script: Sequence[Step]) -> Result:
    """The result of that name in a job's journal. script: as it was played, with its settle() at the end."""
    seen: list[dict[str, Any]] = []
    counters: dict[str, int] = {}
    after: int | None = None
    attempt, kept, placed, ended = 0, 0, 0, False
    for line in journal.entries(lines, name):
        what = line[0]
        if what == "row":
            seen.append(
                {"kind": line[2], "row": journal.value(line[3]), "after": after, "by": None, "at_end": ended,
                 "step": None, "attempt": attempt, "time": line[4], "keep": True}
            )  # fmt: skip
        elif what == "watermark":
            for each in reversed(seen):
                if each["by"] is not None or each["attempt"] != attempt:
                    break
                each["by"] = None if line[2] == _END else line[2]
            after = line[2]
        elif what in ("settled", "checkpoint"):
            ended = line[1] == len(script) - 1
            step = next((each for each in reversed(script[: line[1]]) if each.kind != SETTLE), None)
            for each in seen[placed:]:
                each["step"] = step
            placed = len(seen)
            if what == "checkpoint":
                kept = len(seen)
        elif what == "crash":
            for each in seen[kept:]:
                each["keep"] = False
            attempt, after = attempt + 1, None
        elif what == "counters":
            for _, counter, count in line[1]:
                counters[counter] = counters.get(counter, 0) + count
    keep = [each.pop("keep") for each in seen]
    return Result(name, [Change(**each) for each in seen], keep, counters)
