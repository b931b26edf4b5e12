"""The markers around the idea of a reference, and the texts that are made from it.

    given line                           given line
    # BEGIN SOLUTION step 2: the idea    # TODO step 2: the idea
    return right                   ->    raise NotImplementedError("slug, step 2")
    # END SOLUTION

With `# STARTS AS` and commented lines behind it, those lines stand in the stub instead of the `raise`
(find the flaw). Where `--` begins a comment the TODO stands alone: a block there holds a whole clause.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from labkit.errors import LabError

#: what begins a comment, by the suffix of a piece
COMMENT = {".py": "#", ".sql": "--", ".toml": "#", ".yaml": "#", ".yml": "#", ".properties": "#", ".sh": "#"}

_MARKER = re.compile(
    r"(?P<indent>\s*)(?:#|--)\s*(?P<word>BEGIN SOLUTION|STARTS AS|END SOLUTION)\b(?P<rest>.*)"
)
_STEP = re.compile(r"\s+step (?P<step>[1-9]\d*): (?P<title>\S.*)")
_TODO = re.compile(r"\s*(?:#|--)\s*TODO step (?P<step>[1-9]\d*):")


@dataclass(frozen=True)
class Block:
    """One marked block: its step, what that step is called, and its lines, with their line ends."""

    step: int
    title: str
    indent: str
    solution: tuple[str, ...]
    starts_as: tuple[str, ...] | None  # None: the block is taken out


@dataclass(frozen=True)
class Reference:
    """A reference's text, cut at its markers.

    parts: given text, or a block. lines: for each line of the solved text, its line in the reference.
    """

    slug: str
    suffix: str
    parts: tuple[str | Block, ...]
    newline: str
    lines: tuple[int, ...]

    @property
    def blocks(self) -> list[Block]:
        return [part for part in self.parts if isinstance(part, Block)]

    @property
    def steps(self) -> dict[int, str]:
        """Each step that has a block, and its title, in order."""
        return {block.step: block.title for block in sorted(self.blocks, key=lambda each: each.step)}

    def solved(self) -> str:
        """The reference as a learner would have written it: no markers."""
        return self._text(lambda block: "".join(block.solution))

    def stub(self, done: int = 0) -> str:
        """What a learner starts with; steps up to `done` are solved already."""
        return self._text(
            lambda block: "".join(block.solution) if block.step <= done else "".join(self._todo(block))
        )

    def answer(self, step: int, texts: Sequence[str]) -> str:
        """The solved reference with these texts in the blocks of that step, one each."""
        waiting = iter(texts)

        def of(block: Block) -> str:
            if block.step != step:
                return "".join(block.solution)
            lines = textwrap.indent(textwrap.dedent(next(waiting)).strip("\n"), block.indent)
            return "".join(line + self.newline for line in lines.splitlines())

        return self._text(of)

    def solution_lines(self) -> Iterator[tuple[int, int, int]]:
        """(step, first, last) of every block in the solved text; lines count from 1."""
        line = 1
        for part in self.parts:
            count = len(part.solution) if isinstance(part, Block) else part.count("\n")
            if isinstance(part, Block) and count:
                yield part.step, line, line + count - 1
            line += count

    def left(self, text: str) -> dict[int, int]:
        """Each step of which a block is still as the stub has it in this text, and the line of its TODO.

        A TODO that somebody left standing above code of his own is only a comment: what counts is whether
        the lines around it are still those of the stub.
        """
        lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        edge = [(0, "")]
        lines = [*edge, *lines, *edge]
        found: dict[int, int] = {}
        for place, (number, line) in enumerate(lines):
            if todo := _TODO.match(line):
                after = [each for _, each in lines[place:]]
                step = int(todo["step"])
                if any(
                    spot.untouched(lines[place - 1][1], after) for spot in self._spots() if spot.step == step
                ):
                    found.setdefault(step, number)
        return dict(sorted(found.items()))

    def likeness(self, text: str) -> float:
        """How much of what this reference gives stands in that text: 0 to 1."""
        given = {
            line
            for part in self.parts
            if isinstance(part, str)
            for line in map(str.strip, part.splitlines())
            if len(line) > 3 and not line.startswith((COMMENT[self.suffix], "from ", "import "))
        }
        return len(given & set(map(str.strip, text.splitlines()))) / len(given) if given else 0.0

    def _spots(self) -> Iterator[_Spot]:
        """What the stub has at each block, and the given lines on both sides of it."""
        for place, block in enumerate(self.parts):
            if isinstance(block, Block):
                body = [line.strip() for line in self._todo(block) if line.strip()]
                yield _Spot(block.step, self._given(place, -1), tuple(body), self._given(place, 1))

    def _given(self, place: int, way: int) -> str | None:
        """The line next to that block in the stub; None where it is another block's."""
        for part in self.parts[place + way :: way] if place + way >= 0 else ():
            if isinstance(part, Block):
                return None
            lines = [line.strip() for line in part.splitlines() if line.strip()]
            if lines:
                return lines[0 if way == 1 else -1]
        return ""

    def _text(self, of: Callable[[Block], str]) -> str:
        return "".join(of(part) if isinstance(part, Block) else part for part in self.parts)

    def _todo(self, block: Block) -> Iterator[str]:
        mark = COMMENT[self.suffix]
        yield f"{block.indent}{mark} TODO step {block.step}: {block.title}{self.newline}"
        if block.starts_as is not None:
            yield from block.starts_as
        elif self.suffix == ".py":
            yield f'{block.indent}raise NotImplementedError("{self.slug}, step {block.step}"){self.newline}'


def parse(text: str, slug: str, suffix: str, name: str) -> Reference:
    """Cut a reference at its markers. Raises LabError with the line of a marker that is not right.

    >>> cut = parse("a = 1\\n# BEGIN SOLUTION step 1: b\\nb = 2\\n# END SOLUTION\\n", "toy", ".py", "toy.py")
    >>> cut.stub().splitlines()
    ['a = 1', '# TODO step 1: b', 'raise NotImplementedError("toy, step 1")']
    """
    reader = _Reader(slug, suffix, name)
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        reader.read(number, line)
    parts = reader.end()
    return Reference(slug, suffix, parts, "\r\n" if "\r\n" in text else "\n", tuple(reader.solved_lines))


@dataclass
class _Reader:
    """Line by line: outside of a block, in its solution, or in what it starts as."""

    slug: str
    suffix: str
    name: str
    parts: list[str | Block] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    opened: tuple[int, int, str, str] | None = None  # line, step, title, indent
    solution: list[str] = field(default_factory=list)
    starts_as: list[str] | None = None
    titles: dict[int, str] = field(default_factory=dict)
    solved_lines: list[int] = field(default_factory=list)

    def read(self, number: int, line: str) -> None:
        marker = _MARKER.match(line)
        if marker:
            {"BEGIN SOLUTION": self._begin, "STARTS AS": self._starts, "END SOLUTION": self._close}[
                marker["word"]
            ](number, marker)
        elif self.starts_as is None:
            (self.given if self.opened is None else self.solution).append(line)
            self.solved_lines.append(number)
        else:
            self.starts_as.append(self._uncommented(number, line))

    def end(self) -> tuple[str | Block, ...]:
        if self.opened:
            raise self._error(self.opened[0], "BEGIN SOLUTION has no END SOLUTION")
        self._flush()
        return tuple(self.parts)

    def _begin(self, number: int, marker: re.Match[str]) -> None:
        if self.opened:
            raise self._error(
                number, f"BEGIN SOLUTION stands inside the block that begins at line {self.opened[0]}"
            )
        step = _STEP.fullmatch(marker["rest"].rstrip())
        if step is None:
            raise self._error(number, "BEGIN SOLUTION is not followed by ` step N: what it is about`")
        which, title = int(step["step"]), step["title"]
        if self.titles.setdefault(which, title) != title:
            raise self._error(
                number, f"Step {which} is called `{self.titles[which]}` before, and `{title}` here"
            )
        self._flush()
        self.opened = (number, which, title, marker["indent"])

    def _starts(self, number: int, _: re.Match[str]) -> None:
        if self.opened is None or self.starts_as is not None:
            raise self._error(number, "STARTS AS stands outside of a block, or a second time in it")
        self.starts_as = []

    def _close(self, number: int, _: re.Match[str]) -> None:
        if self.opened is None:
            raise self._error(number, "END SOLUTION has no BEGIN SOLUTION")
        _line, step, title, indent = self.opened
        starts_as = None if self.starts_as is None else tuple(self.starts_as)
        self.parts.append(Block(step, title, indent, tuple(self.solution), starts_as))
        self.opened, self.solution, self.starts_as = None, [], None

    def _uncommented(self, number: int, line: str) -> str:
        mark = COMMENT[self.suffix]
        indent, found, rest = line.partition(mark)
        if not found or indent.strip():
            raise self._error(number, f"A line below STARTS AS is not a comment (`{mark} …`)")
        return indent + rest.removeprefix(" ")

    def _flush(self) -> None:
        if self.given:
            self.parts.append("".join(self.given))
            self.given = []

    def _error(self, number: int, what: str) -> LabError:
        return LabError(
            f"{self.name}:{number}: {what}.",
            "A block is BEGIN SOLUTION step N: …, then STARTS AS if it has one, then END SOLUTION.",
            f"mend line {number}, then ./lab dev check {self.slug}",
        )


@dataclass(frozen=True)
class _Spot:
    """A block as the stub has it: the line before, its own lines, the line after. None: any line."""

    step: int
    before: str | None
    body: tuple[str, ...]
    after: str | None

    def untouched(self, before: str, rest: Sequence[str]) -> bool:
        """Whether these lines of a text, from its TODO on, are still the stub's."""
        size = len(self.body)
        return (
            tuple(rest[:size]) == self.body
            and self.before in (None, before)
            and self.after in (None, *rest[size : size + 1])
        )
