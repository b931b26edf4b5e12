"""SQL on scripts, on the real engine: what comes out, when, and after a crash."""

from __future__ import annotations

from datetime import date, datetime, time, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import CodeError, LabError
from labkit.testing import (
    assert_plan,
    assert_rows,
    checkpoint,
    crash,
    explain_sql,
    row,
    run_sql,
    run_sql_scenarios,
    settle,
    watermark,
)

READINGS = {
    "readings": "city STRING, celsius DOUBLE, seen_at TIMESTAMP_LTZ(3), "
    "WATERMARK FOR seen_at AS SOURCE_WATERMARK()"
}
HOURLY = """
CREATE TEMPORARY VIEW hourly AS
SELECT city, window_start, COUNT(*) AS n, SUM(celsius) AS total
FROM TUMBLE(TABLE readings, DESCRIPTOR(seen_at), INTERVAL '1' HOUR)
GROUP BY city, window_start, window_end;
"""
COUNTS = "SELECT city, COUNT(*) AS n FROM readings GROUP BY city"


def oslo(at: str, celsius: float = 1.0) -> object:
    return row(at=at, city="Oslo", celsius=celsius)


# ---- when a window closes ----------------------------------------------------------------------


def test_a_window_closes_at_the_watermark_that_reaches_its_end_and_not_one_millisecond_before() -> None:
    script = [
        oslo("10:00"),
        watermark("10:59:59.998"),
        oslo("10:01"),
        watermark("10:59:59.999"),
        oslo("11:30"),
    ]

    result = run_sql(HOURLY, script, schema=READINGS, query="hourly")

    assert [(c.row["n"], c.after, c.by, c.at_end) for c in result.changes] == [
        (2, watermark("10:59:59.998").at, watermark("10:59:59.999").at, False),
        (1, watermark("10:59:59.999").at, None, True),
    ]
    assert result.emitted_before("10:59:59.998").rows == []
    assert_rows(
        result.emitted_before("11:00").rows, [{"city": "Oslo", "window_start": "10:00", "n": 2, "total": 2.0}]
    )


def test_a_job_without_watermarks_gives_everything_at_the_end_only() -> None:
    script = [oslo("10:00"), oslo("11:30"), oslo("12:30")]

    result = run_sql(HOURLY, script, schema=READINGS, query="hourly")

    assert len(result.rows) == 3
    assert result.before_end.rows == []


def test_a_late_row_is_dropped_and_counted() -> None:
    script = [oslo("10:00"), watermark("11:00"), oslo("10:59"), oslo("11:01")]

    result = run_sql(HOURLY, script, schema=READINGS, query="hourly")

    assert_rows(
        result.rows,
        [{"n": 1, "window_start": "10:00"}, {"n": 1, "window_start": "11:00"}],
        columns=["n", "window_start"],
    )
    assert result.late_dropped == 1


def test_a_tables_own_rule_makes_a_watermark_after_every_row() -> None:
    own = {"readings": READINGS["readings"].replace("SOURCE_WATERMARK()", "seen_at - INTERVAL '5' MINUTE")}
    script = [oslo("10:00"), oslo("11:04:59"), oslo("10:59"), oslo("11:05"), oslo("10:59")]

    result = run_sql(HOURLY, script, schema=own, query="hourly")

    assert [(c.row["n"], c.at_end) for c in result.changes] == [(2, False), (2, True)]
    assert result.late_dropped == 1


def test_each_change_knows_the_step_that_caused_it() -> None:
    script = [oslo("10:00"), watermark("10:30"), oslo("10:31", 2.0), row(at="10:32", city="Rome")]

    result = run_sql("", script, schema=READINGS, query=COUNTS, each_step=True)

    assert [(c.kind, c.row["n"], c.step and c.step.fields["city"]) for c in result.changes] == [
        ("+I", 1, "Oslo"),
        ("-U", 1, "Oslo"),
        ("+U", 2, "Oslo"),
        ("+I", 1, "Rome"),
    ]


# ---- changelogs --------------------------------------------------------------------------------


def test_an_updating_query_has_a_changelog_and_a_table_and_no_rows() -> None:
    result = run_sql(
        "", [oslo("10:00"), row(at="10:01", city="Rome"), oslo("10:02")], schema=READINGS, query=COUNTS
    )

    assert result.changelog == [
        ("+I", {"city": "Oslo", "n": 1}),
        ("+I", {"city": "Rome", "n": 1}),
        ("-U", {"city": "Oslo", "n": 1}),
        ("+U", {"city": "Oslo", "n": 2}),
    ]
    assert_rows(result.table(), [{"city": "Oslo", "n": 2}, {"city": "Rome", "n": 1}])
    assert_rows(result.table("city"), [{"city": "Oslo", "n": 2}, {"city": "Rome", "n": 1}])
    assert not result.append_only
    with pytest.raises(AssertionError, match=r"updating result.*table\(\)"):
        _ = result.rows


def test_two_inputs_are_read_in_the_scripts_order() -> None:
    schema = {"a": "k INT, v STRING", "b": "k INT, w STRING"}
    script = [
        row(to="b", k=1, w="x"), row(to="a", k=1, v="p"), row(to="b", k=1, w="y"), row(to="b", k=1, w="z"),
        row(to="a", k=2, v="q"), row(to="b", k=2, w="x"),
    ]  # fmt: skip

    for _ in range(3):
        result = run_sql("", script, schema=schema, query="SELECT v, w FROM a JOIN b ON a.k = b.k")

        assert [(r["v"], r["w"]) for r in result.rows] == [("p", "x"), ("p", "y"), ("p", "z"), ("q", "x")]


def test_several_queries_are_recorded_in_one_job() -> None:
    sql = "CREATE TEMPORARY VIEW warm AS SELECT * FROM readings WHERE celsius > 0;"

    results = run_sql(
        sql, [oslo("10:00", 1.0), oslo("10:01", -1.0)], schema=READINGS,
        query={"warm": "SELECT city, celsius FROM warm", "all": COUNTS},
    )  # fmt: skip

    assert results["warm"].rows == [{"city": "Oslo", "celsius": 1.0}]
    assert results["all"].table("city") == [{"city": "Oslo", "n": 2}]


def test_what_several_queries_share_is_done_once() -> None:
    script = [oslo("10:00"), watermark("11:00"), oslo("10:59"), oslo("11:01")]
    sink = "CREATE TABLE kept (n BIGINT) WITH ('connector' = 'blackhole');\n"
    queries = {
        "one": "SELECT n FROM hourly",
        "other": "SELECT total FROM hourly",
        "again": "SELECT n FROM hourly",
    }

    results = run_sql(
        [HOURLY, sink + "INSERT INTO kept SELECT n FROM hourly"], script, schema=READINGS, query=queries
    )
    alone = [run_sql(HOURLY, script, schema=READINGS, query=query) for query in queries.values()]

    assert [each.rows for each in results.values()] == [each.rows for each in alone]
    assert results["one"].late_dropped == 1  # one operator dropped it, whoever reads what it says


def test_several_inserts_into_one_table_stand_behind_the_queries() -> None:
    printed_twice = """
    CREATE TABLE kept (n BIGINT) WITH ('connector' = 'blackhole');
    INSERT INTO kept SELECT COUNT(*) FROM readings;
    INSERT INTO kept SELECT SUM(1) FROM readings;
    """
    queries = {
        "city": "SELECT city FROM readings",
        "celsius": "SELECT celsius FROM readings",
        "counts": COUNTS,
    }

    results = run_sql(printed_twice, [oslo("10:00", 2.0)], schema=READINGS, query=queries)

    assert [list(result.table()) for result in results.values()] == [
        [{"city": "Oslo"}], [{"celsius": 2.0}], [{"city": "Oslo", "n": 1}],
    ]  # fmt: skip


def test_several_queries_that_flink_cannot_plan_as_one_are_planned_one_by_one() -> None:
    sql = """
    CREATE TEMPORARY VIEW timed AS SELECT city, FLOOR(seen_at TO HOUR) + INTERVAL '1' HOUR AS ends FROM readings;
    CREATE TEMPORARY VIEW counted AS SELECT ends, COUNT(*) AS n FROM timed GROUP BY ends;
    """
    queries = {"both": "counted", "one": "SELECT n FROM counted"}
    with pytest.raises(LabError, match="Type mismatch"):  # else there is nothing here to be proven any more
        explain_sql(sql, schema=READINGS, query=queries)

    results = run_sql(sql, [oslo("10:00")], schema=READINGS, query=queries)

    assert [each["n"] for result in results.values() for each in result.table()] == [1, 1]


@pytest.mark.parametrize("setup", [None, lambda tables: None], ids=["SQL alone", "with PyFlink"])
def test_of_several_queries_the_one_that_cannot_be_planned_is_named(setup: Any) -> None:
    unending = "SELECT city FROM readings ORDER BY celsius"

    with pytest.raises(
        CodeError, match=r"^The query SELECT city FROM readings ORDER BY celsius: .*not supported"
    ):
        run_sql(
            "",
            [oslo("10:00")],
            schema=READINGS,
            query={"all": COUNTS, "sorted": unending, "same": "readings"},
            setup=setup,
        )


def test_a_table_that_is_short_may_end_before_the_script_begins() -> None:
    queries = {"cities": "SELECT * FROM (VALUES ('Oslo'), ('Rome')) AS cities (city)", "counts": COUNTS}

    for _ in range(5):
        results = run_sql("", [oslo("10:00")], schema=READINGS, query=queries)

        assert [row["city"] for row in results["cities"].rows] == ["Oslo", "Rome"]
        assert results["counts"].rows == [{"city": "Oslo", "n": 1}]


def test_scenarios_are_planned_once_and_do_not_meet() -> None:
    scripts = {f"{n} readings": [oslo(f"10:0{i}") for i in range(n)] for n in (1, 2, 3)}

    results = run_sql_scenarios(HOURLY, scripts, schema=READINGS, query="hourly")

    assert {name: result.rows[0]["n"] for name, result in results.items()} == {
        "1 readings": 1, "2 readings": 2, "3 readings": 3,
    }  # fmt: skip


def test_a_run_without_rows_has_an_empty_result() -> None:
    assert run_sql(HOURLY, [], schema=READINGS, query="hourly").changes == []


# ---- restarts ----------------------------------------------------------------------------------


def test_a_restart_goes_on_from_the_checkpoint_and_replays_what_came_after() -> None:
    script = [oslo("10:00"), checkpoint(), oslo("10:01"), crash(), oslo("10:02")]

    result = run_sql("", script, schema=READINGS, query=COUNTS)

    assert [(c.kind, c.row["n"], c.attempt) for c in result.seen] == [
        ("+I", 1, 0), ("-U", 1, 0), ("+U", 2, 0), ("-U", 1, 1), ("+U", 2, 1), ("-U", 2, 1), ("+U", 3, 1),
    ]  # fmt: skip
    assert result.table("city") == [{"city": "Oslo", "n": 3}]
    assert [r["n"] for r in result.repeated] == [1, 2]


def test_without_a_checkpoint_everything_is_read_again() -> None:
    result = run_sql(
        "", [oslo("10:00"), crash(), crash(), oslo("10:01"), crash()], schema=READINGS, query=COUNTS
    )

    assert [(c.row["n"], c.attempt) for c in result.changes] == [(1, 3), (1, 3), (2, 3)]


def test_a_watermark_is_not_a_part_of_a_checkpoint() -> None:
    """Why CURRENT_WATERMARK forgets: the row is late before the restart, and not behind it."""
    sql = "SELECT city, seen_at <= CURRENT_WATERMARK(seen_at) AS late FROM readings"
    script = [oslo("10:00"), watermark("11:00"), oslo("10:30"), checkpoint(), crash(), oslo("10:40")]

    result = run_sql("", script, schema=READINGS, query=sql)

    assert [r["late"] for r in result.rows] == [None, True, None]


# ---- values ------------------------------------------------------------------------------------


def test_values_of_every_common_type_come_back_as_pythons() -> None:
    schema = {
        "t": "b BOOLEAN, i INT, l BIGINT, d DOUBLE, n DECIMAL(10, 2), s STRING, x BYTES, day DATE, at TIME(0), "
        "ts TIMESTAMP(3), tz TIMESTAMP_LTZ(3), a ARRAY<INT>, m MAP<STRING, INT>, r ROW<p INT, q STRING>"
    }
    values = {
        "b": True, "i": 1, "l": 2**40, "d": 1.5, "n": Decimal("1.50"), "s": "é'\n", "x": b"\x00\xff", "day": date(2026, 1, 5),
        "at": time(10, 30), "ts": datetime(2026, 1, 5, 10, 0, 0, 123000), "tz": datetime(2026, 1, 5, 10, tzinfo=timezone.utc),
        "a": [1, 2], "m": {"k": 1}, "r": {"p": 1, "q": "z"},
    }  # fmt: skip

    result = run_sql("", [row(values), row({})], schema=schema, query="t")

    assert result.rows == [values, dict.fromkeys(values)]


def test_computed_columns_metadata_and_keys_are_a_schemas_too() -> None:
    schema = {
        "t": "a INT NOT NULL, kp INT METADATA FROM 'partition' VIRTUAL, -- a comment\n"
        "b AS a + 1, pt AS PROCTIME(), PRIMARY KEY (a) NOT ENFORCED"
    }

    result = run_sql("", [row(a=1, kp=2)], schema=schema, query="SELECT a, kp, b FROM t")

    assert result.rows == [{"a": 1, "kp": 2, "b": 2}]


# ---- plans -------------------------------------------------------------------------------------


def test_a_plan_tells_a_window_aggregate_from_a_group_aggregate() -> None:
    assert_plan(
        explain_sql(HOURLY, schema=READINGS, query="hourly"),
        has={"WindowAggregate": 1},
        lacks="GroupAggregate",
    )
    assert_plan(
        explain_sql("", schema=READINGS, query=COUNTS), has=["GroupAggregate"], lacks=["WindowAggregate"]
    )


def test_inserts_of_the_statements_are_planned_as_one_job() -> None:
    sql = [
        """CREATE TEMPORARY TABLE a (city STRING, n BIGINT, PRIMARY KEY (city) NOT ENFORCED) WITH ('connector' = 'blackhole');
        CREATE TEMPORARY TABLE b (city STRING) WITH ('connector' = 'blackhole');
        CREATE TEMPORARY VIEW counts AS SELECT city, COUNT(*) AS n FROM readings GROUP BY city;""",
        "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT * FROM counts; INSERT INTO b SELECT city FROM readings; END;",
    ]

    assert_plan(explain_sql(sql, schema=READINGS), has={"Sink": 2, "GroupAggregate": 1, "TableSourceScan": 1})


def test_a_wrong_plan_is_told_with_the_plan() -> None:
    with pytest.raises(
        AssertionError, match=r"(?s)GroupAggregate: 0 where one or more.*The plan:.*WindowAggregate"
    ):
        assert_plan(explain_sql(HOURLY, schema=READINGS, query="hourly"), has="GroupAggregate")


# ---- sinks of one's own ------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["readings", {}], ids=["beside a query", "alone"])
def test_a_job_with_inserts_of_its_own_ends(query: object, tmp_path: Path) -> None:
    sink = f"""
        CREATE TABLE kept (city STRING) WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/kept', 'format' = 'csv');
        INSERT INTO kept SELECT city FROM readings;"""

    run_sql(sink, [oslo("10:00"), checkpoint(), oslo("10:01"), crash()], schema=READINGS, query=query)  # type: ignore[call-overload]

    assert [file.read_text() for file in sorted((tmp_path / "kept").rglob("part-*"))] == ["Oslo\n", "Oslo\n"]


# ---- what a person can do wrong ----------------------------------------------------------------


def test_an_error_in_a_file_names_the_file_and_its_line(tmp_path: Path) -> None:
    file = tmp_path / "hourly.sql"
    file.write_text(
        "-- a comment\nSET 'x.y' = 'z';\n\nCREATE TEMPORARY VIEW v AS\nSELECT city,\n  celcius FROM readings;\n"
    )

    with pytest.raises(
        CodeError,
        match=r"^hourly\.sql, line 4 \(CREATE TEMPORARY VIEW v AS\): Column 'celcius' not found in any table.*\(line 6\)",
    ):
        run_sql(file, [], schema=READINGS, query="v")


def test_a_file_may_come_from_windows(tmp_path: Path) -> None:
    file = tmp_path / "warm.sql"
    file.write_bytes(
        b"\xef\xbb\xbf-- a mark of its encoding, and other line ends\r\nCREATE VIEW warm AS\r\nSELECT 1 AS n;\r\n"
    )

    assert run_sql(file, {}, schema={}, query="warm").rows == [{"n": 1}]


def test_a_set_in_the_statements_counts() -> None:
    sql = "set 'table.local-time-zone' = 'Asia/Tokyo' -- nine hours ahead\n;"
    query = "SELECT CAST(seen_at AS TIMESTAMP(3)) AS wall_clock FROM readings"

    result = run_sql(sql, [oslo("10:00")], schema=READINGS, query=query)

    assert_rows(result.rows, [{"wall_clock": "19:00"}])


@pytest.mark.parametrize(
    ("mode", "why"),
    [("stream", "Could not parse value for enum"), ("automatic", "Unsupported mode 'AUTOMATIC'")],
)
def test_an_option_that_flink_refuses_is_one_sentence(mode: str, why: str) -> None:
    with pytest.raises(LabError, match=f"^The options: {why}"):
        run_sql("", [], schema=READINGS, query="readings", options={"execution.runtime-mode": mode})


def test_of_a_syntax_error_the_place_is_told_and_not_the_grammar() -> None:
    with pytest.raises(LabError) as error:
        run_sql("CREATE VIEW v AS\nSELECT city FORM readings;", [], schema=READINGS, query="v")

    assert error.value.happened == 'Line 1 (CREATE VIEW v AS): Encountered "readings" (line 2).'


@pytest.mark.parametrize(
    ("columns", "options", "sentence"),
    [
        (
            "at_most DECIMAL(9, 2), place ROW<a INT, b STRING>, city INT", "",
            "Incompatible types for sink column 'at_most' at position 0: the query has city STRING there, the table "
            "at_most DECIMAL(9, 2). An INSERT goes by position, not by name.",
        ),
        ("city STRING, n INT", "", "Different number of columns: the query gives city; the table has city, n."),
        (
            "city STRING", ", 'print-identifer' = 'x'",
            "The connector 'print' has no option print-identifer; it has print-identifier",
        ),
        ("city STRING", ", '' = 'x'", "The connector 'print' has no option without a name"),
    ],
    ids=["a type", "a column", "an option", "an option without a name"],
)  # fmt: skip
def test_of_long_lists_what_differs_is_told(columns: str, options: str, sentence: str) -> None:
    table = f"CREATE TABLE kept ({columns}) WITH ('connector' = 'print'{options});\n"
    insert = f"INSERT INTO kept SELECT {'city, place, 1' if 'place' in columns else 'city'} FROM readings"

    with pytest.raises(LabError) as error:
        run_sql(table + insert, [], schema={"readings": "city STRING, place ROW<a INT, b STRING>"}, query={})

    assert sentence in error.value.happened


@pytest.mark.parametrize(
    ("sql", "query", "script", "sentence"),
    [
        ("CREATE VIEW v AS\nSELEKT 1", "v", [], "Line 1 (CREATE VIEW v AS): "),
        ("", "SELECT nothing FROM readings", [], "The query SELECT nothing FROM readings: Column 'nothing' not found"),
        ("", "nowhere", [], "The query nowhere: Object 'nowhere' not found"),
        ("SELECT 1", "readings", [], "SELECT would start a job of its own"),
        ("CREATE VIEW v AS SELECT 1 AS n", {}, [], "no INSERT, and there is no query: nothing would be recorded"),
        ("", "readings", [row(at="10:00", town="Oslo")], "has 'town'. The columns of readings: city, celsius, seen_at"),
        ("", "readings", [row(to="writings", city="Oslo")], "is for 'writings'. There are: readings"),
        ("", "readings", [row("Oslo")], "has no field names"),
        ("", "readings", [{"city": "Oslo"}], "is no step of a script"),
        ("", "SELECT 1 / (CHAR_LENGTH(city) - 4) FROM readings", [oslo("10:00")], "ArithmeticException: / by zero"),
        ("", "readings", [row(celsius="warm")], "warm"),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence(sql: str, query: object, script: list[object], sentence: str) -> None:
    with pytest.raises(LabError) as error:
        run_sql(sql, script, schema=READINGS, query=query)  # type: ignore[call-overload]

    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert "py4j" not in str(error.value)


def test_a_scripted_watermark_on_a_table_with_a_rule_of_its_own_is_refused() -> None:
    with pytest.raises(LabError, match="makes its watermarks from its rows"):
        run_sql("", [watermark("10:00")], schema={"t": "ts TIMESTAMP(3), WATERMARK FOR ts AS ts"}, query="t")


def test_settle_changes_nothing_but_the_attribution() -> None:
    with_, without = (
        run_sql("", script, schema=READINGS, query=COUNTS).changelog
        for script in ([oslo("10:00"), settle(), oslo("10:01")], [oslo("10:00"), oslo("10:01")])
    )

    assert with_ == without


def test_an_insert_that_does_not_fit_its_table_is_one_sentence() -> None:
    sql = "CREATE TABLE shown (n INT, city STRING) WITH ('connector' = 'blackhole');\nINSERT INTO shown SELECT 1;"

    with pytest.raises(CodeError, match=r"Line 2 \(INSERT INTO shown SELECT 1\): .*number of columns"):
        run_sql(sql, {}, schema={}, query={})
