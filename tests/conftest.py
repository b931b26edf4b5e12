"""What every test needs of its process."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from labkit.elsewhere import furnish

# A run in the background of a script ignores Ctrl-C, and so would all that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What this run was told is not for those that it starts.
os.environ.pop("PYTEST_ADDOPTS", None)

#: What shares something stays in one process, one test after the other: the pipeline its services and the JVM
#: that plans its jobs, the others the warm engine or the folder of the demo. In this order the processes of
#: `make test` take them: of three, one has the pipeline, one the engine, one the demo and the services.
_TOGETHER = {
    "pipeline": ("tests/pipeline/",),
    "engine": ("tests/testing/", "tests/labs/", "tests/engine/", "tests/docs/", "labs/"),
    "demo": ("tests/demo/",),
    # the pages' tests that ask for a cluster beside those that have one
    "services": (
        "tests/services/",
        "tests/setup/",
        "tests/docs/test_first_steps.py",
        "tests/docs/test_shown.py",
    ),
}
_GROUPS = {place: group for group, places in _TOGETHER.items() for place in places}


def _group(nodeid: str) -> str:
    """tests/demo/test_demo.py::test_x -> demo, by its longest place; of what shares nothing, its file."""
    file = nodeid.partition("::")[0]
    place = max((each for each in _GROUPS if file.startswith(each)), key=len, default=None)
    return _GROUPS[place] if place else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    # not its own --dist loadgroup: version 3.8 writes the groups into names that pytest 9.2 does not read
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    return Together(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a process of pytest-xdist: the groups in their order, so that the longest begins."""
    if hasattr(config, "workerinput"):
        order = [*_TOGETHER]
        items.sort(
            key=lambda item: order.index(group) if (group := _group(item.nodeid)) in order else len(order)
        )


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Another .lab, with this one's jars: what runs there is nobody else's."""
    furnish(tmp_path)
    return tmp_path
