"""A clock that stands still while something is waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from labkit import waiting


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    said: list[str] = []
    monkeypatch.setattr(waiting, "_say", said.append)
    monkeypatch.setattr(waiting, "_go_on", lambda: said.append("goes on"))
    return said


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The machine's clock, to be set by hand."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_own_time_stands_still_while_something_is_waited_for(heard: list[str], clock: list[float]) -> None:
    start = waiting.own_time()
    clock[0] += 2
    with waiting.waiting("Fetching 5 jars"):
        clock[0] += 30
        assert waiting.own_time() - start == 2
        with waiting.waiting("Waiting: another"):
            clock[0] += 30
        clock[0] += 30
        assert waiting.own_time() - start == 2
    clock[0] += 1

    assert waiting.own_time() - start == 3
    assert heard == ["Fetching 5 jars.", "Waiting: another.", "goes on"]


def test_it_goes_on_behind_an_error_too(heard: list[str], clock: list[float]) -> None:
    @waiting.waiting("Fetching 5 jars")
    def fails() -> None:
        clock[0] += 5
        raise OSError("no space left")

    start = waiting.own_time()
    with pytest.raises(OSError, match="no space left"):
        fails()
    clock[0] += 1

    assert waiting.own_time() - start == 1
    assert heard[-1] == "goes on"


def test_two_threads_that_wait_at_once_are_one_wait(heard: list[str], clock: list[float]) -> None:
    both, start = threading.Barrier(2), waiting.own_time()

    def wait() -> None:
        with waiting.waiting("Fetching"):
            both.wait(10)

    other = threading.Thread(target=wait)
    with waiting.waiting("Fetching"):
        other.start()
        both.wait(10)
        other.join()
        clock[0] += 5

    assert waiting.own_time() == start
    assert heard.count("goes on") == 1


def test_elsewhere_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with waiting.waiting("Waiting: another ./lab is fetching jars"):
        pass

    assert capsys.readouterr().err == "  Waiting: another ./lab is fetching jars.\n"
