"""What is in each topic and table, from the schemas that are registered and the SQL that makes the tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from capstone_marketlag import pieces, schemas, tables, topics

_TABLE = re.compile(
    r"CREATE TABLE IF NOT EXISTS (?P<name>\w+) \(\n(?P<columns>.*?)\n\);\n"
    r"COMMENT ON TABLE \w+ IS '(?P<comment>[^']+)';",
    re.DOTALL,
)
_COLUMN = re.compile(r"^\s+(?P<name>[a-z_]+)\s+(?P<type>[a-z]+(?:\([\d, ]+\))?)(?P<rest>.*?),?$")

Schema = dict[str, Any]


def topic_sections() -> str:
    """A section for each topic: what a record is, its key, its fields."""
    return "\n\n".join(_topic(name) for name in topics.plan())


def table_sections() -> str:
    """A section for each table: what a row is, its columns, its key."""
    return "\n\n".join(_table(name, *columns) for name, columns in declared().items())


def declared() -> dict[str, tuple[str, str]]:
    """The text of the columns of each table, and its comment. Those that `tables` makes, in its order."""
    files = (Path(tables.__file__).parent / "sql" / "postgres.sql", pieces.given("jdbc_sink", "postgres.sql"))
    found = {
        match["name"]: (match["columns"], match["comment"])
        for file in files
        for match in _TABLE.finditer(file.read_text())
    }
    return {name: found[name] for name in tables.NAMES}


def _topic(name: str) -> str:
    plan = topics.plan()[name]
    whole = schemas.schema(name)
    kept = "the newest per key" if plan.compact else f"{plan.retention_days} days"
    forms = whole.get("oneOf", [whole])
    lines = [
        f"### {name}",
        "",
        whole["description"],
        f"Written by {plan.writer}; key `{plan.key}`; kept: {kept}; partitions: {plan.partitions}.",
    ]
    for form in forms:
        if len(forms) > 1:
            lines += ["", "A heartbeat:" if _is_heartbeat(form) else "A record:"]
        lines += ["", _grid(("field", "type", "note"), _fields(form, whole.get("definitions", {})))]
    return "\n".join(lines)


def _is_heartbeat(form: Schema) -> bool:
    return bool(form["properties"].get("kind", {}).get("const") == "heartbeat")


def _fields(form: Schema, definitions: Schema) -> Iterator[tuple[str, str, str]]:
    required = set(form.get("required", ()))
    for name, field in form["properties"].items():
        note = field.get("description", "")
        if name not in required:
            note = f"may be absent; {note}".removesuffix("; ")
        yield f"`{name}`", _type(field, definitions), note


def _type(field: Schema, definitions: Schema) -> str:
    if "$ref" in field:
        return str(definitions[field["$ref"].rsplit("/", 1)[-1]]["description"])
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join("null" if each is None else f"`{each}`" for each in field["enum"])
    if "oneOf" in field or "anyOf" in field:
        return " or ".join(_type(each, definitions) for each in field.get("oneOf", field.get("anyOf")))
    types = field["type"] if isinstance(field["type"], list) else [field["type"]]
    text = " or ".join(types)
    if "minimum" in field:
        low, high = field["minimum"], field.get("maximum")
        text += f" from {low}" if high is None else f", {low} to {high}"
    if "items" in field:
        text += f" of {_type(field['items'], definitions)}"
    return text


def _table(name: str, columns: str, comment: str) -> str:
    rows = []
    for line in columns.splitlines():
        match = _COLUMN.match(line)
        if match and match["name"] != "primary":
            rest = match["rest"].replace("NOT NULL", "").strip()
            rows.append((f"`{match['name']}`", match["type"], f"`{rest}`" if rest else ""))
    [key] = re.findall(r"PRIMARY KEY \(([^)]+)\)", columns)
    return f"### {name}\n\n{comment} Primary key: `{key}`.\n\n{_grid(('column', 'type', 'rule'), rows)}"


def _grid(head: tuple[str, ...], rows: Any) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
