"""The examples of the reference page do what they say."""

from __future__ import annotations

import runpy
from collections.abc import Callable

import pytest

from labkit.paths import ROOT

FILES = sorted((ROOT / "docs" / "examples" / "testing").glob("*.py"))
PAGE = ROOT / "docs" / "reference" / "testing.md"


def examples() -> list[tuple[str, Callable[[], None]]]:
    return [
        (f"{file.stem}: {name}", test)
        for file in FILES
        for name, test in runpy.run_path(str(file)).items()
        if name.startswith("test_")
    ]


@pytest.mark.parametrize("test", [pytest.param(test, id=name) for name, test in examples()])
def test_example(test: Callable[[], None]) -> None:
    test()


def test_every_example_is_on_the_page() -> None:
    shown = PAGE.read_text()

    assert [file.name for file in FILES if f'--8<-- "docs/examples/testing/{file.name}"' not in shown] == []


def test_there_is_an_example_of_each_kind() -> None:
    assert {file.stem for file in FILES} == {
        "window", "late", "changelog", "keyed_function", "printed", "on_flink",
    }  # fmt: skip
