"""dump: what is read while jobs commit may lack the end of a record's way, never its beginning."""

from __future__ import annotations

from typing import Any

import pytest

from capstone_marketlag import dump, tables, topics
from capstone_marketlag.settings import Settings


def test_the_inputs_are_read_after_everything_that_tells_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def named(_: Settings, name: str) -> list[Any]:
        asked.append(name)
        return []

    monkeypatch.setattr(dump, "read_topic", named)
    monkeypatch.setattr(dump, "read_table", named)

    read, stored = dump.read_all(Settings())

    of_topics = asked[: len(read)]
    assert set(of_topics[-2:]) == {topics.NEWS, topics.PRICES}
    assert sorted(of_topics) == sorted(read) == sorted(topics.plan())
    assert sorted(stored) == sorted(tables.NAMES)
