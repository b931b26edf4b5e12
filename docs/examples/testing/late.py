"""What becomes of one chosen late row."""

from labkit.testing import row, run_sql, watermark

READINGS = "city STRING, seen_at TIMESTAMP(3), WATERMARK FOR seen_at AS seen_at - INTERVAL '5' MINUTE"
HOURLY = """
    SELECT window_start, COUNT(*) AS readings
    FROM TUMBLE(TABLE readings, DESCRIPTOR(seen_at), INTERVAL '1' HOUR)
    GROUP BY window_start, window_end
"""


def test_a_row_is_late_when_its_window_has_closed_and_not_when_it_is_behind_the_watermark() -> None:
    script = [
        row(at="10:00", city="Oslo"),
        row(at="10:50", city="Oslo"),
        row(at="10:40", city="Rome"),  # the watermark is 10:45; its window is open
        row(at="11:05", city="Oslo"),  # the watermark is 11:00 now
        row(at="10:59", city="Rome"),
    ]

    result = run_sql("", script, schema={"readings": READINGS}, query=HOURLY)

    assert [r["readings"] for r in result.rows] == [3, 1]
    assert result.late_dropped == 1


def test_scripted_watermarks_say_the_same_without_a_rule() -> None:
    scripted = READINGS.replace("seen_at - INTERVAL '5' MINUTE", "SOURCE_WATERMARK()")
    script = [row(at="10:40", city="Rome"), watermark("11:00"), row(at="10:59", city="Rome")]

    result = run_sql("", script, schema={"readings": scripted}, query=HOURLY)

    assert result.late_dropped == 1
