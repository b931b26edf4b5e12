"""settings: a default for everything, the environment over it, and no value out of its range."""

from __future__ import annotations

import re
from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest

from capstone_marketlag.settings import Settings, table
from labkit.errors import LabError
from labkit.sqltext import statements

LOGIN = "org.apache.flink.kafka.shaded.org.apache.kafka.common.security.plain.PlainLoginModule"


def sasl(password: str = "secret", protocol: str = "SASL_SSL") -> Settings:
    return Settings(kafka="b:9092", security_protocol=protocol, sasl_username="key", sasl_password=password)


def options(table_options: str) -> dict[str, str]:
    """The options of a Flink table as Flink reads them: 'key' = 'value', two quotes for one."""
    pairs = re.findall(r"'((?:[^']|'')*)' = '((?:[^']|'')*)'(?:,\n  |\Z)", table_options)
    assert ",\n  ".join(f"'{key}' = '{value}'" for key, value in pairs) == table_options
    return {key: value.replace("''", "'") for key, value in pairs}


def test_the_defaults_are_the_original_design_s() -> None:
    assert Settings() == Settings(
        kafka="127.0.0.1:9092",
        security_protocol="PLAINTEXT",
        sasl_username="",
        sasl_password="",
        postgres="postgresql://marketlag:marketlag@127.0.0.1:5432/marketlag",
        markets="fed-rate-hike-in-march",
        feed_url="http://127.0.0.1:8000/v1.1/{market}.json",
        gamma_url="https://gamma-api.polymarket.com",
        clob_url="https://clob.polymarket.com",
        http_timeout_seconds=10,
        price_store=".lab/prices.sqlite",
        registry="",
        alignment="window_start",
        signal_threshold=Decimal("1.0"),
        price_threshold=Decimal("0.02"),
        state_ttl_hours=192,
        log_format="text",
        parallelism=2,
        checkpoint_seconds=300,
        checkpoint_pause_seconds=60,
        checkpoint_timeout_seconds=600,
        transaction_timeout_seconds=900,
        jdbc_batch=100,
        jdbc_flush_seconds=10,
        jdbc_retries=3,
    )
    assert Settings.from_env({}) == Settings()


def test_the_environment_names_what_differs() -> None:
    env = {
        "MARKETLAG_KAFKA": "broker:9093",
        "MARKETLAG_PARALLELISM": "3",
        "MARKETLAG_JDBC_RETRIES": "0",
        "MARKETLAG_PRICE_THRESHOLD": "0.010",
        "MARKETLAG_SASL_PASSWORD": "1234",
        "KAFKA": "nobody:1",
        "MARKETLAG_kafka": "nobody:1",
    }

    assert Settings.from_env(env) == Settings(
        kafka="broker:9093",
        parallelism=3,
        jdbc_retries=0,
        price_threshold=Decimal("0.010"),
        sasl_password="1234",
    )


@pytest.mark.parametrize("field", [each.name for each in fields(Settings)])
def test_every_setting_has_its_variable(field: str) -> None:
    default = getattr(Settings(), field)
    forms: dict[str, Any] = {
        "security_protocol": "SSL", "postgres": "postgresql://u@h/d", "feed_url": "https://h/feed",
        "gamma_url": "https://h", "clob_url": "http://h:1", "registry": "http://h", "alignment": "window_end",
        "log_format": "json", "price_store": "dynamodb://table?region=eu-west-1", "parallelism": 3,
        "signal_threshold": Decimal("7.5"), "price_threshold": Decimal("0"),
        "checkpoint_seconds": 70, "transaction_timeout_seconds": 700,
    }  # fmt: skip
    other = forms.get(field, 7 if isinstance(default, int) else "other")

    changed = Settings.from_env({f"MARKETLAG_{field.upper()}": str(other)})

    assert [getattr(changed, field), type(getattr(changed, field))] == [other, type(default)]


numbers = {each.name for each in fields(Settings) if isinstance(each.default, int)}
may_be_zero = {"checkpoint_pause_seconds", "jdbc_retries"}
out_of_range = [
    *(
        (name, value)
        for name in sorted(numbers)
        for value in ("-1", "1.5", "", "two", "1e3", " 5", "5\n", "0x5")
    ),
    *((name, "0") for name in sorted(numbers - may_be_zero)),
    *((name, "9" * 5000) for name in sorted(numbers)),
    *(("parallelism", value) for value in ("4", "10")),
    ("http_timeout_seconds", "100"),
    *((name, value) for name in ("signal_threshold", "price_threshold")
      for value in ("", "-1", "1,5", ".5", "1.", "1e3", "NaN", "1.1234567", "٣", "1000000")),
    *(("markets", value) for value in ("", ",", "a,", "a, b", "a|b", "a/b", "ä")),
    *((name, value) for name in ("feed_url", "gamma_url", "clob_url") for value in ("", "h", "ftp://h", "http:// h")),
    ("registry", "localhost:8081"),
    ("alignment", "window"),
    ("log_format", "JSON"),
    *(("price_store", value) for value in (
        "", "dynamodb://", "dynamodb://table", "dynamodb://ab?region=eu-west-1", "dynamodb://a b?region=eu-west-1",
        "dynamodb://table?region=", "dynamo://table?region=eu-west-1", "sqlite:///x")),
    *(("security_protocol", value) for value in ("", "sasl_ssl", "TLS", "SSL|PLAINTEXT", "SASL_SSL ")),
    *(("postgres", value) for value in ("", "h:5432/d", "mysql://h/d", "postgresql://h", "postgresql:///d")),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), out_of_range)
def test_a_value_out_of_its_range_is_an_error_that_names_its_variable(field: str, value: str) -> None:
    variable = f"MARKETLAG_{field.upper()}"

    with pytest.raises(LabError) as error:
        Settings.from_env({variable: value})

    default = getattr(Settings(), field)
    assert error.value.happened == f"{variable} is {value!r}."
    assert error.value.next_step == f"unset {variable} (default {default})"


@pytest.mark.parametrize("value", ["²", "٣²", "٣"])
def test_digits_that_are_no_number_are_out_of_range_too(value: str) -> None:
    with pytest.raises(LabError):
        Settings.from_env({"MARKETLAG_PARALLELISM": value})


def test_zero_is_allowed_where_it_means_something() -> None:
    settings = Settings.from_env({f"MARKETLAG_{name.upper()}": "0" for name in may_be_zero})

    assert [getattr(settings, name) for name in sorted(may_be_zero)] == [0, 0]


def test_every_market_has_its_feed() -> None:
    settings = Settings(markets="a,b,a", feed_url="https://h/{market}/{x}?m={market}")

    assert settings.market_list == ("a", "b")
    assert settings.feeds == {"a": "https://h/a/{x}?m=a", "b": "https://h/b/{x}?m=b"}


def test_one_feed_serves_one_market() -> None:
    assert Settings(markets="a", feed_url="https://h/feed").feeds == {"a": "https://h/feed"}
    with pytest.raises(
        LabError, match=r"^MARKETLAG_FEED_URL is one feed for 2 markets\. With \{market\} in it"
    ):
        Settings(markets="a,b", feed_url="https://h/feed")


@pytest.mark.parametrize(("every", "pause", "timeout"), [(300, 299, 600), (1, 0, 2), (450, 60, 900)])
def test_checkpoints_that_come_in_time_for_their_transactions_are_taken(
    every: int, pause: int, timeout: int
) -> None:
    found = Settings(
        checkpoint_seconds=every, checkpoint_pause_seconds=pause, transaction_timeout_seconds=timeout
    )

    assert found.checkpoint_seconds == every


@pytest.mark.parametrize(("every", "pause"), [("10", None), ("60", "60"), ("300", "301")])
def test_a_pause_that_is_no_shorter_than_the_interval_is_refused(every: str, pause: str | None) -> None:
    env = {"MARKETLAG_CHECKPOINT_SECONDS": every}
    env |= {"MARKETLAG_CHECKPOINT_PAUSE_SECONDS": pause} if pause else {}
    with pytest.raises(LabError) as error:
        Settings.from_env(env)

    assert error.value.happened == (
        f"MARKETLAG_CHECKPOINT_PAUSE_SECONDS is {pause or 60}, MARKETLAG_CHECKPOINT_SECONDS {every}."
    )


@pytest.mark.parametrize(("every", "timeout"), [("900", None), ("451", None), ("300", "599")])
def test_a_transaction_that_would_end_before_its_checkpoint_is_refused(
    every: str, timeout: str | None
) -> None:
    env = {"MARKETLAG_CHECKPOINT_SECONDS": every}
    env |= {"MARKETLAG_TRANSACTION_TIMEOUT_SECONDS": timeout} if timeout else {}
    with pytest.raises(LabError) as error:
        Settings.from_env(env)

    assert error.value.happened == (
        f"MARKETLAG_CHECKPOINT_SECONDS is {every}, MARKETLAG_TRANSACTION_TIMEOUT_SECONDS {timeout or 900}."
    )


def test_a_value_given_in_code_is_held_to_its_range_too() -> None:
    with pytest.raises(LabError, match=r"^MARKETLAG_PARALLELISM is '0'\. It is subtasks of each operator"):
        Settings(parallelism=0)


@pytest.mark.parametrize(
    ("settings", "client", "flink"),
    [
        (
            Settings(kafka="b:9092"),
            {"bootstrap.servers": "b:9092", "security.protocol": "PLAINTEXT"},
            {"bootstrap.servers": "b:9092", "security.protocol": "PLAINTEXT"},
        ),
        (
            Settings(kafka="b:9092", security_protocol="SSL", sasl_username="unused"),
            {"bootstrap.servers": "b:9092", "security.protocol": "SSL"},
            {"bootstrap.servers": "b:9092", "security.protocol": "SSL"},
        ),
        *(
            (
                sasl(protocol=protocol),
                {
                    "bootstrap.servers": "b:9092",
                    "security.protocol": protocol,
                    "sasl.mechanism": "PLAIN",
                    "sasl.username": "key",
                    "sasl.password": "secret",
                },
                {
                    "bootstrap.servers": "b:9092",
                    "security.protocol": protocol,
                    "sasl.mechanism": "PLAIN",
                    "sasl.jaas.config": f'{LOGIN} required username="key" password="secret";',
                },
            )
            for protocol in ("SASL_SSL", "SASL_PLAINTEXT")
        ),
    ],
)
def test_security_reaches_our_clients_and_flink_s_tables_alike(
    settings: Settings, client: dict[str, Any], flink: dict[str, str]
) -> None:
    assert settings.kafka_client() == {**client, "log_level": 0}
    assert options(settings.kafka_table()) == {f"properties.{key}": value for key, value in flink.items()}


def test_the_semicolon_of_a_login_does_not_end_the_statement() -> None:
    assert len(statements(f"CREATE TABLE t (a INT) WITH ({sasl().kafka_table()}); SHOW TABLES")) == 2


@pytest.mark.parametrize(
    ("password", "written"), [("it's", "it's"), ('say "x"', r"say \"x\""), ("back\\slash", r"back\\slash")]
)
def test_any_password_is_written_so_that_sql_and_the_login_module_read_it_back(
    password: str, written: str
) -> None:
    login = options(sasl(password).kafka_table())["properties.sasl.jaas.config"]

    assert login == f'{LOGIN} required username="key" password="{written}";'


@pytest.mark.parametrize(
    ("postgres", "options"),
    [
        (
            "postgresql://ann:s3cret@db.example:6543/lag",
            {"url": "jdbc:postgresql://db.example:6543/lag", "username": "ann", "password": "s3cret"},
        ),
        (
            "postgres://ann:a%40b%2Fc%27@db.example/lag?sslmode=require&a=b",
            {
                "url": "jdbc:postgresql://db.example:5432/lag?sslmode=require&a=b",
                "username": "ann",
                "password": "a@b/c'",
            },
        ),
        (
            "postgresql://127.0.0.1/lag",
            {"url": "jdbc:postgresql://127.0.0.1:5432/lag", "username": "marketlag", "password": "marketlag"},
        ),
    ],
)
def test_one_address_of_the_database_serves_our_clients_and_flink_s(
    postgres: str, options: dict[str, str]
) -> None:
    assert Settings(postgres=postgres).jdbc() == options


def test_a_port_of_the_database_that_is_no_number_is_out_of_range() -> None:
    with pytest.raises(LabError):
        Settings(postgres="postgresql://u:p@h:port/d").jdbc()


def test_an_error_does_not_show_a_password() -> None:
    with pytest.raises(LabError) as error:
        Settings.from_env({"MARKETLAG_POSTGRES": "postgresql://ann:s3cret@db.example"})

    assert "s3cret" not in str(error.value)


def test_settings_do_not_show_their_passwords() -> None:
    settings = Settings(sasl_password="s3cret", postgres="postgresql://ann:s3cret@db.example/lag")

    assert "s3cret" not in repr(settings)


def test_the_table_of_the_docs_lists_every_setting_with_a_meaning_and_a_reason() -> None:
    rows = table()

    assert [(variable, default) for variable, default, _, _ in rows] == [
        (f"MARKETLAG_{each.name.upper()}", str(each.default)) for each in fields(Settings)
    ]
    assert [variable for variable, _, meaning, why in rows if not meaning or not why] == []
