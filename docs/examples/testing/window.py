"""A window closes when the script says so."""

from labkit.testing import assert_rows, row, run_sql, watermark

READINGS = """
    city STRING, celsius DOUBLE, seen_at TIMESTAMP_LTZ(3),
    WATERMARK FOR seen_at AS SOURCE_WATERMARK()
"""
HOURLY = """
    CREATE TEMPORARY VIEW hourly AS
    SELECT city, window_start, AVG(celsius) AS celsius
    FROM TUMBLE(TABLE readings, DESCRIPTOR(seen_at), INTERVAL '1' HOUR)
    GROUP BY city, window_start, window_end
"""


def test_an_hour_is_out_when_the_watermark_has_reached_its_end() -> None:
    result = run_sql(
        HOURLY,
        [
            row(at="10:00", city="Oslo", celsius=2.0),
            watermark("10:59"),
            row(at="10:30", city="Oslo", celsius=4.0),
            watermark("11:00"),
            row(at="11:10", city="Oslo", celsius=9.0),
        ],
        schema={"readings": READINGS},
        query="hourly",
    )

    assert result.emitted_before("10:59").rows == []
    assert_rows(
        result.emitted_before("11:00").rows, [{"city": "Oslo", "window_start": "10:00", "celsius": 3.0}]
    )
    assert len(result.rows) == 2  # the end of the input closes 11:00 to 12:00 too: not so where input goes on
