"""A named set of services that starts and ends together.

`main` is the learner's (`./lab up`): it stays until `./lab down`. An *owned* stack (a demo's, a test
run's) ends with its owner: by `down`, and by a keeper process when the owner is gone without a word.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from labkit import console
from labkit.errors import LabError
from labkit.paths import LAB, LOCKS, STACKS, shown
from labkit.services import archive, process
from labkit.services.flink import Flink
from labkit.services.kafka import Kafka
from labkit.services.locking import held
from labkit.services.postgres import Postgres
from labkit.services.registry import Registry
from labkit.services.service import Service

DEFAULT = ("kafka", "postgres", "flink")


class Stack:
    """Kafka, PostgreSQL, Flink and the registry under one name and one folder.

    only_ours: leave aside the settings that point to somebody's own services.
    """

    def __init__(self, name: str = "main", only_ours: bool = False) -> None:
        if not re.fullmatch(r"[\w.-]+", name) or name.startswith("."):
            raise LabError(f"{name!r} is no name for a stack.", "Letters, digits, - and _ make one.", "./lab")
        self.name = name
        self.dir = STACKS / name
        self.kafka = Kafka(self.dir, only_ours)
        self.postgres = Postgres(self.dir, only_ours)
        self.flink = Flink(self.dir, only_ours)
        self.registry = Registry(self.dir, only_ours)
        self._keeper: subprocess.Popen[bytes] | None = None

    @property
    def services(self) -> list[Service]:
        return [self.kafka, self.postgres, self.flink, self.registry]

    def service(self, name: str) -> Service:
        for service in self.services:
            if service.name == name:
                return service
        known = ", ".join(service.name for service in self.services)
        raise LabError(f"There is no service {name!r}.", f"There are: {known}.", "./lab up")

    def up(
        self,
        *names: str,
        taskmanagers: int | None = None,
        slots: int | None = None,
        owned: bool = False,
    ) -> dict[str, float]:
        """Start these services side by side and wait until each is ready; seconds by name.

        owned: the stack ends when this process does, however it ends.
        Whatever happens, nothing that this call started stays half started.
        Raises LabError: one of the services could not be started.
        """
        wanted = [self.service(name) for name in names or DEFAULT]
        with held(LOCKS / f"stack-{self.name}.lock", f"another ./lab starts or stops {self.name!r}"):
            self._reload()
            self._end_leftovers()
            self._refuse_other_size(wanted, taskmanagers, slots)
            for service in wanted:  # downloads one after the other, each with its bar
                if not service.external:
                    service.prepare()
            if owned and self._keeper is None:
                self._keeper = start_keeper(self.dir)
            fresh = [service for service in wanted if not service.running]
            try:
                return self._start_all(wanted)
            except BaseException:
                for service in fresh:
                    service.stop()
                raise

    def _start_all(self, wanted: list[Service]) -> dict[str, float]:
        with ThreadPoolExecutor(len(wanted)) as pool:
            starts = {service.name: pool.submit(service.start) for service in wanted}
            try:
                return {name: start.result() for name, start in starts.items()}
            except BaseException:
                for service in wanted:
                    service.give_up.set()
                raise

    def down(self, *names: str) -> None:
        """End these services, or all of them and whatever else carries the stack's mark."""
        with held(LOCKS / f"stack-{self.name}.lock", f"another ./lab starts or stops {self.name!r}"):
            self._reload()
            chosen = [self.service(name) for name in names] if names else self.services
            for service in chosen:  # Flink first: its sinks then find their broker until the end
                if service is self.flink:
                    service.stop()
            for service in chosen:
                service.stop()
            if not names:
                process.end(process.marked(self.dir))
                self._dismiss_keeper()

    def remove(self) -> None:
        """down, and delete the stack's folder with everything it stored."""
        self.down()

        def gone() -> bool:
            # the children of a server that was killed may write for a moment longer
            shutil.rmtree(self.dir, ignore_errors=True)
            return not self.dir.exists()

        def give_up() -> None:
            raise LabError(
                f"{shown(self.dir)} could not be deleted.",
                "Something still writes there, or it belongs to another user.",
                f"./lab down --data --stack {self.name}, or rm -rf it",
            )

        process.until(gone, 10, give_up)

    def pids(self) -> list[int]:
        """Every process of the stack, workers and backends included."""
        pids = {owned.pid for owned in process.marked(self.dir)}
        for service in self.services:
            for owned in service.record.processes.values():
                if owned.running():
                    pids.add(owned.pid)
        return sorted(pids | process.descendants(pids))

    def describe(self) -> list[str]:
        """A line for each service that is up or somebody's own."""
        self._reload()
        return [service.describe() for service in self.services if service.available]

    def environment(self) -> dict[str, str]:
        """The environment of programs that work on this stack, `flink run` and PyFlink among them."""
        return {**self.flink.environment(), "LAB_STACK_NAME": self.name}

    # ---- inside --------------------------------------------------------------------------------

    def _reload(self) -> None:
        for service in self.services:
            service.reload()

    def _end_leftovers(self) -> None:
        """Marked processes that no record knows: their launcher died before it wrote one."""
        known = {p.pid for service in self.services for p in service.record.processes.values()}
        known |= process.descendants(known)
        if self._keeper:
            known.add(self._keeper.pid)
        strays = [p for p in process.marked(self.dir) if p.pid not in known]
        if strays:
            console.err.print(f"  Ending {len(strays)} processes left by an earlier run.", markup=False)
            process.end(strays)

    def _refuse_other_size(self, wanted: list[Service], taskmanagers: int | None, slots: int | None) -> None:
        if self.flink not in wanted or self.flink.external:
            return
        options = self.flink.record.options
        alive = any(owned.running() for owned in self.flink.record.processes.values())
        if slots and slots != options["slots"] and alive:
            raise LabError(
                f"Flink runs with {options['slots']} slots a TaskManager.",
                "That is fixed when a TaskManager starts.",
                f"./lab down flink && ./lab up flink --slots {slots}",
            )
        self.flink.ask(taskmanagers, slots)

    def missing_archives(self) -> dict[str, tuple[str, int]]:
        """The JVMs that run without an archive of their class data: class path and process, by role."""
        found = [service.jvms() for service in self.services if service.running and not service.external]
        jvms = {role: each for of_one in found for role, each in of_one.items()}
        return {role: each for role, each in jvms.items() if not archive.path(role, each[0]).exists()}

    def archive(self) -> None:
        """Make the archives that are missing, from what runs: the next start is quicker."""
        for role, (class_path, pid) in self.missing_archives().items():  # one by one: each takes a JVM more
            archive.make(role, class_path, pid)

    def _dismiss_keeper(self) -> None:
        if self._keeper and self._keeper.stdin:
            self._keeper.stdin.close()
            self._keeper.wait()
        self._keeper = None

    def __enter__(self) -> Stack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()


def all_stacks() -> list[Stack]:
    """Every stack that has a folder here."""
    if not STACKS.exists():
        return []
    return [Stack(path.name) for path in sorted(STACKS.iterdir()) if path.is_dir()]


def start_keeper(stack: Path) -> subprocess.Popen[bytes]:
    """A process that reads a pipe from us; when the pipe closes, it ends the stack."""
    stack.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "labkit.services.keeper", str(stack)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "LAB_DIR": str(LAB)},
    )
