"""What became of every record: two equations, their parts one by one, the dead, the APIs."""

from __future__ import annotations

from collections.abc import Iterator

from capstone_marketlag import topics
from capstone_marketlag.report.markup import Html, join, tag
from capstone_marketlag.report.read.facts import NEWS_PARTS, PRICE_PARTS, Facts
from capstone_marketlag.report.read.values import mapping, number, whole
from capstone_marketlag.report.sections.apis import apis
from capstone_marketlag.report.sections.dead import dead, failures
from capstone_marketlag.report.sections.law import law
from capstone_marketlag.report.words import many, span


def section(facts: Facts) -> Html:
    """Two equations, then their parts one by one."""
    return tag(
        "section",
        tag("h2", "What became of every record"),
        law("News", topics.NEWS, facts.news.counts, NEWS_PARTS, facts.under_way > 0),
        law("Prices", topics.PRICES, facts.prices.counts, PRICE_PARTS, facts.under_way > 0),
        _trimmed(facts),
        _other_counts(facts),
        tag("dl", join(_part(name, words) for name, words in _parts(facts)), class_="parts"),
        dead(facts),
        failures(facts),
        apis(facts.sources),
        id="records",
    )


def _trimmed(facts: Facts) -> Html | None:
    """That these are not all records that there ever were."""
    if not (facts.news.trimmed or facts.prices.trimmed):
        return None
    return tag(
        "p", "Kafka has deleted the oldest records. Counted is what it still has, and what became of it."
    )


def _other_counts(facts: Facts) -> Html | None:
    """Where the summary counts otherwise than the dumps do."""
    told = mapping(facts.summary.get("counts"))
    differing = []
    for name, ours in (("news", facts.news.counts), ("prices", facts.prices.counts)):
        theirs = mapping(told.get(name))
        for part, count in ours.items():
            if part in theirs and number(theirs[part]) != count:
                differing.append(
                    f"{name} {part}: {count:,} in the dumps, {whole(theirs[part]):,} in summary.json"
                )
    for name, count in (
        ("flags", len(facts.hours.flagged)),
        ("failures", sum(facts.failures.kinds.values())),
    ):
        if name in facts.summary and number(facts.summary[name]) != count:
            differing.append(
                f"{name}: {count:,} in the dumps, {whole(facts.summary[name]):,} in summary.json"
            )
    if not differing:
        return None
    return tag(
        "p", tag("strong", "Counted otherwise by the demo: "), "; ".join(differing), ".", class_="difference"
    )


def _part(name: str, words: str) -> Html:
    return tag("div", tag("dt", name), tag("dd", words))


def _parts(facts: Facts) -> Iterator[tuple[str, str]]:
    news, prices = facts.news, facts.prices
    yield "Before Kafka", _before_kafka(facts)
    late = _late("news item", news.late_by, news.counts["late"])
    yield "Late", f"{late} {_late('price', prices.late_by, prices.counts['late'])}"
    again = f"{many(news.counts['duplicate'], 'news item')}, {many(prices.counts['duplicate'], 'price')}."
    sights = news.counts["counted"] + news.counts["late"]
    if sights:
        times = (sights + news.counts["duplicate"]) / sights
        again += f" {many(sights, 'different item')} came {times:.1f} times each on average: "
        again += "a feed shows an item for hours."
    yield "Repeated", again
    yield "Prices of YES", _statuses(facts)
    yield "Heartbeats", "One per partition and run: time goes on where nothing happens."
    failed = sum(facts.failures.kinds.values())
    yield (
        "Failures",
        f"{many(failed, 'record')} in dlq.processing." if failed else "None: dlq.processing is empty.",
    )


def _before_kafka(facts: Facts) -> str:
    """What the producers served and sent is theirs to say; what they refused is in the dead letters."""
    told = mapping(facts.summary.get("counts"))
    news, prices = mapping(told.get("news")), mapping(told.get("prices"))
    served, sent = whole(news.get("served")), whole(news.get("produced"))
    refused = facts.news.counts["rejected"]
    if not told:
        return (
            "What the feeds showed is not known. The producers refused "
            f"{many(refused, 'news item')} and {many(facts.prices.counts['rejected'], 'price')}."
        )
    sign = "=" if served == sent + refused else "≠"
    return (
        f"{many(served, 'item')} shown by the feeds {sign} {sent:,} produced + {refused:,} refused by the "
        f"producer. The producer of prices sent {whole(prices.get('produced')):,} rows and refused "
        f"{facts.prices.counts['rejected']:,}."
    )


def _statuses(facts: Facts) -> str:
    statuses, known = facts.prices.statuses, ("observed", "carried", "clamped")
    words = [f"{statuses[status]:,} {status}" for status in known]
    others = sum(statuses.values()) - sum(statuses[status] for status in known)
    if others:
        words.append(f"{others:,} of another status")
    missing = sum(hour.status == "missing" for hour in facts.hours.judged)
    without = f" For {many(missing, 'hour')} with news there was none at all: missing." if missing else ""
    return f"{', '.join(words)}.{without}"


def _late(thing: str, seconds: list[float], count: int) -> str:
    if not count:
        return f"No {thing}."
    if not seconds:
        return f"{many(count, thing)}."
    middle = seconds[len(seconds) // 2]
    least, most, usual = (
        span(each).replace(" ", "\N{NO-BREAK SPACE}") for each in (seconds[0], seconds[-1], middle)
    )
    if count == 1:
        return f"{many(count, thing)}, {least} after its hour had closed."
    half = f", half of them within {usual}" if count > 5 else ""
    return f"{many(count, thing)}, {least} to {most} after their hour had closed{half}."
