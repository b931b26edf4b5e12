"""The labs' notebooks as a reader finds them, and as a reader runs them: twice, or from the end."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

pytest.importorskip("matplotlib", reason="pictures need ./lab setup docs")

from labkit.course import jupyter, mine
from labkit.paths import ROOT

NOTEBOOKS = sorted((ROOT / "labs").glob("*/*/lab.ipynb"))
FIRST_QUERY = ROOT / "labs" / "phase0_setup" / "lab01_first_query" / "lab.ipynb"


def cells(notebook: Path) -> list[Any]:
    return [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]


def shows(cell: Any) -> list[str]:
    """What a cell shows, as text; what it prints in one piece or in several is the same."""
    printed = "".join(each.text for each in cell.outputs if each.output_type == "stream")
    kept = [each["data"]["text/plain"] for each in cell.outputs if "data" in each]
    kept = [text for text in kept if not text.startswith("  Waiting: ")]  # somebody else has the engine
    return [
        printed,
        *kept,
        *("\n".join(each.traceback) for each in cell.outputs if each.output_type == "error"),
    ]


def is_to_show(cell: Any) -> bool:
    """Whether a cell ends with a value, or prints outside of functions of its own."""
    body = ast.parse(cell.source).body
    runs = [node for node in body if not isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    calls = [each.func for node in runs for each in ast.walk(node) if isinstance(each, ast.Call)]
    said = [each.id for each in calls if isinstance(each, ast.Name)]
    return isinstance(body[-1], ast.Expr) or bool({"print", "display"} & {*said})


# ---- as they stand -----------------------------------------------------------------------------


def test_the_course_has_its_notebooks() -> None:
    assert len(NOTEBOOKS) >= 8


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.parent.name)
def test_a_notebook_stands_there_as_run_from_top_to_bottom(notebook: Path) -> None:
    found = cells(notebook)
    outputs = [output for cell in found for output in cell.outputs]

    assert [cell.execution_count for cell in found] == [*range(1, len(found) + 1)]
    assert [cell.id for cell in found if is_to_show(cell) and not cell.outputs] == []
    assert [output for output in outputs if output.output_type == "error"] == []
    assert [output for output in outputs if output.get("name") == "stderr"] == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.parent.name)
def test_what_a_notebook_shows_is_of_no_one_machine(notebook: Path) -> None:
    shown = "\n".join(text for cell in cells(notebook) for text in shows(cell))

    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|Users|usr|work)/\S*", shown) == []
    assert re.findall(r"(?:localhost|127\.0\.0\.1):\d+", shown) == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.parent.name)
def test_a_notebook_draws_and_says_in_words_what(notebook: Path) -> None:
    pictures = [
        output["data"]["text/html"]
        for cell in cells(notebook)
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]

    assert pictures
    assert all(re.search(r'<svg [^>]*role="img" aria-label="[^"]+ · [^"]+"', each) for each in pictures)


# ---- as they are run ---------------------------------------------------------------------------


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels begin as those of `./lab notebook` do, on the references."""
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text(jupyter._IPYTHON)
    monkeypatch.setenv("IPYTHONDIR", str(profile.parent))
    monkeypatch.setenv(mine.ONLY, "")


def run(sources: list[str]) -> list[Any]:
    """These cells, one after the other in one kernel, whatever they do."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in sources])
    client = NotebookClient(
        notebook,
        timeout=180,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": ROOT}},
    )
    client.execute()
    return list(notebook.cells)


@pytest.mark.usefixtures("kernel")
def test_all_cells_twice_in_one_kernel_show_the_same_and_what_stands_in_the_file() -> None:
    stored = cells(FIRST_QUERY)
    again = run([cell.source for cell in stored] * 2)

    told = [shows(cell) for cell in again]
    assert told == [shows(cell) for cell in stored] * 2


@pytest.mark.usefixtures("kernel")
def test_a_last_cell_that_is_run_first_says_in_a_sentence_what_to_run() -> None:
    last = {notebook.parent.name: cells(notebook)[-1].source for notebook in NOTEBOOKS}
    found = dict(zip(last, run([*last.values()]), strict=True))

    said = {name: "\n".join(shows(cell)).strip() for name, cell in found.items()}
    sentence = re.compile(
        r"`\w+` is not known here\. The cell that makes it has not run since this kernel began\. "
        r"Next: Run > Run All Above Selected Cell, then this cell again"
    )
    assert {name: text for name, text in said.items() if not sentence.fullmatch(text)} == {}


@pytest.mark.usefixtures("kernel")
def test_cells_in_another_order_are_right_or_one_sentence() -> None:
    """The first cell, then the others from the end."""
    first, *others = cells(FIRST_QUERY)
    shown = {cell.source: shows(cell) for cell in [first, *others]}

    for cell in run([first.source, *(each.source for each in reversed(others))]):
        told = shows(cell)
        assert told == shown[cell.source] or re.fullmatch(
            r"`\w+` is not known here\. [^\n]+", "".join(told)
        ), told
