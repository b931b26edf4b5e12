"""Labs' raw records are those of the topic: the fields of its schema, in UTF-8, behind the source's own columns."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

from capstone_marketlag.pieces import LABS
from labkit.paths import labs
from labkit.testing.schema import parse
from labs.shared import records


def reference(slug: str) -> SimpleNamespace:
    return SimpleNamespace(path=labs() / LABS[slug])


def test_a_headline_has_the_fields_of_the_topics_schema() -> None:
    schemas = Path(__file__).parents[2] / "capstone_marketlag" / "schemas"
    fields = json.loads((schemas / "rss.events.json").read_text())["oneOf"][0]["properties"]

    assert list(records.headline("rates", "10:00")) == list(fields)


def test_bytes_are_json_in_utf8() -> None:
    assert "Zürich".encode() in records.wire(records.headline("rates", "10:00", title="Zürich"))


def test_the_columns_of_the_source_are_those_of_the_part_event_time() -> None:
    schema = parse("news_timed", records.news_timed(reference))

    assert list(schema.types) == [
        "record_key", "record_value", "kafka_topic", "kafka_partition", "kafka_offset", "kafka_timestamp"
    ]  # fmt: skip
    assert list(schema.computed) == ["json", "event_time", "arrival"]
    assert schema.watermark == (
        "event_time",
        "event_time - INTERVAL '5' MINUTE - INTERVAL '0.001' SECOND(1, 3)",
    )
    assert schema.computed["event_time"].endswith("TO_TIMESTAMP_LTZ(0, 3))")


def test_the_view_behind_the_source_is_one_statement() -> None:
    assert records.news_seen(reference).startswith("CREATE VIEW news_seen AS")
    assert records.news_seen(reference).count(";") == 1
