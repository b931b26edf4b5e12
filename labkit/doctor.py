"""./lab doctor: what this machine has, what the stack needs, and the next command where it lacks it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

import psutil
from packaging.requirements import Requirement

from labkit.errors import LabError
from labkit.paths import LAB, ROOT, STACKS, shown
from labkit.services import jars, java, ports

_GB = 1e9
_NEED_DISK, _NEED_MEMORY = 1.0 * _GB, 2.5 * _GB


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was found, and what to do if that is not enough."""

    what: str
    found: str
    ok: bool = True
    next_step: str = ""

    def __str__(self) -> str:
        line = f"{'ok  ' if self.ok else 'FAIL'} {self.what:<13} {self.found}"
        return line if self.ok else f"{line}  Next: {self.next_step}"


def examine() -> list[Finding]:
    """Every finding, in the order in which a beginner would have to put them right."""
    return [finding for look in _LOOKS for finding in look()]


def _python() -> Iterator[Finding]:
    found = f"{platform.python_version()} in {shown(ROOT / '.venv')}"
    ok = (3, 10) <= sys.version_info[:2] <= (3, 12)
    yield Finding("python", found, ok, "rm -rf .venv && LAB_PYTHON=/path/to/python3.11 ./lab setup")


def _architecture() -> Iterator[Finding]:
    system, machine = platform.system(), platform.machine()
    known = {("Linux", "x86_64"): "tested", ("Darwin", "x86_64"): "wheels exist; not tested"}
    word = known.get((system, machine))
    yield Finding(
        "architecture", f"{system} {machine}, {word or 'two packages are built from source here'}",
        bool(word) or bool(shutil.which("cc")),
        "install a C compiler",
    )  # fmt: skip


def _packages() -> Iterator[Finding]:
    wrong = []
    for text in requires("marketlag") or []:
        requirement = Requirement(text)
        name, wanted = requirement.name, str(requirement.specifier).removeprefix("==")
        needed = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if not needed or not str(requirement.specifier).startswith("=="):
            continue
        try:
            if version(name) != wanted:
                wrong.append(f"{name} {version(name)} instead of {wanted}")
        except PackageNotFoundError:
            wrong.append(f"{name} is missing")
    found = ", ".join(wrong) or f"apache-flink {version('apache-flink')}, kafka 4.2.0, PostgreSQL 18.4"
    yield Finding("versions", found, not wrong, "rm -rf .venv && ./lab setup")


def _java() -> Iterator[Finding]:
    try:
        done = subprocess.run([java.executable(), "-version"], capture_output=True, text=True)
        first = (done.stderr.splitlines() or ["no answer"])[0]
        ok = done.returncode == 0 and '"21' in first
        yield Finding("java", f"{first} ({java.home().parent.name})", ok, "unset LAB_JAVA_HOME")
    except LabError as error:
        yield Finding("java", error.happened, False, error.next_step)


def _jars() -> Iterator[Finding]:
    wanted = [jar for jar in jars.locked() if jar.set != "registry"]
    whole = [jar for jar in wanted if jar.path.exists() and jar.path.stat().st_size == jar.size]
    found = f"{len(whole)} of {len(wanted)} here"
    if len(whole) < len(wanted):
        found += "; the rest is fetched at the first start"
    yield Finding("jars", found)


def _disk() -> Iterator[Finding]:
    free = shutil.disk_usage(ROOT).free
    yield Finding("disk", f"{free / _GB:.1f} GB free", free > _NEED_DISK, "make room: 1 GB is needed to run")
    LAB.mkdir(parents=True, exist_ok=True)
    yield Finding("folder", f"{shown(LAB)} can be written", os.access(LAB, os.W_OK),
                  f"chown -R $(id -u) {shown(LAB)}, or LAB_DIR=/elsewhere")  # fmt: skip


def _memory() -> Iterator[Finding]:
    free = psutil.virtual_memory().available
    yield Finding("memory", f"{free / _GB:.1f} GB free, {os.cpu_count()} cores", free > _NEED_MEMORY,
                  "close something: the whole stack takes up to 2.2 GB")  # fmt: skip


def _ports() -> Iterator[Finding]:
    from labkit.services.stack import Stack

    running = {line.split()[0]: line.split()[1] for line in Stack().describe()}
    for use in ("kafka", "postgres", "flink"):
        if use in running:
            yield Finding(f"{use}", f"up at {running[use]}")
            continue
        try:
            yield Finding(
                f"{use}", f"down; would listen on 127.0.0.1:{ports.choose(use, STACKS / 'main', set())}"
            )
        except LabError as error:
            yield Finding(f"{use}", error.happened, False, error.next_step)


def _root() -> Iterator[Finding]:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        yield Finding("user", "root; PostgreSQL will run as nobody", bool(setpriv), "apt install util-linux")


_LOOKS = (_python, _architecture, _packages, _java, _jars, _disk, _memory, _ports, _root)
