"""A planned SQL job: scripted tables, the user's statements, and what is recorded of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.sqltext import Statement, filled, setting, statements
from labkit.testing.failures import at_line, told_by_java
from labkit.testing.flink import Flink, Job
from labkit.testing.schema import Schema
from labkit.testing.usercode import by_value

if TYPE_CHECKING:
    from pyflink.table import StreamTableEnvironment

Statements = str | Path | Sequence[str | Path]
Setup = Callable[["StreamTableEnvironment"], None]
_STATEMENT_SET = re.compile(
    r"(?:EXECUTE\s+STATEMENT\s+SET\s+)?BEGIN\s+(?:STATEMENT\s+SET\s*;)?(.*)\bEND", re.IGNORECASE | re.DOTALL
)
#: what a script of SQL may set, but not here: the job's steps depend on them
_OURS = re.compile(
    r"execution\.(target|checkpointing|runtime-mode|buffer)|restart-strategy|pipeline\.(auto-w|name)"
)


class Pipeline:
    """Scripted tables in a table environment of their own, and the statements that use them.

    until_planned: where Python of the user's is in it, that is sent by value until this ends.
    """

    def __init__(
        self, flink: Flink, schemas: Mapping[str, Schema], options: Mapping[str, str], setup: Setup | None,
        restarts: int, until_planned: ExitStack,
    ) -> None:  # fmt: skip
        self._flink = flink
        self._until_planned = until_planned
        #: the user's own, once there is Python
        self.files: list[str] = []
        if setup:
            self._use_python()
        self._environment = flink.environment(options, restarts)
        with told_by_java("The options"):
            self._tables = flink.java.org.apache.flink.table.api.bridge.java.StreamTableEnvironment.create(
                self._environment
            )
        self._sources = {
            name: self._table(number, schema) for number, (name, schema) in enumerate(schemas.items())
        }
        self._inserts: list[tuple[Statement, str]] = []
        if setup:
            setup(self._of_pyflink())

    def run(self, sql: Statements, values: Mapping[str, str]) -> None:
        """Carry out statements; INSERTs become a part of the job.

        Raises LabError: one is wrong (file, line and why).
        """
        for part in [sql] if isinstance(sql, (str, Path)) else sql:
            name = part.name if isinstance(part, Path) else ""
            text = part.read_text(encoding="utf-8-sig") if isinstance(part, Path) else part
            for statement in statements(filled(text, values) if "${" in text else text):
                self._run(statement, name)

    def job(self, queries: Mapping[str, str]) -> Job:
        """The job that records these queries and does the INSERTs. Raises LabError: one of them is wrong."""
        if not queries and not self._inserts:
            raise LabError(
                "The statements have no INSERT, and there is no query: nothing would be recorded.",
                "A table, a view or a SELECT was expected, or several by name.",
                "query=",
            )
        job = Job(self._flink, self._environment, self._sources, finishes=bool(self._inserts))
        record = self._flink.java.scripted.Client.record
        for name, changes in zip(queries, self._planned(queries), strict=True):
            job.recorders[name] = record(changes, name, False)
        return job

    def explained(self, queries: Mapping[str, str]) -> str:
        """Flink's text about how it would run these queries and the INSERTs, as one job."""
        together = self._statement_set()
        blackhole = self._flink.java.org.apache.flink.table.api.TableDescriptor.forConnector("blackhole")
        for query in queries.values():
            with told_by_java(_the_query(query)):
                together.addInsert(blackhole.build(), self._selected(query))
        with told_by_java("The plan"):
            return str(self._flink.java.scripted.Client.explain(together))

    def table(self, name: str) -> Any:
        """A table of the statements as Java's ResolvedCatalogTable."""
        found = getattr(self._tables, "from")(name)  # no attribute that Python could spell
        return found.getQueryOperation().getContextResolvedTable().getResolvedTable()

    # ---- inside --------------------------------------------------------------------------------

    def _planned(self, queries: Mapping[str, str]) -> list[Any]:
        """The changes of each query as a stream, planned as one with the INSERTs: what they share is one.

        Where that is refused each is planned by itself. Then it is said of the one that is to blame, or
        Flink could not plan as one what it can plan one by one.
        """
        tables = []
        for query in queries.values():
            with told_by_java(_the_query(query)):
                tables.append(self._selected(query))
        inserts = self._statement_set()
        changes = self._flink.java.scripted.Client.changes
        if len(tables) + bool(self._inserts) > 1:
            with suppress(LabError), told_by_java("All as one"):
                return list(changes(self._tables, tables, inserts))

        alone, no_inserts = [], self._tables.createStatementSet()
        for query, table in zip(queries.values(), tables, strict=True):
            with told_by_java(_the_query(query)):
                alone.extend(changes(self._tables, [table], no_inserts))
        if self._inserts:
            only = _where(*self._inserts[0]) if len(self._inserts) == 1 else "The INSERTs"
            with told_by_java(only):  # what does not fit its table is refused only now
                changes(self._tables, [], inserts)
        return alone

    def _use_python(self) -> None:
        self._flink.pyflink()
        if not self.files:
            self.files = self._until_planned.enter_context(by_value())

    def _table(self, number: int, schema: Schema) -> Any:
        client = self._flink.java.scripted.Client
        with told_by_java(f"The schema of {schema.table}"):
            source = client.internal(number, schema.row_type)
            stream = client.stream(self._environment, source, schema.table)
            columns = self._flink.java.org.apache.flink.table.api.Schema.newBuilder()
            for name, type_ in schema.types.items():
                columns = columns.column(name, type_)
            for name, expression in schema.computed.items():
                columns = columns.columnByExpression(name, expression)
            if schema.watermark:
                columns = columns.watermark(*schema.watermark)
            if schema.key:
                columns = columns.primaryKey(list(schema.key))
            self._tables.createTemporaryView(schema.table, stream, columns.build())
        return source

    def _run(self, statement: Statement, name: str) -> None:
        first = statement.text.split(None, 1)[0].upper()
        option = setting(statement, name)
        together = _STATEMENT_SET.match(statement.text)
        if option:
            if not _OURS.match(option[0]):
                self._tables.getConfig().set(*option)
        elif together:
            before = statement.text.count("\n", 0, together.start(1))
            for each in statements(together[1]):
                self._run(Statement(each.text, statement.line + before + each.line - 1), name)
        elif first == "INSERT":
            self._inserts.append((statement, name))
        elif first in ("SELECT", "WITH", "VALUES", "TABLE", "EXECUTE"):
            raise LabError(
                f"{_where(statement, name)}: {first} would start a job of its own.",
                "What shall be recorded is the query.",
                "query=",
            )
        else:
            if re.search(r"\bLANGUAGE\s+PYTHON\b", statement.text, re.IGNORECASE):
                self._use_python()
            with told_by_java(_where(statement, name), statement.line):
                self._tables.executeSql(statement.text)

    def _statement_set(self) -> Any:
        together = self._tables.createStatementSet()
        for statement, name in self._inserts:
            with told_by_java(_where(statement, name), statement.line):
                together.addInsertSql(statement.text)
        return together

    def _selected(self, query: str) -> Any:
        name = query.strip()
        return self._tables.sqlQuery(f"SELECT * FROM {name}" if re.fullmatch(r"[\w.`]+", name) else query)

    def _of_pyflink(self) -> StreamTableEnvironment:
        from pyflink.table import StreamTableEnvironment

        return StreamTableEnvironment(self._tables)


def _where(statement: Statement, name: str) -> str:
    return at_line(name, statement.line) + f" ({_short(statement.text)})"


def _the_query(query: str) -> str:
    return f"The query {_short(query)}"


def _short(text: str) -> str:
    return text.strip().splitlines()[0][:60]
