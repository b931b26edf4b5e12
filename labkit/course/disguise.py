"""The same piece in another dress: a check that reads a learner's text gives itself away.

`restyled` changes layout and spelling and nothing else: who looks for words or lines no longer finds them.
`quoting` has somebody else's text in comments: who looks for words finds those that do nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from labkit.course.markers import COMMENT

#: words that are never a name, so that their case may change
_KEYWORDS = re.compile(
    r"\b(?:SELECT|FROM|WHERE|GROUP|ORDER|PARTITION|BY|HAVING|AND|OR|NOT|AS|ON|JOIN|LEFT|INNER|CREATE|VIEW|TEMPORARY"
    r"|CASE|WHEN|THEN|ELSE|BETWEEN|IS|NULL|IN|OVER|UNION|ALL|DISTINCT|INTERVAL|CAST|INSERT|INTO|VALUES|ASC|DESC)\b",
    re.IGNORECASE,
)
_SQL_PART = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|`[^`]*`|\"[^\"]*\"", re.DOTALL)


def restyled(text: str, suffix: str) -> str:
    """The same program, written differently: comments gone, other layout, in SQL keywords in another case."""
    if suffix == ".py":
        return _python(text)
    if suffix == ".sql":
        return _sql(text)
    return "\n" + text.replace("\n", "\n\n")


def quoting(text: str, suffix: str, others: Iterable[str]) -> str:
    """The text, with these others in comments above and below it."""
    mark = COMMENT[suffix]
    quoted = "".join(f"{mark} {line}\n" for other in others for line in other.splitlines() if line.strip())
    return quoted + text.rstrip("\n") + "\n" + quoted


def _python(text: str) -> str:
    tree = ast.parse(text)
    return ast.unparse(tree).replace("\n", "\n\n" if '"""' not in text and "'''" not in text else "\n") + "\n"


def _sql(text: str) -> str:
    parts, last = [], 0
    for match in _SQL_PART.finditer(text):
        parts.append(_code(text[last : match.start()]))
        comment = match.group().startswith(("--", "/*"))
        parts.append(" " if comment else match.group())
        last = match.end()
    parts.append(_code(text[last:]))
    return "".join(parts).strip() + "\n"


def _code(text: str) -> str:
    other_case = _KEYWORDS.sub(lambda match: match.group().swapcase(), text)
    return re.sub(r"\s+", "\n  ", other_case)
