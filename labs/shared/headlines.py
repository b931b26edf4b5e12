"""A morning's headlines, as a script: the input of the first queries.

    Mon 09:05  Reuters    Fed officials weigh another rate hike
    Mon 10:02  Bloomberg  …

They arrive in this order, which is not that of their times: feeds are like that.
"""

from __future__ import annotations

from labkit.testing import Step, row

#: published_at is an instant (local time zone): what a clock shows then depends on the session's zone
HEADLINES = {"headlines": "source STRING, title STRING, published_at TIMESTAMP_LTZ(3)"}


def headline(at: str, source: str, title: str) -> Step:
    """A headline that arrives in a script; `at` is when it was published, in UTC.

    >>> str(headline("09:05", "Reuters", "A hike"))
    "row(source='Reuters', title='A hike', published_at='09:05')"
    """
    return row(source=source, title=title, published_at=at)


#: Monday 2026-01-05, and the first of Tuesday
MORNING = [
    headline("09:05", "Reuters", "Fed officials weigh another rate hike"),
    headline("10:02", "Bloomberg", "Markets drift before the jobs report"),
    headline("09:40", "Reuters", "A dovish voter leaves the Fed"),
    headline("09:55", "Bloomberg", "Bond yields climb to a one-year high"),
    headline("10:30", "Reuters", "Jobs report beats every forecast"),
    headline("2026-01-06T09:10Z", "Reuters", "Fed minutes show a split vote"),
]
