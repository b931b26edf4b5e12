"""Whether a lab is complete: every file of it, the headings, and one number for one step everywhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from labkit.course import files, hints
from labkit.course.answers import answers
from labkit.course.curriculum import Lab
from labkit.errors import LabError

HEADINGS = (
    "You build",
    "You will be able to",
    "Input / Output",
    "Predict first",
    "Steps",
    "Done when",
    "What this does not prove",
    "Going further",
)


def flaws(lab: Lab) -> Iterator[str]:
    """What is missing in a lab, or does not fit together; a sentence each."""
    for check in (_readme, _hints, _answers, _tests, _notebook):
        try:
            yield from check(lab)
        except LabError as error:
            yield str(error)
    if not lab.discussion.exists():
        yield "DISCUSSION.md is missing"


def _steps(lab: Lab) -> set[int]:
    return set(lab.reference.steps)


def _readme(lab: Lab) -> Iterator[str]:
    if not lab.readme.exists():
        yield "README.md is missing"
        return
    text = files.read(lab.readme)
    found = re.findall(r"^## (.+?)\s*$", text, re.MULTILINE)
    if tuple(found) != HEADINGS:
        yield f"README.md has the headings {found}; expected {list(HEADINGS)}"
        return
    section = text.partition("## Steps")[2].partition("\n## ")[0]
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", section, re.MULTILINE)]
    if numbers != list(range(1, len(numbers) + 1)) or not _steps(lab) <= set(numbers):
        yield f"README.md numbers its steps {numbers}; the reference marks {sorted(_steps(lab))}"


def _hints(lab: Lab) -> Iterator[str]:
    known = hints.hints(lab)
    for step in sorted(_steps(lab)):
        count = len(known.get(step, []))
        if count < 3:
            yield f"hints.md has {count} hints for step {step}; a nudge, a bigger one, almost the answer"
    for step in sorted(set(known) - _steps(lab)):
        yield f"hints.md has a step {step} that the reference does not mark"


def _answers(lab: Lab) -> Iterator[str]:
    known = answers(lab)
    if len(known.wrong) < 3:
        yield f"answers.toml has {len(known.wrong)} wrong answers; three or more"
    if len(known.right) < 2:
        yield f"answers.toml has {len(known.right)} other right answers; two or more"
    for one in known.wrong:
        for other in known.wrong:
            if one.says != other.says and one.says in other.says:
                yield f"answers.toml: what `{one.name}` says is a part of what `{other.name}` says"


def _tests(lab: Lab) -> Iterator[str]:
    marked = set()
    for node in ast.walk(ast.parse(files.read(lab.test_file))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "step":
            marked |= {each.value for each in node.args if isinstance(each, ast.Constant)}
    for step in sorted(_steps(lab) - marked):
        yield f"{lab.test_file.name} has no check of step {step}"


def _notebook(lab: Lab) -> Iterator[str]:
    if not lab.notebook.exists():
        yield "lab.ipynb is missing"
    elif "NBVAL_CHECK_OUTPUT" not in files.read(lab.notebook):
        yield "lab.ipynb has no cell that says # NBVAL_CHECK_OUTPUT"
