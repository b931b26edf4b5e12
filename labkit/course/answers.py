"""answers.toml: the wrong answers that a lab is known to catch, and other right ones that must pass.

    [[wrong]]                                 [[right]]
    name = "strictly before"                  name = "not later"
    step = 1                                  step = 1
    text = "WHERE at_hour < closed"           replace = [["<= closed", "< closed + 1"]]
    says = "The hour of the close …"
    teaches = "An interval has two ends."

`text` stands in the step's block instead of the solution (a list of texts: one for each of its blocks);
`replace` changes the solution: each old text must be in it exactly once. An `[[equivalent]]` names a
mutation that changes nothing: `change` as the proof prints it, and `why`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labkit.course import files
from labkit.course.curriculum import Lab
from labkit.errors import LabError
from labkit.paths import shown

_KEYS = {
    "wrong": {"name", "step", "text", "replace", "says", "teaches"},
    "right": {"name", "step", "text", "replace"},
}


@dataclass(frozen=True)
class Answer:
    """One answer, as a learner would have it in mine/. says and teaches: of wrong ones."""

    name: str
    step: int
    piece: str
    says: str = ""
    teaches: str = ""


@dataclass(frozen=True)
class Answers:
    """equivalent: mutations that change nothing, as the proof prints them, and why."""

    wrong: tuple[Answer, ...] = ()
    right: tuple[Answer, ...] = ()
    equivalent: Mapping[str, str] = field(default_factory=dict)


def answers(lab: Lab) -> Answers:
    """What answers.toml of the lab says. Raises LabError: which answer is not right, and why."""
    file = lab.folder / "answers.toml"
    values = files.toml(file) if file.exists() else {}
    unknown = sorted(set(values) - {"wrong", "right", "equivalent"})
    if unknown:
        raise _error(lab, f"{unknown[0]} is not a key of it", "wrong, right, equivalent")
    found: dict[str, tuple[Answer, ...]] = {}
    for kind in ("wrong", "right"):
        found[kind] = tuple(_answer(lab, kind, entry) for entry in values.get(kind, ()))
        names = [answer.name for answer in found[kind]]
        if len(set(names)) < len(names):
            raise _error(lab, f"two {kind} answers have the same name", "names that tell them apart")
    equivalent = {}
    for entry in values.get("equivalent", ()):
        if set(entry) != {"change", "why"}:
            raise _error(lab, f"an equivalent mutation has {sorted(entry)}", "change and why")
        equivalent[entry["change"]] = entry["why"]
    return Answers(**found, equivalent=equivalent)


def _answer(lab: Lab, kind: str, entry: dict[str, Any]) -> Answer:
    name = str(entry.get("name", "one without a name"))
    what = f"{kind} answer `{name}`"
    unknown = sorted(set(entry) - _KEYS[kind])
    if unknown:
        raise _error(lab, f"{what}: {unknown[0]} is not a key of it", ", ".join(sorted(_KEYS[kind])))
    needed = sorted(_KEYS[kind] - {"text", "replace"} - set(entry))
    if needed:
        raise _error(lab, f"{what} has no {needed[0]}", ", ".join(sorted(_KEYS[kind])))
    if ("text" in entry) == ("replace" in entry):
        raise _error(lab, f"{what} has both text and replace, or neither", "one of the two")
    if entry["step"] not in lab.reference.steps:
        raise _error(lab, f"{what}: step {entry['step']} has no block", f"one of {list(lab.reference.steps)}")
    piece = _text(lab, what, entry) if "text" in entry else _replaced(lab, what, entry["replace"])
    if piece == lab.reference.solved():
        raise _error(lab, f"{what} is the solution itself", "another text")
    return Answer(name, entry["step"], piece, entry.get("says", ""), entry.get("teaches", ""))


def _text(lab: Lab, what: str, entry: dict[str, Any]) -> str:
    texts = [entry["text"]] if isinstance(entry["text"], str) else entry["text"]
    blocks = [block for block in lab.reference.blocks if block.step == entry["step"]]
    if len(texts) != len(blocks):
        raise _error(lab, f"{what} has {len(texts)} texts for {len(blocks)} blocks", "one for each block")
    return lab.reference.answer(entry["step"], texts)


def _replaced(lab: Lab, what: str, pairs: list[list[str]]) -> str:
    piece = lab.reference.solved()
    for old, new in pairs:
        count = piece.count(old)
        if count != 1:
            raise _error(lab, f"{what} does not apply: `{old}` is there {count} times", "exactly once")
        piece = piece.replace(old, new)
    return piece


def _error(lab: Lab, what: str, expected: str) -> LabError:
    return LabError(
        f"{shown(lab.folder / 'answers.toml')}: {what}.",
        f"Expected: {expected}.",
        f"./lab dev check {lab.slug}",
    )
