"""Four outcomes, the sentences beside them, and what becomes of bad pieces: one sentence, nothing left."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from labkit.course import runner
from labkit.course.verdict import Outcome, Verdict
from labkit.services.process import until
from tests.engine.conftest import Learner


def said(learner: Learner, slug: str) -> Verdict:
    """The first check of the piece that is not right."""
    red = learner.runs(slug).red
    assert red is not None
    return red


# ---- the four ----------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", ["greeting", "late_rows", "mean", "running_max", "avro"])
def test_the_reference_passes_and_is_called_so(learner: Learner, slug: str) -> None:
    assert learner.runs(slug, own=False).outcome is Outcome.REFERENCE
    assert learner.runs(slug).outcome is Outcome.REFERENCE  # nothing is in mine/


@pytest.mark.parametrize("slug", ["greeting", "late_rows", "mean", "running_max", "avro"])
def test_a_stub_is_to_do_at_its_first_step(learner: Learner, slug: str) -> None:
    reference = learner.lab(slug).reference
    learner.writes(slug, reference.stub())
    red = said(learner, slug)

    assert (red.outcome, red.at) == (Outcome.TO_DO, 1)
    assert red.says == f"Step 1 is still to do: {reference.steps[1]}"
    assert red.where == f"mine/{learner.piece(slug).name}:{reference.left(reference.stub())[1]}"


@pytest.mark.parametrize("slug", ["greeting", "late_rows", "mean", "running_max", "avro"])
def test_the_solution_is_right(learner: Learner, slug: str) -> None:
    learner.writes(slug, learner.lab(slug).reference.solved())

    assert learner.runs(slug).outcome is Outcome.RIGHT


def test_a_wrong_piece_is_wrong_with_the_sentence_of_its_mistake(learner: Learner) -> None:
    learner.answers("late_rows", 1, "WHERE at_hour < closed")
    red = said(learner, "late_rows")

    assert (red.outcome, red.step, red.says) == (Outcome.WRONG, 1, "The hour of the close is closed too.")
    assert (red.expected, red.got) == ("['edge', 'late', 'later']", "['late', 'later']")


def test_checks_run_in_the_order_of_the_steps_not_of_the_file(learner: Learner) -> None:
    learner.writes("late_rows", learner.lab("late_rows").reference.solved())

    assert [verdict.step for verdict in learner.runs("late_rows").verdicts] == [1, 2]
    assert "step(2)" in learner.lab("late_rows").test_file.read_text().partition("step(1)")[0]


def test_a_later_step_that_is_to_do_does_not_hide_a_wrong_earlier_one(learner: Learner) -> None:
    mean = learner.lab("mean").reference
    learner.writes("mean", mean.stub(1).replace("is not None", "is None"))

    assert [(v.step, v.outcome) for v in learner.runs("mean").verdicts] == [
        (1, Outcome.WRONG), (2, Outcome.TO_DO), (3, Outcome.TO_DO)]  # fmt: skip


def test_a_todo_left_above_code_of_ones_own_is_judged(learner: Learner) -> None:
    mean = learner.lab("mean").reference
    text = mean.solved().replace("    return [", "    # TODO step 1: zero is a value\n    return [", 1)
    learner.writes("mean", text)

    assert learner.runs("mean").outcome is Outcome.RIGHT

    learner.writes("mean", text.replace("is not None", ""))

    assert said(learner, "mean").says == "Zero is a value: it was left out."


# ---- alone -------------------------------------------------------------------------------------


def test_while_one_piece_is_checked_all_others_are_the_reference(learner: Learner) -> None:
    learner.writes("mean", "this is no Python\n")
    learner.writes("avro", learner.lab("avro").reference.solved())

    assert learner.runs("avro").outcome is Outcome.RIGHT


def test_that_holds_in_processes_that_a_check_starts(learner: Learner) -> None:
    test = learner.lab("avro").test_file
    test.write_text(
        "import subprocess, sys, pytest\n"
        "ASK = 'from labkit.checking import part; print(part(sys.argv[1]).is_reference)'\n"
        "@pytest.mark.step(1)\n"
        "def test_whose():\n"
        "    got = [subprocess.run([sys.executable, '-c', 'import sys;' + ASK, slug], text=True,\n"
        "           capture_output=True).stdout.strip() for slug in ('mean', 'avro')]\n"
        "    assert got == ['True', 'False']\n"
    )
    for slug in ("mean", "avro"):
        learner.writes(slug, learner.lab(slug).reference.solved())

    assert learner.runs("avro").outcome is Outcome.RIGHT


def test_a_piece_may_be_called_like_a_package(learner: Learner) -> None:
    """mine/avro.py: the test of that lab imports the package, and gets the package."""
    learner.writes("avro", learner.lab("avro").reference.solved())

    assert learner.runs("avro").outcome is Outcome.RIGHT


def test_an_edit_counts_within_the_same_second(learner: Learner) -> None:
    solved = learner.lab("greeting").reference.solved()
    piece = learner.writes("greeting", solved)
    before = piece.stat()

    assert learner.runs("greeting").outcome is Outcome.RIGHT
    learner.writes("greeting", solved.replace("Hello, {", "Hallo, {"))
    os.utime(piece, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert learner.runs("greeting").outcome is Outcome.WRONG
    assert [path.name for path in learner.folders.mine.iterdir()] == ["greeting.py"]  # no bytecode


# ---- bad pieces --------------------------------------------------------------------------------


def test_a_syntax_error_is_one_sentence_with_its_line(learner: Learner) -> None:
    learner.writes("greeting", "def greeting(name):\n    return (1\n")
    red = said(learner, "greeting")

    assert red.outcome is Outcome.WRONG
    assert red.says == "SyntaxError: '(' was never closed. Python cannot read the file."
    assert red.where == "mine/greeting.py:2  return (1"


def test_an_import_that_fails_is_one_sentence_with_its_line(learner: Learner) -> None:
    learner.writes("greeting", "import nothing_of_that_name\n")
    red = said(learner, "greeting")

    assert red.says == "ModuleNotFoundError: No module named 'nothing_of_that_name'"
    assert red.where == "mine/greeting.py:1  import nothing_of_that_name"


def test_an_error_of_the_learners_code_names_the_line_it_comes_from(learner: Learner) -> None:
    learner.answers("mean", 3, "return sum(there) / 0")
    red = said(learner, "mean")

    assert red.says == "ZeroDivisionError: division by zero"
    assert red.where.startswith("mine/mean.py:")
    assert red.where.endswith("return sum(there) / 0")


def test_a_name_that_the_contract_has_and_the_piece_has_not(learner: Learner) -> None:
    learner.writes("greeting", "def hello(name):\n    return name\n")

    assert (
        said(learner, "greeting").says == "mine/greeting.py has no `greeting`. The lab's contract names it."
    )


def test_an_empty_piece(learner: Learner) -> None:
    learner.writes("greeting", "")
    learner.writes("late_rows", "")

    assert "has no `greeting`" in said(learner, "greeting").says
    assert said(learner, "late_rows").says == "OperationalError: no such table: late"


def test_a_piece_that_is_not_text(learner: Learner) -> None:
    for slug in ("greeting", "late_rows"):
        learner.writes(slug, "").write_bytes(b"\xff\xfe\x00bytes")

    assert said(learner, "greeting").says.startswith("SyntaxError: ")
    assert said(learner, "late_rows").says.startswith("UnicodeDecodeError: ")


@pytest.mark.parametrize("text", ["stub", "solved"])
def test_the_piece_of_another_lab_is_recognised(learner: Learner, text: str) -> None:
    other = learner.lab("running_max").reference
    learner.writes("mean", other.stub() if text == "stub" else other.solved())

    assert said(learner, "mean").says == "mean.py has the text of another lab, running_max."


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", ["", "\N{BYTE ORDER MARK}"])
def test_files_of_any_editor_are_accepted(learner: Learner, ends: str, mark: str) -> None:
    for slug in ("mean", "late_rows"):
        reference = learner.lab(slug).reference
        learner.writes(slug, mark + reference.solved().replace("\n", ends))
        assert learner.runs(slug).outcome is Outcome.RIGHT

        learner.writes(slug, mark + reference.stub().replace("\n", ends))
        assert said(learner, slug).outcome is Outcome.TO_DO


@pytest.fixture
def impatient(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> Learner:
    """A learner whose labs have a time limit of half a second, on a machine that is said to be idle."""
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    for lab in learner.curriculum.labs.values():
        file = lab.folder / "lab.toml"
        file.write_text(file.read_text().replace("time_limit = 5", "time_limit = 0.5"))
    return learner


WAITS = """\
import time
import pytest
from labkit.waiting import waiting
@pytest.mark.step(1)
def test_it(piece):
    with waiting("Fetching 5 jars (35 MB), once"):
        with waiting("Waiting: another ./lab is fetching jars"):
            time.sleep({seconds})
    {then}
"""


def test_what_a_check_waits_for_is_said_and_is_none_of_its_time(impatient: Learner) -> None:
    impatient.writes("mean", impatient.lab("mean").reference.solved())
    impatient.lab("mean").test_file.write_text(
        WAITS.format(seconds=3, then="")
    )  # the parent has 2 s of patience
    heard: list[str] = []
    run = impatient.runs("mean", on_wait=heard.append)

    assert run.outcome is Outcome.RIGHT
    assert heard == ["Fetching 5 jars (35 MB), once.", "Waiting: another ./lab is fetching jars."]


def test_the_control_behind_the_wait_its_time_goes_on(impatient: Learner) -> None:
    impatient.writes("mean", impatient.lab("mean").reference.solved())
    impatient.lab("mean").test_file.write_text(WAITS.format(seconds=0.8, then="while True: pass"))

    assert said(impatient, "mean").says == "mean did not finish within 0.5 s: an endless loop?"


def test_an_endless_loop_ends_with_the_labs_name_and_the_line(impatient: Learner) -> None:
    impatient.answers("mean", 2, "while True:\n    pass")
    run = impatient.runs("mean")
    red = run.red

    assert red is not None
    assert (red.outcome, red.step) == (Outcome.WRONG, 2)
    assert red.says == "mean did not finish within 0.5 s: an endless loop?"
    assert red.where.startswith("mine/mean.py:1")


def test_a_loop_that_catches_everything_is_ended_all_the_same(
    impatient: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_GRACE", 0.5)
    impatient.answers("mean", 2, """
        import time
        while True:
            try:
                time.sleep(0.01)
            except BaseException:
                pass
    """)  # fmt: skip

    assert said(impatient, "mean").says == "mean did not finish within 0.5 s and was ended: an endless loop?"


def test_a_flood_of_prints_is_ended(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    learner.answers("mean", 2, "while True:\n    print('x' * 1000)")
    run = learner.runs("mean")

    assert run.red is not None
    assert run.red.says == "mean printed more than 2 MB and was ended: a print in an endless loop?"
    assert all(len(text) <= 4_000 for text in run.printed.values())


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL"),
        ("import os\nos._exit(0)", "ended Python in the middle of the check (exit code 0)"),
        ("import sys\nsys.exit('bye')", "SystemExit: bye"),
        ("raise KeyboardInterrupt", "ended Python in the middle of the check"),
        ("return mean(values)", "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_code_that_ends_the_process_is_named(learner: Learner, code: str, says: str) -> None:
    learner.answers("mean", 2, code)
    red = said(learner, "mean")

    assert red.outcome is Outcome.WRONG
    assert red.step == 2
    assert says in red.says


def test_nothing_of_a_check_is_left_running(learner: Learner, tmp_path: Path) -> None:
    learner.answers("mean", 2, f"""
        import pathlib, subprocess
        child = subprocess.Popen(["sleep", "300"])
        pathlib.Path({str(tmp_path / "pid")!r}).write_text(str(child.pid))
        if not there:
            return None
    """)  # fmt: skip

    learner.runs("mean")
    pid = int((tmp_path / "pid").read_text())

    def gone() -> bool:
        return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE

    assert until(gone, 10, lambda: None), "the child of a check outlives it"


def test_what_a_check_prints_is_kept_beside_it(learner: Learner) -> None:
    learner.answers("mean", 2, "print('there:', there)")
    run = learner.runs("mean")

    assert run.printed == {
        "test_no_values_have_no_mean": "there: []\n",
        "test_a_mean_may_lie_between": "there: [1, 2]\n",
    }


def test_what_comes_from_elsewhere_is_no_print_of_the_learners(learner: Learner) -> None:
    learner.answers("mean", 2, """
        import subprocess, sys, warnings
        print("mine")
        print("to stderr", file=sys.stderr)
        subprocess.run(["sh", "-c", "echo from a JVM; echo at org.apache.Flink >&2"])
    """)  # fmt: skip
    run = learner.runs("mean")

    assert run.printed["test_no_values_have_no_mean"] == "mine\n"
    assert run.noise["test_no_values_have_no_mean"] == "to stderr\nfrom a JVM\nat org.apache.Flink\n"


def test_after_a_bad_piece_the_next_check_works(learner: Learner) -> None:
    learner.answers("mean", 2, "import os\nos._exit(3)")
    assert learner.runs("mean").outcome is Outcome.WRONG

    learner.writes("mean", learner.lab("mean").reference.solved())
    assert learner.runs("mean").outcome is Outcome.RIGHT


# ---- checks that are not right -----------------------------------------------------------------


def test_a_reference_that_fails_is_no_outcome_of_the_learners(learner: Learner) -> None:
    reference = learner.lab("greeting").reference_file
    reference.write_text(reference.read_text().replace("Hello, {", "Hallo, {"))
    red = said(learner, "greeting")

    assert red.outcome is Outcome.ERROR
    assert red.says == "The reference does not pass its own check: Somebody is greeted by name."


def test_a_test_file_that_cannot_be_read_is_no_outcome_either(learner: Learner) -> None:
    learner.writes("greeting", learner.lab("greeting").reference.solved())
    learner.lab("greeting").test_file.write_text("import nothing_of_that_name\n")
    red = said(learner, "greeting")

    assert red.outcome is Outcome.ERROR
    assert red.says == (
        "test_greeting.py cannot be collected: ModuleNotFoundError: No module named 'nothing_of_that_name'"
    )


def test_a_check_without_a_step_is_refused(learner: Learner) -> None:
    learner.lab("greeting").test_file.write_text("def test_it(piece): pass\n")
    red = said(learner, "greeting")

    assert red.outcome is Outcome.ERROR
    assert "test_greeting.py: test_it belongs to no step: @pytest.mark.step(2)" in red.says


def test_a_service_that_does_not_start_is_no_wrong_answer(learner: Learner) -> None:
    learner.writes("greeting", learner.lab("greeting").reference.solved())
    learner.lab("greeting").test_file.write_text(
        "import pytest\n"
        "from labkit.services.stack import Stack\n"
        "@pytest.fixture(scope='module')\n"
        "def redis(): Stack('engine').up('redis')\n"
        "@pytest.mark.step(1)\n"
        "def test_it(piece, redis): pass\n"
    )
    red = said(learner, "greeting")

    assert red.outcome is Outcome.ERROR
    assert "redis" in red.says


@pytest.mark.parametrize(
    "trace",
    [
        'Caused by: RuntimeError: Error received from SDK harness:\n  File "{piece}", line 12, in greeting\n'
        "    return\nValueError: no\n",
        "Caused by: pemja.core.PythonException: <class 'ValueError'>: no\n\tat {stem}.greeting(greeting.py:12)\n",
    ],
    ids=["process", "thread"],
)
def test_what_a_worker_raised_is_a_wrong_answer_with_the_learners_own_line(
    learner: Learner, trace: str
) -> None:
    piece = learner.writes("greeting", learner.lab("greeting").reference.solved())
    trace = "java.lang.Exception: failed\n" + trace.format(piece=piece, stem=piece.with_suffix(""))
    learner.lab("greeting").test_file.write_text(
        "import pytest\n"
        "from labkit.testing.failures import of_a_job\n"
        f"ANSWER = {{'exceptionHistory': {{'entries': [{{'stacktrace': {trace!r}}}]}}}}\n"
        "@pytest.fixture(scope='module')\n"
        f"def rows(piece): raise of_a_job(ANSWER, 'FAILED', [{str(piece)!r}])\n"
        "@pytest.mark.step(1)\n"
        "def test_it(rows): pass\n"
    )
    red = said(learner, "greeting")

    assert (red.outcome, red.says) == (Outcome.WRONG, "ValueError: no.")
    assert red.where.startswith("mine/greeting.py:12  return f")


def test_a_table_below_a_sentence_is_shown_and_the_sentence_is_its_first_line(learner: Learner) -> None:
    learner.writes("greeting", learner.lab("greeting").reference.solved())
    learner.lab("greeting").test_file.write_text(
        "import pytest\n@pytest.mark.step(1)\n"
        "def test_it(piece): raise AssertionError('2 rows. 3, expected 4\\n  got:\\n    3\\n  expected:\\n    4')\n"
        "@pytest.mark.step(1)\n"
        "def test_plain(piece): assert 1 + 1 == 3, 'One and one are two.'\n"
    )
    verdicts = learner.runs("greeting").verdicts

    assert [(each.says, each.details) for each in verdicts] == [
        ("2 rows. 3, expected 4", "  got:\n    3\n  expected:\n    4"),
        ("One and one are two.", "assert (1 + 1) == 3"),
    ]


def test_what_flink_refuses_is_a_wrong_answer_also_where_a_fixture_runs_it(learner: Learner) -> None:
    learner.writes("greeting", learner.lab("greeting").reference.solved())
    learner.lab("greeting").test_file.write_text(
        "import pytest\n"
        "from labkit.errors import CodeError\n"
        "@pytest.fixture\n"
        "def rows(piece): raise CodeError('Line 3: Column x not found.', '', 'correct it')\n"
        "@pytest.mark.step(1)\n"
        "def test_it(rows): pass\n"
    )
    red = said(learner, "greeting")

    assert (red.outcome, red.says) == (Outcome.WRONG, "Line 3: Column x not found.")


def test_of_a_java_trace_only_the_reason_is_said(learner: Learner) -> None:
    trace = (
        "An error occurred while calling o1.x.\n: org.apache.flink.table.api.TableException: failed\n"
        "\tat org.apache.flink.Foo.bar(Foo.java:1)\n"
        "Caused by: org.apache.flink.ValidationException: Column 'x' not found\n\tat a.B.c(B.java:2)"
    )
    learner.answers("mean", 2, f"raise RuntimeError({trace!r})")
    red = said(learner, "mean")

    assert red.says == "RuntimeError: org.apache.flink.ValidationException: Column 'x' not found"
    assert "Foo.java" in red.full


def test_a_worker_that_says_which_step_is_not_written_is_understood(learner: Learner) -> None:
    learner.answers(
        "mean", 2, 'raise RuntimeError("in a worker\\nNotImplementedError: mean, step 2\\n  at x")'
    )

    assert said(learner, "mean").outcome is Outcome.TO_DO


# ---- notebooks ---------------------------------------------------------------------------------


def test_a_notebook_is_the_last_check_and_red_on_a_wrong_piece(learner: Learner) -> None:
    learner.answers("squares", 1, "return [number + number for number in numbers]")
    run = learner.runs("squares", notebook=True)

    assert [(v.item, v.outcome) for v in run.verdicts] == [
        ("test_each_number_is_squared", Outcome.RIGHT), ("notebook", Outcome.WRONG)]  # fmt: skip
    assert run.verdicts[1].says == "lab.ipynb: code cell 2 gives other figures than stand in it."
    assert (run.verdicts[1].got, run.verdicts[1].expected) == ("'[2, 4, 6]'", "'[1, 4, 9]'")


def test_a_notebook_behind_a_red_step_is_not_run(learner: Learner) -> None:
    learner.answers("squares", 1, "return numbers")
    run = learner.runs("squares", notebook=True)

    assert [verdict.item for verdict in run.verdicts] == ["test_each_number_is_squared"]
    assert run.planned == 2
