"""The warm engine: one resident gateway and one small session cluster, kept between processes.

    with engine() as flink:          # started on first use; one process at a time
        flink.gateway, flink.rest    # the py4j port, the REST address

What makes it safe to keep: it is replaced when what it was started from has changed (Flink, jars, settings,
Java files), when a part of it has died, and when it has grown; jobs that somebody left running are
cancelled; a keeper ends it after some idle minutes. LAB_COLD=1: each process starts one of its own and ends
it.

Only what a warm call needs is imported here: this is a part of every check's second.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from labkit.errors import LabError
from labkit.paths import LAB, LOCKS, ROOT, STACKS
from labkit.waiting import waiting

NAME = "warm"
IDLE_MINUTES = 15
#: resident memory above which a part is replaced, in bytes
GATEWAY_LIMIT, TASKMANAGER_LIMIT = 700 << 20, 1100 << 20
_OUTPUT_LIMIT = 10 << 20
_LOCK = LOCKS / "warm-use.lock"
_SLOTS = 8


@dataclass(frozen=True)
class Engine:
    """A gateway and a cluster that answer."""

    gateway: int
    rest: str
    folder: str
    gateway_pid: int
    taskmanager_pid: int
    made_from: str

    @property
    def journals(self) -> Path:
        """Where jobs leave what they have seen."""
        return Path(self.folder) / "journals"

    def ask(self, method: str, path: str) -> Any:
        """The answer of the cluster's REST API. Raises LabError: it does not answer, or refuses."""
        try:
            connection = HTTPConnection(self.rest, timeout=10)
            connection.request(method, path)
            response = connection.getresponse()
            answer = json.loads(response.read() or b"{}")
            connection.close()
        except (OSError, HTTPException, ValueError) as error:
            raise LabError(
                f"The warm cluster does not answer ({type(error).__name__}).",
                "",
                "run it again: it is replaced",
            ) from error
        if response.status >= 400:
            raise LabError(f"Flink refused {method} {path}: {answer}.", "", "run it again")
        return answer

    def end_taskmanager(self) -> None:
        """End the process that runs the jobs: the only way to stop a function that never returns.

        The next use starts another.
        """
        _ended.add(self.taskmanager_pid)
        with suppress(ProcessLookupError):
            os.kill(self.taskmanager_pid, signal.SIGKILL)


#: TaskManagers that were ended on purpose
_ended: set[int] = set()


@contextmanager
def engine() -> Iterator[Engine]:
    """Hold the warm engine, alone. Raises LabError: it could not be started, or was ended in the middle.

    Nothing of an earlier use is left in it: no job runs.
    """
    if os.environ.get("LAB_COLD", "") not in ("", "0"):
        found = _own[0] if _own and resident(_own[0].taskmanager_pid) else _cold()
        with _standing(found):
            yield found
        return
    with _alone():
        found = _ready() or _start()
        used, busy = (Path(found.folder) / name for name in ("used", "busy"))
        used.touch()
        busy.touch()
        _empty_the_output(found)
        try:
            with _standing(found):
                yield found
        except KeyboardInterrupt:
            found.end_taskmanager()  # Python that is interrupted while it starts never starts again
            raise
        finally:
            busy.unlink(missing_ok=True)
        used.touch()


@contextmanager
def _standing(found: Engine) -> Iterator[None]:
    """What fails within it because a part of the engine has ended is nobody's wrong answer: a LabError."""
    try:
        yield
    except Exception as error:
        if not resident(found.gateway_pid):
            raise LabError(
                "The gateway of the checks was ended in the middle.", "", "run it again: it is replaced"
            ) from error
        if not resident(found.taskmanager_pid) and found.taskmanager_pid not in _ended:
            raise LabError(
                "The TaskManager of the checks ended in the middle: somebody has ended it, or a function in "
                "it did (os._exit, more memory than there is).",
                "",
                "run it again: it is replaced",
            ) from error
        raise


@contextmanager
def _alone() -> Iterator[None]:
    _LOCK.parent.mkdir(parents=True, exist_ok=True)
    with _LOCK.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            yield
            return
    from labkit.services.locking import held

    with held(_LOCK, "another check uses the warm engine"):
        yield


# ---- is it fit for use? ------------------------------------------------------------------------


def _recorded() -> Engine | None:
    """The engine of an earlier use, if its gateway is of today's making, alive and small."""
    try:
        found = Engine(**json.loads((STACKS / NAME / "engine.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    fit = found.made_from == made_from() and 0 < resident(found.gateway_pid) < GATEWAY_LIMIT
    return found if fit else None


def _ready() -> Engine | None:
    """The engine of an earlier use, if all of it is fit for another, and idle."""
    found = _recorded()
    if found is None or not 0 < resident(found.taskmanager_pid) < TASKMANAGER_LIMIT:
        return None
    if (Path(found.folder) / "busy").exists():
        # killed in the middle, perhaps while Python started: where that is interrupted it never starts again
        found.end_taskmanager()
        return None
    try:
        if not idle(found):
            found.end_taskmanager()
            return None
    except LabError:
        return None
    return found


def _empty_the_output(found: Engine) -> None:
    """Functions print into the TaskManager's output: somebody's flood shall not fill the disk."""
    output = Path(found.folder) / "flink" / "log" / "taskmanager-1.out"
    with suppress(FileNotFoundError):
        if output.stat().st_size > _OUTPUT_LIMIT:
            os.truncate(output, 0)  # it is appended to: the next line is its first


def idle(found: Engine, seconds: float = 15) -> bool:
    """Cancel what still runs, and wait until every slot is free; False: something does not end."""
    deadline = time.monotonic() + seconds
    while True:
        overview = found.ask("GET", "/overview")
        if overview["slots-total"] == overview["slots-available"] == _SLOTS:
            return True
        if time.monotonic() > deadline:
            return False
        for job in found.ask("GET", "/jobs/overview")["jobs"]:
            if job["state"] in ("CREATED", "RUNNING", "RESTARTING", "INITIALIZING", "FAILING"):
                with suppress(LabError):  # it ended by itself in the meantime
                    found.ask("PATCH", f"/jobs/{job['jid']}?mode=cancel")
        time.sleep(0.02)


def made_from() -> str:
    """A name for all that the running processes were started from."""
    digest = sha256(f"{sys.executable} {LAB} {os.environ.get('LAB_JAVA_HOME')}".encode())
    flink = find_spec("pyflink")
    files = [
        *(Path(place) / "version.py" for place in (flink and flink.submodule_search_locations) or []),
        *sorted((ROOT / "labkit" / "warm").glob("*.py")),
        *sorted((ROOT / "labkit" / "services").glob("[cfj]*.py")),  # compiled, flink, jars, java
        *sorted((ROOT / "labkit" / "services" / "rpc").rglob("*.java")),
        *sorted((ROOT / "labkit" / "testing" / "java").rglob("*.java")),
        ROOT / "labkit" / "testing" / "usercode.py",  # workers import it
        ROOT / "jars.lock",
    ]
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def resident(pid: int) -> int:
    """The resident memory of a process in bytes; 0: there is none of that number."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        pass
    if sys.platform == "linux":
        return 0
    import psutil  # no /proc: a bit slower

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


# ---- starting it -------------------------------------------------------------------------------


@waiting("Starting Flink for the checks: some seconds. It stays for the next ones")
def _start() -> Engine:
    """Start it anew.

    A gateway that is still good stays: users' programs hold objects in it. A JobManager does not: for some
    seconds it would give out the slots of a TaskManager that it has lost.
    """
    from labkit.warm.stack import WarmStack

    stack = WarmStack(NAME, resident=True)
    file = STACKS / NAME / "engine.json"
    if _recorded():
        stack.down(stack.cluster.name)
    else:
        stack.remove()
    file.unlink(missing_ok=True)
    stack.start()
    found = _described(stack)
    half = file.with_suffix(".half")
    half.write_text(json.dumps(asdict(found)))
    os.replace(half, file)
    return found


_own: list[Engine] = []


@waiting("Starting Flink for this process alone: LAB_COLD is set")
def _cold() -> Engine:
    """This process's own engine, ended with it."""
    import atexit

    from labkit.warm.stack import WarmStack

    stack = WarmStack(f"cold-{os.getpid()}", resident=False)
    if _own:
        stack.down(stack.cluster.name)
    else:
        atexit.register(stack.remove)
    stack.start()
    _own[:] = [_described(stack)]
    return _own[0]


def _described(stack: Any) -> Engine:
    (stack.dir / "journals").mkdir(exist_ok=True)
    return Engine(
        gateway=stack.gateway.number,
        rest=stack.cluster.address.removeprefix("http://"),
        folder=str(stack.dir),
        gateway_pid=stack.gateway.record.processes["gateway"].pid,
        taskmanager_pid=stack.cluster.record.processes["taskmanager-1"].pid,
        made_from=made_from(),
    )
