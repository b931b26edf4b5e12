"""The schemas say what is written: by the SQL sinks and by the producers, no field more and no field less."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from capstone_marketlag import pieces, schemas, topics
from capstone_marketlag.producers import kafka_out, polymarket, rss
from capstone_marketlag.producers.http import Answer
from capstone_marketlag.producers.records import dead_letter, health, heartbeat

NOON = datetime(2026, 1, 5, 12, tzinfo=timezone.utc)
TOPICS = sorted(topics.plan())
SQL = Path(schemas.__file__).parent.parent / "sql"
JSON_TYPE = {
    "STRING": "string", "BYTES": "string", "TIMESTAMP_LTZ": "string", "INT": "integer", "BIGINT": "integer",
    "DECIMAL": "number", "BOOLEAN": "boolean",
}  # fmt: skip


def shapes(topic: str) -> list[dict[str, Any]]:
    """The object schemas that a value may follow: the record's own, and the heartbeat's where there is one."""
    schema = schemas.schema(topic)
    return list(schema.get("oneOf", [schema]))


def described(topic: str) -> dict[str, str]:
    """The JSON type of each field, null left aside, over all shapes."""
    found: dict[str, str] = {}
    for shape in shapes(topic):
        for field, schema in shape["properties"].items():
            assert found.setdefault(field, _type(topic, schema)) == _type(topic, schema), field
    return found


def _type(topic: str, schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        schema = schemas.schema(topic)["definitions"][schema["$ref"].rpartition("/")[2]]
    if "oneOf" in schema:
        schema = schema["oneOf"][0]
        return _type(topic, schema)
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if values:
        assert all(isinstance(value, str) for value in values)
        return "string"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    [kind] = [each for each in kinds if each != "null"]
    return str(kind)


def problems(topic: str, value: object) -> list[str]:
    return [error.message for error in Draft7Validator(schemas.schema(topic)).iter_errors(value)]


def on_the_wire(value: dict[str, Any]) -> dict[str, Any]:
    """A value as a reader gets it."""
    read: dict[str, Any] = json.loads(json.dumps(value, default=kafka_out._number))
    return read


# ---- what there is -----------------------------------------------------------------------------


def test_every_topic_has_a_schema_and_every_schema_a_topic() -> None:
    assert sorted(file.stem for file in Path(schemas.__file__).parent.glob("*.json")) == TOPICS
    assert [schemas.schema(topic)["title"] for topic in TOPICS] == TOPICS


@pytest.mark.parametrize("topic", TOPICS)
def test_a_schema_is_draft_07_and_takes_a_field_more(topic: str) -> None:
    schema = schemas.schema(topic)

    Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert ["additionalProperties" in shape for shape in shapes(topic)] == [False] * len(shapes(topic))


def test_these_topics_have_heartbeats() -> None:
    beats = [
        topic
        for topic in TOPICS
        if {"const": "heartbeat"} in [s["properties"].get("kind") for s in shapes(topic)]
    ]

    assert beats == [topics.MARKET_META, topics.PRICES, topics.NEWS, topics.SIGNALS_WITH_PRICE]


# ---- the sinks ---------------------------------------------------------------------------------


def sinks() -> dict[str, dict[str, str]]:
    """The JSON type of each column of every Kafka sink, by topic; the key is no part of the value."""
    tables: dict[str, dict[str, str]] = {}
    found: dict[str, dict[str, str]] = {}
    create = re.compile(
        r"^CREATE TABLE (\w+)(?: \((.*?)^\))? WITH \((.*?)^\)(?: LIKE (\w+))?", re.DOTALL | re.MULTILINE
    )
    for file in ("sinks.sql", "detector_sinks.sql"):
        for name, columns, options, like in create.findall((SQL / file).read_text()):
            pairs = re.findall(r"^ +(\w+) +([A-Z_]+)", columns, re.MULTILINE)
            tables[name] = dict(pairs) if columns else tables[like]
            topic = re.search(r"'topic' = '([^']+)'", options)
            if topic:
                found[topic[1]] = {
                    n: JSON_TYPE[kind] for n, kind in tables[name].items() if n != "record_key"
                }
    return found


def test_every_sink_is_looked_at() -> None:
    by_jobs = sorted(
        name
        for name, topic in topics.plan().items()
        if {"signals", "detector"} & {*re.split(", ", topic.writer)}
    )

    assert sorted(sinks()) == by_jobs


@pytest.mark.parametrize("topic", sorted(sinks()))
def test_a_schema_describes_the_columns_of_its_sink(topic: str) -> None:
    assert described(topic) == sinks()[topic]


# ---- the producers -----------------------------------------------------------------------------


def item() -> Any:
    return pieces.python("news_feed").NewsItem(
        "n1", "Fed raises rates", "https://a/1", "A hike.", "Reuters", NOON
    )


def price(before: Decimal | None) -> Any:
    return pieces.python("market_prices").HourlyPrice(NOON, Decimal("0.500000"), before, "observed")


def market(closes: datetime | None) -> Any:
    return pieces.python("market_prices").Market(
        "fed", "Hike?", closes, False, {"Yes": "7" * 77, "No": "8" * 77}
    )


WRITTEN = {
    "news": (topics.NEWS, lambda: rss.news_event(item(), "fed", NOON)),
    "news heartbeat": (topics.NEWS, lambda: heartbeat(NOON, "published_at")),
    "price": (topics.PRICES, lambda: polymarket._row("fed", "Yes", price(Decimal("0.490000")), NOON)),
    "first price": (topics.PRICES, lambda: polymarket._row("fed", "Yes", price(None), NOON)),
    "price heartbeat": (topics.PRICES, lambda: heartbeat(NOON, "event_time")),
    "market": (topics.MARKET_META, lambda: polymarket._meta("fed", market(NOON), NOON)),
    "market without an end": (topics.MARKET_META, lambda: polymarket._meta("fed", market(None), NOON)),
    "market heartbeat": (topics.MARKET_META, lambda: heartbeat(NOON)),
    "dead news": (topics.DEAD_NEWS, lambda: dead_letter("{", "not a JSON object", NOON)),
    "dead price": (topics.DEAD_PRICES, lambda: dead_letter("{", "no market", NOON)),
    "health": (topics.API_HEALTH, lambda: health("gamma", Answer(0, error="ConnectTimeout"), "ConnectTimeout", NOON)),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_a_schema_describes_what_a_producer_writes(name: str) -> None:
    topic, write = WRITTEN[name]
    value = on_the_wire(write())
    fields = [sorted(shape["properties"]) for shape in shapes(topic)]

    assert problems(topic, value) == []
    assert sorted(value) in fields


@pytest.mark.parametrize("name", WRITTEN)
def test_a_field_more_is_fine_and_a_field_less_is_not(name: str) -> None:
    topic, write = WRITTEN[name]
    value = on_the_wire(write())

    assert problems(topic, {**value, "new_field": {"of": "tomorrow"}}) == []
    for field in value:
        assert problems(topic, {key: each for key, each in value.items() if key != field}), field


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("news", {"published_at": "2026-01-05T12:00:00"}),
        ("news", {"published_at": "2026-01-05 12:00:00Z"}),
        ("news", {"source_weight": 1.5}),
        ("news", {"article_score": "3.0"}),
        ("news", {"item_id": ""}),
        ("news heartbeat", {"kind": "pulse"}),
        ("price", {"price": 1.01}),
        ("price", {"price": None}),
        ("price", {"price_status": "missing"}),
        ("price", {"timezone": "CET"}),
        ("market", {"yes_token_id": 7}),
        ("dead news", {"source_offset": "7"}),
        ("health", {"status": 200.5}),
    ],
)
def test_a_wrong_value_is_refused(name: str, change: dict[str, Any]) -> None:
    topic, write = WRITTEN[name]

    assert problems(topic, {**on_the_wire(write()), **change})


# ---- what the jobs write, by examples ----------------------------------------------------------

LAG = json.loads(
    '{"market":"m","question":"Q?","window_start":"2026-01-05T02:00:00Z","signal_delta":1.500000,'
    '"max_signal_delta":1.500000,"price_delta":0.010000,"lag_flag":true,"confidence":0.9770,'
    '"rss_signal":3.000000,"prev_rss_signal":1.5,"source_weight_avg":0.900000,"price":0.500000,'
    '"prev_price":0.49,"price_status":"observed","detected_at":"2026-11-21T15:01:12.158Z","timezone":"UTC"}'
)  # fmt: skip


def test_an_hour_behind_a_quiet_one_and_without_a_price_is_a_lag_signals_record() -> None:
    unknown = dict.fromkeys(
        (
            "question",
            "signal_delta",
            "max_signal_delta",
            "confidence",
            "prev_rss_signal",
            "price",
            "prev_price",
        )
    )

    assert problems(topics.LAG_SIGNALS, LAG) == []
    assert (
        problems(topics.LAG_SIGNALS, {**LAG, **unknown, "lag_flag": False, "price_status": "missing"}) == []
    )
    assert problems(topics.LAG_SIGNALS, {**LAG, "lag_flag": "true"})
    assert problems(topics.LAG_SIGNALS, {**LAG, "confidence": 1.0001})


def test_null_fields_of_signals_with_price_may_be_written_or_left_out() -> None:
    hour = {
        "kind": "signal", "market_slug": "m", "window_start": "2026-01-05T02:00:00Z",
        "window_end": "2026-01-05T03:00:00Z", "mention_count": 1, "keyword_score": 1.0, "source_weighted_signal": 1.0,
        "source_weight_avg": 1.0, "price_delta": 0, "price_status": "missing", "timezone": "UTC",
    }  # fmt: skip
    nothing = dict.fromkeys(("prev_rss_signal", "signal_delta", "price", "prev_price"))
    beat = {key: hour[key] for key in ("window_start", "window_end", "timezone")}

    assert problems(topics.SIGNALS_WITH_PRICE, hour) == []
    assert problems(topics.SIGNALS_WITH_PRICE, {**hour, **nothing}) == []
    assert problems(topics.SIGNALS_WITH_PRICE, {**beat, "kind": "heartbeat"}) == []
    assert problems(topics.SIGNALS_WITH_PRICE, {**beat, "kind": "signal"})
