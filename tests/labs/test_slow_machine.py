"""What a busy machine does to a check is nobody's wrong answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from labkit.checking import Piece
from labkit.course.explain import from_the_machinery
from labkit.errors import NotChecked
from labkit.paths import ROOT
from labs.phase2_pyflink.lab13_jdbc_sink import test_jdbc_sink as check

REFERENCE = ROOT / "labs/phase2_pyflink/lab13_jdbc_sink/solution.sql"


class Busy:
    """PostgreSQL's table of a job that has not begun to write; and the sink beside it neither."""

    @contextmanager
    def writing(self, *_: Any) -> Iterator[Any]:
        yield lambda: 0


@contextmanager
def busy(*_: Any) -> Iterator[Busy]:
    yield Busy()


def test_a_sink_of_the_checks_own_that_does_not_write_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "history", busy)
    monkeypatch.setattr(check, "SLOW", 0.0)
    checked = check.Checked(Piece("jdbc_sink", REFERENCE, is_reference=True))
    monkeypatch.setattr(checked, "interval", lambda: 1.0)
    monkeypatch.setattr(checked, "table", lambda: check.Table({}, (), {}))

    with pytest.raises(
        NotChecked, match="The sink that stands beside yours has written 0 of 120 rows"
    ) as told:
        checked.flushed()

    assert from_the_machinery(told.value)
