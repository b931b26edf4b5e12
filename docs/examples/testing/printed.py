"""What a print sink has written: lines of the TaskManager, not of the terminal that started the job."""

from labkit.testing import printed, row, run_sql

SQL = """
CREATE TABLE shown (city STRING, celsius DOUBLE) WITH ('connector' = 'print', 'print-identifier' = 'warm');
INSERT INTO shown SELECT city, celsius FROM readings WHERE celsius > 20;
"""


def test_the_warm_ones_are_printed() -> None:
    script = [row(city="Oslo", celsius=3.0), row(city="Rome", celsius=21.0)]

    with printed() as lines:
        run_sql(SQL, script, schema={"readings": "city STRING, celsius DOUBLE"}, query={})

        assert lines() == ["warm> +I[Rome, 21.0]"]
