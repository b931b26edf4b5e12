"""What every unit test stands on: the reference, whatever a learner has in mine/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from capstone_marketlag import pieces


@pytest.fixture(scope="session", autouse=True)
def only_the_reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The parts list with nobody's own pieces in it."""
    with pytest.MonkeyPatch.context() as patch:
        empty = tmp_path_factory.mktemp("mine")
        patch.setattr(pieces, "MINE", empty)
        pieces.python.cache_clear()
        yield empty
        pieces.python.cache_clear()
