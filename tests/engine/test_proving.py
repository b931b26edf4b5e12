"""The prover is proven: a weak check, a missing sentence and a check that reads the text are caught."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from labkit.course import proving
from labkit.course.curriculum import Curriculum, Lab
from labkit.course.mutations import mutations
from labkit.course.proving import prove
from labkit.course.runner import Run
from labkit.errors import LabError
from tests.engine.conftest import TINY, Learner

LABS = ["greeting", "late_rows", "mean", "running_max", "avro"]


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def failures(lab: Lab) -> list[str]:
    return prove(lab, with_mutations=False).failures


@pytest.mark.parametrize("slug", LABS)
def test_the_toy_labs_are_proven_and_no_mutation_survives(slug: str) -> None:
    proof = prove(Curriculum(TINY / "labs").lab(slug))

    assert (proof.failures, proof.survivors, proof.stale) == ([], [], [])


def test_a_notebook_takes_part_in_the_proof() -> None:
    """Only the notebook notices that squares are not doubles: the test asks for 0 and 2."""
    assert prove(Curriculum(TINY / "labs").lab("squares"), with_mutations=False).failures == []


def test_a_check_that_is_too_weak_is_caught(learner: Learner) -> None:
    lab = learner.lab("greeting")
    change(lab.test_file, 'for name in ("", "  ")', 'for name in ("", "")')

    assert failures(lab) == [
        "wrong answer `the name as it is` gets another sentence than its own: Who has no name is a stranger.",
        "wrong answer `blanks are a name` is green: no check notices it",
    ]


def test_a_mutation_that_nobody_notices_is_listed_with_its_line(learner: Learner) -> None:
    lab = learner.lab("running_max")
    change(
        lab.test_file,
        "    expect(highest.highest, {}",
        "    assert isinstance({}, dict), (highest.highest, {}",
    )
    proof = prove(lab)
    source = lab.reference_file.read_text().splitlines()

    assert proof.failures == []
    assert [each.change for each in proof.survivors] == ["`self.highest.pop(key, None)` -> `pass`"]
    assert "pop" in source[lab.reference.lines[proof.survivors[0].line - 1] - 1]


def test_a_survivor_that_is_called_equivalent_is_not_listed_and_a_stale_one_is_told(learner: Learner) -> None:
    lab = learner.lab("running_max")
    answers = lab.folder / "answers.toml"
    equivalent = "value >= before:`"
    assert prove(lab).survivors == []

    change(answers, equivalent, "value > after:`")
    proof = prove(learner.lab("running_max"))
    assert [each.change for each in proof.survivors] == [
        "`if before is None or value > before:` -> `if before is None or value >= before:`"
    ]
    assert proof.stale == ["`if before is None or value > before:` -> `if before is None or value > after:`"]
    assert proof.holds


def test_a_wrong_answer_without_its_sentence_is_caught(learner: Learner) -> None:
    lab = learner.lab("greeting")
    change(lab.folder / "answers.toml", 'says = "Nobody was greeted"', 'says = "Mind the empty name"')

    assert failures(lab) == [
        "wrong answer `the name as it is` gets another sentence than its own: "
        "Nobody was greeted: a name may be empty."
    ]


def test_a_wrong_answer_that_was_not_checked_is_not_rejected(learner: Learner) -> None:
    """Its sentence stands in what the service says, which is nobody's wrong answer."""
    lab = learner.lab("greeting")
    change(lab.test_file, "\n    expect(\n        got", """
    from labkit.services.stack import Stack
    if got[0] == "Hello, ": Stack("engine").up("Nobody was greeted")
    expect(
        got""")  # fmt: skip

    assert failures(lab) == [
        "wrong answer `the name as it is` is not checked at step 1, not wrong: "
        "There is no service 'Nobody was greeted'. There are: kafka, postgres, flink, registry."
    ]


def test_a_wrong_answer_that_is_to_do_is_not_rejected(learner: Learner) -> None:
    lab = learner.lab("greeting")
    answers = lab.folder / "answers.toml"
    change(answers, 'return f"Hello, {name}"', 'raise NotImplementedError("greeting, step 1")')
    change(answers, "Nobody was greeted", "Step 1 is still to do")

    assert failures(lab) == [
        "wrong answer `the name as it is` is to do at step 1, not wrong: "
        "Step 1 is still to do: a stranger is greeted too"
    ]


def test_a_wrong_answer_with_somebody_elses_sentence_is_caught(learner: Learner) -> None:
    lab = learner.lab("late_rows")
    change(lab.folder / "answers.toml", 'text = "WHERE at_hour > closed"', 'text = "WHERE at_hour < closed"')

    assert failures(lab) == [
        "wrong answer `the wrong way round` gets another sentence than its own: The hour of the close is closed too.",
        "wrong answer `the wrong way round` gets the sentence of `strictly before`: The hour of the close is closed too.",
    ]


def test_a_wrong_answer_that_is_noticed_only_behind_its_step_is_caught(learner: Learner) -> None:
    lab = learner.lab("late_rows")
    change(lab.folder / "answers.toml", 'name = "one row for all"\nstep = 2\ntext = ""',
           'name = "one row for all"\nstep = 1\nreplace = [["GROUP BY at_hour", ""]]')  # fmt: skip

    assert failures(lab) == ["wrong answer `one row for all` is red at step 2, behind its step 1"]


def test_another_right_answer_that_is_refused_is_caught(learner: Learner) -> None:
    lab = learner.lab("greeting")
    with lab.test_file.open("a") as test:
        test.write(
            "\n\n@pytest.mark.step(1)\ndef test_blanks_inside(piece):\n"
            "    assert piece.module.greeting('A  B') == 'Hello, A  B', 'Blanks inside stay.'\n"
        )

    assert failures(lab) == ["right answer `split and join` is red at step 1: Blanks inside stay."]


READS = """
    text = piece.path.read_text()
    assert {}, "That was seen in the text."
"""


@pytest.mark.parametrize(
    ("slug", "condition", "says"),
    [
        # looks for words that must be there: found in the stub's comments, missed in another dress
        ("late_rows", '"WHERE at_hour <= closed" in text', "the reference in another layout is red"),
        ("mean", '"if value is not None]" in text and "\\n\\n\\ndef" in text', "the reference in another layout is red"),
        # looks for words that must not be there
        ("late_rows", '"at_hour < closed" not in text', "the reference with the wrong answers in its comments is red"),
        ("greeting", '"Hello, {name}" not in text', "the reference with the wrong answers in its comments is red"),
        ("mean", 'len(text.splitlines()) < 30', "in its comments is red"),
    ],
)  # fmt: skip
def test_a_check_that_reads_the_text_is_caught(
    learner: Learner, slug: str, condition: str, says: str
) -> None:
    lab = learner.lab(slug)
    with lab.test_file.open("a") as test:
        test.write("\n\n@pytest.mark.step(1)\ndef test_text(piece):" + READS.format(condition))
    found = failures(lab)

    assert any(says in failure and failure.endswith("does a check read the text?") for failure in found), (
        found
    )


def test_a_check_that_is_content_with_the_right_words_is_caught(learner: Learner) -> None:
    lab = learner.lab("greeting")
    lab.test_file.write_text(
        "import pytest\n\n\n@pytest.mark.step(1)\ndef test_text(piece):\n"
        '    assert "stranger" in piece.path.read_text().split("def greeting")[1].replace("who is a stranger", "")\n'
    )

    assert "the stub with the solution in comments is green: a check reads the text" in failures(lab)


def test_a_step_that_no_check_needs_is_caught(learner: Learner) -> None:
    lab = learner.lab("mean")
    text = lab.test_file.read_text()
    lab.test_file.write_text(text[: text.index("@pytest.mark.step(3)")])

    assert "the stub, written up to step 2, is green: no check needs step 3" in failures(lab)


def test_a_step_that_cannot_be_checked_before_the_next_is_written_is_caught(learner: Learner) -> None:
    lab = learner.lab("mean")
    change(
        lab.test_file,
        "    expect(piece.module.known",
        "    piece.module.mean([1])\n    expect(piece.module.known",
    )

    assert failures(lab) == [
        "the stub, written up to step 1, cannot be checked: test_zero_is_a_value, of step 1, needs step 2"
    ]


def test_a_reference_that_fails_is_caught_before_all_else(learner: Learner) -> None:
    lab = learner.lab("mean")
    change(lab.reference_file, "is not None", "is None")

    assert failures(learner.lab("mean"))[0].startswith(
        "the reference is red at step 1: The reference does not pass its own check: Only what is missing"
    )


def test_a_mutation_that_never_ends_is_noticed_and_not_waited_for_long(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "_SPARE", 2)  # each of them takes that long, of a whole core
    lab = learner.lab("mean")
    toml = lab.folder / "lab.toml"
    toml.write_text(toml.read_text().replace("time_limit = 5", "time_limit = 600"))
    change(lab.reference_file, "    return [value for value in values if value is not None]\n",
           "    found, place = [], 0\n    while place < len(values):\n        if values[place] is not None:\n"
           "            found.append(values[place])\n        place += 1\n    return found\n")  # fmt: skip
    change(lab.folder / "answers.toml", "return [value for value in values if value]",
           "return [value for value in values if value]  # 0 is false")  # fmt: skip
    proof = prove(learner.lab("mean"))

    assert proof.failures == []
    assert "`place += 1` -> `place -= 1`" not in [each.change for each in proof.survivors]
    assert proof.seconds < 120


def test_a_mutation_is_first_looked_for_by_the_checks_of_its_own_step() -> None:
    lab = Curriculum(TINY / "labs").lab("mean")
    first: dict[str, int] = {}

    def hear(what: str, run: Run) -> None:
        if what.startswith("mutation "):
            first[what.removeprefix("mutation ")] = run.verdicts[0].step

    assert prove(lab, on_run=hear).survivors == []

    assert {each.change: each.step for each in mutations(lab.reference) if each.change in first} == first
    assert len({*first.values()}) > 1, "of one step alone this would say nothing"


# ---- answers.toml ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[[wrong]]", "[[worng]]", "worng is not a key of it"),
        ("says =", "say =", "say is not a key of it"),
        ('teaches = "An interval has two ends: say which of them belong to it."\n', "",
         "wrong answer `strictly before` has no teaches"),
        ("step = 1", "step = 7", "wrong answer `strictly before`: step 7 has no block"),
        ('text = "WHERE at_hour < closed"', "", "wrong answer `strictly before` has both text and replace, or neither"),
        ('text = "WHERE at_hour < closed"', 'replace = [["nowhere", "x"]]',
         "wrong answer `strictly before` does not apply: `nowhere` is there 0 times"),
        ('text = "WHERE at_hour < closed"', 'replace = [["at_hour", "x"]]',
         "wrong answer `strictly before` does not apply: `at_hour` is there 5 times"),
        ('text = "WHERE at_hour < closed"', 'text = ["a", "b"]', "wrong answer `strictly before` has 2 texts for 1 blocks"),
        ('text = "WHERE at_hour < closed"', 'text = "WHERE at_hour <= closed"', "is the solution itself"),
        ('name = "the wrong way round"', 'name = "strictly before"', "two wrong answers have the same name"),
        ("[[wrong]]", "[wrong", "is not TOML"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_right_is_named(learner: Learner, old: str, new: str, says: str) -> None:
    lab = learner.lab("late_rows")
    change(lab.folder / "answers.toml", old, new)

    with pytest.raises(LabError) as error:
        prove(lab)
    assert says in str(error.value)
    assert "answers.toml" in str(error.value)


# ---- the commands ------------------------------------------------------------------------------


def test_dev_prove_says_what_holds_and_what_not(learner: Learner) -> None:
    code, out = learner.types("dev", "prove", "greeting", "avro")
    assert code == 0
    assert [line.split(",")[0] for line in out.splitlines()] == [
        "greeting: proven", "avro: proven", "Next: make test",
    ]  # fmt: skip

    change(learner.lab("greeting").folder / "answers.toml", 'says = "Nobody was greeted"', 'says = "Mind"')
    code, out = learner.types("dev", "prove", "greeting", "--no-mutations")
    assert code == 1
    assert "greeting: not proven" in out
    assert out.splitlines()[-1] == "Next: mend greeting, then ./lab dev prove greeting"


def test_proofs_side_by_side_say_the_same_and_leave_nothing(
    learner: Learner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    change(learner.lab("greeting").folder / "answers.toml", 'says = "Nobody was greeted"', 'says = "Mind"')
    labs = ("greeting", "avro", "mean")
    one_by_one = learner.types("dev", "prove", *labs, "--no-mutations")
    at_once = learner.types("dev", "prove", *labs, "--no-mutations", "--jobs", "2")

    def told(out: str) -> list[str]:
        return sorted(re.sub(r"\d+\.\d s", "", line) for line in out.splitlines())

    assert at_once[0] == one_by_one[0] == 1
    assert told(at_once[1]) == told(one_by_one[1])
    assert "greeting: not proven" in at_once[1]
    assert list(scratch.iterdir()) == []


def test_a_proof_touches_nothing_of_the_learners(learner: Learner) -> None:
    piece = learner.writes("greeting", "mine = 1\n")
    learner.types("dev", "prove", "greeting", "--no-mutations")

    assert piece.read_text() == "mine = 1\n"
    assert [path.name for path in learner.folders.mine.iterdir()] == ["greeting.py"]
    assert not learner.folders.state.exists()


def test_only_labs_that_are_not_as_committed_and_those_that_need_them(learner: Learner) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    place = learner.folders.labs.parent

    def proven() -> set[str]:
        _, out = learner.types(
            "dev", "prove", "--changed", "--no-mutations", "late_rows", "mean", "running_max"
        )
        return {line.split(":")[0] for line in out.splitlines() if ": proven" in line}

    assert "git does not know this folder" in learner.types("dev", "prove", "--changed")[1]
    for command in (["init"], ["add", "labs"], [*who, "commit", "-m", "labs"]):
        subprocess.run(["git", *command], cwd=place, check=True, capture_output=True)
    assert proven() == set()

    change(learner.lab("mean").folder / "hints.md", "# Hints", "# Some hints")
    assert proven() == {"mean", "running_max"}
