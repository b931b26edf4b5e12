"""What a value of each topic looks like, as its readers may rely on it: <topic>.json beside this file.

The schemas are open: a field more is no error, and a reader that breaks on one is wrong.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from capstone_marketlag import topics
from capstone_marketlag.schemas.registry import Registry
from capstone_marketlag.settings import Settings


def schema(topic: str) -> dict[str, Any]:
    """The JSON Schema (draft-07) of that topic's values."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / f"{topic}.json").read_text())
    return found


def register(settings: Settings) -> list[str]:
    """Register the schemas that are new in the registry of these settings; the subjects of those.

    All are checked before any is registered. Raises LabError: one is not compatible with the latest that is
    registered for its topic; the registry refuses, or does not answer.
    """
    registry = Registry(settings.registry)
    new = [topic for topic in topics.plan() if registry.takes(topic, schema(topic))]
    return [registry.register(topic, schema(topic)) for topic in new]
