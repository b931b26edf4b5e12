"""A PyFlink TableEnvironment on a stack's cluster, and what its exceptions mean in one sentence."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.services import java

if TYPE_CHECKING:
    from pyflink.common import Configuration
    from pyflink.table import TableEnvironment, TableResult

    from labkit.services.stack import Stack
    from labkit.sqltext import Statement

#: every job of ours: streaming, UTC; an operator names itself after its table
OPTIONS = {
    "execution.runtime-mode": "STREAMING",
    "table.local-time-zone": "UTC",
    "pipeline.object-reuse": "true",
    "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
}


def table_environment(stack: Stack, options: Mapping[str, str] | None = None) -> TableEnvironment:
    """A TableEnvironment that submits to this stack's cluster.

    The first call in a process starts its gateway JVM, with the stack's jars on the class path.
    Raises LabError: the cluster does not answer.
    """
    remote = configuration(stack, options)

    from pyflink.table import EnvironmentSettings, TableEnvironment

    return TableEnvironment.create(EnvironmentSettings.new_instance().with_configuration(remote).build())


def configuration(stack: Stack, options: Mapping[str, str] | None = None) -> Configuration:
    """What a client needs to submit to this stack's cluster, with our OPTIONS and these.

    Raises LabError: the cluster does not answer.
    """
    flink = stack.flink
    if not flink.usable():
        raise LabError("Flink does not run.", "A job needs a cluster.", "./lab up")
    # a client, not a cluster: without this PyFlink would start a Beam server in this process
    os.environ["_python_worker_execution_mode"] = "process"  # noqa: SIM112  PyFlink's own spelling
    flags = [*java.FLAGS, "-Xms128m", "-Xmx512m"]
    if flink.tmp.exists():
        flags.append(f"-Djava.io.tmpdir={flink.tmp}")
    os.environ.setdefault("JVM_ARGS", " ".join(flags))
    os.environ.update(flink.environment())

    from pyflink.common import Configuration

    host, port = flink.address.removeprefix("http://").rsplit(":", 1)
    found = Configuration()
    remote = {"execution.target": "remote", "rest.address": host, "rest.port": port}
    for key, value in {**OPTIONS, **remote, **(options or {})}.items():
        found.set_string(key, value)
    return found


def execute(environment: TableEnvironment, statement: Statement, name: str = "") -> TableResult:
    """Run one statement. Raises LabError: which one failed, where it stands, and why."""
    first = statement.text.splitlines()[0][:60]
    where = f"{name}, line {statement.line}" if name else f"Line {statement.line}"
    with as_sentence(f"{where} ({first})"):
        return environment.execute_sql(statement.text)


def print_rows(result: TableResult) -> None:
    """Print a result's rows as they come. Raises LabError: the job behind it failed."""
    with as_sentence("The query failed"):
        result.print()


@contextmanager
def as_sentence(what: str) -> Iterator[None]:
    """Within it an exception of Flink's ends as a LabError: what, and the innermost cause."""
    from py4j.protocol import Py4JError
    from pyflink.util.exceptions import TableException

    try:
        yield
    except (Py4JError, TableException) as error:
        raise LabError(f"{what}: {why(error)}.", "", "correct it and run it again") from error


def why(error: BaseException) -> str:
    """The innermost message of a Flink exception that says something, on one line."""
    cause: Any = getattr(error, "java_exception", None)
    if cause is None:
        return _one_line(str(error))
    message = ""
    while cause is not None:
        text = cause.getMessage()
        if text and not re.fullmatch(r"[\w.$]+", text.strip()):
            message = text
        cause = cause.getCause()
    return _one_line(message or str(error))


def _one_line(text: str) -> str:
    text = re.sub(r"\b(?:[a-z_]+\.){2,}([A-Z]\w+(?:Exception|Error)): ", r"\1: ", text)
    return " ".join(text.split())[:400].rstrip(".")
