"""The processes of the warm engine: a small session cluster and a resident py4j gateway, started together."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import ClassVar

from labkit.errors import LabError
from labkit.paths import ROOT, shown
from labkit.services import archive, flink, java
from labkit.services.compiled import jar_of
from labkit.services.flink import Flink, lib, made
from labkit.services.process import end, spawn, until
from labkit.services.service import Service
from labkit.services.stack import Stack

#: the Java side of labkit.testing, and the gateway's main class
JAVA = ROOT / "labkit" / "testing" / "java"
_SERVICES = {"org.apache.flink.metrics.reporter.MetricReporterFactory": "scripted.Counters"}
_SLOTS = 8
#: refusing a checkpoint is how a script waits: each would be told with its trace, in two processes
_QUIET = (
    "runtime.checkpoint",
    "streaming.runtime.tasks",
    "streaming.api.operators",
    "runtime.taskmanager",
    "metrics",
)
_LOG4J = flink.LOG4J.replace("level = INFO", "level = WARN") + "".join(
    f"logger.q{n}.name = org.apache.flink.{name}\nlogger.q{n}.level = OFF\n" for n, name in enumerate(_QUIET)
)


class Cluster(Flink):
    """A session cluster that knows scripted sources and recorders."""

    patience = 180.0  # somebody may need the whole machine
    starts_again = False  # the engine watches its own, and knows it by its process

    more_options: ClassVar[dict[str, object]] = {
        "metrics.reporters": "scripted",
        "metrics.reporter.scripted.factory.class": "scripted.Counters",
        # one job after the other, each of a second: nobody looks at the older ones
        "jobstore.max-capacity": 20,
        "restart-strategy.type": "none",
    }

    def _write(self, where: dict[str, object]) -> None:
        super()._write(where)
        (self.conf / "log4j.properties").write_text(_LOG4J)

    def archived_as(self, role: str) -> str:
        return f"warm-{super().archived_as(role)}"

    def more_jars(self) -> list[Path]:
        return [jar_of(JAVA, _SERVICES, lib(), made())]


class Gateway(Service):
    """A JVM that plans and submits jobs for one Python process after the other."""

    name = "gateway"
    setting = ""
    patience = 180.0

    def __init__(self, stack: Path, cluster: Cluster) -> None:
        super().__init__(stack, only_ours=True)
        self._cluster = cluster

    @property
    def port_file(self) -> Path:
        return self.dir / "port"

    @property
    def number(self) -> int:
        """The port that it listens on."""
        return int(self.port_file.read_text())

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.number}"

    def launch(self) -> None:
        end(self.record.processes.values())
        self.port_file.unlink(missing_ok=True)
        flink = self._cluster
        settings = (
            flink.conf / "log4j-cli.properties"
        )  # the last file that the cluster writes before it starts

        def give_up() -> None:
            raise LabError(f"{shown(settings)} is not there.", "The cluster writes it.", "run it again")

        until(settings.exists, 30, give_up)
        flink.log_dir.mkdir(parents=True, exist_ok=True)
        command = [
            java.executable(), *java.FLAGS, *archive.flags("warm-gateway", flink.class_path), "-Xms128m",
            "-Xmx512m", f"-Djava.io.tmpdir={self.tmp}", "--add-opens=jdk.proxy2/jdk.proxy2=ALL-UNNAMED",
            *java.flink_options().split(), f"-Dlog.file={self.log}",
            f"-Dlog4j.configurationFile={settings.as_uri()}", "-cp", flink.class_path,
            "org.apache.flink.client.python.Resident", str(self.port_file),
        ]  # fmt: skip
        env = flink.environment()
        self.remember("gateway", spawn(command, stack=self.stack, output=self.log, env=env, cwd=self.dir))

    def jvms(self) -> dict[str, tuple[str, int]]:
        class_path = self._cluster.class_path
        return {f"warm-{role}": (class_path, owned.pid) for role, owned in self.record.processes.items()}

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.number), timeout=1).close()
        except (OSError, ValueError):
            return False
        return True


class Keeper(Service):
    """Ends the others when nobody has used them for a while."""

    name = "keeper"
    setting = ""

    @property
    def address(self) -> str:
        return "-"

    def launch(self) -> None:
        command = [sys.executable, "-m", "labkit.warm.keeper", str(self.stack)]
        env = dict(os.environ)
        self.remember("keeper", spawn(command, stack=self.stack, output=self.log, env=env, cwd=ROOT))

    def answers(self) -> bool:
        return self.running


class WarmStack(Stack):
    """What is kept warm, under one name. resident: it outlives this process, and a keeper ends it when
    idle.
    """

    def __init__(self, name: str, resident: bool) -> None:
        super().__init__(name, only_ours=True)
        self.cluster = Cluster(self.dir, only_ours=True)
        self.cluster.ask(1, _SLOTS)
        self.flink = self.cluster
        self.gateway = Gateway(self.dir, self.cluster)
        self._resident = resident
        self._idle_keeper = Keeper(self.dir, only_ours=True)

    @property
    def services(self) -> list[Service]:
        kept: list[Service] = [self.cluster, self.gateway]
        return [*kept, self._idle_keeper] if self._resident else kept

    def start(self) -> None:
        """Start what does not run. Raises LabError: something could not be started."""
        self.up(*(service.name for service in self.services), owned=not self._resident)
