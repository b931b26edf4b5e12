"""What the services have in common: a folder, a record of their processes, a deadline to be ready."""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from labkit.errors import LabError
from labkit.paths import shown
from labkit.services import ports
from labkit.services.process import Owned, end, until

#: how long somebody's own service may take to answer, in seconds
EXTERNAL_PATIENCE = 10.0


@dataclass
class Record:
    """What service.json holds: enough for another process to find, describe and end the service."""

    processes: dict[str, Owned] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    options: dict[str, int] = field(default_factory=dict)


def recorded(folder: Path) -> Record:
    """What a service's folder says about its processes; an empty record where there is none."""
    try:
        data = json.loads((folder / "service.json").read_text())
    except FileNotFoundError:
        return Record()
    return Record(
        {role: Owned(pid, created) for role, (pid, created) in data["processes"].items()},
        data["ports"],
        data["options"],
    )


class Service:
    """A service of a stack. Subclasses say how it starts and when it is really ready."""

    name: str
    #: the setting that points to a running one instead of ours
    setting: str
    #: what to wait for readiness at most, in seconds
    patience = 60.0

    def __init__(self, stack: Path, only_ours: bool = False) -> None:
        self.stack = stack
        self._only_ours = only_ours
        self.dir = stack / self.name
        self.record = recorded(self.dir)
        #: set from outside: stop waiting, the start is called off
        self.give_up = Event()
        self._fresh: set[Owned] = set()  # what this start has started

    # ---- for subclasses -----------------------------------------------------------------------

    def prepare(self) -> None:
        """Fetch what the service needs, before start. Downloads at most once."""

    def launch(self) -> None:
        """Start the processes that are not running, by self.spawn."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether the service does its work now, asked over its own protocol."""
        raise NotImplementedError

    @property
    def address(self) -> str:
        """Where clients connect."""
        raise NotImplementedError

    def jvms(self) -> dict[str, tuple[str, int]]:
        """Its JVMs that an archive of class data serves: the class path and the process of each, by role."""
        return {}

    @property
    def log(self) -> Path:
        """The file to read when it does not start."""
        return self.dir / f"{self.name}.log"

    @property
    def tmp(self) -> Path:
        """Where its processes keep files for as long as they run; emptied when they stop."""
        return self.dir / "tmp"

    def stop_processes(self) -> None:
        end(self.record.processes.values())

    # ---- the life of a service ----------------------------------------------------------------

    @property
    def external(self) -> str | None:
        """The address of somebody's own service to use instead, from the setting."""
        return None if self._only_ours else os.environ.get(self.setting) or None

    @property
    def running(self) -> bool:
        processes = self.record.processes.values()
        return bool(processes) and all(process.running() for process in processes)

    @property
    def available(self) -> bool:
        """Whether there is one to ask: somebody's own, or ours and running."""
        return bool(self.external) or self.running

    def usable(self) -> bool:
        """Whether it is there and does its work now."""
        return self.available and self.answers()

    def start(self) -> float:
        """Start it unless it runs, wait until it is ready; the seconds that took.

        Raises LabError: it ended at once, or was not ready in time; its log is named.
        """
        started = time.monotonic()
        self.give_up.clear()
        if self.external:
            self._wait(
                f"Nothing answers at {self.external}.",
                f"{self.setting} names it.",
                f"start it, or unset {self.setting}",
                EXTERNAL_PATIENCE,
            )
            return time.monotonic() - started
        self._fresh.clear()
        if not self.running:
            self._launch()
        self._wait(
            f"{self.name} was not ready within {self.patience:.0f} s.",
            f"Its log is {shown(self.log)}.",
            f"read it, then ./lab down && ./lab up {self.name}",
            self.patience,
        )
        return time.monotonic() - started

    def _launch(self) -> None:
        self._make_dir()
        self.launch()

    def stop(self) -> None:
        """End its processes; what they stored stays."""
        self.stop_processes()
        self.record.processes = {}
        shutil.rmtree(self.tmp, ignore_errors=True)
        # where the disk is full the old record stays: it names processes that have ended, by start time
        with suppress(OSError):
            self.save()

    def describe(self) -> str:
        """One line: name, address, pids, log."""
        if self.external:
            return f"{self.name:<10} {self.external:<50} yours ({self.setting})"
        if not self.running:
            return f"{self.name:<10} {'down':<50}"
        pids = " ".join(str(process.pid) for process in self.record.processes.values())
        return f"{self.name:<10} {self.address:<50} pid {pids:<14} log {shown(self.log)}"

    # ---- the record ---------------------------------------------------------------------------

    def port(self, use: str) -> int:
        """The recorded port for this use if it is free, else a free one, recorded from now on."""
        known = self.record.ports.get(use)
        if known and not os.environ.get(f"LAB_{use.upper()}_PORT") and ports.is_free(known):
            return known
        self.record.ports[use] = ports.choose(use, self.stack, set(self.record.ports.values()))
        return self.record.ports[use]

    def remember(self, role: str, process: Owned) -> None:
        self.record.processes[role] = process
        self._fresh.add(process)
        self.save()

    def save(self) -> None:
        """Write service.json whole or not at all."""
        text = json.dumps(
            {
                "processes": {k: [p.pid, p.created] for k, p in self.record.processes.items()},
                "ports": self.record.ports,
                "options": self.record.options,
            }
        )
        half = self.dir / "service.json.new"
        half.write_text(text)
        os.replace(half, self.dir / "service.json")

    def reload(self) -> None:
        """Read again what another process may have recorded."""
        known = self.record.options
        self.record = recorded(self.dir)
        self.record.options = {**known, **self.record.options}

    def _make_dir(self) -> None:
        try:
            self.dir.mkdir(parents=True, exist_ok=True)
            self.tmp.mkdir(exist_ok=True)
            (self.dir / "service.json.new").write_text("")
        except OSError as error:
            raise LabError(
                f"{shown(self.dir)} cannot be written ({error.strerror}).",
                f"{self.name} keeps its data and log there.",
                "make room or fix the permissions; LAB_DIR=/elsewhere moves the whole folder",
            ) from error

    def _wait(self, happened: str, expected: str, next_step: str, seconds: float) -> None:
        def ready() -> bool:
            if self.give_up.is_set():
                raise LabError(f"The start of {self.name} was called off.")
            if self.answers():
                return True
            if not self.external and not self.running:
                if any(not process.running() for process in self._fresh):
                    self._ended_at_once()
                self._launch()  # one from before was still dying when we looked
            return False

        def give_up() -> None:
            raise LabError(happened, expected, next_step)

        until(ready, seconds, give_up)

    def _ended_at_once(self) -> None:
        raise LabError(
            f"{self.name} ended while it was starting{self.reason()}.",
            f"Its log is {shown(self.log)}.",
            f"./lab doctor, then ./lab up {self.name}",
        )

    #: words in the log, and what they mean to a person
    symptoms: tuple[tuple[str, str], ...] = (
        ("No space left on device", "the disk is full"),
        ("Address already in use", "its port was taken in the meantime"),
        ("BindException", "its port was taken in the meantime"),
        ("Permission denied", "it may not write its folder"),
        ("insufficient memory", "the machine has no memory left for it"),
    )

    def reason(self) -> str:
        """What the end of the log says about why, as ': …' or nothing."""
        if shutil.disk_usage(self.dir).free < 1 << 20:  # then the log could not say so
            return ": the disk is full"
        text = "".join(tail(log) for log in self.logs())
        for words, meaning in self.symptoms:
            if words in text:
                return f": {meaning}"
        return ""

    def logs(self) -> list[Path]:
        """The files whose ends tell why it ended."""
        return [self.log]


def tail(path: Path, size: int = 8000) -> str:
    """The last bytes of a text file, or nothing."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - size))
        return file.read().decode(errors="replace")
