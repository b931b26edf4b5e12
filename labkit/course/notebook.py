"""A lab's notebook as its last check: run by nbval (lax) in a process of its own.

Lax: only cells that say `# NBVAL_CHECK_OUTPUT` are compared with the figures that stand in the file.
"""

from __future__ import annotations

import ast
import re
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.checking import Wrong
from labkit.course import cells

#: what runs the cells, where it waits already
SPARE = pytest.StashKey[cells.Spare | None]()

_COLOUR = re.compile(r"(?:\x1b|#x1B)\[[0-9;]*m")
_CELL = re.compile(r"Cell (\d+)")


class NotebookFile(pytest.File):
    """A notebook; one check."""

    def collect(self) -> Iterator[pytest.Item]:
        yield NotebookItem.from_parent(self, name="notebook")


class NotebookItem(pytest.Item):
    """All of a notebook's cells, in order. They take their pieces as every check does."""

    def runtest(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            result = Path(folder) / "cells.xml"
            code, printed = cells.run(self.path, result, self.config.stash.get(SPARE, None))
            if code == 0:
                return
            if not result.exists():
                raise RuntimeError(f"nbval did not run {self.path.name}: {printed[-500:]}")
            _say(ET.parse(result), self.path.name)
        raise RuntimeError(f"nbval ended with {code}: {printed[-500:]}")

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"{self.path.parent.name}/{self.path.name}"


def _say(results: ET.ElementTree[ET.Element], name: str) -> None:
    """Raise Wrong for the first cell that failed."""
    for case in results.iter("testcase"):
        for failure in (*case.iter("failure"), *case.iter("error")):
            text = _COLOUR.sub("", failure.text or failure.get("message") or "")
            cell = _CELL.search(case.get("name", ""))
            which = f"code cell {int(cell[1]) + 1}" if cell else "a cell"
            if "Cell outputs differ" in text:
                raise Wrong(f"{name}: {which} gives other figures than stand in it.", *_outputs(text))
            last = next((line for line in reversed(text.splitlines()) if line.strip()), "no reason given")
            raise Wrong(f"{name}: {which} fails: {last.strip()}")


def _outputs(text: str) -> tuple[str, str]:
    """(what came, what stands in the file), where nbval says them: `'in the file' == 'what came'`."""
    said = re.search(r"test_output failed:\s+(?P<expected>\S.*?) == (?P<got>.*)", text)
    return (_plain(said["got"]), _plain(said["expected"])) if said else ("", "")


def _plain(quoted: str) -> str:
    """A text that pytest has put into quotes; one that it has cut in the middle stays as it is."""
    try:
        return str(ast.literal_eval(quoted.strip()))
    except (ValueError, SyntaxError):
        return quoted.strip()
