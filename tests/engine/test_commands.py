"""A learner's day, typed: what each command prints, and that no text is ever lost."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labkit import console
from labkit.course import files, saved
from labkit.course.watch import watch
from tests.engine.conftest import Learner, git


def test_start_without_a_name_names_the_next_one(learner: Learner) -> None:
    code, out = learner.types("start")

    assert code == 1
    assert out == "lab: Which lab? One has to be named; ./lab list has them all. Next: ./lab start greeting\n"
    assert not learner.folders.mine.exists()


def test_from_the_first_command_to_the_first_right_lab(learner: Learner) -> None:
    assert learner.types("check") == (
        1, "lab: Nothing is in work. Your pieces stand in mine/. Next: ./lab start greeting\n")  # fmt: skip

    assert learner.types("start", "greeting") == (0, """\
Say hello, about 2 minutes. You build the first line that anybody reads.
  task   labs/phase0_setup/lab01_greeting/README.md
  yours  mine/greeting.py
  step 1: a stranger is greeted too
Next: read the task, edit mine/greeting.py, then ./lab check
""")  # fmt: skip

    assert learner.types("check") == (1, """\
greeting, step 1 (a stranger is greeted too): to do
  Step 1 is still to do: a stranger is greeted too
  at mine/greeting.py:12
  0 of 2 checks right, 1 later not yet.
Next: ./lab hint greeting 1
""")  # fmt: skip

    learner.answers("greeting", 1, 'return f"Hello, {name}"')
    assert learner.types("check") == (1, """\
greeting, step 1 (a stranger is greeted too): wrong
  Nobody was greeted: a name may be empty.
    expected  ['Hello, stranger', 'Hello, stranger']
    got       ['Hello, ', 'Hello,   ']
  1 of 2 checks right.
Next: ./lab hint greeting 1
""")  # fmt: skip

    learner.answers("greeting", 1, 'return "Hello, " + (name.strip() or "stranger")')
    code, out = learner.types("check")
    assert (code, re.sub(r"\d+\.\d s", "0.1 s", out)) == (0, """\
greeting: right
  2 checks of 1 step pass, 0.1 s.
  MarketLag runs on your greeting now.
  What it costs, and what else would do: labs/phase0_setup/lab01_greeting/DISCUSSION.md
Next: ./lab start squares
""")  # fmt: skip


def tall(word: str) -> str:
    return "\\n".join(f"{word} {number}" for number in range(9))


@pytest.mark.parametrize("prints", [0, 1, 2, 50])
@pytest.mark.parametrize(
    "raises",
    [
        "raise ValueError('x' * 5000 + '\\n' * 50)",
        f"raise Wrong('It is not so.', '{tall('got')}', '{tall('expected')}')",
        "raise Wrong('It is not so.', list(range(500)), list(range(1, 500)))",
        f"raise AssertionError('2 rows. It is not so.\\n{tall('row')}')",
    ],
)
def test_a_red_check_takes_less_than_ten_lines(learner: Learner, prints: int, raises: str) -> None:
    learner.answers(
        "mean",
        2,
        f"from labkit.checking import Wrong\nfor n in range({prints}): print(f'printed {{n}}.')\n{raises}",
    )
    _, out = learner.types("check")

    assert len(out.splitlines()) < 10
    assert max(map(len, out.splitlines())) < 400
    assert "  at mine/mean.py:" in out
    assert ("  printed   " in out) == (f"printed {prints - 1}." in out) == (prints > 0)
    if "Wrong" in raises:
        assert "    expected  " in out
        assert "    got       " in out
    if "AssertionError" in raises:
        assert "    row 0\n" in out


def test_v_shows_everything(learner: Learner) -> None:
    learner.answers("mean", 2, "for n in range(50):\n    print('line', n)\nraise ValueError('five')")
    _, out = learner.types("check", "-v")

    assert "printed   line 0\n" in out
    assert re.search(r"\| .*test_mean.py:\d+", out)
    assert "| E   ValueError: five" in re.sub(r" +", " ", out).replace("E ValueError", "E   ValueError")


def test_the_lab_in_work_is_the_one_edited_last(learner: Learner) -> None:
    learner.types("start", "mean")
    learner.types("start", "greeting")
    later = learner.piece("greeting").stat().st_mtime_ns + 1
    os.utime(learner.piece("mean"), ns=(later, later))

    assert learner.types("check")[1].startswith("mean, step 1")


def test_a_phase_is_done_when_every_lab_of_it_is_yours_and_right(learner: Learner) -> None:
    reference = {slug: learner.lab(slug).reference for slug in ("late_rows", "mean")}

    assert learner.types("check", "phase1_quality") == (1, """\
  late_rows            reference   Rows that came too late
  mean                 reference   The mean of what is there

phase1_quality: 0 of 2 yours
Next: ./lab start late_rows
""")  # fmt: skip

    learner.writes("late_rows", reference["late_rows"].solved())
    learner.answers("mean", 2, "if not there:\n    return 0")
    code, out = learner.types("check", "phase1")
    assert code == 1
    assert out.startswith("""\
  late_rows            right       Rows that came too late
  mean                 wrong       step 2: No mean is not a mean of zero.

mean, step 2 (no values, no mean): wrong
""")
    assert out.endswith(
        "phase1_quality: 1 of 2 yours; wrong: mean\nWorth doing: mean (5 min)\nNext: ./lab hint mean 2\n"
    )

    learner.writes("mean", reference["mean"].solved())
    assert learner.types("check", "phase1_quality")[0] == 0
    learner.writes("mean", reference["mean"].stub())
    assert learner.types("check", "phase1_quality", "--reference")[0] == 0


def test_somebody_who_knows_it_writes_a_whole_phase_at_once(learner: Learner) -> None:
    learner.writes("mean", learner.lab("mean").reference.solved())
    assert learner.types("start", "phase1_quality") == (0, """\
  mine/late_rows.sql             2 steps        Rows that came too late
  mine/mean.py                   there already  The mean of what is there
Each stands for itself: the reference of all others is around it.
Next: write what you know, then ./lab check phase1_quality: it says which labs are worth doing
""")  # fmt: skip
    assert learner.piece("late_rows").read_text() == learner.lab("late_rows").reference.stub()

    code, out = learner.types("check", "phase1_quality")

    assert code == 1
    assert out.endswith(
        "phase1_quality: 1 of 2 yours; to do: late_rows\nWorth doing: late_rows (5 min)\nNext: ./lab hint late_rows 1\n"
    )


def test_names_that_are_nearly_right_are_offered(learner: Learner) -> None:
    assert (
        learner.types("check", "meen")[1]
        == "lab: There is no lab meen. The nearest is mean. Next: ./lab list\n"
    )
    assert "The nearest is phase1_quality." in learner.types("check", "phase1_qualty")[1]


# ---- hints, solutions --------------------------------------------------------------------------


def test_each_call_gives_a_bigger_hint_for_the_step_that_is_red(learner: Learner) -> None:
    learner.writes("mean", learner.lab("mean").reference.stub(1))
    learner.types("check")
    given = [learner.types("hint")[1] for _ in range(4)]

    assert [hint.splitlines()[0] for hint in given] == [
        f"mean, step 2 (no values, no mean): hint {number} of 3" for number in (1, 2, 3, 3)
    ]
    assert "What is 0 / 0?" in given[0]
    assert given[3].splitlines()[-1] == "Next: ./lab check mean, or ./lab solution mean"
    assert "hint 1 of 3" in learner.types("hint", "3")[1]
    assert "hint 2 of 3" in learner.types("hint", "mean", "3")[1]
    assert learner.types("hint", "9") == (
        1, "lab: mean has no hint for step 9. Steps with hints: 1, 2, 3. Next: ./lab solution mean\n")  # fmt: skip


def step_of_the_next_hint(learner: Learner) -> str:
    return learner.types("hint", "mean")[1].partition(" (")[0]


def test_after_an_edit_the_hint_is_for_the_step_that_was_red(learner: Learner) -> None:
    mean = learner.lab("mean").reference
    learner.answers("mean", 3, "return 1")
    learner.types("check")
    learner.answers("mean", 3, "return 2")
    assert step_of_the_next_hint(learner) == "mean, step 3"

    learner.writes("mean", mean.stub(1).replace("is not None", "is None"))
    learner.types("check")
    learner.writes("mean", mean.stub(1).replace("is not None", ""))
    assert step_of_the_next_hint(learner) == "mean, step 1"

    learner.writes("mean", mean.stub(1))
    learner.types("check")
    learner.writes("mean", mean.stub(2))
    assert step_of_the_next_hint(learner) == "mean, step 3"


def test_a_text_that_nobody_has_checked_gets_no_hint_by_chance(learner: Learner) -> None:
    learner.answers("mean", 3, "return 1")
    unknown = (
        1, "lab: Which step of mean is not right is not known yet. It has no TODO left, and was not checked since it "
           "changed. Next: ./lab check mean, or ./lab hint mean STEP\n")  # fmt: skip
    assert learner.types("hint") == unknown

    learner.types("solution", "--take")
    learner.types("check")
    learner.answers("mean", 3, "return 1")
    assert learner.types("hint") == unknown
    learner.types("drop", "mean")
    assert step_of_the_next_hint(learner) == "mean, step 1"
    learner.answers("greeting", 1, "return name")
    assert "step 1" in learner.types("hint", "greeting")[1]  # it has one step


def test_the_solution_stands_beside_yours_and_is_taken_only_when_asked(learner: Learner) -> None:
    piece = learner.answers("greeting", 1, 'return f"Hello, {name}"')
    before = piece.read_text()
    _, out = learner.types("solution")

    assert '-    return f"Hello, {name}"\n' in out
    assert "+    return f\"Hello, {name.strip() or 'stranger'}\"\n" in out
    assert piece.read_text() == before

    learner.types("solution", "--take")
    assert piece.read_text() == learner.lab("greeting").reference.solved()
    assert "MARKER" not in piece.read_text()
    assert learner.types("check")[0] == 0
    assert learner.types("saved", "--restore", "2")[0] == 0
    assert piece.read_text() == before


# ---- nothing is lost ---------------------------------------------------------------------------


def test_every_text_that_was_checked_reset_dropped_or_replaced_comes_back(learner: Learner) -> None:
    texts = [f"def greeting(name):\n    return {number}\n" for number in range(4)]
    ways: list[tuple[str, ...]] = [
        ("check",), ("reset", "greeting"), ("drop", "greeting"), ("solution", "greeting", "--take")]  # fmt: skip
    for text, way in zip(texts, ways, strict=True):
        learner.writes("greeting", text)
        learner.types(*way)

    lab = learner.lab("greeting")
    copies = saved.copies(learner.folders, lab)
    assert [(copy.why, copy.path.read_text()) for copy in reversed(copies)] == list(
        zip(("check", "reset", "drop", "solution"), texts, strict=True)
    )
    for text in texts:  # the oldest is number 4; what it replaces is saved, so the next one is
        learner.types("saved", "greeting", "--restore", "4")
        assert learner.piece("greeting").read_text() == text


def test_the_same_text_is_saved_once(learner: Learner) -> None:
    learner.types("start", "greeting")
    for _ in range(3):
        learner.types("check")

    assert len(saved.copies(learner.folders, learner.lab("greeting"))) == 1


def test_starting_never_overwrites(learner: Learner) -> None:
    learner.writes("mean", "mine = 1\n")

    assert learner.types("start", "mean") == (
        1, "lab: mine/mean.py is there already. Starting never overwrites. "
           "Next: ./lab check mean, or ./lab reset mean to begin again\n")  # fmt: skip
    assert learner.piece("mean").read_text() == "mine = 1\n"


def test_a_deleted_piece_can_be_brought_back(learner: Learner) -> None:
    learner.types("start", "mean")
    learner.types("check")
    learner.piece("mean").unlink()

    assert learner.types("check", "mean") == (
        1, "lab: mine/mean.py is gone. 1 copies of it are saved; until it is back MarketLag runs on the "
           "reference. Next: ./lab saved mean --restore 1\n")  # fmt: skip
    assert learner.types("saved", "mean", "--restore", "1")[0] == 0
    assert learner.piece("mean").read_text() == learner.lab("mean").reference.stub()


def test_a_renamed_piece_is_found(learner: Learner) -> None:
    learner.types("start", "late_rows")
    learner.piece("late_rows").rename(learner.folders.mine / "late_row.sql")

    assert learner.types("check", "late_rows") == (
        1, "lab: There is no mine/late_rows.sql. mine/late_row.sql belongs to no lab. "
           "Next: mv mine/late_row.sql mine/late_rows.sql\n")  # fmt: skip


# ---- a machine that does not play along --------------------------------------------------------


def test_a_full_disk_is_one_sentence_and_the_piece_stays_as_it_was(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece = learner.writes("greeting", "mine = 1\n")

    def full(path: Path, data: bytes) -> None:
        path.write_bytes(data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "_put", full)
        for command in (("check",), ("reset", "greeting"), ("drop", "greeting"), ("solution", "--take")):
            code, out = learner.types(*command)
            assert code == 1
            assert "could not be written (No space left on device). Nothing was changed." in out
            assert len(out.splitlines()) == 1
            assert piece.read_text() == "mine = 1\n"
    left = [path.name for path in learner.folders.state.rglob("*") if path.is_file()]
    assert [name for name in left if not name.endswith(".lock")] == []

    learner.writes("greeting", learner.lab("greeting").reference.solved())
    assert learner.types("check")[0] == 0


def test_a_disk_that_is_really_full(learner: Learner) -> None:
    state = learner.folders.state
    state.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(state)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    try:
        learner.writes("greeting", learner.lab("greeting").reference.solved())
        with contextlib.suppress(OSError), (state / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        code, out = learner.types("check")

        assert code == 1
        assert "could not be written (No space left on device)" in out
        assert len(out.splitlines()) == 1

        (state / "filler").unlink()
        assert learner.types("check")[0] == 0
    finally:
        subprocess.run(["umount", str(state)], check=True)


def test_a_folder_that_cannot_be_written_to(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write everywhere, so the refusal is played."""

    def refuse(path: Path, data: bytes) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(files, "_put", refuse)
    assert learner.types("start", "mean") == (
        1, f"lab: {learner.folders.mine / 'mean.py'} could not be written (Permission denied). Nothing was changed. "
           "Next: make room or fix the permissions, then run the same command again\n")  # fmt: skip


def test_two_checks_of_one_lab_wait_for_each_other(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    learner.writes("greeting", learner.lab("greeting").reference.solved())
    lock = learner.folders.state / "locks" / "check-greeting.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        def heard(line: str, **options: object) -> None:
            said.append(line)
            assert saved.copies(learner.folders, learner.lab("greeting")) == []  # nothing was done before
            fcntl.flock(held, fcntl.LOCK_UN)

        monkeypatch.setattr(console.err, "print", heard)
        code, _ = learner.types("check")

    assert (code, said) == (0, ["  Waiting: another check of greeting runs."])


def test_checks_of_different_labs_do_not_wait(learner: Learner) -> None:
    learner.writes("greeting", learner.lab("greeting").reference.solved())
    lock = learner.folders.state / "locks" / "check-mean.lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert learner.types("check", "greeting")[0] == 0


def test_what_is_remembered_may_be_deleted_or_broken(learner: Learner) -> None:
    learner.types("solution", "greeting", "--take")
    learner.types("check")
    assert "greeting             right" in learner.types("list")[1]

    for broken in ("", "{", "[]", '{"outcome": "great"}'):
        (learner.folders.state / "checks" / "greeting.json").write_text(broken)
        assert "greeting             changed" in learner.types("list")[1]
    shutil.rmtree(learner.folders.state)
    assert learner.types("check")[0] == 0


def test_an_outcome_holds_for_the_text_that_was_checked(learner: Learner) -> None:
    learner.types("solution", "greeting", "--take")
    learner.types("check")
    learner.answers("greeting", 1, "return name")

    assert "greeting             changed" in learner.types("list")[1]


CHANGED = {
    "its test": ("phase0_setup/lab01_greeting/test_greeting.py", "changed"),
    "its reference": ("phase0_setup/lab01_greeting/solution.py", "changed"),
    "a file beside its test": ("phase0_setup/lab01_greeting/recorded/history.json", "changed"),
    "what all labs share": ("shared/hours.py", "changed"),
    "the reference of another lab": ("phase1_quality/lab02_mean/solution.py", "changed"),
    "its task": ("phase0_setup/lab01_greeting/README.md", "right"),
    "its hints": ("phase0_setup/lab01_greeting/hints.md", "right"),
    "bytecode": ("shared/__pycache__/hours.cpython-310.pyc", "right"),
    "the test of another lab": ("phase1_quality/lab02_mean/test_mean.py", "right"),
}


@pytest.mark.parametrize(("name", "now"), CHANGED.values(), ids=CHANGED)
def test_an_outcome_holds_for_what_it_was_measured_with(learner: Learner, name: str, now: str) -> None:
    learner.writes("greeting", learner.lab("greeting").reference.solved())
    learner.types("check", "greeting")
    assert "greeting             right" in learner.types("list")[1]

    file = learner.folders.labs / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as text:
        text.write("\n")
    assert f"greeting             {now}" in learner.types("list")[1]


def test_a_file_that_is_gone_or_has_another_name_is_a_change_too(learner: Learner) -> None:
    learner.writes("greeting", learner.lab("greeting").reference.solved())
    beside = learner.lab("greeting").folder / "history.sql"
    beside.write_text("SELECT 1;\n")
    learner.types("check", "greeting")
    beside.rename(beside.with_name("other.sql"))
    assert "greeting             changed" in learner.types("list")[1]

    beside.with_name("other.sql").rename(beside)
    assert "greeting             right" in learner.types("list")[1]


# ---- tests stay untouched ----------------------------------------------------------------------


def test_an_edited_test_is_reported_and_the_committed_one_decides(learner: Learner) -> None:
    git(learner, "init")
    git(learner, "add", "labs")
    git(learner, "commit", "-m", "labs")
    learner.answers("greeting", 1, "return name")
    test = learner.lab("greeting").test_file
    test.write_text("import pytest\n@pytest.mark.step(1)\ndef test_all_is_well(): pass\n")
    code, out = learner.types("check")

    assert code == 1
    assert "Somebody is greeted by name." in out
    assert ("  labs/phase0_setup/lab01_greeting/test_greeting.py is not as committed: checked as committed "
            "(--edited takes them as they are).\n") in out  # fmt: skip
    code, out = learner.types("check", "--edited")
    assert code == 0
    assert (
        re.sub(r"\d+\.\d s", "0.1 s", out)
        == """\
greeting: right
  1 checks of 1 step pass, 0.1 s.
  So say the lab's files as they are here; MarketLag goes by the committed ones.
Next: ./lab check greeting
"""
    )


def test_what_edited_tests_say_is_not_remembered(learner: Learner) -> None:
    for command in (["init"], ["add", "labs"], ["commit", "-m", "labs"]):
        git(learner, *command)
    learner.answers("greeting", 1, "return name")
    learner.types("check")
    test = learner.lab("greeting").test_file
    committed = test.read_text()
    test.write_text("import pytest\n@pytest.mark.step(1)\ndef test_all_is_well(): pass\n")

    assert learner.types("check", "--edited")[0] == 0
    assert "greeting             changed" in learner.types("list")[1]
    test.write_text(committed)
    assert "greeting             wrong" in learner.types("list")[1]
    lines = (learner.folders.state / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == ["wrong"]


def test_plain_pytest_names_what_is_not_as_committed(learner: Learner) -> None:
    for command in (["init"], ["add", "labs"], ["commit", "-m", "labs"]):
        git(learner, *command)
    with learner.lab("greeting").test_file.open("a") as test:
        test.write("\n# mine\n")
    (learner.folders.labs / "phase1_quality" / "conftest.py").write_text("# mine too\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--disable-plugin-autoload", "-p", "labkit.pytest_plugin", "labs/phase1_quality",
         "labs/phase0_setup/lab01_greeting", "-p", "no:cacheprovider"],
        cwd=learner.folders.labs.parent, capture_output=True, text=True,
    )  # fmt: skip

    assert "labs/phase0_setup/lab01_greeting/test_greeting.py is not as committed.\n" in done.stdout
    assert "labs/phase1_quality/conftest.py is not as committed.\n" in done.stdout
    assert done.stdout.count("is not as committed") == 2


@pytest.mark.parametrize("place", ["", "phase0_setup", "phase0_setup/lab01_greeting"])
@pytest.mark.parametrize("ignored", [False, True])
def test_a_conftest_that_nobody_committed_is_named_and_decides_nothing(
    learner: Learner, place: str, ignored: bool
) -> None:
    for command in (["init"], ["add", "labs"], ["commit", "-m", "labs"]):
        git(learner, *command)
    if ignored:
        (learner.folders.labs.parent / ".git" / "info" / "exclude").write_text("conftest.py\n")
    (learner.folders.labs / place / "conftest.py").write_text(
        "import pytest\n@pytest.fixture(scope='module')\ndef piece(reference): return reference('greeting')\n"
    )
    learner.answers("greeting", 1, "return name")
    learner.answers("mean", 3, "return 1")
    name = "/".join(filter(None, ["labs", place, "conftest.py"]))

    code, out = learner.types("check", "greeting")
    assert code == 1
    assert f"  {name} is not as committed: checked as committed (--edited takes them as they are).\n" in out
    assert learner.types("check", "greeting", "--edited")[0] == 0
    assert (name in learner.types("check", "mean")[1]) == (place == "")


def test_an_edited_reference_decides_nothing(learner: Learner) -> None:
    git(learner, "init")
    git(learner, "add", "labs")
    git(learner, "commit", "-m", "labs")
    reference = learner.lab("greeting").reference_file
    learner.types("solution", "greeting", "--take")
    reference.write_text(reference.read_text().replace("Hello", "Hallo"))

    assert learner.types("check")[0] == 0

    learner.lab("greeting").test_file.unlink()
    code, out = learner.types("check")
    assert code == 1
    assert "lab01_greeting: it has no test_*.py. Expected: exactly one. Next: git checkout -- " in out


def test_without_git_checks_work(learner: Learner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    learner.types("solution", "greeting", "--take")
    assert learner.types("check")[0] == 0  # no repository

    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("git") is None
    assert learner.types("check")[0] == 0


# ---- watch, report, status ---------------------------------------------------------------------


def test_watch_checks_at_every_save(tmp_path: Path) -> None:
    piece = tmp_path / "piece.py"
    piece.write_text("0")
    seen: list[str] = []

    def changed() -> None:
        seen.append(piece.read_text())
        if len(seen) == 1:
            piece.write_text("1")
        elif len(seen) == 2:
            other = tmp_path / "other"
            other.write_text("2")  # as editors do that write beside and rename
            other.replace(piece)

    watch(piece, changed, goes_on=lambda: len(seen) < 3)

    assert seen == ["0", "1", "2"]


def test_the_report_names_what_was_wrong_and_what_it_taught(learner: Learner) -> None:
    for text in (
        'return f"Hello, {name}"',
        'return "Hello, stranger"',
        'return "Hello, " + (name.strip() or "stranger")',
    ):
        learner.answers("greeting", 1, text)
        learner.types("check")
    _, out = learner.types("report")

    assert "1 of 6 labs are done." in out
    assert "| Say hello (`greeting`) | the first line that anybody reads | right |" in out
    assert out.endswith("""\
## What I got wrong, and what it taught

### Say hello

- Nobody was greeted: a name may be empty. **A name may be empty.**
- Somebody is greeted by name. **The argument is there to be used.**
""")


def test_alone_it_says_where_you_are_and_what_is_next(learner: Learner) -> None:
    assert learner.types()[1].endswith("""\
  phase0_setup: 0 of 2 yours
  phase1_quality: 0 of 2 yours
  phase2_jobs: 0 of 2 yours
Next: ./lab start greeting
""")

    learner.types("start", "mean")
    (learner.folders.mine / "notes.txt").write_text("x")
    assert learner.types()[1].endswith("""\
  phase0_setup: 0 of 2 yours
  phase1_quality: 0 of 2 yours; to do: mean
  phase2_jobs: 0 of 2 yours
  mine/notes.txt belongs to no lab: it is not used.
In work: mean (to do), labs/phase1_quality/lab02_mean/README.md
Next: edit mine/mean.py, then ./lab check
""")


def test_the_journal_tells_a_change_once(learner: Learner) -> None:
    learner.types("start", "greeting")
    for _ in range(3):
        learner.types("check")
    lines = (learner.folders.state / "journal.jsonl").read_text().splitlines()

    assert [json.loads(line)["outcome"] for line in lines] == ["to do"]
