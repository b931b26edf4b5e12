"""Markers: what a stub is made of, and what is still to do in a learner's text."""

from __future__ import annotations

import pytest

from labkit.course.markers import Reference, parse
from labkit.errors import LabError

PYTHON = '''\
"""Sums."""

def total(values):
    """The sum of the values."""
    # BEGIN SOLUTION step 1: add them up
    return sum(values)
    # END SOLUTION


def mean(values):
    # BEGIN SOLUTION step 2: no values, no mean
    if not values:
        return None
    # END SOLUTION
    # BEGIN SOLUTION step 3: the flaw
    return total(values) / len(values)
    # STARTS AS
    # count = len(values)
    # return total(values) // count
    # END SOLUTION
'''
SQL = """\
CREATE VIEW late AS
SELECT *
FROM news
-- BEGIN SOLUTION step 1: which rows are late
WHERE at_hour <= closed
-- END SOLUTION
-- BEGIN SOLUTION step 2: in which order
ORDER BY at_hour
-- END SOLUTION
;
"""


def python(text: str = PYTHON) -> Reference:
    return parse(text, "sums", ".py", "sums/solution.py")


def sql(text: str = SQL) -> Reference:
    return parse(text, "late", ".sql", "late/solution.sql")


def test_a_python_block_becomes_a_todo_and_an_error_that_names_it() -> None:
    assert (
        python().stub()
        == '''\
"""Sums."""

def total(values):
    """The sum of the values."""
    # TODO step 1: add them up
    raise NotImplementedError("sums, step 1")


def mean(values):
    # TODO step 2: no values, no mean
    raise NotImplementedError("sums, step 2")
    # TODO step 3: the flaw
    count = len(values)
    return total(values) // count
'''
    )


def test_an_sql_block_leaves_its_todo_and_nothing_else() -> None:
    assert (
        sql().stub()
        == """\
CREATE VIEW late AS
SELECT *
FROM news
-- TODO step 1: which rows are late
-- TODO step 2: in which order
;
"""
    )


def test_the_solved_text_is_the_reference_without_markers() -> None:
    assert sql().solved() == "".join(
        line for line in SQL.splitlines(keepends=True) if not line.startswith("-- ")
    )
    assert "STARTS" not in python().solved()
    assert "//" not in python().solved()
    compile(python().solved(), "solved", "exec")


def test_the_first_steps_can_be_solved_already() -> None:
    assert sql().stub(done=1) == sql().stub().replace(
        "-- TODO step 1: which rows are late", "WHERE at_hour <= closed"
    )
    assert sql().stub(done=2) == sql().solved()


def test_steps_are_named_in_order_and_a_step_may_have_several_blocks() -> None:
    text = "# BEGIN SOLUTION step 2: b\nb\n# END SOLUTION\n# BEGIN SOLUTION step 1: a\na\n# END SOLUTION\n"

    assert python(text + text).steps == {1: "a", 2: "b"}
    assert list(python().steps) == [1, 2, 3]


def test_line_ends_are_kept() -> None:
    windows = PYTHON.replace("\n", "\r\n")

    assert python(windows).stub() == python().stub().replace("\n", "\r\n")
    assert python(windows).solved() == python().solved().replace("\n", "\r\n")


def test_an_answer_stands_in_the_blocks_of_its_step_at_their_indent() -> None:
    answer = python().answer(1, ["""
        result = 0
        for value in values:
            result += value
        return result
    """])  # fmt: skip

    assert "    for value in values:\n        result += value\n" in answer
    assert "return sum(values)" not in answer
    compile(answer, "answer", "exec")


def test_the_lines_of_the_solution_are_known_in_the_solved_text() -> None:
    reference = python()
    lines = reference.solved().splitlines()

    assert [(step, lines[first - 1 : last]) for step, first, last in reference.solution_lines()] == [
        (1, ["    return sum(values)"]),
        (2, ["    if not values:", "        return None"]),
        (3, ["    return total(values) / len(values)"]),
    ]


# ---- what is to do -----------------------------------------------------------------------------


def test_everything_is_to_do_in_a_stub_and_nothing_in_the_solved_text() -> None:
    assert python().left(python().stub()) == {1: 5, 2: 10, 3: 12}
    assert python().left(python().solved()) == {}
    assert sql().left(sql().stub()) == {1: 4, 2: 5}


def test_a_step_that_is_written_is_not_to_do_though_its_neighbour_is() -> None:
    assert list(sql().left(sql().stub(done=1))) == [2]
    assert list(python().left(python().stub(done=2))) == [3]
    only_second = SQL.replace("-- BEGIN SOLUTION step 2: in which order\n", "").replace(
        "ORDER BY at_hour\n-- END SOLUTION\n", "ORDER BY at_hour\n"
    )
    assert list(sql().left(sql(only_second).stub())) == [1]


def test_a_todo_above_code_of_ones_own_is_a_comment() -> None:
    stub = sql().stub()

    assert sql().left(stub.replace("order\n", "order\nORDER BY 1\n")) == {1: 4}
    assert sql().left(stub.replace("FROM news\n", "FROM news\nWHERE late\n")) == {2: 6}


def test_a_flawed_line_that_was_changed_is_no_longer_to_do() -> None:
    assert list(python().left(python().stub().replace("// count", "/ count"))) == [1, 2]


def test_line_ends_and_indents_do_not_matter_for_what_is_to_do() -> None:
    stub = python().stub()

    assert python().left(stub.replace("\n", "\r\n")) == python().left(stub)
    assert python().left(stub.replace("    ", "\t")) == python().left(stub)


def test_a_todo_of_ones_own_is_not_ours() -> None:
    assert python().left("# TODO step 1: buy milk\n# TODO: more\n") == {}


# ---- broken markers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a\n# BEGIN SOLUTION step 1: x\nb\n", 2, "has no END SOLUTION"),
        ("a\n# END SOLUTION\n", 2, "has no BEGIN SOLUTION"),
        ("# BEGIN SOLUTION step 1: x\n# BEGIN SOLUTION step 2: y\n", 2, "inside the block that begins at line 1"),
        ("# BEGIN SOLUTION\n# END SOLUTION\n", 1, "is not followed by ` step N:"),
        ("# BEGIN SOLUTION step 0: x\n", 1, "is not followed by ` step N:"),
        ("# BEGIN SOLUTION step one: x\n", 1, "is not followed by ` step N:"),
        ("# STARTS AS\n", 1, "outside of a block"),
        ("# BEGIN SOLUTION step 1: x\n# STARTS AS\n# STARTS AS\n", 3, "a second time"),
        ("# BEGIN SOLUTION step 1: x\n# STARTS AS\nb = 1\n# END SOLUTION\n", 3, "is not a comment"),
        ("# BEGIN SOLUTION step 1: x\n# END SOLUTION\n# BEGIN SOLUTION step 1: y\n# END SOLUTION\n", 3,
         "Step 1 is called `x` before, and `y` here"),
    ],
)  # fmt: skip
def test_a_marker_that_is_not_right_is_named_by_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(LabError) as error:
        python(text)

    assert f"sums/solution.py:{line}: " in str(error.value)
    assert says in str(error.value)


def test_each_solved_line_knows_its_line_in_the_reference() -> None:
    reference = python()
    source = PYTHON.splitlines()

    assert [source[number - 1] for number in reference.lines] == reference.solved().splitlines()
