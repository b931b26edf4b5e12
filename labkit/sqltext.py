"""SQL scripts as text: their statements, their settings, and the values that ${name} stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from labkit.errors import LabError


@dataclass(frozen=True)
class Statement:
    """One statement of a script, without its semicolon, and the line it starts on."""

    text: str
    line: int


# what a semicolon inside of does not end a statement; the last alternative is any other character
_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)
      | (?P<quoted>'(?:[^']|'')*'|`[^`]*`|"[^"]*")
      | (?P<word>\w+)
      | (?P<end>;)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def statements(text: str) -> list[Statement]:
    """The statements of a script, in order.

    A semicolon inside quotes, a comment or EXECUTE STATEMENT SET BEGIN … END ends nothing. Comments in
    front of a statement are left out; those inside stay.

    >>> [s.text for s in statements("SELECT ';'; -- one; two\\nSHOW TABLES")]
    ["SELECT ';'", 'SHOW TABLES']
    """
    found: list[Statement] = []
    start: int | None = None
    open_blocks = 0  # BEGIN … END and the CASE … END inside it
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "word":
            open_blocks += {"BEGIN": 1, "CASE": 1, "END": -1}.get(token.group().upper(), 0)
        if kind == "end" and open_blocks <= 0:
            if start is not None:
                found.append(_statement(text, start, token.start()))
            start, open_blocks = None, 0
        elif start is None and kind != "comment" and not token.group().isspace():
            start = token.start()
    if start is not None:
        found.append(_statement(text, start, len(text)))
    return found


def _statement(text: str, start: int, end: int) -> Statement:
    return Statement(text[start:end].rstrip(), text.count("\n", 0, start) + 1)


_SET = re.compile(r"SET\s+'((?:[^']|'')+)'\s*=\s*'((?:[^']|'')*)'", re.IGNORECASE)


def settings(text: str, name: str = "") -> dict[str, str]:
    """What the SETs of a script ask for, by option: the session that its other statements run in.

    Of two for one option the later counts. Raises LabError: a SET that Flink would not read either.

    >>> settings("SET 'table.local-time-zone' = 'UTC'; SELECT 1")
    {'table.local-time-zone': 'UTC'}
    """
    return dict(found for statement in statements(text) if (found := setting(statement, name)))


def setting(statement: Statement, name: str = "") -> tuple[str, str] | None:
    """The option and the value of a SET; None: the statement is another one. Raises LabError: as settings."""
    tokens = _TOKEN.finditer(statement.text)
    code = "".join(" " if token.lastgroup == "comment" else token.group() for token in tokens).strip()
    if not re.match(r"SET\b", code, re.IGNORECASE):
        return None
    parts = _SET.fullmatch(code)
    if parts is None:
        where = f"{name}, line {statement.line}" if name else f"Line {statement.line}"
        raise LabError(
            f"{where}: Flink cannot read `{' '.join(code.split())}`: "
            "an option and its value stand in single quotes, and a semicolon ends them.",
            "A SET has one form.",
            "SET 'table.local-time-zone' = 'UTC';",
        )
    return parts[1].replace("''", "'"), parts[2].replace("''", "'")


def starts_a_job(statement: Statement) -> bool:
    """Whether it moves rows, as INSERT and SELECT do; the others describe.

    >>> [starts_a_job(each) for each in statements("CREATE VIEW v AS SELECT 1; INSERT INTO t TABLE v")]
    [False, True]
    """
    first = re.match(r"[\s(]*(\w*)", statement.text)
    return first is not None and first[1].upper() in _MOVING


_MOVING = {"INSERT", "SELECT", "WITH", "VALUES", "TABLE", "EXECUTE", "BEGIN"}


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with every ${name} replaced. Raises LabError: a name that has no value."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        try:
            return values[name]
        except KeyError:
            known = ", ".join(f"${{{key}}}" for key in sorted(values))
            raise LabError(
                f"The SQL has ${{{name}}}.", f"Known are {known}.", "write the value itself"
            ) from None

    return re.sub(r"\$\{(\w+)\}", value, text)
