"""What a CREATE TABLE declares, as Flink has understood it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from labkit.testing.failures import told_by_java
from labkit.testing.flink import flink
from labkit.testing.pipeline import Pipeline, Statements
from labkit.testing.schema import parse


@dataclass(frozen=True)
class Table:
    """One table. columns: name -> type as Flink writes it, without NOT NULL; key: its PRIMARY KEY."""

    columns: Mapping[str, str]
    key: tuple[str, ...]
    options: Mapping[str, str]


def describe_sql(
    sql: Statements,
    table: str,
    *,
    schema: Mapping[str, str] | None = None,
    values: Mapping[str, str] | None = None,
) -> Table:
    """The table of that name once these statements have been carried out; INSERTs are not looked at.

    The arguments are those of run_sql. Nothing is run, and no connector is asked. Raises LabError: a
    statement is wrong, or there is no such table.
    """
    with flink() as it, ExitStack() as until_planned:
        schemas = {name: parse(name, text) for name, text in (schema or {}).items()}
        pipeline = Pipeline(it, schemas, {}, None, 0, until_planned)
        pipeline.run(sql, values or {})
        with told_by_java(f"The table {table}"):
            return _read(pipeline.table(table))


def _read(resolved: Any) -> Table:
    schema = resolved.getResolvedSchema()
    types = [str(type_.toString()).removesuffix(" NOT NULL") for type_ in schema.getColumnDataTypes()]
    key = schema.getPrimaryKey()
    return Table(
        dict(zip(map(str, schema.getColumnNames()), types, strict=True)),
        tuple(map(str, key.get().getColumns())) if key.isPresent() else (),
        {str(name): str(value) for name, value in resolved.getOptions().items()},
    )
