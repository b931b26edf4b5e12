"""What is said of a machine that has no time for us."""

from __future__ import annotations

import os

import pytest

from labkit.busy import busy


@pytest.mark.parametrize(
    ("cores", "load", "says"),
    [
        ({0, 1}, 20.4, " The machine is very busy: a load of 20 on 2 cores."),
        ({0}, 3.0, " The machine is very busy: a load of 3 on 1 core."),
        ({0, 1}, 5.9, ""),
        ({0, 1, 2, 3, 4, 5, 6, 7}, 20.4, ""),
    ],
)
def test_a_busy_machine_is_named(
    monkeypatch: pytest.MonkeyPatch, cores: set[int], load: float, says: str
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: cores)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))

    assert busy() == says
