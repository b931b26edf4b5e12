"""Rows against expected rows: equal, or both tables and the first difference in under ten lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from labkit.errors import LabError
from labkit.testing.script import clock, ms

_SHOWN = 3
_WIDTH = 100


def assert_rows(
    got: Iterable[Any],
    expected: Iterable[Any],
    *,
    ordered: bool = False,
    columns: Sequence[str] | None = None,
    close: float | None = None,
    what: str = "rows",
) -> None:
    """Assert that these are the expected rows; without `ordered`, in any order.

    columns: compare these only; a name that no row has is refused. close: floats may differ by so much.
    What only looks different is equal where the expectation says so: a datetime and a time as scripts have
    it ("10:00"), a Decimal and an int or another Decimal of the same value. A Decimal and a float, or a
    number and its text, are not.
    """
    got, expected = list(got), list(expected)
    if columns is not None:
        _are_there(columns, got, expected, what)
    has, wants = [_cut(row, columns) for row in got], [_cut(row, columns) for row in expected]
    pairs = _in_order(has, wants) if ordered else _matched(has, wants, close)
    for number, (left, right) in enumerate(pairs):
        problem = _difference(left, right, close)
        if problem:
            raise AssertionError(_told(what, number, problem, has, wants))


def _in_order(has: list[Any], wants: list[Any]) -> list[tuple[Any, Any]]:
    length = max(len(has), len(wants))
    return [
        (has[i] if i < len(has) else _MISSING, wants[i] if i < len(wants) else _MISSING)
        for i in range(length)
    ]


def _matched(has: list[Any], wants: list[Any], close: float | None) -> list[tuple[Any, Any]]:
    """Each wanted row with an equal one; what is left over, nearest first."""
    left, unmatched = list(has), []
    for want in wants:
        for i, row in enumerate(left):
            if not _difference(row, want, close):
                del left[i]
                break
        else:
            unmatched.append(want)
    pairs: list[tuple[Any, Any]] = []
    for want in unmatched:
        near = max(left, key=lambda row: _likeness(row, want, close), default=_MISSING)
        if near is not _MISSING:
            left.remove(near)
        pairs.append((near, want))
    return pairs + [(row, _MISSING) for row in left]


def _likeness(row: Any, want: Any, close: float | None) -> int:
    if not (isinstance(row, Mapping) and isinstance(want, Mapping)):
        return 0
    return sum(name in row and not _difference(row[name], value, close) for name, value in want.items())


class _Missing:
    def __repr__(self) -> str:
        return "no row"


_MISSING = _Missing()


def _are_there(columns: Sequence[str], got: list[Any], expected: list[Any], what: str) -> None:
    """A column that is in no row of a side would be equal to whatever the other side has there."""
    for rows, theirs in ((expected, True), (got, False)):
        known = list(dict.fromkeys(name for row in rows if isinstance(row, Mapping) for name in row))
        absent = next((name for name in columns if name not in known), None)
        if not known or absent is None:
            continue
        if theirs:
            raise LabError(
                f"columns has `{absent}`, which none of the expected rows has.",
                f"They have {', '.join(known)}.",
                "name a column of theirs, or leave columns out",
            )
        raise AssertionError(
            f"{len(got)} {what}. No row has the column {absent}; there are {', '.join(known)}"
        )


def _cut(row: Any, columns: Sequence[str] | None) -> Any:
    if columns is None or not isinstance(row, Mapping):
        return row
    return {name: row[name] for name in columns if name in row}


def _difference(got: Any, want: Any, close: float | None) -> str:
    """What is different, or nothing."""
    if got is _MISSING:
        return f"missing: {_shown(want)}"
    if want is _MISSING:
        return f"too many: {_shown(got)}"
    if isinstance(got, Mapping) and isinstance(want, Mapping):
        for name in [*want, *(name for name in got if name not in want)]:
            if name not in got:
                return f"column {name} is missing"
            if name not in want:
                return f"column {name} is too many ({_shown(got[name])})"
            inner = _difference(got[name], want[name], close)
            if inner:
                return f"{name}: {inner}" if isinstance(want[name], Mapping) else f"{name} is {inner}"
        return ""
    if isinstance(got, (list, tuple)) and isinstance(want, (list, tuple)) and len(got) == len(want):
        return next(filter(None, (_difference(a, b, close) for a, b in zip(got, want, strict=True))), "")
    if _equal(got, want, close):
        return ""
    same = str(got) == str(want)
    types = f" ({type(got).__name__}, not {type(want).__name__})" if same else ""
    return f"{_shown(got)}, expected {_shown(want)}{types}"


def _equal(got: Any, want: Any, close: float | None) -> bool:
    if isinstance(got, bool) or isinstance(want, bool):
        return got is want
    if isinstance(got, datetime) and not isinstance(want, datetime):
        try:
            return ms(got) == ms(want)
        except LabError:
            return False
    if isinstance(got, datetime) and isinstance(want, datetime):
        return _aware(got) == _aware(want)
    if isinstance(got, float) and isinstance(want, (float, int)):
        if close is not None:
            return math.isclose(got, want, rel_tol=0, abs_tol=close)
        return got == want or (got != got and want != want)
    if isinstance(got, Decimal) and isinstance(want, float):
        return close is not None and abs(got - Decimal(repr(want))) <= Decimal(repr(close))
    return bool(got == want)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _shown(value: Any) -> str:
    if isinstance(value, datetime):
        return clock(ms(value))
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_shown(each)}" for name, each in value.items())
    if isinstance(value, tuple) and len(value) == 2 and value[0] in ("+I", "-U", "+U", "-D"):
        return f"{value[0]} {_shown(value[1])}"
    return repr(value)


def _told(what: str, number: int, problem: str, has: list[Any], wants: list[Any]) -> str:
    def table(rows: list[Any]) -> list[str]:
        first = max(0, min(number - 1, len(rows) - _SHOWN))
        shown = [f"    {_shown(row)}"[:_WIDTH] for row in rows[first : first + _SHOWN]]
        more = len(rows) - len(shown)
        return [*(shown or ["    none"]), *([f"    and {more} more"] if more else [])][: _SHOWN + 1]

    count = f"{len(has)}" if len(has) == len(wants) else f"{len(has)} instead of {len(wants)}"
    lines = [f"{count} {what}. {problem}"[:200], "  got:", *table(has)[:3], "  expected:", *table(wants)[:3]]
    return "\n".join(lines)


Comparison = Callable[[Any, Any], None]
