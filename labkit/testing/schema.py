"""Schemas as the columns of a CREATE TABLE: physical and computed columns, WATERMARK FOR, PRIMARY KEY.

    city STRING, celsius DOUBLE, seen_at TIMESTAMP_LTZ(3), WATERMARK FOR seen_at AS SOURCE_WATERMARK()

SOURCE_WATERMARK() means: the script's watermark() steps. Any other expression is Flink's to compute, after
every row.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Any

from labkit.errors import LabError
from labkit.testing.script import Step, ms

_WATERMARK = re.compile(r"WATERMARK\s+FOR\s+`?(\w+)`?\s+AS\s+(.+)", re.IGNORECASE | re.DOTALL)
_KEY = re.compile(r"(?:CONSTRAINT\s+\w+\s+)?PRIMARY\s+KEY\s*\(([^)]*)\)\s*NOT\s+ENFORCED", re.IGNORECASE)
_COMPUTED = re.compile(r"`?(\w+)`?\s+AS\s+(.+)", re.IGNORECASE | re.DOTALL)
_PHYSICAL = re.compile(r"`?(\w+)`?\s+(.+)", re.DOTALL)
#: what a column may have behind its type: here every column is filled by the script
_BESIDE = re.compile(r"\s+(METADATA(\s+FROM\s+'[^']*')?(\s+VIRTUAL)?|COMMENT\s+'[^']*')", re.IGNORECASE)
_NOT_NULL = re.compile(r"\bNOT\s+NULL$", re.IGNORECASE)
_TYPE_WITH_PARTS = re.compile(r"\b(?:ROW|ARRAY|MAP|MULTISET)\s*$", re.IGNORECASE)
_SCRIPTED = re.compile(r"SOURCE_WATERMARK\s*\(\s*\)", re.IGNORECASE)


@dataclass(frozen=True)
class Schema:
    """The columns of one input table."""

    table: str
    types: Mapping[str, str]
    computed: Mapping[str, str]
    watermark: tuple[str, str] | None
    key: tuple[str, ...]

    @property
    def row_type(self) -> str:
        """The physical columns as a ROW type."""
        return f"ROW<{', '.join(f'`{name}` {type_}' for name, type_ in self.types.items())}>"

    @property
    def scripted(self) -> bool:
        """Whether watermarks are the script's, and not made from the rows."""
        return self.watermark is None or bool(_SCRIPTED.fullmatch(self.watermark[1]))

    def record(self, step: Step) -> dict[str, Any]:
        """A row step's columns as JSON has them. Raises LabError: a column that is not there."""
        if step.value is not None:
            raise LabError(f"{step} has no field names.", f"{self.table} has columns.", "row(name=value)")
        unknown = [name for name in step.fields if name not in self.types]
        if unknown:
            raise LabError(
                f"{step} has {unknown[0]!r}.", f"The columns of {self.table}: {', '.join(self.types)}."
            )
        fields = dict(step.fields)
        if step.at is not None and self.watermark and self.watermark[0] in self.types:
            fields.setdefault(self.watermark[0], step.at)
        return {name: _told(value, self.types[name]) for name, value in fields.items()}

    def time_of(self, step: Step) -> int | None:
        """The event time of a row: its `at`, else the value of the time column."""
        if step.at is not None or not self.watermark:
            return step.at
        value = step.fields.get(self.watermark[0])
        return None if value is None else ms(value)


def parse(table: str, text: str) -> Schema:
    """The schema that this text describes. Raises LabError: a part of it is none of the known forms.

    >>> parse("t", "a INT, b AS a + 1, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5'
    MINUTE").computed {'b': 'a + 1'}
    """
    types: dict[str, str] = {}
    computed: dict[str, str] = {}
    watermark: tuple[str, str] | None = None
    key: tuple[str, ...] = ()
    for part in _parts(re.sub(r"--[^\n]*", "", text)):
        if found := _WATERMARK.fullmatch(part):
            watermark = (found[1], found[2].strip())
        elif found := _KEY.fullmatch(part):
            key = tuple(name.strip(" `") for name in found[1].split(","))
        elif found := _COMPUTED.fullmatch(part):
            computed[found[1]] = found[2].strip()
        elif found := _PHYSICAL.fullmatch(part):
            types[found[1]] = _BESIDE.sub("", found[2]).strip()
        else:
            raise LabError(f"The schema of {table} has {part!r}.", "A column is a name and a type.")
    for name in set(key) & set(types):
        if not _NOT_NULL.search(types[name]):
            types[name] += " NOT NULL"  # as CREATE TABLE makes them
    return Schema(table, types, computed, watermark, key)


def _parts(text: str) -> list[str]:
    """The text cut at the commas that stand in no bracket and no quotes.

    >>> _parts("a ROW<b INT, c INT>, late AS a.b < a.c, d INT")
    ['a ROW<b INT, c INT>', 'late AS a.b < a.c', 'd INT']
    """
    parts, opened, start, quoted = [], "", 0, False
    for i, char in enumerate(text):
        if char == "'":
            quoted = not quoted
        elif quoted:
            continue
        # behind anything but a type that has parts, < is a comparison
        elif char in "([" or (char == "<" and _TYPE_WITH_PARTS.search(text, 0, i)):
            opened += char
        elif char in ")]" or (char == ">" and opened.endswith("<")):
            opened = opened[:-1]
        elif char == "," and not opened:
            parts.append(text[start:i])
            start = i + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def _told(value: Any, type_: str) -> Any:
    """A value as Flink's JSON format reads it for a column of that type."""
    if value is None:
        return None
    kind = type_.upper().lstrip("`")
    if kind.startswith("TIMESTAMP"):
        zone = "Z" if kind.startswith("TIMESTAMP_LTZ") or "LOCAL TIME ZONE" in kind else ""
        return _iso(value) + zone
    if kind.startswith(("DATE", "TIME")) and isinstance(value, (date, time)):
        return value.isoformat()
    return _plain(value)


def _iso(value: Any) -> str:
    moment = datetime.fromtimestamp(0, timezone.utc).timestamp() + ms(value) / 1000
    text = (
        datetime.fromtimestamp(moment, timezone.utc).replace(tzinfo=None).isoformat(timespec="milliseconds")
    )
    return text.removesuffix(".000")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return (
            value if value == value and abs(value) != float("inf") else repr(value).replace("inf", "Infinity")
        )
    if isinstance(value, datetime):
        return _iso(value) + ("Z" if value.tzinfo else "")
    if isinstance(value, (date, time)):
        return value.isoformat()
    return value
