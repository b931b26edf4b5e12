"""Small changes of a solution, one at a time: a check that does not notice one has not looked there.

Python by its syntax tree, SQL by its tokens; only inside of the blocks that a learner writes, unless all
of the file is asked for. The text around a change stays as it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from labkit.course.markers import Reference


@dataclass(frozen=True)
class Mutation:
    """A changed solution. change: `value > before` -> `value >= before`, as it is listed.

    step: in whose block it is; 0: in none.
    """

    line: int
    step: int
    change: str
    text: str


@dataclass(frozen=True)
class _Edit:
    start: int
    end: int
    new: str


def mutations(reference: Reference, *, everywhere: bool = False) -> list[Mutation]:
    """Every change that is tried on this reference, in the order of its lines."""
    text = reference.solved()
    make = {".py": _python, ".sql": _sql}.get(reference.suffix)
    steps = {
        line: step for step, first, last in reference.solution_lines() for line in range(first, last + 1)
    }
    found: dict[str, Mutation] = {}
    for edit in make(text) if make else ():
        line = text.count("\n", 0, edit.start) + 1
        changed = text[: edit.start] + edit.new + text[edit.end :]
        if (line in steps or everywhere) and changed != text:
            found.setdefault(changed, Mutation(line, steps.get(line, 0), _listed(text, edit), changed))
    return sorted(found.values(), key=lambda mutation: mutation.line)


_AROUND = 30


def _listed(text: str, edit: _Edit) -> str:
    """The change with what stands around it on its line, before and after."""
    line = text.rfind("\n", 0, edit.start) + 1
    line_end = text.find("\n", edit.end)
    line_end = len(text) if line_end < 0 else line_end
    begin = line if edit.start - line < _AROUND else text.rfind(" ", line, edit.start - _AROUND) + 1 or line
    space = text.find(" ", min(edit.end + _AROUND, line_end), line_end)
    end = line_end if space < 0 else space
    before = " ".join(text[begin:end].split())
    after = " ".join((text[begin : edit.start] + edit.new + text[edit.end : end]).split())
    return f"`{before}` -> `{after}`"


# ---- Python --------------------------------------------------------------------------------------

_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
_CALCULATED: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "/", ast.Mod: "*",
}  # fmt: skip


class _Places:
    """Offsets in a text of the positions that a syntax tree has (line, column in bytes)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def offset(self, line: int, column: int) -> int:
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset)

    def between(self, left: ast.expr, right: ast.expr, new: str) -> _Edit:
        """The operator between two expressions replaced; brackets around them stay."""
        start, end = self.span(left)[1], self.span(right)[0]
        gap = self.text[start:end]
        operator = re.search(r"[^\s()\\#](?:[^()#\\]*[^\s()\\#])?", gap)
        assert operator is not None, gap
        return _Edit(start + operator.start(), start + operator.end(), new)


def _python(text: str) -> Iterator[_Edit]:
    tree = ast.parse(text)
    places = _Places(text)
    strings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    strings |= {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in strings:
            yield from (_Edit(*places.span(node), new) for new in _other_constants(node.value))
        elif isinstance(node, ast.Compare):
            for (left, right), operator in zip(
                pairwise([node.left, *node.comparators]), node.ops, strict=True
            ):
                yield places.between(left, right, _COMPARED[type(operator)])
        elif isinstance(node, ast.BoolOp):
            for left, right in pairwise(node.values):
                yield places.between(left, right, "or" if isinstance(node.op, ast.And) else "and")
        elif isinstance(node, ast.BinOp) and type(node.op) in _CALCULATED:
            yield places.between(node.left, node.right, _CALCULATED[type(node.op)])
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
            yield _Edit(places.span(node)[0], places.span(node.operand)[0], "")
        elif isinstance(node, ast.If | ast.While | ast.IfExp) and isinstance(
            node.test, ast.Name | ast.Call | ast.Attribute | ast.Subscript
        ):  # what compares or combines is changed inside
            yield _Edit(*(places.span(node.test)[0],) * 2, "not ")
        elif isinstance(node, ast.Break | ast.Continue):
            yield _Edit(*places.span(node), "pass")
        yield from _dropped(node, places)


def _other_constants(value: object) -> list[str]:
    if isinstance(value, bool):
        return [repr(not value)]
    if isinstance(value, int | float):
        return [repr(value + 1), *([repr(value - 1)] if value else [])]
    if isinstance(value, str):
        return [repr("" if value else "x")]
    return []


def _dropped(node: ast.AST, places: _Places) -> Iterator[_Edit]:
    """Each statement of a body left out; of a return, its value."""
    for name in ("body", "orelse", "finalbody"):
        body = getattr(node, name, None)
        for statement in body if isinstance(body, list) else ():
            if isinstance(statement, ast.Return) and statement.value is not None:
                yield _Edit(*places.span(statement), "return None")
            elif isinstance(
                statement, ast.Expr | ast.Assign | ast.AugAssign | ast.Raise | ast.Delete | ast.Assert
            ) and not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                yield _Edit(*places.span(statement), "pass")


# ---- SQL -----------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""(?P<skip>--[^\n]*|/\*.*?\*/|\s+)
      | (?P<quoted>'(?:[^']|'')*'|`[^`]*`|"[^"]*")
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<word>\w+)
      | (?P<sign><=|>=|<>|!=|\|\||.)""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = {
    "AND": "OR", "OR": "AND", "ASC": "DESC", "DESC": "ASC", "LEFT": "INNER", "INNER": "LEFT", "MIN": "MAX",
    "MAX": "MIN", "SUM": "AVG", "AVG": "SUM", "FIRST_VALUE": "LAST_VALUE", "LAST_VALUE": "FIRST_VALUE",
    "PRECEDING": "FOLLOWING", "DAY": "HOUR", "HOUR": "MINUTE", "MINUTE": "SECOND", "TUMBLE": "HOP",
}  # fmt: skip
_SIGNS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "=": "<>", "<>": "=", "!=": "=", "+": "-", "-": "+"}
_TYPES = {
    "DECIMAL",
    "NUMERIC",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "TIME",
    "CHAR",
    "VARCHAR",
    "BINARY",
    "VARBINARY",
}
#: a clause ends where one of these begins, at its own depth
_CLAUSE_ENDS = {
    "GROUP", "ORDER", "HAVING", "LIMIT", "WINDOW", "UNION", "EXCEPT", "INTERSECT", "WHERE", "QUALIFY", "ROWS",
    "RANGE", "JOIN", "LEFT", "INNER", "FULL", "CROSS", "SELECT", "FROM",
}  # fmt: skip


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int
    depth: int

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "word" else ""


def _sql(text: str) -> Iterator[_Edit]:
    tokens = list(_tokens(text))
    for place, token in enumerate(tokens):
        following = tokens[place + 1].word if place + 1 < len(tokens) else ""
        if token.kind == "number" and not _of_a_type(tokens, place):
            number = float(token.text) if "." in token.text else int(token.text)
            yield _Edit(token.start, token.end, str(number + 1))
            yield _Edit(token.start, token.end, str(number - 1) if number else "2")
        elif token.kind == "quoted" and token.text.startswith("'") and token.text != "''":
            body = token.text[1:-1]
            new = f"'{int(body) + 1}'" if body.isdigit() else "''"
            yield _Edit(token.start, token.end, new)
        elif token.kind == "sign" and token.text in _SIGNS and not _is_unary(tokens, place):
            yield _Edit(token.start, token.end, _SIGNS[token.text])
        elif token.word in _WORDS and _may_change(tokens, place):
            yield _Edit(token.start, token.end, _WORDS[token.word])
        elif token.word in ("NOT", "DISTINCT"):
            yield _Edit(token.start, token.end, "")
        elif token.word == "WHERE":
            end = _clause_end(tokens, place)
            yield _Edit(token.start, tokens[end - 1].end, "")
        elif token.word in ("PARTITION", "GROUP", "ORDER") and following == "BY":
            yield from _dropped_items(tokens, place)


def _tokens(text: str) -> Iterator[_Token]:
    depth = 0
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        if match.group() == ")":
            depth -= 1
        if kind != "skip":
            yield _Token(kind, match.group(), match.start(), match.end(), depth)
        if match.group() == "(":
            depth += 1


def _is_unary(tokens: list[_Token], place: int) -> bool:
    before = tokens[place - 1] if place else None
    operand = before is not None and (before.kind in ("number", "quoted", "word") or before.text == ")")
    return tokens[place].text in "+-" and not operand


def _of_a_type(tokens: list[_Token], place: int) -> bool:
    """Whether this number is a precision: DECIMAL(16, 6), TIMESTAMP(3)."""
    for token in reversed(tokens[max(place - 4, 0) : place]):
        if token.word:
            return token.word in _TYPES and token.depth < tokens[place].depth
    return False


def _may_change(tokens: list[_Token], place: int) -> bool:
    word = tokens[place].word
    if word in ("LEFT", "INNER"):  # LEFT(text, 3) is a function
        return any(token.word == "JOIN" for token in tokens[place + 1 : place + 3])
    return not (word == "AND" and _between(tokens, place))


def _between(tokens: list[_Token], place: int) -> bool:
    """Whether this AND belongs to a BETWEEN: the nearest word of that kind before it, at its depth."""
    for token in reversed(tokens[:place]):
        if token.depth == tokens[place].depth and token.word in ("BETWEEN", "AND", "WHERE", "WHEN", "ON"):
            return token.word == "BETWEEN"
        if token.depth < tokens[place].depth:
            return False
    return False


def _clause_end(tokens: list[_Token], place: int) -> int:
    """The token behind the clause that begins there."""
    depth = tokens[place].depth
    for number, token in enumerate(tokens[place + 1 :], place + 1):
        if token.depth < depth or token.text == ";" or (token.depth == depth and token.word in _CLAUSE_ENDS):
            return number
    return len(tokens)


def _dropped_items(tokens: list[_Token], place: int) -> Iterator[_Edit]:
    """Each item of a list behind BY left out; the only one of a PARTITION BY with its words."""
    end = _clause_end(tokens, place)
    first, depth = place + 2, tokens[place].depth
    commas = [n for n in range(first, end) if tokens[n].text == "," and tokens[n].depth == depth]
    items = list(pairwise([first - 1, *commas, end]))
    if len(items) > 1:
        for before, after in items:
            if before == first - 1:
                yield _Edit(tokens[first].start, tokens[after + 1].start, "")
            else:
                yield _Edit(tokens[before].start, tokens[after - 1].end, "")
    elif tokens[place].word in ("PARTITION", "GROUP") and first < end:
        yield _Edit(tokens[place].start, tokens[end - 1].end, "")
