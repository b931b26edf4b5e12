"""labkit.sqltext: which statements a script has, on which lines, and what ${name} stands for."""

from __future__ import annotations

import doctest
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstone_marketlag.jobs.signals import script
from capstone_marketlag.settings import Settings
from labkit import sqltext
from labkit.errors import LabError
from labkit.paths import ROOT
from labkit.sqltext import Statement, filled, settings, starts_a_job, statements


def texts(script: str) -> list[str]:
    return [statement.text for statement in statements(script)]


# ---- where a statement ends --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("", []),
        ("  \n ;; ; -- nothing; at all\n /* ; */", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;", ["SELECT 1"]),
        ("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT 1;SELECT 2 ;\n", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';', 'it''s; fine'; SELECT 2", ["SELECT ';', 'it''s; fine'", "SELECT 2"]),
        ("SELECT `a;b`, \"c;d\" FROM t; SELECT 2", ["SELECT `a;b`, \"c;d\" FROM t", "SELECT 2"]),
        ("SELECT '--', 1; SELECT 2", ["SELECT '--', 1", "SELECT 2"]),
        ("SELECT '/*'; SELECT '*/'", ["SELECT '/*'", "SELECT '*/'"]),
        ("SELECT 'a\n;b'; SELECT 2", ["SELECT 'a\n;b'", "SELECT 2"]),
        ("SELECT 1 -- it's one; only\n, 2; SELECT 3", ["SELECT 1 -- it's one; only\n, 2", "SELECT 3"]),
        ("SELECT 1 /* ; 'x */, 2; SELECT 3", ["SELECT 1 /* ; 'x */, 2", "SELECT 3"]),
        ("-- first; not\n/* nor; this */ SELECT 1", ["SELECT 1"]),
        ("(SELECT 1); SELECT 2", ["(SELECT 1)", "SELECT 2"]),
        ("SELECT `END` FROM `begin`; SELECT 2", ["SELECT `END` FROM `begin`", "SELECT 2"]),
        ("SELECT t_end, case_1 FROM begins; SELECT 2", ["SELECT t_end, case_1 FROM begins", "SELECT 2"]),
        ("SELECT CASE WHEN a THEN 1 END; SELECT 2", ["SELECT CASE WHEN a THEN 1 END", "SELECT 2"]),
        ("SELECT 'END'; SELECT 2", ["SELECT 'END'", "SELECT 2"]),
    ],
)  # fmt: skip
def test_a_semicolon_ends_a_statement_only_outside_of_quotes_and_comments(
    script: str, found: list[str]
) -> None:
    assert texts(script) == found


# ---- what moves rows ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["INSERT INTO t SELECT 1", "select 1", "(SELECT 1)", "BEGIN STATEMENT SET; END"]
)
def test_what_moves_rows_starts_a_job(text: str) -> None:
    assert starts_a_job(Statement(text, 1))


@pytest.mark.parametrize("text", ["CREATE VIEW v AS SELECT 1", "SET 'a' = 'b'", "DROP TABLE inserted", ""])
def test_what_describes_starts_none(text: str) -> None:
    assert not starts_a_job(Statement(text, 1))


def test_a_job_has_one_statement_that_moves_rows_whatever_a_piece_prints() -> None:
    starting = [statement for _, statement in script(Settings()) if starts_a_job(statement)]

    assert len(starting) == 1


# ---- what a session is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("SELECT 1", {}),
        ("SET 'a.b' = 'c';", {"a.b": "c"}),
        ("set\r\n 'a.b'='c'  ; SELECT 'SET ''x'' = ''y'''", {"a.b": "c"}),
        ("-- SET 'no' = 'no';\nSET 'a' /* why */ = '' -- so\n;", {"a": ""}),
        ("SET 'a' = 'it''s; b';SET 'c' = '= d'", {"a": "it's; b", "c": "= d"}),
        ("SET 'a' = '1'; CREATE VIEW v AS SELECT 1; SET 'a' = '2'", {"a": "2"}),
        ("EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; END; SELECT * FROM settings", {}),
    ],
)
def test_a_session_is_what_its_sets_say_and_the_last_one_counts(script: str, found: dict[str, str]) -> None:
    assert settings(script) == found


@pytest.mark.parametrize(
    "text", ["SET a.b = c", "SET 'a' = b", "SET 'a'", "SET", "SET '' = 'b'", "SET \"a\" = 'b'"]
)
def test_a_set_that_flink_would_not_read_is_told_with_its_line(text: str) -> None:
    with pytest.raises(LabError, match=r"^job\.sql, line 3: Flink cannot read `SET.*single quotes"):
        settings(f"-- a session\n\n{text};", "job.sql")


# ---- what stays one statement ----------------------------------------------------------------------


SET = """EXECUTE STATEMENT SET BEGIN
INSERT INTO a SELECT CASE WHEN x > 0 THEN CASE x WHEN 1 THEN 'END;' END ELSE 'b' END FROM t;
-- END; of nothing
INSERT INTO b SELECT `end` FROM t;
end"""


def test_a_statement_set_is_one_statement_with_all_its_semicolons() -> None:
    script = f"CREATE VIEW v AS SELECT 1;\n{SET};\nSHOW TABLES;"

    assert statements(script) == [
        Statement("CREATE VIEW v AS SELECT 1", 1),
        Statement(SET, 2),
        Statement("SHOW TABLES", 7),
    ]


def test_an_end_too_many_costs_only_its_own_statement() -> None:
    assert texts(f"SELECT 1 END; SELECT 2; {SET}; SELECT 3") == ["SELECT 1 END", "SELECT 2", SET, "SELECT 3"]


def test_a_quote_that_is_never_closed_swallows_nothing_behind_its_statement() -> None:
    assert texts("SELECT 'a; SELECT 2") == ["SELECT 'a", "SELECT 2"]


def test_the_line_of_a_statement_is_that_of_its_first_word() -> None:
    script = "-- a comment\n\nSELECT 1\n  FROM t;  SELECT 2;\n/* two\nlines */\n\n  SELECT '\n' ;\nSELECT 4"

    assert statements(script) == [
        Statement("SELECT 1\n  FROM t", 3),
        Statement("SELECT 2", 4),
        Statement("SELECT '\n'", 8),
        Statement("SELECT 4", 10),
    ]


pieces_of_sql = st.lists(
    st.sampled_from(
        ["a", "1", "SELECT", "(", ")", ",", "''", "';'", "'it''s'", "`;`", '"--;"', "/* ; ' */", "-- ; '\n",
         "\n", "CASE a WHEN 1 THEN 2 END", "BEGIN b; c; END", "BEGIN CASE ';' END; d; END", "end_of", "ENDS"]
    ),
    max_size=6,
)  # fmt: skip
statement_texts = pieces_of_sql.map(lambda words: " ".join(["S", *words]).rstrip())
gaps = st.sampled_from([";", " ;\n", ";\n\n  ", "; -- gap; '\n", ";/* gap; ` */", ";;\n;"])


@given(st.lists(statement_texts, min_size=1, max_size=5), st.data())
def test_splitting_a_join_of_statements_gives_them_back(parts: list[str], data: st.DataObject) -> None:
    script, lines = "", []
    for part in parts:
        lines.append(script.count("\n") + 1)
        # a comment up to the end of a line would hide the semicolon behind it
        script += part + ("\n" if "-- ; '" in part.splitlines()[-1] else "") + data.draw(gaps)

    assert statements(script) == [Statement(*each) for each in zip(parts, lines, strict=True)]


nothing = re.compile(r"(?:\s|;|--[^\n]*|/\*.*?\*/)*", re.DOTALL)


@given(st.text(st.sampled_from(";'`\"-/* \nabENDBEGINCASE"), max_size=60))
def test_statements_stand_in_the_script_in_order_with_nothing_between_them(script: str) -> None:
    position = 0
    for statement in statements(script):
        start = nothing.match(script, position).end()  # type: ignore[union-attr]

        assert script.startswith(statement.text, start)
        assert statement.line == script.count("\n", 0, start) + 1
        position = start + len(statement.text)
    assert nothing.fullmatch(script, position)


# ---- ${name} -----------------------------------------------------------------------------------


def test_each_name_is_replaced_wherever_it_stands() -> None:
    assert filled("'${kafka}', ${kafka}:${port_2}", {"kafka": "k:1", "port_2": "9"}) == "'k:1', k:1:9"


def test_a_value_is_taken_as_it_is() -> None:
    assert filled("${a}", {"a": r"\1 ${b} \g<0>"}) == r"\1 ${b} \g<0>"


@pytest.mark.parametrize("text", ["$kafka", "${}", "{kafka}", "${kafka ", "${k-1}", "$ {kafka}"])
def test_what_is_no_name_in_braces_stays(text: str) -> None:
    assert filled(text, {"kafka": "k:1"}) == text


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(LabError) as error:
        filled("SELECT '${kafak}'", {"postgres": "p", "kafka": "k"})

    assert str(error.value) == (
        "The SQL has ${kafak}. Known are ${kafka}, ${postgres}. Next: write the value itself"
    )


def test_the_examples_in_the_docstrings_hold() -> None:
    results = doctest.testmod(sqltext)

    assert (results.failed, results.attempted > 0) == (0, True)


# ---- the job's own script ----------------------------------------------------------------------


def test_the_job_s_statements_are_said_to_stand_where_they_stand() -> None:
    said = [(file, s.line, s.text.split()[0]) for file, s in script(Settings())]

    assert said == [
        (file, line, (ROOT / file).read_text().splitlines()[line - 1].split()[0]) for file, line, _ in said
    ]


def test_the_job_s_statements_are_as_many_whatever_the_secrets_are() -> None:
    odd = Settings(
        security_protocol="SASL_SSL",
        sasl_username="';--",
        sasl_password='it\'s; "x" /* `',
        postgres="postgresql://u:it's;--@127.0.0.1/x",
    )

    assert [s.line for _, s in script(odd)] == [s.line for _, s in script(Settings())]
    assert [s.text for _, s in script(odd) if "${" in s.text] == []
