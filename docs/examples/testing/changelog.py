"""An updating query: what it tells its sink, and what it costs."""

from labkit.testing import assert_plan, assert_rows, explain_sql, row, run_sql

SCHEMA = {"readings": "city STRING, celsius DOUBLE"}
WARMEST = "SELECT city, MAX(celsius) AS celsius FROM readings GROUP BY city"


def test_a_maximum_takes_back_what_it_said_only_when_it_changes() -> None:
    script = [
        row(city="Oslo", celsius=2.0),
        row(city="Rome", celsius=12.0),
        row(city="Oslo", celsius=1.0),
        row(city="Oslo", celsius=3.0),
    ]

    result = run_sql("", script, schema=SCHEMA, query=WARMEST)

    assert_rows(
        result.changelog,
        [
            ("+I", {"city": "Oslo", "celsius": 2.0}),
            ("+I", {"city": "Rome", "celsius": 12.0}),
            ("-U", {"city": "Oslo", "celsius": 2.0}),
            ("+U", {"city": "Oslo", "celsius": 3.0}),
        ],
        ordered=True,
    )
    assert_rows(
        result.table(key="city"), [{"city": "Oslo", "celsius": 3.0}, {"city": "Rome", "celsius": 12.0}]
    )


def test_it_keeps_state_for_every_city_for_ever() -> None:
    assert_plan(
        explain_sql("", schema=SCHEMA, query=WARMEST), has={"GroupAggregate": 1}, lacks="WindowAggregate"
    )
