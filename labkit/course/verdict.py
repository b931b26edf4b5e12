"""What one check said, and what all checks of a lab say together. Four outcomes, never three."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class Outcome(str, Enum):
    """REFERENCE: no file of yours. TO_DO: a TODO is left. ERROR: no outcome, the check could not be made."""

    REFERENCE = "reference"
    TO_DO = "to do"
    WRONG = "wrong"
    RIGHT = "right"
    ERROR = "not checked"

    def __str__(self) -> str:
        return self.value


_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: of a notebook, which is the last item of its lab
NOTEBOOK_STEP = 1000


@dataclass(frozen=True)
class Verdict:
    """One check of one step.

    says: one sentence. got, expected: the two values, where they were said. details: lines below them.
    where: the learner's own line. full: everything that pytest knows, for -v. to_do: the step that is not
    written, if that is why. What a piece has said can be printed.
    """

    item: str
    step: int
    outcome: Outcome
    says: str = ""
    got: str = ""
    expected: str = ""
    details: str = ""
    where: str = ""
    full: str = ""
    seconds: float = 0.0
    to_do: int = 0

    def __post_init__(self) -> None:
        for name in ("says", "got", "expected", "details", "where", "full"):
            object.__setattr__(self, name, printable(getattr(self, name)))

    @property
    def at(self) -> int:
        """The step to look at."""
        return self.to_do or self.step

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Verdict:
        """The verdict that was written with to_json."""
        return cls(**{**values, "outcome": Outcome(values["outcome"])})


def printable(text: str) -> str:
    """The text, with what a terminal or XML cannot hold as Python writes it: colours, half characters."""
    return _UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], text)


GOOD = (Outcome.RIGHT, Outcome.REFERENCE)


def first_red(verdicts: Sequence[Verdict]) -> Verdict | None:
    """The first check, in teaching order, that is not right."""
    return next((each for each in verdicts if each.outcome not in GOOD), None)


def together(verdicts: Sequence[Verdict]) -> Outcome:
    """The outcome of a lab: that of its first check that is not right."""
    red = first_red(verdicts)
    if red is not None:
        return red.outcome
    return verdicts[0].outcome if verdicts else Outcome.ERROR
