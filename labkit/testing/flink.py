"""The Flink that scripted jobs run on: a warm gateway and cluster, and a job's way from plan to journal.

The only module that knows where Flink comes from. It speaks to the gateway by py4j: PyFlink itself is
imported only where there is Python in the job, for its import alone takes a quarter of a second.
"""

from __future__ import annotations

import atexit
import logging
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from py4j import java_gateway as _py4j
from py4j.java_gateway import GatewayParameters, JavaGateway
from py4j.protocol import get_return_value

from labkit import warm
from labkit.busy import busy
from labkit.errors import LabError
from labkit.gateway import one_thread
from labkit.testing.failures import of_a_job
from labkit.testing.journal import Journal
from labkit.testing.script import CHECKPOINT, CRASH, ROW, SETTLE, WATERMARK, Step, settle

#: what every scripted job runs with
OPTIONS = {
    "execution.target": "remote",
    "execution.runtime-mode": "STREAMING",
    "table.local-time-zone": "UTC",
    "parallelism.default": "1",
    # a watermark of a table's own rule after every row, a row on its way as soon as it is there
    "pipeline.auto-watermark-interval": "0 ms",
    "execution.buffer-timeout.interval": "0 ms",
    "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
    # Flink parses generated code to split methods of over 4,000 characters: the JIT takes none of over 8 kB
    # of bytecode. For the few rows of a script that takes longer than it saves; Java's own limit is 64 kB.
    "table.generated-code.max-length": "64000",
    # checkpoints come by themselves; the script's sources refuse those that it does not ask for
    "execution.checkpointing.interval": "10 ms",
    "execution.checkpointing.min-pause": "0 ms",
    "execution.checkpointing.storage": "jobmanager",
    "execution.checkpointing.tolerable-failed-checkpoints": str(2**31 - 1),
    "state.backend.type": "hashmap",
    "restart-strategy.type": "none",
    # Python in the TaskManager's own process: no worker to start
    "python.execution-mode": "thread",
    "python.fn-execution.bundle.size": "1",
    "python.state.cache-size": "0",
}
# what it would say of a gateway that is gone, labkit.testing says itself
logging.getLogger("py4j").setLevel(logging.CRITICAL)
_KINDS = {ROW: 0, WATERMARK: 1, SETTLE: 2, CHECKPOINT: 3, CRASH: 4}


class Flink:
    """A gateway that is this process's for now. java: the JVM's classes, as py4j shows them."""

    def __init__(self, engine: warm.Engine) -> None:
        self.engine = engine
        self._gateway = JavaGateway(
            gateway_parameters=GatewayParameters(port=engine.gateway, auto_convert=True)
        )
        self._gateways = [self._gateway]
        self._pyflink = False
        atexit.register(self.end)

    def end(self) -> None:
        """Let go without a word: the gateway may be gone before this process's last object of it is."""
        for gateway in self._gateways:
            gateway._gateway_client.is_connected = False
        if self._pyflink:
            from pyflink import java_gateway

            if java_gateway._gateway is self._gateway:
                java_gateway._gateway = None

    @property
    def java(self) -> Any:
        return self._gateway.jvm

    def begin(self) -> None:
        """Take over the gateway from whoever had it before."""
        was_anothers = self.java.org.apache.flink.client.python.Resident.begin(os.getpid())
        if was_anothers and self._pyflink:
            self._answer_callbacks()

    @contextmanager
    def own_errors(self) -> Iterator[None]:
        """An exception of this JVM's stays one of this gateway, whatever PyFlink does beside it.

        PyFlink hangs a hook into py4j that tells its own gateway of every exception, and starts one if there
        is none: until pyflink() was called that is another JVM, or no JVM yet.
        """
        hooked = _py4j.get_return_value
        if not self._pyflink:
            _py4j.get_return_value = get_return_value
        try:
            yield
        finally:
            if _py4j.get_return_value is get_return_value:  # and not of a PyFlink that has come meanwhile
                _py4j.get_return_value = hooked

    def pyflink(self) -> None:
        """From now on this process's PyFlink works through the same gateway."""
        if self._pyflink:
            return
        from pyflink import java_gateway

        # a client, not a worker's host: without this PyFlink would start a Beam server in this process
        os.environ["_python_worker_execution_mode"] = "process"  # noqa: SIM112  PyFlink's own spelling
        java_gateway._gateway = None
        os.environ["PYFLINK_GATEWAY_PORT"] = str(self.engine.gateway)
        try:
            self._gateway = java_gateway.get_gateway()
        finally:
            del os.environ["PYFLINK_GATEWAY_PORT"]  # a process that is started from here has its own
        self._gateways.append(self._gateway)
        self._pyflink = True
        # The JVM outlives this process, and tells whoever is there which object it has let go of, by number:
        # with numbers from 0 an earlier process's object would be one of ours.
        self._gateway.gateway_property.pool.next_id = uuid.uuid4().int
        self._answer_callbacks()

    def _answer_callbacks(self) -> None:
        from pyflink.java_gateway import PythonFunctionFactory

        server = self._gateway.get_callback_server()
        self.java.org.apache.flink.client.python.PythonEnvUtils.resetCallbackClient(
            self._gateway.java_gateway_server, server.get_listening_address(), server.get_listening_port()
        )
        self._gateway.entry_point.put("PythonFunctionFactory", PythonFunctionFactory())

    def environment(self, options: Mapping[str, str], crashes: int) -> Any:
        """A Java StreamExecutionEnvironment that submits to the cluster, and restarts a job so often."""
        host, port = self.engine.rest.split(":")
        where = {"rest.address": host, "rest.port": port}
        restarts = {
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": str(crashes),
            "restart-strategy.fixed-delay.delay": "0 ms",
        }
        configuration = self.java.org.apache.flink.configuration.Configuration()
        for key, value in {**OPTIONS, **where, **(restarts if crashes else {}), **options}.items():
            configuration.setString(key, value)
        found = self.java.org.apache.flink.streaming.api.environment.StreamExecutionEnvironment(configuration)
        return found


_connected: list[Flink] = []


def let_go() -> None:
    """Forget the warm gateway: the next PyFlink of this process starts one of its own.

    For a program that runs jobs of its own behind a test: the warm gateway ends when it is idle.
    """
    while _connected:
        _connected.pop().end()


@contextmanager
def flink() -> Iterator[Flink]:
    """Flink, for this process alone. Raises LabError: it could not be started."""
    if _connected and not warm.resident(_connected[0].engine.gateway_pid):
        let_go()
    with warm.engine() as engine:
        if not _connected or _connected[0].engine.gateway_pid != engine.gateway_pid:
            let_go()
            _connected.append(Flink(engine))
        found = _connected[0]
        found.engine = engine
        with found.own_errors(), one_thread():
            found.begin()
            yield found


@dataclass
class Job:
    """A planned job whose sources play scripts and whose recorders write what comes out."""

    flink: Flink
    environment: Any
    #: by table or stream, in the order of their numbers
    sources: dict[str, Any] = field(default_factory=dict)
    recorders: dict[str, Any] = field(default_factory=dict)
    #: whether its end is Flink's to tell: it has sinks of its own
    finishes: bool = False

    def submit(self, name: str, script: Sequence[Step], records: Sequence[Any]) -> Running:
        """Start it with this script. records: a row step's (time, value), the others' None."""
        played = [*script, settle()]
        run = uuid.uuid4().hex
        journal = Journal(self.flink.engine.journals / f"{run}.jsonl")
        setting = self.flink.java.scripted.Setting(
            run, len(self.sources), len(self.recorders), str(journal.path)
        )
        told = _told(played, [*records, None], list(self.sources))
        for source in self.sources.values():
            self.flink.java.scripted.Client.play(source, setting, told)
        for recorder in self.recorders.values():
            recorder.play(setting)
        graph = self.environment.getStreamGraph(False)
        graph.setJobName(name)
        client = self.environment.executeAsync(graph)
        return Running(self.flink.engine, client.getJobID().toString(), journal, played, self.finishes)


def _told(script: Sequence[Step], records: Sequence[Any], names: Sequence[str]) -> str:
    import json

    steps = []
    for step, record in zip(script, records, strict=True):
        owner = names.index(step.to) if step.to in names else 0
        time_, value = record if record is not None else (step.at, None)
        steps.append([_KINDS[step.kind], owner, time_, value])
    return json.dumps(steps)


@dataclass
class Running:
    """A submitted job."""

    engine: warm.Engine
    job: str
    journal: Journal
    script: Sequence[Step]
    finishes: bool = False

    def wait(self, seconds: float, files: Sequence[str] = ()) -> list[list[Any]]:
        """The journal's lines, when the job has come to its end.

        files: whose lines are named when a function in them raises.
        Raises LabError: it failed, or took longer than that.
        """
        deadline = time.monotonic() + seconds
        quiet = 0
        try:
            while self.finishes or not self.journal.done:
                if self.journal.new():
                    quiet = 0
                    continue
                quiet += 1
                if quiet % 5 == 0 and self._finished(files):
                    break
                if time.monotonic() > deadline:
                    self._give_up(seconds)
                time.sleep(0.005)
        except KeyboardInterrupt:
            self.cancel()
            raise
        finally:
            self.journal.delete()
        return self.journal.lines

    def _finished(self, files: Sequence[str]) -> bool:
        if not warm.resident(self.engine.taskmanager_pid):
            raise LabError("The TaskManager is gone.")  # the engine says more
        state = self._state()
        if state == "FINISHED" and self.finishes:
            self.journal.new()
            return True
        if state in ("FAILED", "FINISHED", "CANCELED", "SUSPENDED") and not self.journal.new():
            found = self.engine.ask("GET", f"/jobs/{self.job}/exceptions")
            if "MainInterpreter.initialize" in str(found):
                self.engine.end_taskmanager()
                raise LabError(
                    "Python did not start in the warm TaskManager: an earlier start was interrupted.",
                    "",
                    "run it again: it is replaced",
                )
            raise of_a_job(found, state, files)
        return False

    def _state(self) -> str:
        """The job's state now. In all else that the REST API tells of a job it may be half a second old."""
        return str(self.engine.ask("GET", f"/jobs/{self.job}/status")["status"])

    def _give_up(self, seconds: float) -> None:
        stuck = not self.cancel()
        if stuck:
            self.engine.end_taskmanager()
        raise LabError(
            f"The job was not done within {seconds:.0f} s"
            + (", and a function in it does not return." if stuck else "."),
            f"A scripted job takes about a second.{busy()}",
            "look for an endless loop or a wait, or give it more time: timeout=",
        )

    def cancel(self, seconds: float = 3) -> bool:
        """End the job; whether it has ended."""
        with suppress(LabError):  # it has ended by itself: Flink refuses to cancel that
            self.engine.ask("PATCH", f"/jobs/{self.job}?mode=cancel")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._state() in ("CANCELED", "FAILED", "FINISHED"):
                return True
            time.sleep(0.02)
        return False
