"""While a job is planned, nobody else's garbage is taken to the gateway."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator

import pytest

from labkit.gateway import one_thread


class Told:
    """In a cycle with itself, so that only the collector finds it; says by whom it was found."""

    found_by: list[str] = []  # noqa: RUF012

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        self.found_by.append(threading.current_thread().name)


@pytest.fixture(autouse=True)
def _eager_collector() -> Iterator[None]:
    gc.collect()
    Told.found_by.clear()
    threshold = gc.get_threshold()
    gc.set_threshold(50, 1, 1)
    yield
    gc.set_threshold(*threshold)


def works() -> None:
    [[each] for each in range(10_000)]


def in_another_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, name="another")
    thread.start()
    thread.join()


def test_another_thread_collects_nothing_meanwhile() -> None:
    with one_thread():
        Told()
        in_another_thread(works)

        assert Told.found_by == []
    gc.collect()
    assert Told.found_by == ["MainThread"]


def test_the_control_without_it_another_thread_does() -> None:
    def with_the_collector() -> None:
        gc.enable()
        works()

    gc.disable()  # else this thread may come first
    Told()
    in_another_thread(with_the_collector)

    assert Told.found_by == ["another"]


def test_the_collector_is_as_it_was_behind_an_error_too() -> None:
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert gc.isenabled()
    gc.disable()
    try:
        with one_thread():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
