"""One arrow: labkit <- labs <- capstone_marketlag. And one place where the system meets the labs: pieces.py."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit.paths import ROOT

#: what each package may not import, at any depth, in any function
FORBIDDEN = {
    "labkit": {"labs", "capstone_marketlag", "tests"},
    "labs": {"capstone_marketlag", "tests"},
    "capstone_marketlag": {"labs", "tests"},
}
#: the parts list: it loads the labs' files by their paths
MEETS_LABS = "capstone_marketlag/pieces.py"
#: a library for people who never heard of this project
GENERIC = "labkit/testing"
OURS = re.compile(r"market[\s_-]?lag|capstone|polymarket|\blabs?\b(?!kit)", re.IGNORECASE)


def imported(file: Path, root: Path) -> Iterator[tuple[int, str]]:
    """(line, absolute name) of every module that this file imports, by statement or by call."""
    package = file.relative_to(root).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            # `from ..x import y` in a/b/c.py is a.x, and `from . import y` may be the module a.b.y
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}" if module else alias.name
        elif isinstance(node, ast.Call) and called(node.func) in (
            "import_module",
            "__import__",
            "run_module",
        ):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield node.lineno, argument.value


def called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def python_files(root: Path, folder: str) -> list[Path]:
    return sorted(file for file in (root / folder).rglob("*.py") if "__pycache__" not in file.parts)


def against_the_arrow(root: Path) -> list[str]:
    """Every import in the wrong direction, as file:line name."""
    return [
        f"{file.relative_to(root).as_posix()}:{line} {name}"
        for package, forbidden in FORBIDDEN.items()
        for file in python_files(root, package)
        for line, name in imported(file, root)
        if name.split(".")[0] in forbidden
    ]


def paths_into_labs(root: Path) -> list[str]:
    """Every string outside of the parts list that names a place in labs/, as file:line text."""
    found = []
    for file in python_files(root, "capstone_marketlag"):
        name = file.relative_to(root).as_posix()
        tree = ast.parse(file.read_text())
        prose = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node in prose:
                continue
            if name != MEETS_LABS and re.search(
                r"(^|/)labs(/|$)|(^|/)phase\d_\w+(/|$)|\blabs\.phase\d", node.value
            ):
                found.append(f"{name}:{node.lineno} {node.value}")
    return found


def mentions(root: Path) -> list[str]:
    """Every line of the generic library that speaks of this project, as file:line text."""
    folder = root / GENERIC
    files = sorted(f for f in folder.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
    return [
        f"{file.relative_to(root).as_posix()}:{number} {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1)
        if OURS.search(line)
    ]


CHECKS = (against_the_arrow, paths_into_labs, mentions)


# ---- this repository ---------------------------------------------------------------------------


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_this_repository_keeps_the_arrow(check: Callable[[Path], list[str]]) -> None:
    assert check(ROOT) == []


def test_the_check_reads_all_three_packages() -> None:
    assert [package for package in FORBIDDEN if len(python_files(ROOT, package)) < 5] == []


def test_the_parts_list_is_where_the_system_meets_the_labs() -> None:
    assert re.search(r'"phase1_quality/lab\d+_\w+/solution\.\w+"', (ROOT / MEETS_LABS).read_text())


# ---- the check itself --------------------------------------------------------------------------


def tree(root: Path, **files: str) -> Path:
    """A small repository in good order, and these files (a__b for a/b) in it."""
    order = {
        "labkit/__init__.py": "",
        "labkit/paths.py": "from pathlib import Path\nROOT = Path()\n",
        "labs/__init__.py": "",
        "labs/phase1_quality/solution.py": "from labkit.paths import ROOT\nimport feedparser\n",
        "capstone_marketlag/__init__.py": '"""labs/ are read by pieces alone."""\n',
        "capstone_marketlag/pieces.py": 'import labkit\nFEED = "labs/phase1_quality/solution.py"\n',
        "capstone_marketlag/jobs/signals.py": "from capstone_marketlag import pieces\n",
        "labkit/testing/stream.py": '"""Streams with scripted time. Works with any lab\'s label or collaboration."""\n'.replace(
            "lab's label", "label"
        ),
    }
    for name, text in {
        **order,
        **{key.replace("__", "/") + ".py": text for key, text in files.items()},
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def found(root: Path) -> list[str]:
    return [violation for check in CHECKS for violation in check(root)]


def test_a_tree_in_good_order_passes(tmp_path: Path) -> None:
    assert found(tree(tmp_path)) == []


@pytest.mark.parametrize(
    ("file", "text", "violation"),
    [
        ("labkit__cli", "import labs.phase1_quality", "labkit/cli.py:1 labs.phase1_quality"),
        ("labkit__cli", "from labs import phase1_quality", "labkit/cli.py:1 labs.phase1_quality"),
        ("labkit__a__b", "from capstone_marketlag.wire import x", "labkit/a/b.py:1 capstone_marketlag.wire.x"),
        ("labkit__a__b", "from ...labs import solution", "labkit/a/b.py:1 labs.solution"),
        ("labkit__cli", "def f():\n    import labs", "labkit/cli.py:2 labs"),
        ("labkit__cli", "if False:\n    import capstone_marketlag as c", "labkit/cli.py:2 capstone_marketlag"),
        ("labkit__cli", "import importlib\nimportlib.import_module('labs.x')", "labkit/cli.py:2 labs.x"),
        ("labkit__cli", "x = __import__('capstone_marketlag')", "labkit/cli.py:1 capstone_marketlag"),
        ("labkit__cli", "import runpy\nrunpy.run_module('labs.x')", "labkit/cli.py:2 labs.x"),
        ("labs__phase1_quality__x", "import capstone_marketlag.wire",
         "labs/phase1_quality/x.py:1 capstone_marketlag.wire"),
        ("labs__phase1_quality__x", "from ... import capstone_marketlag",
         "labs/phase1_quality/x.py:1 capstone_marketlag"),
        ("labs__test_x", "from tests.unit import conftest", "labs/test_x.py:1 tests.unit.conftest"),
        ("capstone_marketlag__demo", "from labs.phase1_quality import x",
         "capstone_marketlag/demo.py:1 labs.phase1_quality.x"),
        ("capstone_marketlag__pieces", "from labs.phase1_quality import x",
         "capstone_marketlag/pieces.py:1 labs.phase1_quality.x"),
        ("capstone_marketlag__demo", "x = ROOT / 'labs'", "capstone_marketlag/demo.py:1 labs"),
        ("capstone_marketlag__demo", "x = ROOT / 'labs/phase1_quality/x.sql'",
         "capstone_marketlag/demo.py:1 labs/phase1_quality/x.sql"),
        ("capstone_marketlag__jobs__x", "'''Docs.'''\nx = 'phase2_pyflink/lab05_windows/solution.sql'",
         "capstone_marketlag/jobs/x.py:2 phase2_pyflink/lab05_windows/solution.sql"),
        ("labkit__testing__plan", "# as MarketLag has it", "labkit/testing/plan.py:1 # as MarketLag has it"),
        ("labkit__testing__plan", "x = 'market_lag'", "labkit/testing/plan.py:1 x = 'market_lag'"),
        ("labkit__testing__plan", "'''See the capstone.'''", "labkit/testing/plan.py:1 '''See the capstone.'''"),
        ("labkit__testing__plan", "'''For this lab.'''", "labkit/testing/plan.py:1 '''For this lab.'''"),
    ],
)  # fmt: skip
def test_a_violation_turns_the_check_red(tmp_path: Path, file: str, text: str, violation: str) -> None:
    assert found(tree(tmp_path, **{file: text + "\n"})) == [violation]


def test_a_mention_in_any_kind_of_file_of_the_library_is_one(tmp_path: Path) -> None:
    (tree(tmp_path) / GENERIC / "README.md").write_text("# Streams\n\nUsed by MarketLag.\n")

    assert found(tmp_path) == ["labkit/testing/README.md:3 Used by MarketLag."]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("capstone_marketlag__labsomething", "import labsomething"),
        ("labkit__labels", "from labkit.paths import ROOT\nfrom . import paths\nimport collab"),
        ("labs__phase1_quality__x", "from labkit.paths import ROOT\nfrom . import y"),
        ("capstone_marketlag__demo", "import labkit\nx = 'collabs/x'"),
        ("labkit__testing__plan", "# a laboratory of available labels; from labkit.testing import stream"),
    ],
)
def test_what_only_looks_like_a_violation_is_none(tmp_path: Path, file: str, text: str) -> None:
    assert found(tree(tmp_path, **{file: text + "\n"})) == []
