"""Every host, topic and threshold of MarketLag, each from MARKETLAG_<NAME> or with a stated default.

A Lambda gets them from its environment; the demo passes them on. The table in the docs is made from
this file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any

from labkit import jdbc
from labkit.errors import LabError

_DESIGN = "the original design's"
_POSITIVE = r"[1-9]\d*"


def _setting(default: Any, meaning: str, why: str, allowed: str = "", secret: bool = False) -> Any:
    metadata = {"meaning": meaning, "why": why, "allowed": allowed}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """One application's settings. Raises LabError: a value that is out of its range."""

    kafka: str = _setting("127.0.0.1:9092", "Kafka's bootstrap servers", "a broker on this machine")
    security_protocol: str = _setting(
        "PLAINTEXT", "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL", "local; Confluent Cloud needs SASL_SSL",
        "PLAINTEXT|SSL|SASL_PLAINTEXT|SASL_SSL",
    )  # fmt: skip
    sasl_username: str = _setting("", "the API key", "only with SASL")
    sasl_password: str = _setting("", "the API secret", "only with SASL", secret=True)
    postgres: str = _setting(
        "postgresql://marketlag:marketlag@127.0.0.1:5432/marketlag",
        "the database: postgresql://user:password@host:port/name",
        "a server on this machine",
        r"postgres(ql)?://([^/@]+@)?[^/@:]+(:[0-9]{1,5})?/\w+(\?.*)?",
        secret=True,
    )
    market: str = _setting("fed-rate-hike-in-march", "the market's slug", "the recorded world's market")
    feed_url: str = _setting(
        "http://127.0.0.1:8000/v1.1/marketlag.json", "the news feed", "the recorded world's feed"
    )
    gamma_url: str = _setting(
        "https://gamma-api.polymarket.com", "where markets are described", "public, without a key"
    )
    clob_url: str = _setting(
        "https://clob.polymarket.com", "where prices are quoted", "public, without a key"
    )
    price_store: str = _setting(
        ".lab/prices.sqlite", "the file with each outcome's last price", "one machine; DynamoDB in the cloud"
    )
    parallelism: int = _setting(2, "subtasks of each operator", _DESIGN, r"[1-9]\d?")
    checkpoint_seconds: int = _setting(300, "seconds between checkpoints", _DESIGN, _POSITIVE)
    checkpoint_pause_seconds: int = _setting(60, "least pause between two checkpoints", _DESIGN, r"\d+")
    checkpoint_timeout_seconds: int = _setting(600, "when a checkpoint is given up", _DESIGN, _POSITIVE)
    transaction_timeout_seconds: int = _setting(
        900, "the longest downtime that exactly-once survives", "the broker's own maximum", _POSITIVE
    )
    jdbc_batch: int = _setting(100, "rows a JDBC batch holds", _DESIGN, _POSITIVE)
    jdbc_flush_seconds: int = _setting(10, "longest time a row waits for its batch", _DESIGN, _POSITIVE)
    jdbc_retries: int = _setting(3, "tries of a JDBC batch", _DESIGN, r"\d+")

    def __post_init__(self) -> None:
        for each in fields(self):
            allowed, value = each.metadata["allowed"], str(getattr(self, each.name))
            if allowed and not re.fullmatch(allowed, value):
                shown = re.sub(r":[^:@/]*@", ":…@", value)  # a password is nobody's to read
                raise LabError(
                    f"{_variable(each)} is {shown!r}.",
                    f"It is {each.metadata['meaning']}, of the form {allowed}.",
                    f"unset {_variable(each)} (default {each.default})",
                )

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """The settings that the environment names, the defaults for all others."""
        given: dict[str, Any] = {}
        for each in fields(cls):
            text = env.get(_variable(each))
            if text is not None:
                given[each.name] = (
                    int(text) if isinstance(each.default, int) and re.fullmatch(r"[0-9]+", text) else text
                )
        return cls(**given)

    def kafka_client(self) -> dict[str, Any]:
        """The settings of a Kafka client of ours, librdkafka's names."""
        client: dict[str, Any] = {
            "bootstrap.servers": self.kafka,
            "security.protocol": self.security_protocol,
            "log_level": 0,  # failures are raised; librdkafka's own lines would say them twice
        }
        if self.security_protocol.startswith("SASL"):
            client |= {"sasl.mechanism": "PLAIN", "sasl.username": self.sasl_username,
                       "sasl.password": self.sasl_password}  # fmt: skip
        return client

    def jdbc(self) -> dict[str, str]:
        """The database as options of a Flink JDBC table: url, username, password."""
        return jdbc.options(self.postgres)

    def kafka_table(self) -> str:
        """The same as options of a Flink Kafka table."""
        options = {
            "properties.bootstrap.servers": self.kafka,
            "properties.security.protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL"):
            login = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security.plain.PlainLoginModule"
            options["properties.sasl.mechanism"] = "PLAIN"
            options["properties.sasl.jaas.config"] = (
                f"{login} required username={_jaas(self.sasl_username)} password={_jaas(self.sasl_password)};"
            )
        return sql_options(options)


def sql_options(options: Mapping[str, str]) -> str:
    """The inside of WITH (…): keys and values quoted as SQL has it."""
    quoted = {key: value.replace("'", "''") for key, value in options.items()}
    return ",\n  ".join(f"'{key}' = '{value}'" for key, value in quoted.items())


def _jaas(text: str) -> str:
    """A value of a login module, quoted."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _variable(each: Field[Any]) -> str:
    return f"MARKETLAG_{each.name.upper()}"


def table() -> list[tuple[str, str, str, str]]:
    """Variable, default, meaning and reason of every setting, for the docs."""
    return [
        (_variable(each), str(each.default), each.metadata["meaning"], each.metadata["why"])
        for each in fields(Settings)
    ]
