"""A Flink session cluster: one JobManager and as many TaskManagers as asked, from the wheel's jars.

The JVMs are started directly, not by the wheel's shell scripts: then their pids are ours from the
first moment and no second JVM is needed to add up the memory. The configuration that the scripts,
`flink run` and PyFlink read is the same one: conf/config.yaml in the service's folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import psutil
import requests

from labkit import web
from labkit.paths import LAB, package_dir
from labkit.services import archive, jars, java, restarting
from labkit.services.compiled import jar_of
from labkit.services.process import end, spawn
from labkit.services.service import Service

HOME = package_dir("pyflink")
VERSION = "2.2.1"
SLOTS = 4

_JOBMANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASKMANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
#: the Java file behind `rpc_loader`
_RPC = Path(__file__).with_name("rpc")

#: a TaskManager's memory, part by part; the scripts would compute it from one total
_MEMORY = {
    "taskmanager.cpu.cores": 1.0,
    "taskmanager.memory.framework.heap.size": "128m",
    "taskmanager.memory.task.heap.size": "384m",
    "taskmanager.memory.framework.off-heap.size": "64m",
    "taskmanager.memory.task.off-heap.size": "0m",
    "taskmanager.memory.network.min": "64m",
    "taskmanager.memory.network.max": "64m",
    "taskmanager.memory.managed.size": "128m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.min": "128m",
    "taskmanager.memory.jvm-overhead.max": "128m",
}
# the first compiler alone: a cold TaskManager takes over a lost one's jobs in half the processor time
_TASKMANAGER_JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms192m", "-Xmx512m",
                    "-XX:MaxDirectMemorySize=192m", "-XX:MaxMetaspaceSize=256m",
                    "-XX:-UsePerfData"]  # fmt: skip

LOG4J = """\
monitorInterval = 30
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = File
appender.file.name = File
appender.file.type = File
appender.file.append = true
appender.file.fileName = ${sys:log.file}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{ISO8601} %-5p %-60c{1.} %x - %m%n
"""
# Flink names two committers' metrics alike and warns at every checkpoint
LOG4J += "logger.metrics.name = org.apache.flink.metrics.MetricGroup\nlogger.metrics.level = ERROR\n"
_LOG4J_CLI = LOG4J.replace("INFO", "WARN")


_END_OF_LOG = 2 << 20
_SHUT_DOWN = re.compile(
    r"^(\S+) ERROR \S*TaskManagerRunner .*Fatal error occurred.*\n((?:(?!\d{4}-\d\d-).*\n)*)", re.MULTILINE
)


class Flink(Service):
    """A JobManager and TaskManagers, each with `slots` slots."""

    name = "flink"
    setting = "LAB_FLINK"
    #: whether a TaskManager that gives up is started again without being asked
    starts_again = True
    #: for clusters of a special kind: what their config.yaml has more
    more_options: ClassVar[dict[str, object]] = {}

    def more_jars(self) -> list[Path]:
        """For clusters of a special kind: what their class path has more."""
        return []

    @property
    def class_path(self) -> str:
        return os.pathsep.join(map(str, [rpc_loader(), lib() / "*", *self.more_jars()]))

    def archived_as(self, role: str) -> str:
        """The name of the archive of class data of that role's JVMs."""
        return role.partition("-")[0]

    def jvms(self) -> dict[str, tuple[str, int]]:
        found = {}
        for role in self.record.processes:
            with suppress(psutil.NoSuchProcess):
                found[self.archived_as(role)] = (self.class_path, self.jvm(role))
        return found

    def jvm(self, role: str) -> int:
        """The process of that role's JVM: what was started, or for a TaskManager what its starter runs.

        Raises psutil.NoSuchProcess: it has ended.
        """
        started = psutil.Process(self.record.processes[role].pid)
        below = started.children() if restarting.__file__ in started.cmdline() else []
        return below[0].pid if below else started.pid

    def __init__(self, stack: Path, only_ours: bool = False) -> None:
        super().__init__(stack, only_ours)
        self.record.options.setdefault("taskmanagers", 1)
        self.record.options.setdefault("slots", SLOTS)

    # ---- settings of this service --------------------------------------------------------------

    def ask(self, taskmanagers: int | None, slots: int | None) -> None:
        """How many TaskManagers and slots each the next start shall have; None: as before."""
        if taskmanagers:
            self.record.options["taskmanagers"] = taskmanagers
        if slots:
            self.record.options["slots"] = slots

    @property
    def conf(self) -> Path:
        return self.dir / "conf"

    @property
    def log_dir(self) -> Path:
        return self.dir / "log"

    @property
    def log(self) -> Path:
        return self.log_dir / "jobmanager.log"

    @property
    def checkpoints(self) -> Path:
        return self.dir / "checkpoints"

    @property
    def savepoints(self) -> Path:
        return self.dir / "savepoints"

    @property
    def tmp(self) -> Path:
        """Where the cluster and its Python workers keep files for as long as they run.

        Never a path with a space: the script that starts a worker does not quote it. Where our folder
        has one, this is a folder of the system's temporary directory, removed when the cluster stops.
        """
        if " " not in str(self.dir):
            return self.dir / "tmp"
        return Path(tempfile.gettempdir()) / f"lab-flink-{zlib.crc32(str(self.dir).encode()):08x}"

    @property
    def python(self) -> str:
        """The interpreter of Python workers: this environment's, by a path without a space."""
        if " " not in sys.executable:
            return sys.executable
        return str(self.tmp / "env" / "bin" / "python")

    @property
    def address(self) -> str:
        return self.external or f"http://127.0.0.1:{self.record.ports['flink']}"

    # ---- life ----------------------------------------------------------------------------------

    def prepare(self) -> None:
        jars.fetch("flink")
        _ = self.class_path  # what has to be made for it: whatever starts side by side finds it there

    @property
    def _roles(self) -> list[str]:
        count = self.record.options["taskmanagers"]
        return ["jobmanager", *(f"taskmanager-{n}" for n in range(1, count + 1))]

    @property
    def running(self) -> bool:
        """Every process that was asked for runs; a lost TaskManager is started again by the next start."""
        alive = self.record.processes
        return all(role in alive and alive[role].running() for role in self._roles)

    def launch(self) -> None:
        processes = self.record.processes
        for role in [r for r in processes if r not in self._roles]:
            end([processes.pop(role)])
        if not ("jobmanager" in processes and processes["jobmanager"].running()):
            # TaskManagers of a JobManager that is gone know its old address only
            end(processes.values())
            processes.clear()
            self._configure()
            self._run("jobmanager", _JOBMANAGER, [*java.FLAGS, "-Xms160m", "-Xmx384m"],
                      # not in config.yaml: the SQL client's own gateway would take it for its port
                      ["-D", f"rest.bind-port={self.record.ports['flink']}"])  # fmt: skip
        for role in self._roles[1:]:
            if role not in processes or not processes[role].running():
                self._run_taskmanager(role)

    def _run_taskmanager(self, role: str) -> None:
        # a name of its own at each start: one that was killed is counted by the JobManager for a while
        self.record.options[role] = self.record.options.get(role, 0) + 1
        # whom root lent its own Python may run it, but not start it again: then nothing watches
        watched = self.starts_again and os.access(sys.executable, os.X_OK)
        under = [sys.executable, "-S", restarting.__file__] if watched else []
        arguments = ["-D", f"taskmanager.resource-id={self.id_of(role)}"]
        self._run(role, _TASKMANAGER, _TASKMANAGER_JVM, arguments, under)

    def id_of(self, role: str) -> str:
        """What the JobManager calls the TaskManager that has this role now."""
        return f"{role}.{self.record.options.get(role, 0)}"

    def _run(
        self, role: str, main: str, flags: list[str], arguments: list[str], under: Sequence[str] = ()
    ) -> None:
        command = [
            *under, java.executable(), *flags,
            *archive.flags(self.archived_as(role), self.class_path), *java.flink_options().split(),
            f"-Djava.io.tmpdir={self.tmp}", f"-Dlog.file={self.log_dir / role}.log",
            f"-Dlog4j.configurationFile={(self.conf / 'log4j.properties').as_uri()}",
            "-cp", self.class_path, main, "--configDir", str(self.conf), *arguments,
        ]  # fmt: skip
        output = self.log_dir / f"{role}.out"
        process = spawn(command, stack=self.stack, output=output, env=self.environment(), cwd=self.dir)
        self.remember(role, process)

    def _configure(self) -> None:
        """Choose the ports and write what the cluster, `flink run` and PyFlink read."""
        rpc, blob = self.port("flink_rpc"), self.port("flink_blob")
        self._write(
            {
                "rest.address": "127.0.0.1",
                "rest.port": self.port("flink"),
                "jobmanager.rpc.address": "127.0.0.1",
                "jobmanager.rpc.port": rpc,
                "blob.server.port": str(blob),
                "python.executable": self.python,
            }
        )
        if self.python != sys.executable and not (self.tmp / "env").is_symlink():
            (self.tmp / "env").symlink_to(sys.prefix)

    def _write(self, where: dict[str, object]) -> None:
        for folder in (self.conf, self.log_dir, self.checkpoints, self.savepoints):
            folder.mkdir(parents=True, exist_ok=True)
        options = {
            **where,
            "jobmanager.bind-host": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "jobmanager.memory.process.size": "800m",  # for `flink run`'s own sum; not for our JVM
            "taskmanager.host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
            "taskmanager.numberOfTaskSlots": self.record.options["slots"],
            **_MEMORY,
            "heartbeat.interval": "1 s",
            "heartbeat.timeout": "8 s",
            # a TaskManager that is quicker than its JobManager asks again at once, not after 10 s
            "cluster.registration.error-delay": "200 ms",
            # what REST and UI show is at most so old; by default a job and its checkpoints are of 3 s ago
            "metrics.fetcher.update-interval": "500 ms",
            "web.refresh-interval": "500 ms",
            "rest.cache.checkpoint-statistics.timeout": "50 ms",
            "io.tmp.dirs": str(self.tmp),
            "execution.checkpointing.dir": f"file://{self.checkpoints}",
            "execution.checkpointing.savepoint-dir": f"file://{self.savepoints}",
            "classloader.check-leaked-classloader": False,
            "python.client.executable": sys.executable,
            "env.java.opts.all": java.flink_options(),
            **self.more_options,
        }
        lines = [f"{key}: {json.dumps(value)}\n" for key, value in options.items()]
        (self.conf / "config.yaml").write_text("".join(lines))
        (self.conf / "log4j.properties").write_text(LOG4J)
        (self.conf / "log4j-cli.properties").write_text(_LOG4J_CLI)

    def environment(self) -> dict[str, str]:
        """What the cluster, `flink run` and PyFlink need: all five folders, and our Python first."""
        if self.external:  # nobody started it here, so nobody wrote where it is
            host, port = self.address.removeprefix("http://").rsplit(":", 1)
            self._write({"rest.address": host, "rest.port": int(port), "jobmanager.rpc.address": host})
        env = java.environment()
        env.update(
            FLINK_HOME=str(HOME),
            FLINK_CONF_DIR=str(self.conf),
            FLINK_LIB_DIR=str(lib()),
            FLINK_OPT_DIR=str(HOME / "opt"),
            FLINK_PLUGINS_DIR=str(HOME / "plugins"),
            FLINK_LOG_DIR=str(self.log_dir),
            PATH=os.pathsep.join([str(Path(sys.executable).parent), str(HOME / "bin"), env.get("PATH", "")]),
        )
        env.pop("PYTHONHOME", None)
        return env

    def answers(self) -> bool:
        try:
            overview = self._ask("overview")
            if self.external:
                return "slots-total" in overview
            found = {each["id"]: each["slotsNumber"] for each in self._ask("taskmanagers")["taskmanagers"]}
        except (requests.RequestException, ValueError, KeyError):
            return False
        slots = self.record.options["slots"]
        return all(found.get(self.id_of(role)) == slots for role in self._roles[1:])

    def _ask(self, what: str) -> Any:
        return web.session(self.address).get(f"{self.address}/{what}", timeout=2).json()

    def shut_down_by(self, since: int = 0) -> str:
        """The newest trace since then (ms, UTC) with which a TaskManager has ended itself, or nothing.

        From the logs: a sink that fails again while it is closed ends the process, and tells nobody why.
        """
        found: list[tuple[float, str]] = []
        for log in self.log_dir.glob("taskmanager-*.log"):
            with log.open("rb") as file:
                file.seek(max(0, log.stat().st_size - _END_OF_LOG))
                text = file.read().decode(errors="replace")
            for at, trace in _SHUT_DOWN.findall(text):
                written = datetime.strptime(at, "%Y-%m-%dT%H:%M:%S,%f").timestamp() * 1000  # in local time
                found += [(written, trace)] if written >= since else []
        return max(found, default=(0.0, ""))[1]

    def logs(self) -> list[Path]:
        ended = [role for role, process in self.record.processes.items() if not process.running()]
        return [self.log_dir / f"{role}.{kind}" for role in ended for kind in ("log", "out")]


def made() -> Path:
    """Where that is kept which is made once for this Flink; by its real path, as jars are."""
    return (LAB / f"flink-{VERSION}").resolve()


def _rpc_system() -> Path:
    """Flink's RPC system, taken out of the jar of flink-dist: see `rpc_loader`."""
    jar = made() / f"flink-rpc-{VERSION}.jar"
    if not jar.exists():
        jar.parent.mkdir(parents=True, exist_ok=True)
        half = jar.with_name(f"{jar.name}.{os.getpid()}")
        with zipfile.ZipFile(HOME / "lib" / f"flink-dist-{VERSION}.jar") as dist:
            half.write_bytes(dist.read("flink-rpc-akka.jar"))
        os.replace(half, jar)
    return jar


def rpc_loader() -> Path:
    """The jar that has a cluster load Flink's RPC system from `lib`: from an archive a third quicker."""
    services = {"org.apache.flink.runtime.rpc.RpcSystemLoader": "launch.FromClassPath"}
    return jar_of(_RPC, services, lib(), made())


def lib() -> Path:
    """One folder with links to the wheel's jars, the RPC system, the connectors and flink-python.

    The wheel itself is never written to. The folder is named after what it links to, so another
    version or another lock gets a folder of its own.
    """
    sources = [
        *sorted((HOME / "lib").glob("*.jar")),
        *(HOME / "opt").glob("flink-python-*.jar"),
        _rpc_system(),
        *(jar.path for jar in jars.of_set("flink")),
    ]
    wanted = {source.name: source for source in sources}
    folder = made() / f"lib-{zlib.crc32(repr(sorted(wanted.items())).encode()):08x}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(dir=folder.parent))
        for name, source in wanted.items():
            (new / name).symlink_to(source)
        try:
            new.rename(folder)
        except OSError:
            shutil.rmtree(new)
            if not folder.exists():  # otherwise somebody else made it meanwhile
                raise
    return folder
