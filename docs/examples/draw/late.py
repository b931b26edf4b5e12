"""Which row is late, drawn: no Flink is needed for a script alone."""

from datetime import timedelta

from labkit.draw import events
from labkit.testing import row, watermark

SCRIPT = [
    row(at="10:00", city="Oslo"),
    row(at="10:40", city="Rome"),
    watermark("10:35"),
    row(at="10:20", city="Oslo"),  # out of order, and in time: its hour is open
    row(at="11:05", city="Bern"),
    watermark("11:00"),
    row(at="10:59", city="Rome"),
]

picture = events(
    SCRIPT, window=timedelta(hours=1), label="city", title="Who is late for the hour until 11:00?"
)
