"""Mutations: small, one at a time, inside of the blocks, and always a program."""

from __future__ import annotations

import ast

from labkit.course.markers import parse
from labkit.course.mutations import mutations


def changes(text: str, suffix: str, *, everywhere: bool = True) -> list[str]:
    return [each.change for each in mutations(parse(text, "toy", suffix, "toy"), everywhere=everywhere)]


def test_what_is_changed_in_python() -> None:
    text = (
        "def f(a, b):\n"
        '    """A text of 3 words."""\n'
        "    if not a and b is None:\n"
        "        raise KeyError('b')\n"
        "    total = a - 1.5\n"
        "    return total if ready(b) else -1\n"
    )

    assert sorted(changes(text, ".py")) == sorted([
        "`if not a and b is None:` -> `if a and b is None:`",
        "`if not a and b is None:` -> `if not a and b is not None:`",
        "`if not a and b is None:` -> `if not a or b is None:`",
        "`raise KeyError('b')` -> `pass`",
        "`raise KeyError('b')` -> `raise KeyError('')`",
        "`total = a - 1.5` -> `pass`",
        "`total = a - 1.5` -> `total = a + 1.5`",
        "`total = a - 1.5` -> `total = a - 0.5`",
        "`total = a - 1.5` -> `total = a - 2.5`",
        "`return total if ready(b) else -1` -> `return None`",
        "`return total if ready(b) else -1` -> `return total if not ready(b) else -1`",
        "`return total if ready(b) else -1` -> `return total if ready(b) else -0`",
        "`return total if ready(b) else -1` -> `return total if ready(b) else -2`",
        "`return total if ready(b) else -1` -> `return total if ready(b) else 1`",
    ])  # fmt: skip


def test_every_mutation_of_python_is_python() -> None:
    text = (
        "async def f(x, *, y=(1 < 2) and 3):\n"
        "    é = 'ü' + 'x' ; z = (x)<(y)\n"
        "    while x in {1: 'a'} or (\n        y\n        # a comment <\n        not in z\n    ):\n"
        "        x += 1 ; continue\n"
        "    for a in z: break\n"
        "    return f'{x + 1}' and (not x)\n"
    )
    found = mutations(parse(text, "toy", ".py", "toy"), everywhere=True)

    assert len(found) > 15
    for each in found:
        ast.parse(each.text)


def test_what_is_changed_in_sql() -> None:
    text = (
        "-- 5 < 6 AND more\n"
        "SELECT a, COUNT(*) AS n, 'x; < 3'\n"
        "FROM t LEFT JOIN u ON t.id = u.id\n"
        "WHERE a BETWEEN 1 AND 2 AND NOT b\n"
        "GROUP BY a, c\n"
        "ORDER BY a DESC\n"
    )

    assert sorted(changes(text, ".sql")) == sorted([
        "`SELECT a, COUNT(*) AS n, 'x; < 3'` -> `SELECT a, COUNT(*) AS n, ''`",
        "`FROM t LEFT JOIN u ON t.id = u.id` -> `FROM t INNER JOIN u ON t.id = u.id`",
        "`FROM t LEFT JOIN u ON t.id = u.id` -> `FROM t LEFT JOIN u ON t.id <> u.id`",
        "`WHERE a BETWEEN 1 AND 2 AND NOT b` -> ``",
        "`WHERE a BETWEEN 1 AND 2 AND NOT b` -> `WHERE a BETWEEN 2 AND 2 AND NOT b`",
        "`WHERE a BETWEEN 1 AND 2 AND NOT b` -> `WHERE a BETWEEN 0 AND 2 AND NOT b`",
        "`WHERE a BETWEEN 1 AND 2 AND NOT b` -> `WHERE a BETWEEN 1 AND 3 AND NOT b`",
        "`WHERE a BETWEEN 1 AND 2 AND NOT b` -> `WHERE a BETWEEN 1 AND 1 AND NOT b`",
        "`WHERE a BETWEEN 1 AND 2 AND NOT b` -> `WHERE a BETWEEN 1 AND 2 OR NOT b`",
        "`WHERE a BETWEEN 1 AND 2 AND NOT b` -> `WHERE a BETWEEN 1 AND 2 AND b`",
        "`GROUP BY a, c` -> `GROUP BY c`",
        "`GROUP BY a, c` -> `GROUP BY a`",
        "`ORDER BY a DESC` -> `ORDER BY a ASC`",
    ])  # fmt: skip


def test_windows_of_sql_lose_a_partition_and_types_keep_their_precision() -> None:
    text = "SELECT MAX(CAST(x AS DECIMAL(16, 6))) OVER (PARTITION BY m ORDER BY ts) - INTERVAL '5' MINUTE FROM t\n"
    whole = text.strip()

    assert [each.text.strip() for each in mutations(parse(text, "toy", ".sql", "toy"), everywhere=True)] == [
        whole.replace("MAX", "MIN"),
        whole.replace("PARTITION BY m", ""),
        whole.replace(" - ", " + "),
        whole.replace("'5'", "'6'"),
        whole.replace("MINUTE", "SECOND"),
    ]


def test_only_what_a_learner_writes_is_changed() -> None:
    text = "a = 1\n# BEGIN SOLUTION step 1: b\nb = 2\n# END SOLUTION\nc = 3\n"

    assert changes(text, ".py", everywhere=False) == [
        "`b = 2` -> `pass`",
        "`b = 2` -> `b = 3`",
        "`b = 2` -> `b = 1`",
    ]
