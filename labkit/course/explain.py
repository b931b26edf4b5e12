"""An exception of a check -> one sentence, what was got and expected, and the learner's own line.

No trace of py4j, Beam or Java: of those only the innermost reason. Everything is in `full`, for -v.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, TracebackType

from labkit.checking import Wrong
from labkit.course.piece import PieceError
from labkit.errors import CodeError, LabError, NotChecked

_TO_DO = re.compile(r"(?P<slug>[a-z]\w*), step (?P<step>\d+)")
_REMOTE_TO_DO = re.compile(r"NotImplementedError: " + _TO_DO.pattern)
_JAVA = re.compile(r"^\s*at [\w.$/]+\(|^Caused by: |py4j|java\.\w+\.", re.MULTILINE)
#: what starts services and waits for them: an error from there is nobody's wrong answer
_MACHINERY = ("labkit.services", "labkit.warm")
_LONG = 300


class OverTime(BaseException):
    """The check's time is over. Not an Exception, so that no `except Exception` of a learner's eats it."""


@dataclass(frozen=True)
class Explained:
    """details: lines below the sentence. to_do: (slug, step) of a piece that says it is not written yet."""

    says: str
    got: str = ""
    expected: str = ""
    details: str = ""
    where: str = ""
    to_do: tuple[str, int] | None = None


def explain(error: BaseException, piece: Path, shown: Callable[[Path], str]) -> Explained:
    """What that error says to the person whose piece this is."""
    where = _where(error, piece, shown) or _flinks_line(error, piece, shown)
    for each in _chain(error):
        if to_do := _not_written(each):
            return Explained(f"Step {to_do[1]} is still to do.", where=where, to_do=to_do)
    if isinstance(error, Wrong):
        return Explained(_line(error.sentence), error.got, error.expected, where=where)
    if isinstance(error, PieceError):
        return Explained(error.happened, where=error.where.replace(str(piece), shown(piece)))
    if isinstance(error, LabError):
        return _of_the_library(error, piece, shown, where)
    if isinstance(error, AssertionError) or type(error).__name__ == "Failed":  # pytest.fail
        return _assertion(str(error), where)
    if isinstance(error, OverTime):
        return Explained(str(error), where=where)
    if isinstance(error, AttributeError) and _is_module_of(error.obj, piece):
        return Explained(f"{shown(piece)} has no `{error.name}`. The lab's contract names it.", where=where)
    return Explained(f"{type(error).__name__}: {_reason(str(error))}", where=where)


def from_the_machinery(error: BaseException) -> bool:
    """Whether a service or the warm engine raised this itself, and not because of what a person wrote.

    Or the check, which knows: NotChecked.
    """
    trace, raised_in = error.__traceback__, ""
    while trace is not None:
        raised_in = trace.tb_frame.f_globals.get("__name__", "")
        trace = trace.tb_next
    of_code = isinstance(error, CodeError) or not isinstance(error, LabError | OSError)
    return isinstance(error, NotChecked) or (raised_in.startswith(_MACHINERY) and not of_code)


def _of_the_library(error: LabError, piece: Path, shown: Callable[[Path], str], where: str) -> Explained:
    """What labkit says about a learner's SQL or function: its own line as `where`, the rest as it is.

    What to do next is the check's to say.
    """
    text = _line(" ".join(filter(None, (error.happened, error.expected))))
    place = re.search(rf"{re.escape(str(piece))}, line (?P<line>\d+)(?:, in [\w<>]+)?: ", text)
    if place:
        where = _at(piece, int(place["line"]), shown)  # a worker's line; a trace has the client's
        text = text[: place.start()] + text[place.end() :]
    return Explained(_short(text.replace(str(piece), shown(piece))), where=where)


def _is_module_of(thing: object, piece: Path) -> bool:
    return isinstance(thing, ModuleType) and getattr(thing, "__file__", None) == str(piece)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _not_written(error: BaseException) -> tuple[str, int] | None:
    """Which step says that it is not written; a worker says it in the text of another error."""
    match = (
        _TO_DO.fullmatch(str(error))
        if isinstance(error, NotImplementedError)
        else _REMOTE_TO_DO.search(str(error))
    )
    return (match["slug"], int(match["step"])) if match else None


def _where(error: BaseException, piece: Path, shown: Callable[[Path], str]) -> str:
    """The innermost line of the piece in the traces of an error and of what led to it."""
    for each in _chain(error):
        found = ""
        trace: TracebackType | None = each.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == str(piece):
                found = _at(piece, trace.tb_lineno, shown)
            trace = trace.tb_next
        if found:
            return found
    return ""


def _flinks_line(error: BaseException, piece: Path, shown: Callable[[Path], str]) -> str:
    """The line of the piece that Flink has something against: it may be of another step than the check's."""
    for each in _chain(error):
        place = rf"(?<!\w){re.escape(piece.name)}, line (\d+)(?:.*\(line (\d+)\))?"
        if isinstance(each, CodeError) and (told := re.search(place, each.happened)):
            return _at(piece, int(told[2] or told[1]), shown)
    return ""


def _at(piece: Path, number: int, shown: Callable[[Path], str]) -> str:
    linecache.checkcache(str(piece))
    line = linecache.getline(str(piece), number).strip()
    return f"{shown(piece)}:{number}  {line}".rstrip()


def _assertion(text: str, where: str) -> Explained:
    """A failed assert: the first line is the sentence; without a message, what pytest says of the values."""
    lines = [line.rstrip() for line in text.strip().splitlines() if line.strip()]
    if not lines:
        return Explained("An assert of the check does not hold: -v shows it.", where=where)
    return Explained(_short(lines[0]), details="\n".join(map(_short, lines[1:])), where=where)


def _reason(text: str) -> str:
    """Of a long foreign trace the innermost reason; else the first line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "no reason given"
    if _JAVA.search(text):
        causes = [line for line in lines if line.startswith("Caused by: ")] or lines[:1]
        return _short(causes[-1].removeprefix("Caused by: "))
    return _short(lines[0])


def _line(text: str) -> str:
    return " ".join(text.split())


def _short(text: str) -> str:
    return text if len(text) <= _LONG else text[: _LONG - 2] + " …"
