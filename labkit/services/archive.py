"""Class-data archives: a JVM that maps its classes from one starts with half of the processor time.

The Java in the wheel comes without any. An archive fits one Java and the jars it was made of, by their paths
and times, so it is made here, from processes that run and have nothing to do: behind the first demo, and when
nobody has used the warm engine for a while.
"""

from __future__ import annotations

import os
import subprocess
from hashlib import sha256
from pathlib import Path

from labkit.paths import CLASS_DATA
from labkit.services import java

_KEY = 12  # digits


def flags(role: str, class_path: str) -> list[str]:
    """The JVM flags that use this role's archive, if there is one."""
    file = path(role, class_path)
    return (
        [f"-XX:SharedArchiveFile={file}", "-Xlog:disable", "-Xlog:all=error:stderr"] if file.exists() else []
    )


def path(role: str, class_path: str) -> Path:
    """Where the archive of that role is; another place for other files: Java would refuse it for those."""
    files = [java.home() / "release"]
    for entry in map(Path, class_path.split(os.pathsep)):
        files += sorted(entry.parent.glob("*.jar")) if entry.name == "*" else [entry]
    digest = sha256(f"{java.home()} {class_path}".encode())
    for file in files:
        if file.exists():
            told = file.stat()
            digest.update(f"{file.name} {told.st_size} {told.st_mtime_ns}".encode())
    return CLASS_DATA / f"{role}-{digest.hexdigest()[:_KEY]}.jsa"


def make(role: str, class_path: str, pid: int) -> bool:
    """Make the archive of that role from a process that has loaded its classes; whether it was made."""
    file = path(role, class_path)
    tool = java.home() / "bin" / "jcmd"
    if file.exists() or not tool.exists():
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_name(f"{file.name}.{os.getpid()}")
    done = subprocess.run(
        [tool, str(pid), "VM.cds", "static_dump", str(half)],
        env=java.environment(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if done.returncode or not half.exists():
        return False
    for older in file.parent.glob(f"{role}-{'?' * _KEY}.jsa"):
        older.unlink()
    os.replace(half, file)
    return True
