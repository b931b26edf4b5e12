"""./lab sql: SQL on the cluster, as a prompt (Flink's own SQL client) or as a script.

Scripts do not go through the client: in 2.2 it exits 0 after a failed statement, and reads two
statements on one line as one.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from labkit import console
from labkit.errors import LabError
from labkit.paths import LAB
from labkit.services import jars, java
from labkit.services.flink import HOME, lib
from labkit.services.stack import Stack
from labkit.sqltext import Statement, filled, statements
from labkit.table_env import execute, print_rows, table_environment

if TYPE_CHECKING:
    from pyflink.table import TableEnvironment

_CLIENT = "org.apache.flink.table.client.SqlClient"
_INIT = """\
SET 'execution.runtime-mode' = 'streaming';
SET 'table.local-time-zone' = 'UTC';
"""
_SET = re.compile(r"SET\s+'?([\w.\-]+)'?\s*=\s*'?(.*?)'?\s*$", re.IGNORECASE | re.DOTALL)
_JOB = re.compile(r"INSERT|EXECUTE|DELETE|UPDATE", re.IGNORECASE)


def prompt(stack_name: str) -> int:
    """Flink's SQL client in streaming mode and UTC; its exit code. Raises LabError: no cluster answers."""
    stack = Stack(stack_name)
    _require(stack, "flink")
    jars.fetch("sql")
    host, port = stack.flink.address.removeprefix("http://").rsplit(":", 1)
    with tempfile.TemporaryDirectory(prefix="lab-sql-") as folder:
        init = Path(folder) / "init.sql"
        init.write_text(_INIT)
        # the wheel ships the client without the gateway it embeds: that jar is in jars.lock
        class_path = [lib() / "*", *(HOME / "opt").glob("flink-sql-client-*.jar"),
                      *(jar.path for jar in jars.of_set("sql"))]  # fmt: skip
        command = [
            java.executable(), *java.FLAGS, "-Xmx512m", *java.flink_options().split(),
            f"-Dlog.file={stack.flink.log_dir / 'sql-client.log'}",
            f"-Dlog4j.configurationFile={(stack.flink.conf / 'log4j-cli.properties').as_uri()}",
            "-cp", os.pathsep.join(map(str, class_path)), _CLIENT,
            "-i", str(init), "-hist", str(LAB / "sql-history"),
            "-D", "execution.target=remote", "-D", f"rest.address={host}", "-D", f"rest.port={port}",
        ]  # fmt: skip
        # Ctrl-C is the client's: it ends a query there. A handler, for an ignored signal would be inherited
        before = signal.signal(signal.SIGINT, lambda number, frame: None)
        try:
            return subprocess.run(command, env=stack.environment()).returncode
        finally:
            signal.signal(signal.SIGINT, before)


def run_script(text: str, stack_name: str) -> None:
    """Run the statements of a script in order: rows to stdout, jobs left running and named.

    ${kafka}, ${postgres_url}, ${postgres_user} and ${postgres_password} stand for the stack's services,
    so that one script runs on every machine.
    Raises LabError: a statement fails (which, on what line, and why), or a service it needs is down.
    """
    stack = Stack(stack_name)
    _require(stack, "flink")
    script = statements(filled(text, _Addresses(stack)))
    if not script:
        raise LabError("The script has no statement.", "SQL was expected.", "./lab sql, for a prompt")
    environment = table_environment(stack)
    for statement in script:
        _run(environment, statement)


def _run(environment: TableEnvironment, statement: Statement) -> None:
    setting = _SET.fullmatch(statement.text)
    if setting:
        environment.get_config().set(setting.group(1), setting.group(2))
        return
    result = execute(environment, statement)
    client = result.get_job_client()
    if client is not None and _JOB.match(statement.text):
        console.out.print(f"Job {client.get_job_id()} is submitted.", markup=False)
        return
    try:
        print_rows(result)
    except KeyboardInterrupt:
        if client is not None:
            client.cancel().result()
        raise


def _require(stack: Stack, *names: str) -> None:
    for name in names:
        if not stack.service(name).usable():
            raise LabError(f"{name} does not run.", "The script needs it.", f"./lab up {name}")


class _Addresses(Mapping[str, str]):
    """The values of ${…}; a service is asked for only when the script names it."""

    _KEYS: ClassVar[dict[str, str | None]] = {
        "kafka": None,
        "postgres_url": "url",
        "postgres_user": "username",
        "postgres_password": "password",
    }

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def __getitem__(self, name: str) -> str:
        key = self._KEYS[name]
        _require(self._stack, "postgres" if key else "kafka")
        return self._stack.postgres.jdbc[key] if key else self._stack.kafka.address

    def __iter__(self) -> Iterator[str]:
        return iter(self._KEYS)

    def __len__(self) -> int:
        return len(self._KEYS)
