"""What a failed job's exception means in one sentence, with the line of the user's own file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from labkit.errors import CodeError, LabError

_PYTHON_FRAME = re.compile(r'File "([^"]+)", line (\d+), in ([\w<>]+)')
_THREAD_FRAME = re.compile(r"^\s*at (/.+)\.([\w<>]+)\([^()]+\.py:(\d+)\)$", re.MULTILINE)
_CAUSE = re.compile(r"(?:Caused by: )?([\w.$]+(?:Exception|Error|Throwable)): (.*)")
#: an exception that says nothing, and where it was thrown
_SILENT = re.compile(r"Caused by: [\w.$]*?([\w$]+)\n\s*at (?:[\w.]+/)?[\w.]*?([\w$]+\.[\w$<>]+)\(")
_POSITION = re.compile(r"line (\d+), column (\d+)")
_POSITION_PROSE = re.compile(r"^From line .*?: |^At line .*?: | at line \d+, column \d+")
#: a query that does not fit its table: why, the first such column, the two lists of columns
_UNLIKE = re.compile(
    r"do not match\.\s+Cause: (.+?(?: at position (\d+))?\.?)"
    r"\s+Query schema: \[(.*?)\]\s+Sink schema: +\[(.*?)\]\s*$",
    re.DOTALL,
)
_NO_OPTION = re.compile(
    r"Unsupported options found for '([^']+)'\.\s+Unsupported options:\s+(.+?)\s+Supported options:\s+(.+)",
    re.DOTALL,
)
_SCRIPTED = "crash() of the script"


def of_a_job(answer: dict[str, Any], state: str, files: Sequence[str]) -> LabError:
    """The error that ended a job, from REST's answer about its exceptions."""
    entries = answer.get("exceptionHistory", {}).get("entries", [])
    texts = [str(entry["stacktrace"]) for entry in entries]
    told = [text for text in texts if _SCRIPTED not in text and "not by its script" not in text]
    if not told:
        return LabError(f"The job ended as {state} before its script did.", "", "run it again")
    return CodeError(sentence(told[-1], files), "", "correct it and run it again")


@contextmanager
def told_by_java(what: str, first_line: int = 0) -> Iterator[None]:
    """Within it an exception of Flink's client ends as a LabError: what, and why.

    first_line: where the statement starts in its file, so that Flink's line numbers become the file's.
    """
    try:
        yield
    except LabError:
        raise
    except Exception as error:
        module = type(error).__module__
        # where PyFlink is in the process it has put some of Java's exceptions into its own
        javas = hasattr(error, "java_exception") or module == "pyflink.util.exceptions"
        if not javas and module.split(".")[0] not in ("py4j", "pyflink"):
            raise  # not Flink's: the user's own function, called in between
        # without an exception of Java's it is the connection that has failed, not the statement
        kind = CodeError if javas else LabError
        raise kind(f"{what}: {why(error, first_line)}.", "", "correct it and run it again") from error


def at_line(name: str, line: int) -> str:
    return f"{name}, line {line}" if name else f"Line {line}"


def why(error: Exception, first_line: int = 0) -> str:
    """The innermost message of a Java exception that says something, on one line."""
    messages = []
    cause: Any = getattr(error, "java_exception", None)
    while cause is not None:
        messages.append(str(cause.getMessage() or ""))
        cause = cause.getCause()
    if not messages:
        messages = [match[2] for match in (_CAUSE.match(line) for line in str(error).splitlines()) if match]
    telling = [text for text in messages if text and not re.fullmatch(r"[\w.$]+", text.strip())]
    last = _short(_plain(telling[-1] if telling else str(error)))
    positions = [found for found in (_POSITION.search(text) for text in reversed(telling)) if found]
    if first_line and positions:
        last = f"{_POSITION_PROSE.sub('', last)} (line {first_line + int(positions[0][1]) - 1})"
    return last


def _plain(message: str) -> str:
    """A message of Flink's without its long lists, of which one entry is what it is about."""
    if found := _UNLIKE.search(message):
        return _first_unlike(*found.groups())
    if found := _NO_OPTION.search(message):
        return _nearest_option(*found.groups())
    # a parser's list of all that it would have taken says nothing
    return message.split("\nWas expecting")[0]


def _first_unlike(cause: str, position: str | None, query: str, sink: str) -> str:
    """What an INSERT gives and what its table has, where they differ first."""
    given, wanted = (re.findall(r"\[?([^:\[]+): (.+?)(?:, (?=[^,]+: )|$)", text) for text in (query, sink))
    if position is None or int(position) >= min(len(given), len(wanted)):
        both = (", ".join(name for name, _ in columns) for columns in (given, wanted))
        return "{}: the query gives {}; the table has {}".format(cause.rstrip("."), *both)
    given_one, wanted_one = (" ".join(columns[int(position)]) for columns in (given, wanted))
    return (
        f"{cause.rstrip('.')}: the query has {given_one} there, the table {wanted_one}. "
        "An INSERT goes by position, not by name"
    )


def _nearest_option(connector: str, unknown: str, known: str) -> str:
    """An option that a connector does not have, and the ones whose names are most like it."""
    name = next(iter(unknown.split()), "")  # an option may have been given an empty name
    like = get_close_matches(name, known.split(), 3)
    return f"The connector '{connector}' has no option {name or 'without a name'}" + (
        f"; it has {', '.join(like)}" if like else ""
    )


def sentence(trace: str, files: Sequence[str] = ()) -> str:
    """The innermost cause of a trace, and the innermost line of the user's files in it."""
    frames = [(file, line, name) for file, line, name in _PYTHON_FRAME.findall(trace)]
    frames += [(f"{path}.py", line, name) for path, name, line in reversed(_THREAD_FRAME.findall(trace))]
    own = [frame for frame in frames if not _installed(frame[0])]
    preferred = [frame for frame in own if frame[0] in files] or own
    where = "{}, line {}, in {}: ".format(*preferred[-1]) if preferred else ""
    return f"{where}{_python_error(trace) or _cause(trace)}."


def _installed(file: str) -> bool:
    return "site-packages" in file or "/lib/python" in file or file.startswith("<frozen")


def _python_error(trace: str) -> str:
    """What Python raised, where the trace is one of Python's."""
    found = re.findall(r"^(?:Caused by: )?[\w.]+: <class '([\w.]+)'>: ?(.*)$", trace, re.MULTILINE)
    if found:
        return _short(f"{found[-1][0]}: {found[-1][1]}")
    lines = trace.splitlines()
    for i, line in enumerate(lines):
        if _PYTHON_FRAME.search(line):
            for after in lines[i + 1 :]:
                if re.match(r"^\w[\w.]*(Error|Exception|Warning|Interrupt|StopIteration)\b", after):
                    return _short(after)
    return ""


def _cause(trace: str) -> str:
    silent = list(_SILENT.finditer(trace))
    if silent and not _CAUSE.search(trace, silent[-1].end()):
        return f"{silent[-1][1]} in {silent[-1][2]}"
    causes = [match for match in (_CAUSE.match(line) for line in trace.splitlines()) if match]
    for match in reversed(causes):
        if match[2].strip():
            return _short(f"{match[1].rsplit('.', 1)[-1]}: {match[2]}")
    return _short(trace.splitlines()[0] if trace else "no reason is given")


def _short(text: str) -> str:
    return " ".join(text.split())[:400].rstrip(".: ")
