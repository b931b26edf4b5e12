"""Which test runs which command of the pages. A form of a command is its words without their values.

`./lab saved first_query --restore 1` and `./lab saved --restore 2 state` are one form: `./lab saved --restore`.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

_ENGINE = "tests/engine/test_commands.py::"
_TEACHING = "tests/engine/test_teaching.py::"
_RED = "tests/docs/test_red.py::test_the_first_lab_goes_as_the_page_says"
_SHOWN = "tests/docs/test_shown.py::"
_APPLICATION = "tests/pipeline/test_typed_commands.py::test_run_replay_status_stop_resume_report_retention"
_SCRIPT = "tests/docs/test_first_steps.py::test_the_script_of_the_first_steps_prints_what_the_page_shows"
_COPIES = "tests/services/test_lifecycle.py::test_two_copies_of_the_repository_run_beside_each_other"
_CTRL_C = "tests/services/test_lifecycle.py::test_ctrl_c_while_services_start_ends_what_was_started"
_RIGHT = "tests/demo/test_demo.py::test_a_run_is_conserved_and_equal_to_the_oracle"
_WRONG = "tests/demo/test_demo.py::test_a_wrong_piece_is_named_by_its_first_difference"

#: each form, and the test that runs it: by its name, or by the function or the line of the Makefile behind it
RAN = {
    "./lab": _ENGINE + "test_alone_it_says_where_you_are_and_what_is_next",
    "./lab check": _RED,
    "./lab check --edited": _ENGINE + "test_an_edited_test_is_reported_and_the_committed_one_decides",
    "./lab check -v": _ENGINE + "test_v_shows_everything",
    "./lab dev": _TEACHING + "test_the_toy_labs_are_complete_but_for_notebooks",
    "./lab dev --sql": _TEACHING + "test_a_new_lab_has_every_file_and_says_what_is_to_write",
    "./lab doctor": _SHOWN + "test_the_doctor_looks_at_the_machine",
    "./lab down": _COPIES,
    "./lab down --all": "tests/testing/test_warm.py::test_down_all_ends_it",
    "./lab down --data": _SHOWN + "test_down_works_where_nothing_was_started",
    "./lab drop": _RED,
    "./lab env": _SHOWN + "test_the_lines_of_env_make_python_the_environments",
    "./lab export": _TEACHING + "test_stubs_are_exported_without_answers",
    "./lab grade": _TEACHING + "test_a_class_is_graded_each_piece_alone",
    "./lab grade --lab": _SHOWN + "test_a_class_is_graded_by_phase",
    "./lab hint": _RED,
    "./lab list": _RED,
    "./lab notebook": "tests/engine/test_notebook_command.py::test_a_real_one_answers_to_who_has_its_address_and_leaves_nothing",
    "./lab report": _RED,
    "./lab reset": _RED,
    "./lab run": _COPIES,
    "./lab run --print-only --day": _SHOWN + "test_a_job_is_shown_without_being_run",
    "./lab saved": _RED,
    "./lab saved --restore": _RED,
    "./lab setup": _SHOWN + "test_setup_with_nothing_to_do_says_so_to_a_person_and_nothing_to_make",
    "./lab solution": _RED,
    "./lab solution --take": _RED,
    "./lab sql": _SCRIPT,
    "./lab sql -e": _SHOWN + "test_what_a_missing_service_costs",
    "./lab start": _RED,
    "./lab topic": _SCRIPT,
    "./lab up": _COPIES,
    "./lab up --stack": _CTRL_C,
    "./lab up --taskmanagers": "tests/services/test_lifecycle.py::test_only_the_lost_taskmanager_is_started_again",
    "./lab watch": _ENGINE + "test_watch_checks_at_every_save",
    "make": _SHOWN + "test_make_alone_lists_its_targets",
    "make demo": _RIGHT,
    "make demo HOURS": _RIGHT,
    "make demo HOURS MINE": _WRONG,
    "make demo MINE": _WRONG,
    "make demo SEED": _RIGHT,
    "make demo SEED HOURS": _RIGHT,
    "make docs": _SHOWN + "test_make_docs_builds_what_is_looked_at_here",
    "make serve": _SHOWN + "test_the_guide_is_served_on_this_machine_alone",
    "python -m capstone_marketlag produce --live --once --market --feed": (
        "tests/unit/test_live.py::test_the_command_hands_its_options_on"
    ),
    **{
        f"python -m capstone_marketlag {command}": _APPLICATION
        for command in ("replay", "replay --hours", "report", "resume", "retention", "run", "status", "stop")
    },
}

#: those that no test runs, and why
NOT_RUN = {
    "make clean": "it deletes the environment that the tests run in; both of its lines are run by others",
    "make lint": "CI runs it as a part of make test",
    "make lock": "it needs the network and writes the locks",
    "make prove": "CI runs it beside the tests",
    "make setup": "it is ./lab setup, and the first line of make demo",
    "make test": "it is what runs the tests",
    "make test-quick": "it is a part of make test",
}

_NAMED = re.compile(r"\w+=\S*")


def form(command: str) -> str:
    """`LAB_X=1 ./lab up kafka --stack a` -> `./lab up --stack`."""
    words = shlex.split(command.rstrip('"'))
    if words[0].endswith("python"):
        program, words = "python -m capstone_marketlag", words[3:]
    else:
        program, words = words[0], words[1:]
    name = [words[0]] if words and not words[0].startswith("-") and words[0] != "…" else []
    options = [
        word.split("=")[0] for word in words[len(name) :] if word.startswith("-") or _NAMED.fullmatch(word)
    ]
    return " ".join([program, *name, *options])


def unproven(
    commands: Iterable[str], root: Path, ran: Mapping[str, str] = RAN, not_run: Mapping[str, str] = NOT_RUN
) -> list[str]:
    """The forms of these commands that no test runs, or whose test is gone or does not say the words."""
    found = []
    for each in sorted({form(command) for command in commands}):
        if each in not_run or each == "python -m capstone_marketlag":
            continue
        if each not in ran:
            found.append(f"{each}: no test runs it")
            continue
        file, _, name = ran[each].partition("::")
        text = (root / file).read_text() if (root / file).exists() else ""
        tests = {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
        if name not in tests:
            found.append(f"{each}: {ran[each]} is not there")
            continue
        said = (text + _typed(text, root)).lower()
        if missing := [word for word in _words(each) if not re.search(rf"(?<!\w){re.escape(word)}\b", said)]:
            found.append(f"{each}: {file} does not say {missing[0]}")
    return found


def _typed(text: str, root: Path) -> str:
    """The outputs of docs/output whose commands a test types, because it names them."""
    folder = root / "docs" / "output"
    files = (folder / f"{name}.txt" for name in re.findall(r'"([\w-]+)"', text))
    return "".join(file.read_text() for file in files if file.exists())


def _words(each: str) -> list[str]:
    """The words of a form that a test of it must have: its command and its options."""
    words = each.removeprefix("python -m capstone_marketlag").removeprefix("./lab").split()
    return [word.lstrip("-").lower() for word in words]
