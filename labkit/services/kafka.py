"""A Kafka broker: one KRaft node, broker and controller in one JVM, on 127.0.0.1."""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from labkit.errors import LabError
from labkit.paths import JARS
from labkit.services import archive, jars, java
from labkit.services.process import spawn, until
from labkit.services.service import Service

#: the wildcard is the JVM's own: it reads every jar in the folder
CLASS_PATH = str(JARS / "kafka" / "*")
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
# one node: nothing to replicate to
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
# a topic somebody misspelt is an error, not a new topic
auto.create.topics.enable=false
# a broker that was killed may not come back before its old session is over: 9 s by default
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
group.initial.rebalance.delay.ms=0
# the longest downtime an exactly-once sink survives
transaction.max.timeout.ms=900000
"""

_LOG4J = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %-5p %c{1} %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
"""


class Kafka(Service):
    """The broker. Its topics survive a restart; `./lab down --data` takes them away."""

    name = "kafka"
    setting = "LAB_KAFKA"

    def prepare(self) -> None:
        jars.fetch("kafka")

    def launch(self) -> None:
        broker, controller = self.port("kafka"), self.port("kafka_controller")
        data = self.dir / "data"
        self._format(data)
        properties = _PROPERTIES.format(broker=broker, controller=controller, data=_escaped(data))
        (self.dir / "server.properties").write_text(properties)
        (self.dir / "log4j2.properties").write_text(_LOG4J)
        command = [
            java.executable(), *java.FLAGS, *archive.flags(self.name, CLASS_PATH), "-Xms192m", "-Xmx384m",
            f"-Djava.io.tmpdir={self.tmp}",
            f"-Dlog4j2.configurationFile={(self.dir / 'log4j2.properties').as_uri()}",
            "-cp", CLASS_PATH, "kafka.Kafka", "server.properties",
        ]  # fmt: skip
        self.__dict__.pop("_client", None)  # the port may have moved
        self.remember("kafka", spawn(command, stack=self.stack, output=self.log,
                                     env=java.environment(), cwd=self.dir))  # fmt: skip

    def jvms(self) -> dict[str, tuple[str, int]]:
        return {role: (CLASS_PATH, owned.pid) for role, owned in self.record.processes.items()}

    @staticmethod
    def _format(data: Path) -> None:
        """What `kafka-storage format` writes for a static quorum, without starting a JVM for it."""
        meta = data / "meta.properties"
        if meta.exists():
            return
        data.mkdir(exist_ok=True)
        half = data / "meta.properties.new"
        half.write_text(f"version=1\ncluster.id={_kafka_uuid()}\nnode.id=1\ndirectory.id={_kafka_uuid()}\n")
        os.replace(half, meta)

    @property
    def address(self) -> str:
        return self.external or f"127.0.0.1:{self.record.ports['kafka']}"

    def answers(self) -> bool:
        """Brokers are listed, and groups have a coordinator.

        The second takes a new broker a moment longer. A Flink source that commits into that moment
        gives up and tells nobody; its group then looks as if it read nothing for ten seconds.
        """
        try:
            if not self._client.list_topics(timeout=1).brokers:
                return False
            self._client.committed([TopicPartition("none", 0)], timeout=2)
            return True
        except KafkaException:
            return False

    def make_topic(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> bool:
        """Make a topic that can be written to at once; False: it was there already.

        Raises LabError: the broker refuses the name.
        """
        return bool(self.make_topics({name: partitions}, config))

    def make_topics(
        self, partitions: Mapping[str, int], config: Mapping[str, str] | None = None
    ) -> list[str]:
        """Make topics by name with their partitions, as make_topic does; those that were not there already.

        Raises LabError: the broker refuses a name.
        """
        admin = self._admin()
        wanted = [
            NewTopic(name, number, replication_factor=1, config=dict(config or {}))
            for name, number in partitions.items()
        ]
        made: list[str] = []
        for name, future in admin.create_topics(wanted).items():
            try:
                future.result(15)
                made.append(name)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise LabError(
                        f"Kafka made no topic {name!r}: {error.args[0].str()}.",
                        "Letters, digits, . _ and - make a name.",
                        "./lab topic --help",
                    ) from error
        latest = {
            TopicPartition(name, number): OffsetSpec.latest()
            for name in made
            for number in range(partitions[name])
        }

        def led() -> bool:  # a new partition takes records only once it has a leader
            try:
                return all(future.result() is not None for future in admin.list_offsets(latest).values())
            except KafkaException:
                return False

        if made and not until(led, 15, lambda: None, every=0.02):
            raise LabError(
                f"{', '.join(made)}: no leader within 15 s.", "", "./lab down kafka && ./lab up kafka"
            )
        return made

    def forget(self, topics: Sequence[str], groups: Sequence[str]) -> None:
        """Delete these topics and what these consumer groups committed; those that are not there are gone."""
        admin = self._admin()
        futures = {**admin.delete_topics(list(topics)), **admin.delete_consumer_groups(list(groups))}
        for future in futures.values():
            try:
                future.result(15)
            except KafkaException as error:
                if error.args[0].code() not in (
                    KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.GROUP_ID_NOT_FOUND
                ):  # fmt: skip
                    raise

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.address, "log_level": 0})

    @cached_property
    def _client(self) -> Consumer:
        # a consumer, not an admin client: librdkafka's ends the process (SIGSEGV) when it asks for a
        # group's offsets while the coordinator is being elected
        quiet = {"log_level": 0, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100}
        return Consumer({"bootstrap.servers": self.address, "group.id": "lab-ready", **quiet})


def _kafka_uuid() -> str:
    """A random UUID as Kafka writes it: 22 characters of URL-safe base64, no leading dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _escaped(path: Path) -> str:
    """A path as a value in a Java properties file."""
    return str(path).replace("\\", "\\\\")
