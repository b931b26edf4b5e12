"""What was found, whether it is right, and on whose pieces it ran: the page in three lines."""

from __future__ import annotations

from capstone_marketlag.report.markup import Html, join, shortened, stranger, tag
from capstone_marketlag.report.read.facts import NEWS_PARTS, PRICE_PARTS, Facts
from capstone_marketlag.report.read.values import mapping, number, text
from capstone_marketlag.report.words import day, listed, many


def title(facts: Facts) -> str:
    """What the tab says."""
    seed, flags = text(facts.summary.get("seed")), many(len(facts.hours.flagged), "lag signal")
    verdict = "correct" if facts.right else "wrong" if facts.wrong else "not compared"
    return f"MarketLag{f', seed {seed}' if seed else ''}: {flags}, {verdict}"


def section(facts: Facts) -> Html:
    """The head of the page."""
    return tag(
        "header",
        tag("p", _world(facts), class_="kicker"),
        tag("h1", _found(facts)),
        _verdict(facts),
        tag("p", _lag_signal(facts), _planted(facts), class_="lead"),
        tag(
            "nav",
            join(
                tag("a", name, href=f"#{target}")
                for target, name in (
                    ("markets", "Markets"),
                    ("flagged", "Flagged hours"),
                    ("confidence", "How sure"),
                    ("records", "Every record"),
                    ("run", "The run"),
                )
            ),
            aria_label="On this page",
        ),
    )


def _world(facts: Facts) -> str:
    summary = facts.summary
    seed = text(summary.get("seed"))
    told = f"MarketLag · recorded world, seed {seed}" if seed else "MarketLag · as it was found running"
    hours = text(summary.get("hours_of_news"))
    if hours:
        told += f" · {hours} hour{'s' * (hours != '1')} of news"
    if facts.start and facts.end:
        first, last = day(facts.start), day(facts.end)
        told += f", {first} to {last} {facts.end.year}" if first != last else f", {first} {facts.end.year}"
    return told


def _lag_signal(facts: Facts) -> str:
    """What one is, with the thresholds of the run."""
    told = (facts.summary.get(f"{of}_threshold") for of in ("signal", "price"))
    signal, price = ("its threshold" if number(each) is None else text(each) for each in told)
    return (
        "A lag signal: from one hour to the next the news signal of a market rose by more than "
        f"{signal}, and the price of YES moved by less than {price}. "
        "It is flagged, with a confidence from 0 to 1."
    )


def _planted(facts: Facts) -> str:
    if not facts.planted:
        return ""
    return f" Planted in this world: {many(len(facts.planted), 'lag')}, {len(facts.hits)} of them flagged."


def _found(facts: Facts) -> Html:
    """The finding, in one sentence."""
    flagged, judged = len(facts.hours.flagged), len(facts.hours.judged)
    where = many(len({hour.market for hour in facts.hours.found.values()}) or len(facts.markets), "market")
    if not judged and not flagged:
        return join(["No hour was judged: nothing came out at the end of the pipeline."])
    if not flagged:
        return join(
            [f"In none of {many(judged, 'hour')} with news, on {where}, did the news move without the price."]
        )
    return join(
        [
            "In ",
            tag("strong", many(flagged, "hour")),
            f" of {judged:,} with news, on {where}, the news moved and the price did not.",
        ]
    )


def _verdict(facts: Facts) -> Html:
    checks = [_conserved(facts), _equal(facts), _pieces(facts), _missing(facts)]
    difference = None
    if facts.wrong:
        told = text(facts.summary.get("first_difference")) or _unnamed(facts)
        difference = tag("p", tag("strong", "First difference: "), stranger(told, 2_000), class_="difference")
    return tag(
        "section",
        tag("h2", "Correct" if facts.right else "Wrong" if facts.wrong else "Not compared"),
        difference,
        tag("ul", join(checks)),
        class_="verdict good" if facts.right else "verdict bad" if facts.wrong else "verdict open",
    )


def _unnamed(facts: Facts) -> str:
    if facts.hours.twice:
        market, hour = facts.hours.twice[0]
        return f"{hour} of {market} stands twice in a topic."
    if not facts.conserved:
        return "not every record is accounted for; the equations below say which are not."
    return "the demo named none."


def _check(holds: bool | None, claim: str, detail: str) -> Html:
    sign = "•" if holds is None else "✓" if holds else "✗"
    kind = None if holds is None else "holds" if holds else "fails"
    return tag(
        "li",
        tag("span", sign, class_="sign", aria_hidden="true"),
        tag("strong", claim),
        f" {detail}",
        class_=kind,
    )


def _conserved(facts: Facts) -> Html:
    records = facts.news.counts["in"] + facts.prices.counts["in"]
    if facts.conserved and not records:
        return _check(None, "Conserved:", "there is no record, of news or of prices.")
    if facts.conserved:
        return _check(True, "Conserved:", f"each of {many(records, 'record')} is in exactly one place.")
    placed = sum(facts.news.counts[part] for part in NEWS_PARTS)
    placed += sum(facts.prices.counts[part] for part in PRICE_PARTS)
    if not facts.wrong:
        detail = (
            f"{placed:,} of {many(records, 'record')} are in exactly one place; the others are not read yet, "
            "or their hour is open."
        )
        return _check(None, "Under way:", detail)
    detail = f"{many(records, 'record')} in, {placed:,} accounted for."
    if facts.hours.twice:
        detail += f" {many(len(facts.hours.twice), 'hour stands', 'hours stand')} in a topic more than once."
    elif placed == records:
        detail = "the demo's own count does not come out even."
    return _check(False, "Not conserved:", detail)


def _equal(facts: Facts) -> Html:
    if facts.equal is None:
        why = "." if facts.recorded else " (nothing planted is known)."
        return _check(None, "Oracle:", f"not compared with an oracle{why}")
    return _check(
        facts.equal,
        "Equal to the oracle," if facts.equal else "Not equal to the oracle,",
        "which works the answer out a second time, from the recorded world, with code of its own.",
    )


def _pieces(facts: Facts) -> Html:
    pieces = {slug: text(whose) for slug, whose in mapping(facts.summary.get("pieces")).items()}
    yours = [slug for slug, whose in pieces.items() if whose != "reference"]
    if not pieces:
        return _check(None, "Pieces:", "the summary does not say whose.")
    if not yours:
        return _check(None, "Pieces:", f"all {len(pieces)} are the reference's.")
    if len(yours) == len(pieces):
        return _check(None, "Pieces:", f"all {len(pieces)} are yours.")
    are = "is" if len(yours) == 1 else "are"
    names = listed([shortened(slug, 60) for slug in yours])
    return _check(
        None, "Pieces:", f"{names} {are} yours, the other {len(pieces) - len(yours)} the reference's."
    )


def _missing(facts: Facts) -> Html | None:
    """What this page cannot tell, as its folder does not hold it."""
    words = [f"not in this folder: {listed(facts.missing)}"] if facts.missing else []
    words += [f"empty: {listed(facts.empty)}"] if facts.empty else []
    return _check(None, "Missing:", f"{'; '.join(words)}.") if words else None
