"""What can be wrong with a machine: one sentence each, nothing half done, and the next start works."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from labkit.errors import LabError
from labkit.paths import ROOT
from labkit.services import jars, process
from labkit.services.stack import Stack

Lab = Callable[..., subprocess.CompletedProcess[str]]


@contextlib.contextmanager
def taken(port: int = 0) -> Iterator[int]:
    """A port of this machine that somebody listens on."""
    with socket.socket() as server:
        # a port that somebody left a moment ago can be had, as servers do
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        yield server.getsockname()[1]


# ---- ports --------------------------------------------------------------------------------------


def test_a_taken_port_that_was_asked_for_is_named_with_its_holder(
    own_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with taken() as port:
        monkeypatch.setenv("LAB_POSTGRES_PORT", str(port))
        with pytest.raises(LabError) as error:
            own_stack.up("postgres")

    assert str(error.value) == (
        f"Port {port} is taken by {_name()} (pid {os.getpid()}). LAB_POSTGRES_PORT asks for it for postgres. "
        "Next: unset LAB_POSTGRES_PORT (a free port is then chosen), or end that program"
    )
    assert process.marked(own_stack.dir) == []


def test_a_taken_port_that_nobody_asked_for_is_passed_over(own_stack: Stack) -> None:
    own_stack.up("postgres")
    used = own_stack.postgres.record.ports["postgres"]
    own_stack.down()
    with taken(used):
        own_stack.up("postgres")
        assert own_stack.postgres.record.ports["postgres"] != used
        assert own_stack.postgres.answers()


@pytest.mark.parametrize("text", ["no", "0", "70000", "-1"])
def test_a_port_that_is_no_port_is_refused(
    own_stack: Stack, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("LAB_FLINK_PORT", text)
    with pytest.raises(LabError, match=f"LAB_FLINK_PORT is '{text}'. It takes a port number."):
        own_stack.up("flink")


# ---- somebody's own services --------------------------------------------------------------------


def test_a_service_of_ones_own_is_used_and_left_alone(
    own_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_stack.up("postgres", "kafka")
    other = Stack(own_stack.name + "-other")
    monkeypatch.setenv("LAB_POSTGRES", own_stack.postgres.address)
    monkeypatch.setenv("LAB_KAFKA", own_stack.kafka.address)
    other.up("postgres", "kafka")
    assert [line.split()[2:4] for line in other.describe()] == [
        ["yours", "(LAB_KAFKA)"],
        ["yours", "(LAB_POSTGRES)"],
    ]
    other.remove()
    monkeypatch.undo()

    assert own_stack.postgres.answers()
    assert own_stack.kafka.answers()


def test_a_service_of_ones_own_that_is_not_there_is_named(
    own_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_FLINK", "http://127.0.0.1:9")
    monkeypatch.setattr("labkit.services.service.EXTERNAL_PATIENCE", 0.5)
    with pytest.raises(LabError) as error:
        own_stack.up("flink")
    assert str(error.value) == (
        "Nothing answers at http://127.0.0.1:9. LAB_FLINK names it. Next: start it, or unset LAB_FLINK"
    )


# ---- Java, environment --------------------------------------------------------------------------


def test_foreign_settings_of_java_flink_and_postgres_do_not_reach_ours(own_stack: Stack, lab: Lab) -> None:
    foreign = {
        "JAVA_HOME": "/nowhere", "JAVA_TOOL_OPTIONS": "-Xmx1m", "FLINK_HOME": "/nowhere", "FLINK_CONF_DIR": "/nowhere",
        "PGPORT": "1", "PGDATA": "/nowhere", "PYTHONPATH": "/nowhere", "KAFKA_OPTS": "-Dnothing",
        "CLASSPATH": "/nowhere", "PATH": "/usr/bin:/bin",
    }  # fmt: skip
    up = lab("up", "--stack", own_stack.name, env=foreign)
    assert up.returncode == 0, up.stderr
    done = lab("sql", "--stack", own_stack.name, "-e", "SELECT 2 AS two", env=foreign)
    assert "|           2 |" in done.stdout, done.stderr


def test_a_java_home_without_java_is_refused(own_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_JAVA_HOME", "/nowhere")
    with pytest.raises(LabError, match="/nowhere has no bin/java"):
        own_stack.up("kafka")
    assert process.marked(own_stack.dir) == []


# ---- jars ---------------------------------------------------------------------------------------


class _Repository(http.server.BaseHTTPRequestHandler):
    """A Maven repository with one file, which can break off in the middle or answer with other bytes."""

    content: ClassVar[bytes] = b"the jar " * 40_000
    break_after: ClassVar[int | None] = None
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        start = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-")
        type(self).asked.append(start)
        body = self.content[int(start) :]
        self.send_response(206 if int(start) else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        limit = type(self).break_after
        self.wfile.write(body if limit is None else body[:limit])

    def log_message(self, format: str, *arguments: object) -> None: ...


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[jars.Jar]:
    """A locked jar in a local repository, and an empty cache."""
    handler = type("Handler", (_Repository,), {"asked": [], "break_after": None})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setattr(jars, "repositories", lambda: [f"http://127.0.0.1:{server.server_port}"])
        monkeypatch.setattr(jars, "JARS", tmp_path / "jars with a space")
        import hashlib

        content = _Repository.content
        jar = jars.Jar(
            "toy", "org.toy", "toy", "1", "", "jar", len(content), hashlib.sha256(content).hexdigest()
        )
        monkeypatch.setattr(jars, "locked", lambda: [jar])
        handler.jar = jar  # type: ignore[attr-defined]
        jars_handler[0] = handler
        yield jar
        server.shutdown()


jars_handler: list[type[_Repository]] = [_Repository]


def test_an_interrupted_download_goes_on_where_it_broke_off(repository: jars.Jar) -> None:
    jars_handler[0].break_after = 100_000
    with pytest.raises(
        LabError, match=r"org.toy:toy:1 could not be downloaded .* what has arrived so far is kept"
    ):
        jars.fetch("toy")
    assert not repository.path.exists()
    jars_handler[0].break_after = None
    jars.fetch("toy")

    assert repository.path.read_bytes() == _Repository.content
    assert int(jars_handler[0].asked[-1]) > 0


def test_other_bytes_than_the_lock_says_are_thrown_away(
    repository: jars.Jar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "locked", lambda: [replace(repository, sha256="0" * 64)])
    with pytest.raises(LabError, match=r"arrived with sha256 .* instead of 0000000000000000…"):
        jars.fetch("toy")
    assert list(repository.path.parent.iterdir()) == []


@pytest.mark.parametrize("damage", [b"", b"half", b"x" * len(_Repository.content)])
def test_a_damaged_jar_in_the_cache_is_fetched_again(
    repository: jars.Jar, damage: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    jars.fetch("toy")
    repository.path.write_bytes(damage)
    jars.fetch("toy")

    assert repository.path.read_bytes() == _Repository.content
    assert "is damaged; fetching it again" in capsys.readouterr().err


def test_a_cached_jar_needs_no_network(repository: jars.Jar, monkeypatch: pytest.MonkeyPatch) -> None:
    jars.fetch("toy")
    monkeypatch.setattr(jars, "repositories", lambda: ["http://127.0.0.1:9"])
    assert jars.fetch("toy") == [repository.path]


def test_without_a_network_the_first_fetch_says_so(
    repository: jars.Jar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "repositories", lambda: ["http://127.0.0.1:9"])
    with pytest.raises(LabError) as error:
        jars.fetch("toy")
    assert str(error.value) == (
        "org.toy:toy:1 could not be downloaded (ConnectionError). The first run needs Maven Central; what has "
        "arrived so far is kept. Next: check the connection and run the same command again"
    )


# ---- disk and permissions -----------------------------------------------------------------------

_ON_A_FULL_DISK = """
set -eu
mount -t tmpfs -o size={size} tmpfs "$1"
export LAB_DIR="$1/.lab"
mkdir -p "$LAB_DIR"
ln -s "$2" "$LAB_DIR/jars"
exec "$3" -m labkit up {service}
"""


@pytest.mark.parametrize(("service", "size"), [("postgres", "3m"), ("kafka", "64k"), ("flink", "200k")])
def test_a_full_disk_is_named(tmp_path: Path, service: str, size: str) -> None:
    """A real one: a small tmpfs in a mount namespace of its own."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a mount namespace")
    folder = tmp_path / "small"
    folder.mkdir()
    script = _ON_A_FULL_DISK.format(size=size, service=service)
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    done = subprocess.run(
        [*unshare, "sh", "-c", script, "sh", folder, ROOT / ".lab" / "jars", sys.executable],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.count("lab: ") == 1, done.stderr
    assert "the disk is full" in done.stderr or "No space left on device" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert process.marked(folder / ".lab" / "stacks" / "main") == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    as_nobody, python = _as_somebody_else(tmp_path)
    locked_folder = tmp_path / "locked"
    locked_folder.mkdir(mode=0o555)
    done = subprocess.run(
        [*as_nobody, python, "-m", "labkit", "up", "postgres"], capture_output=True, text=True,
        env={**os.environ, "LAB_DIR": str(locked_folder / ".lab")}, cwd=tmp_path, timeout=60,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.startswith("lab: ")
    assert "/locked/.lab: Permission denied. Everything that runs here keeps its files" in done.stderr
    assert "Traceback" not in done.stderr


# ---- root and not root --------------------------------------------------------------------------


def test_it_runs_as_root_and_as_an_ordinary_user(tmp_path: Path) -> None:
    """As whoever runs this test every other test runs; here as the other one, where root can become it."""
    as_nobody, python = _as_somebody_else(tmp_path)
    home = tmp_path / "home of nobody"
    home.mkdir()
    home.chmod(0o777)
    env = {**os.environ, "LAB_DIR": str(home / ".lab"), "HOME": str(home)}
    (home / ".lab").mkdir()
    (home / ".lab").chmod(0o777)
    (home / ".lab" / "jars").symlink_to(ROOT / ".lab" / "jars")

    def labkit(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*as_nobody, python, "-m", "labkit", *arguments],
            capture_output=True, text=True, env=env, cwd=tmp_path, timeout=120,
        )  # fmt: skip

    try:
        up = labkit("up")
        assert up.returncode == 0, up.stderr
    finally:
        down = labkit("down")
    assert down.returncode == 0, down.stderr


def test_root_can_keep_the_repository_where_nobody_may_look(own_stack: Stack, tmp_path: Path) -> None:
    """/root is closed to the user that PostgreSQL runs as; one capability lets it in."""
    if os.geteuid() != 0:
        pytest.skip("only root's PostgreSQL runs as somebody else")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    env = {**os.environ, "LAB_DIR": str(closed / ".lab")}
    try:
        up = subprocess.run(
            [sys.executable, "-m", "labkit", "up", "postgres"],
            capture_output=True, text=True, env=env, timeout=60,
        )  # fmt: skip
        assert up.returncode == 0, up.stderr
    finally:
        subprocess.run([sys.executable, "-m", "labkit", "down"], env=env, timeout=60, check=True)
    assert closed.stat().st_mode & 0o777 == 0o700


# ---- commands -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["up", "kafak"], "There is no service 'kafak'. There are: kafka, postgres, flink, registry. Next: ./lab up"),
        (["sql", "-e", "SELECT 1", "--stack", "nothere"], "flink does not run. The script needs it. Next: ./lab up flink"),
        (["run", "nowhere.py"], "There is no file nowhere.py. A PyFlink job was expected. Next: ./lab run --help"),
        (["sql", "nowhere.sql"], "nowhere.sql cannot be read (No such file or directory). A file with SQL statements was "
                                 "expected. Next: ./lab sql, for a prompt"),
        (["uo"], "No such command 'uo'."),
        (["up", "--slots", "none"], "'none' is not a valid integer range."),
    ],
)  # fmt: skip
def test_a_wrong_command_is_one_sentence(lab: Lab, command: list[str], sentence: str) -> None:
    done = lab(*command)

    assert done.returncode in (1, 2)
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_name_that_leaves_the_folder_is_no_stack(lab: Lab) -> None:
    done = lab("down", "--data", "--stack", "../../somewhere")

    assert done.returncode == 1
    assert "'../../somewhere' is no name for a stack" in done.stderr


def _name() -> str:
    import psutil

    return psutil.Process().name()


def _as_somebody_else(folder: Path) -> tuple[list[str], str]:
    """How root becomes nobody and which Python it runs then; as it is where we are not root."""
    if os.geteuid() != 0:
        return [], sys.executable
    for parent in [folder, *folder.parents][:-1]:
        if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(0o755)
    setpriv = shutil.which("setpriv")
    assert setpriv
    user = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*user, sys.executable, "-c", "import labkit"], capture_output=True).returncode:
        pytest.skip("the repository is in a folder that only root may enter")
    return user, sys.executable
