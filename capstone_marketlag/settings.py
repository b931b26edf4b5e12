"""Every host, topic and threshold of MarketLag, each from MARKETLAG_<NAME> or with a stated default.

A Lambda gets them from its environment; the demo has its own. The table in the docs is made from this file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from decimal import Decimal
from typing import Any

from labkit import jdbc
from labkit.errors import LabError

_DESIGN = "the original design's"
_POSITIVE = r"[1-9]\d{0,8}"
_NOT_NEGATIVE = r"\d{1,9}"
_WEB = r"https?://\S+"
_DECIMAL = r"\d{1,6}(\.\d{1,6})?"
#: what a number looks like in the environment
_NUMBERS: dict[type, str] = {int: _NOT_NEGATIVE, Decimal: _DECIMAL}
#: what stands for each market's slug in the feed's address
_MARKET = "{market}"


def _setting(default: Any, meaning: str, why: str, allowed: str = "", secret: bool = False) -> Any:
    metadata = {"meaning": meaning, "why": why, "allowed": allowed}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """One application's settings. Raises LabError: a value is out of its range, or contradicts another."""

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
    markets: str = _setting(
        "fed-rate-hike-in-march", "the markets' slugs, with commas", "the recorded world's first market",
        r"[\w-]+(,[\w-]+)*",
    )  # fmt: skip
    feed_url: str = _setting(
        "http://127.0.0.1:8000/v1.1/{market}.json", "the news feed; {market} in it stands for each slug",
        "the recorded world's feeds", _WEB,
    )  # fmt: skip
    gamma_url: str = _setting(
        "https://gamma-api.polymarket.com", "where markets are described", "public, without a key", _WEB
    )
    clob_url: str = _setting(
        "https://clob.polymarket.com", "where prices are quoted", "public, without a key", _WEB
    )
    http_timeout_seconds: int = _setting(
        10, "how long an address may take to answer, 1 to 99 seconds",
        "a run of a few markets, each asked four times, still ends before the next", r"[1-9]\d?",
    )  # fmt: skip
    price_store: str = _setting(
        ".lab/prices.sqlite",
        "where each outcome's last price is kept: a file, or dynamodb://table-name?region=eu-west-1",
        "one machine; a table of DynamoDB in the cloud",
        r"[^:]+|dynamodb://[\w.-]{3,255}\?region=[a-z0-9-]+",
    )
    registry: str = _setting(
        "", "the schema registry's Confluent API", "none: nothing is registered", f"({_WEB})?"
    )
    alignment: str = _setting(
        "window_start", "the price move of a news hour: the one up to its window_start, or to its window_end",
        "the original definition", "window_start|window_end",
    )  # fmt: skip
    signal_threshold: Decimal = _setting(  # noqa: RUF009  a field like all others
        Decimal("1.0"), "a signal that rose by more may be a lag", _DESIGN, _DECIMAL
    )
    price_threshold: Decimal = _setting(  # noqa: RUF009
        Decimal("0.02"), "a price that moved by less may be a lag", _DESIGN, _DECIMAL
    )
    state_ttl_hours: int = _setting(
        192, "hours for which an item or a price is known as seen",
        "a feed repeats items for days; Kafka keeps seven", _POSITIVE,
    )  # fmt: skip
    log_format: str = _setting(
        "text", "text, or json: a line is one JSON document", "read by people first", "text|json"
    )
    parallelism: int = _setting(
        2, "subtasks of each operator, 1 to 3",
        f"{_DESIGN}; a subtask beyond the topics' three partitions would hold the watermark back for ever",
        "[1-3]",
    )  # fmt: skip
    checkpoint_seconds: int = _setting(300, "seconds between checkpoints", _DESIGN, _POSITIVE)
    checkpoint_pause_seconds: int = _setting(
        60, "least pause between two checkpoints, shorter than their interval", _DESIGN, _NOT_NEGATIVE
    )
    checkpoint_timeout_seconds: int = _setting(600, "when a checkpoint is given up", _DESIGN, _POSITIVE)
    transaction_timeout_seconds: int = _setting(
        900, "the longest downtime that exactly-once survives; at least two intervals between checkpoints",
        "the broker's own maximum", _POSITIVE,
    )  # fmt: skip
    jdbc_batch: int = _setting(100, "rows a JDBC batch holds", _DESIGN, _POSITIVE)
    jdbc_flush_seconds: int = _setting(10, "longest time a row waits for its batch", _DESIGN, _POSITIVE)
    jdbc_retries: int = _setting(3, "tries of a JDBC batch", _DESIGN, _NOT_NEGATIVE)

    def __post_init__(self) -> None:
        for each in fields(self):
            allowed, value = each.metadata["allowed"], str(getattr(self, each.name))
            if allowed and not re.fullmatch(allowed, value, re.ASCII):
                shown = re.sub(r":[^:@/]*@", ":…@", value)  # a password is nobody's to read
                raise LabError(
                    f"{_variable(each)} is {shown!r}.",
                    f"It is {each.metadata['meaning']}, of the form {allowed}.",
                    f"unset {_variable(each)} (default {each.default})",
                )
        if len(self.market_list) > 1 and _MARKET not in self.feed_url:
            raise LabError(
                f"MARKETLAG_FEED_URL is one feed for {len(self.market_list)} markets.",
                f"With {_MARKET} in it, each market's own feed is asked.",
                "put it where the address has the market's slug, or name one market",
            )
        self._check_checkpoints()

    def _check_checkpoints(self) -> None:
        """Raises LabError: checkpoints cannot come as often as asked, or come too late for a transaction."""
        every, pause = self.checkpoint_seconds, self.checkpoint_pause_seconds
        if pause >= every:
            raise LabError(
                f"MARKETLAG_CHECKPOINT_PAUSE_SECONDS is {pause}, MARKETLAG_CHECKPOINT_SECONDS {every}.",
                f"With a pause of {pause} s between two checkpoints there is none every {every} s.",
                "make the pause shorter than the interval; 0 is none",
            )
        if 2 * every > self.transaction_timeout_seconds:
            raise LabError(
                f"MARKETLAG_CHECKPOINT_SECONDS is {every}, MARKETLAG_TRANSACTION_TIMEOUT_SECONDS"
                f" {self.transaction_timeout_seconds}.",
                "A transaction is open from one checkpoint to the next: the broker would give it up before,"
                " and nothing would ever be committed.",
                "make the timeout at least twice the interval: one checkpoint may fail",
            )

    @property
    def market_list(self) -> tuple[str, ...]:
        """The markets' slugs, each once, in the order given."""
        return tuple(dict.fromkeys(self.markets.split(",")))

    @property
    def feeds(self) -> dict[str, str]:
        """The address of each market's feed."""
        return {market: self.feed_url.replace(_MARKET, market) for market in self.market_list}

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """The settings that the environment names, the defaults for all others."""
        given: dict[str, Any] = {}
        for each in fields(cls):
            text = env.get(_variable(each))
            if text is not None:
                kind: Any = type(each.default)
                # what is no number stays a text, for the form to refuse
                is_number = kind in _NUMBERS and re.fullmatch(_NUMBERS[kind], text, re.ASCII)
                given[each.name] = kind(text) if is_number else text
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
