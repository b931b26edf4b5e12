"""What every test needs of its process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

# A run in the background of a script ignores Ctrl-C, and so would all that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What this run was told is not for those that it starts.
os.environ.pop("PYTEST_ADDOPTS", None)

_TESTS = Path(__file__).parent
#: What shares something stays in one process, one test after the other: the pipeline its services, the
#: others the warm engine or the folder of the demo. In this order the two processes of `make test` take them.
_TOGETHER = {
    "pipeline": ("pipeline",),
    "services": ("demo", "services", "setup"),
    "engine": ("testing", "labs", "engine", "docs"),
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tell pytest-xdist, where it is at work, what belongs together: the longest begins."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    places = {folder: group for group, folders in _TOGETHER.items() for folder in folders}
    order = [*_TOGETHER]

    def group(item: pytest.Item) -> str:
        inside = item.path.relative_to(_TESTS).parts[0] if item.path.is_relative_to(_TESTS) else ""
        return places.get(inside, item.path.name)

    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))
    items.sort(key=lambda item: order.index(group(item)) if group(item) in order else len(order))
