"""The price of Yes in each hour, on the real engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from capstone_marketlag import pieces
from labkit.paths import ROOT
from labkit.testing import Step, run_sql
from labs.shared.records import NEWS_SEEN, seen, wire

PIECE = ROOT / "labs" / pieces.LABS["price_sanity"]
TEN, NINE = "2026-01-05T10:00:00Z", "2026-01-05T09:00:00Z"


def price(outcome: str, price: float, hour: str = TEN) -> dict[str, object]:
    return {
        "market_slug": "m", "outcome": outcome, "price": price, "prev_price": None, "price_delta": 0.0,
        "price_status": "observed", "event_time": hour,
    }  # fmt: skip


def came(*records: dict[str, object]) -> Iterator[Step]:
    """These records one after the other, when the hour of nine was closed. Rows of price_seen are as those of news."""
    for offset, record in enumerate(records):
        hour = str(record["event_time"])
        yield seen(wire(record), TEN, offset, at=hour, closed_until="2026-01-05T10:10:00Z")


@pytest.mark.parametrize("first", ["Yes", "YES", "yes"])
def test_of_two_spellings_of_yes_the_first_price_of_the_hour_stays(first: str) -> None:
    other = "Yes" if first == "YES" else "YES"
    records = [price(first, 0.4), price(other, 0.7), price("No", 0.6), price("NO", 0.1), price("Maybe", 0.2)]

    found = run_sql(
        PIECE,
        list(came(*records, price("yEs", 0.5, NINE), price("Yes", 0.6, NINE))),
        schema={"price_seen": NEWS_SEEN},
        query={"price_yes": "price_yes", "price_first": "price_first", "price_late": "price_late"},
    )

    assert [float(row["price"]) for row in found["price_yes"].before_end.rows] == [0.4]
    assert [(row["outcome"], float(row["price"])) for row in found["price_first"].before_end.rows] == [
        (first, 0.4), ("No", 0.6), ("Maybe", 0.2), ("yEs", 0.5),
    ]  # fmt: skip
    assert [row["outcome"] for row in found["price_late"].before_end.rows] == ["yEs"]
    assert all(view.append_only for view in found.values())
