"""What a lab's tests and notebooks import: sentences for what is wrong, and the piece by its name.

    @pytest.mark.step(2)
    def test_a_quiet_hour_is_not_the_previous_hour(piece):
        got = piece.module.change(hours)

        expect(got, [None, 2], "An hour without news has no change.",
               mistakes={"The row before is not the hour before.": [1, 2]})

A check judges what a piece does, never how its text looks: the same idea can be written in many ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from labkit.course.piece import Piece, part

__all__ = ["Piece", "Wrong", "expect", "part", "wrong"]

_NOT_SAID = object()


class Wrong(AssertionError):
    """What a good teacher would say, and the two values beside it."""

    def __init__(self, sentence: str, got: Any = _NOT_SAID, expected: Any = _NOT_SAID) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.got, self.expected = _both(got, expected)


def wrong(sentence: str, *, got: Any = _NOT_SAID, expected: Any = _NOT_SAID) -> NoReturn:
    """Say what is wrong: what happened and why that is not right, in a sentence or two."""
    __tracebackhide__ = True
    raise Wrong(sentence, got, expected)


def expect(got: Any, expected: Any, sentence: str, *, mistakes: Mapping[str, Any] | None = None) -> None:
    """Nothing if they are equal; else the sentence, or that of the mistake that gives just this."""
    __tracebackhide__ = True
    if got == expected:
        return
    for known, result in (mistakes or {}).items():
        if got == result:
            raise Wrong(known, got, expected)
    raise Wrong(sentence, got, expected)


def _both(got: Any, expected: Any) -> tuple[str, str]:
    """The two values as a person compares them: of long lists, the first rows that differ."""
    if (
        isinstance(got, list)
        and isinstance(expected, list)
        and max(map(len, map(repr, (got, expected)))) > 90
    ):
        first = next(
            (place for place, (one, other) in enumerate(zip(got, expected, strict=False)) if one != other),
            min(len(got), len(expected)),
        )
        return _row(got, first), _row(expected, first)
    return _said(got), _said(expected)


def _row(rows: list[Any], place: int) -> str:
    row = _said(rows[place]) if place < len(rows) else "nothing"
    return f"{len(rows)} rows; row {place + 1}: {row}"


def _said(value: Any) -> str:
    return "" if value is _NOT_SAID else value if isinstance(value, str) and "\n" in value else repr(value)
