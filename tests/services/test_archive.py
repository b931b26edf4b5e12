"""Archives of class data: made once, from what runs, and mapped by every start behind that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from labkit.paths import ROOT
from labkit.services import archive, flink
from labkit.services.flink import lib
from labkit.services.kafka import CLASS_PATH
from labkit.services.stack import Stack


def mapped(stack: Stack) -> dict[str, bool]:
    """Whether each JVM of the stack has its archive in its memory."""
    found = {}
    for service in (stack.kafka, stack.flink):
        for role, (class_path, pid) in service.jvms().items():
            files = {each.path for each in psutil.Process(pid).memory_maps()}
            found[role] = str(archive.path(role, class_path)) in files
    return found


def unpacked(stack: Stack) -> list[Path]:
    """What Flink's own loader has unpacked of the RPC system: classes that no archive has."""
    return [*stack.flink.tmp.glob("flink-rpc*.jar")]


def test_what_ran_once_starts_from_its_class_data(
    own_stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "CLASS_DATA", tmp_path / "class-data")
    own_stack.up("kafka", "flink", owned=True)
    assert mapped(own_stack) == {"kafka": False, "jobmanager": False, "taskmanager": False}
    assert own_stack.missing_archives().keys() == mapped(own_stack).keys()

    own_stack.archive()

    assert own_stack.missing_archives() == {}
    own_stack.down("flink", "kafka")
    assert own_stack.missing_archives() == {}  # of what does not run nothing can be made
    own_stack.up("kafka", "flink")
    assert mapped(own_stack) == {"kafka": True, "jobmanager": True, "taskmanager": True}
    assert unpacked(own_stack) == []


def test_an_archive_that_does_not_fit_harms_nothing(
    own_stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "CLASS_DATA", tmp_path / "class-data")
    for role in ("kafka", "jobmanager", "taskmanager"):
        class_path = own_stack.flink.class_path if role != "kafka" else CLASS_PATH
        file = archive.path(role, class_path)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"half of an archive")
    # the control of what is not unpacked above: the class path without our loader
    monkeypatch.setattr(flink, "rpc_loader", lambda: tmp_path / "none.jar")

    own_stack.up("kafka", "flink", owned=True)

    assert not any(mapped(own_stack).values())
    assert len(unpacked(own_stack)) == 2


def test_another_lab_with_our_jars_starts_from_our_archives(elsewhere: Path) -> None:
    theirs = """
from labkit.services import archive, flink, kafka
for class_path in (str(flink.lib() / "*"), kafka.CLASS_PATH):
    print(archive.path("a-role", class_path).resolve())
"""
    env = {**os.environ, "LAB_DIR": str(elsewhere)}
    told = subprocess.check_output([sys.executable, "-c", theirs], env=env, cwd=ROOT, text=True)

    assert told.splitlines() == [
        str(archive.path("a-role", class_path).resolve()) for class_path in (str(lib() / "*"), CLASS_PATH)
    ]


def test_jars_that_were_installed_again_want_another_archive(tmp_path: Path) -> None:
    """Java would refuse the old one, in silence, at every start."""
    jar = tmp_path / "a.jar"
    jar.write_bytes(b"the same")
    before = archive.path("a-role", str(tmp_path / "*"))
    assert archive.path("a-role", str(tmp_path / "*")) == before

    os.utime(jar, ns=(0, 0))

    assert archive.path("a-role", str(tmp_path / "*")) != before
