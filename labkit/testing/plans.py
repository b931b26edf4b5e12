"""Plans: which operators Flink would run a query with, by name and number."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_OPERATOR = re.compile(r"^[\s:+\-]*(\w+)\((.*)$")
_REUSED = re.compile(r"Reused\(reference_id=\[(\d+)\]")
_ID = re.compile(r"\(reuse_id=\[(\d+)\]\)")


@dataclass(frozen=True)
class Operator:
    """One line of a plan."""

    name: str
    text: str
    depth: int

    def __str__(self) -> str:
        return f"{'  ' * self.depth}{self.name}({self.text}"


@dataclass(frozen=True)
class Plan:
    """The operators of an execution plan, each once, outputs before inputs.

    edges: (input, output) of each connection, as places in `operators`.
    """

    operators: tuple[Operator, ...]
    edges: tuple[tuple[int, int], ...] = ()

    def count(self, name: str) -> int:
        """How many operators have this name, or this in their description (upsertMaterialize=[true]).

        A two-phase aggregation (LocalWindowAggregate, GlobalWindowAggregate) is one WindowAggregate.
        """
        return sum(_is(operator, name) for operator in self.operators)

    def __contains__(self, name: str) -> bool:
        return self.count(name) > 0

    def __str__(self) -> str:
        return "\n".join(map(str, self.operators))


def read(text: str) -> Plan:
    """The plan in what EXPLAIN says: its optimized execution plan."""
    section = text.split("== Optimized Execution Plan ==")[-1].split("\n== ")[0]
    operators: list[Operator] = []
    edges: list[tuple[int, int]] = []
    above: dict[int, int] = {}  # the last operator of each depth
    shared: dict[str, int] = {}
    for line in section.splitlines():
        found = _OPERATOR.match(_ID.sub("", line))
        if not found:
            continue
        depth = (len(line) - len(line.lstrip(" :+-"))) // 3
        if reused := _REUSED.search(line):
            place = shared[reused[1]]
        else:
            place = len(operators)
            operators.append(Operator(found[1], found[2], depth))
            shared.update(dict.fromkeys(_ID.findall(line), place))
            above[depth] = place
        if depth:
            edges.append((place, above[depth - 1]))
    return Plan(tuple(operators), tuple(edges))


def assert_plan(
    plan: Plan, has: str | Sequence[str] | Mapping[str, int] = (), lacks: str | Sequence[str] = ()
) -> None:
    """Assert which operators a plan has (with a mapping: how many of each) and which it lacks.

    A name is an operator's (WindowAggregate, Deduplicate, Join) or stands in its description
    (upsertMaterialize).
    """
    wanted = (
        {has: None} if isinstance(has, str) else dict.fromkeys(has) if not isinstance(has, Mapping) else has
    )
    wrong = []
    for name, number in wanted.items():
        found = plan.count(name)
        if found == 0 if number is None else found != number:
            wrong.append(f"{name}: {found} where {number or 'one or more'} should be")
    for name in [lacks] if isinstance(lacks, str) else lacks:
        if plan.count(name):
            wrong.append(f"{name}: {plan.count(name)} where none should be")
    assert not wrong, "\n".join([*wrong, "The plan:", *(line[:110] for line in str(plan).splitlines())])


def _is(operator: Operator, name: str) -> bool:
    if operator.name == name or operator.name == f"Global{name}":
        return True
    if re.fullmatch(r"[A-Z]\w*", name):
        return False
    return name.lower() in operator.text.lower()
