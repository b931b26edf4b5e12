"""Scripts: what arrives, when, and what goes wrong, as a list.

    [row(at="10:00", city="Oslo", celsius=3), watermark("10:06"), row(at="10:01", city="Rome", celsius=12),
     checkpoint(), row(at="10:07", city="Oslo", celsius=4), crash(), row(at="10:08", city="Oslo", celsius=5)]

Times are "HH:MM[:SS[.mmm]]" of one fixed day (hours beyond 24 are the days after it), an ISO 8601 text, a
datetime or epoch milliseconds. A time without a zone is UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from labkit.errors import LabError

#: the day that "10:00" is of
DAY = datetime(2026, 1, 5, tzinfo=timezone.utc)
Time = str | int | datetime
_CLOCK = re.compile(r"(\d{1,3}):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

ROW, WATERMARK, SETTLE, CHECKPOINT, CRASH = "row", "watermark", "settle", "checkpoint", "crash"


@dataclass(frozen=True)
class Step:
    """One step of a script. to: the table it is for; None: the only one, or all of them."""

    kind: str
    at: int | None = None
    to: str | None = None
    value: Any = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        to = f", to={self.to!r}" if self.to else ""
        if self.kind == ROW:
            at = [f"at={clock(self.at)!r}"] if self.at is not None else []
            value = [] if self.value is None else [repr(self.value)]
            return f"row({', '.join([*value, *at, *(f'{k}={v!r}' for k, v in self.fields.items())])}{to})"
        return f"watermark({clock(self.at)!r}{to})" if self.kind == WATERMARK else f"{self.kind}()"


Script = Sequence[Step]


def row(value: Any = None, /, *, at: Time | None = None, to: str | None = None, **fields: Any) -> Step:
    """A record: its fields by name, or one value of any kind; `at` is its event time.

    Without `at` it has the time of the row before it, or none.

    >>> row(at="10:00", city="Oslo").fields
    {'city': 'Oslo'}
    """
    if isinstance(value, Mapping):
        value, fields = None, {**value, **fields}
    if value is not None and fields:
        raise LabError(
            "A row has a value and fields.", "It has one of the two.", "row(value) or row(name=value)"
        )
    return Step(ROW, None if at is None else ms(at), to, value, fields)


def watermark(at: Time, to: str | None = None) -> Step:
    """From here on no earlier event time is expected."""
    return Step(WATERMARK, ms(at), to)


def checkpoint() -> Step:
    """A completed checkpoint. What comes after it and before a crash() is read again."""
    return Step(CHECKPOINT)


def crash() -> Step:
    """The job fails here and goes on from its last checkpoint().

    Before it fails, all that came before has done its work.
    """
    return Step(CRASH)


def settle() -> Step:
    """Wait here until all that came before has done its work."""
    return Step(SETTLE)


def ms(at: Time) -> int:
    """Milliseconds since the epoch of a time as scripts have it. Raises LabError: it is none.

    >>> ms("10:00") - ms("09:59:59.500"), ms("1970-01-01T00:00:01Z"), ms(5)
    (500, 1000, 5)
    """
    if isinstance(at, bool) or not isinstance(at, (str, int, datetime)):
        raise LabError(f"{at!r} is no time.", 'Times are "10:00", ISO 8601, a datetime or milliseconds.')
    if isinstance(at, int):
        return at
    if isinstance(at, datetime):
        moment = at
    elif found := _CLOCK.fullmatch(at):
        hours, minutes, seconds, fraction = found.groups()
        moment = DAY + timedelta(
            hours=int(hours),
            minutes=int(minutes),
            seconds=int(seconds or 0),
            milliseconds=int((fraction or "0").ljust(3, "0")),
        )
    else:
        try:
            moment = datetime.fromisoformat(at.replace("Z", "+00:00"))
        except ValueError:
            raise LabError(
                f"{at!r} is no time.", 'Times are "10:00", ISO 8601, a datetime or milliseconds.'
            ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def clock(at: int | None) -> str:
    """A time as short as a script would have it.

    >>> clock(ms("09:30")), clock(ms("2026-02-01T00:00Z")), clock(None)
    ('09:30', '2026-02-01T00:00:00Z', 'no time')
    """
    if at is None:
        return "no time"
    try:
        moment = _EPOCH + timedelta(milliseconds=at)
    except OverflowError:
        return str(at)
    if moment.date() != DAY.date():
        return moment.isoformat().replace("+00:00", "Z")
    return moment.time().isoformat("milliseconds").removesuffix(".000").removesuffix(":00")


def single(script: Script | Mapping[str, Script], tables: Sequence[str]) -> list[Step]:
    """One list of steps, each with its table; a settle() wherever the order between tables matters.

    Two inputs of an operator are read in no order that Flink promises: before a step for another table than
    the last one's, everything has to have arrived.
    Raises LabError: a row that names no table, or one that is not there.
    """
    if isinstance(script, Mapping):
        script = [replace(step, to=step.to or name) for name, steps in script.items() for step in steps]
    for step in script:
        if not isinstance(step, Step):
            raise LabError(
                f"{step!r} is no step of a script.", "row(), watermark(), checkpoint(), crash(), settle()."
            )
        if step.to is not None and step.to not in tables:
            raise LabError(f"{step} is for {step.to!r}.", f"There are: {', '.join(tables)}.")
        if step.kind == ROW and step.to is None and len(tables) > 1:
            raise LabError(
                f"{step} is for no table.", f"There are: {', '.join(tables)}.", 'row(…, to="name")'
            )
    return list(_ordered(script, tables))


def _ordered(script: Iterable[Step], tables: Sequence[str]) -> Iterator[Step]:
    script = list(script)
    # a watermark for all goes to one after the other: where they differ, an operator may see one in between
    apart = len(tables) > 1 and any(step.kind == WATERMARK and step.to for step in script)
    unsettled: set[str] = set()
    latest: dict[str, int | None] = {}
    for step in script:
        if step.kind not in (ROW, WATERMARK):
            unsettled.clear()
            yield step
            continue
        targets = [step.to] if step.to else list(tables)
        for target in targets:
            if unsettled - {target} and (apart or unsettled != set(targets[: targets.index(target)])):
                unsettled.clear()
                yield settle()
            if step.kind == ROW and step.at is not None:
                latest[target] = step.at
            yield replace(step, to=target, at=latest.get(target) if step.kind == ROW else step.at)
            unsettled.add(target)


def stepwise(script: Sequence[Step]) -> list[Step]:
    """The script with a settle() behind every row and watermark."""
    return [
        part for step in script for part in ((step, settle()) if step.kind in (ROW, WATERMARK) else (step,))
    ]


def crashes(script: Sequence[Step]) -> int:
    """How often the script makes the job fail."""
    return sum(step.kind == CRASH for step in script)
