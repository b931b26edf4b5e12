"""The columns of a script's table are cut apart where a comma separates them, and nowhere else."""

from __future__ import annotations

import pytest

from labkit.testing.schema import parse


@pytest.mark.parametrize(
    "first",
    [
        "ready AS CASE WHEN seen <= sent THEN TRUE END",
        "apart AS a <> b",
        "pair ROW<a INT, b MAP<STRING, INT>>",
        "amount DECIMAL(10, 2)",
        "text AS CONCAT('a,b', 'it''s, (', name)",
    ],
)
def test_a_column_ends_at_the_comma_behind_it(first: str) -> None:
    schema = parse("t", f"{first}, last INT")

    assert [*schema.computed, *schema.types] == [first.split()[0], "last"]


def test_the_columns_of_a_primary_key_are_not_null_as_create_table_makes_them() -> None:
    found = parse("t", "k STRING, j INT NOT NULL, v INT, PRIMARY KEY (k, j) NOT ENFORCED")

    assert found.types == {"k": "STRING NOT NULL", "j": "INT NOT NULL", "v": "INT"}
