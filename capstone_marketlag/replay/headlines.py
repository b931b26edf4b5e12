"""The words of the news: for each market calm, mild, hot and stormy headlines, and what stands below them.

The four keywords (fed, rate, hike, dovish) are one table for all markets. Calm lines hold none of them,
though some hold words that look like one (Federal, hikers, rates); mild ones hold one or two, hot ones more.
"""

from __future__ import annotations

import random

_SLOTS = {
    "place": ("Ohio", "New England", "the Gulf Coast", "São Paulo", "Arizona", "the Midwest", "Oslo",
              "Kansas", "the Bay Area", "Georgia", "Lisbon", "Minnesota", "the Carolinas", "Zürich", "Texas"),
    "bank": ("Harbour & Lane", "North Pier Bank", "Calder Partners", "Weir Brothers", "Union Dock",
             "Tall Oak Capital", "Saint Ives Trust", "Marlow & Finch"),
    "month": ("spring", "summer", "June", "May", "the autumn", "next year"),
    "few": ("two", "three", "four", "half a dozen"),
    "day": ("Monday", "Tuesday", "Thursday", "Friday", "the weekend"),
}  # fmt: skip

_FED = {
    "calm": (
        "Jobless claims little changed in {place}",
        "Treasury auction draws steady demand on {day}",
        "Economists split before the jobs report",
        "Wage growth slows in {place}, survey finds",
        "Retail sales miss forecasts in {place}",
        "{bank} trims its growth forecast for {month}",
        "Rates desk at {bank} sees little to do",
        "Hikers fill the hotels: {place} counts its guests",
        "Federal budget talks drag on past {day}",
        "S&P 500 ends flat; {bank} blames the calendar",
        "Factory orders in {place} beat a low bar",
        'Consumers feel "neither better nor worse", says {bank}',
        "Corporate earnings lift stocks in {place}",
    ),
    "mild": (
        "Dovish Fed voter repeats her case in {place}",
        "Inflation rate matches forecasts in {place}",
        "Dovish tone, steady rate: {bank} reads the minutes",
        "Savings rate slips in {place}",
        "Dovish Fed speech leaves {bank} unmoved",
    ),
    "hot": (
        "Fed officials weigh another rate hike",
        "Hike talk returns: Fed governor wants a higher rate",
        "Fed minutes: {few} members ready to hike",
        "Traders price a rate hike after hot data from {place}",
        "{bank} now expects the Fed to hike in {month}",
        "Fed chair leaves the door open to a rate-hike on {day}",
        "Why {bank} changed its mind on the Fed's next hike",
        "Not dovish any more: Fed voter from {place} backs a rate hike",
    ),
    "storm": (
        "Fed hike now, a second Fed hike in {month}: {bank} tears up its rate forecast",
        "Rate shock: Fed votes for an early hike, hints that a Fed hike in {month} comes next",
        "After the Fed's surprise hike: how high a rate? {bank} sees a further Fed hike",
    ),
}  # fmt: skip
_MORTGAGE = {
    "calm": (
        "Home sales slip in {place}",
        "Builders report fewer visitors in {place}",
        "Lenders shorten the paperwork for first-time buyers",
        "Rents cool in {place} for a third month",
        "Housing starts edge up after storms in {place}",
        "Refinancing desks stay quiet, says {bank}",
        "{bank} opens {few} branches in {place}",
        "Federal disaster loans reach {place}",
        "Mortgage rates: what {bank} asks of the self-employed",
        "Hiker's paradise, buyer's trouble: cabins in {place}",
        "Timber prices ease; builders in {place} don't notice",
        "Appraisers in {place} ask for clearer rules",
    ),
    "mild": (
        "Average mortgage rate holds in {place}",
        "Dovish signals leave the mortgage rate where it is",
        "Dovish Fed, calmer lenders: a view from {place}",
        "Vacancy rate falls in {place}",
        "Dovish Fed remarks do little for buyers in {place}",
    ),
    "hot": (
        "Mortgage rate jumps as a Fed hike looms",
        "Lenders in {place} brace for a Fed hike",
        "Thirty-year rate climbs on hike bets",
        "{bank} lifts its mortgage rate before the Fed does",
        "Buyers rush to lock a rate ahead of the Fed's hike",
        "Seven percent again? Fed hike puts the rate within reach",
        "A hike in {month} would cost {place} dearly, Fed study finds",
    ),
    "storm": (
        "Fed hike, then another Fed hike: mortgage rate leaps the most since {bank} keeps count",
        "Rate alarm: lenders pull offers as Fed hike lands and a Fed hike in {month} looms",
        "What a double Fed hike does to your rate: {bank} expects a third Fed hike",
    ),
}  # fmt: skip
_BITCOIN = {
    "calm": (
        "Bitcoin drifts in thin trading over {day}",
        "Exchange in {place} delays withdrawals for an hour",
        "Miners in {place} switch off old machines",
        "{bank} opens a custody desk for coins",
        "Wallet maker from {place} settles with customers",
        "Large holder moves coins untouched for years",
        "Federal court hears {few} claims against a broker",
        "Fund flows even out, {bank} says",
        "Stablecoin issuer publishes its audit on {day}",
        "Funding rates steady across exchanges",
        "Conference in {place} draws fewer visitors",
        "Developers postpone an upgrade to {month}",
    ),
    "mild": (
        "Hash rate sets a record in {place}",
        "Dovish Fed whispers lift coins a little",
        "Dovish mood, lower rate: {bank} likes bitcoin",
        "Default rate of crypto lenders falls",
        "Dovish Fed voter shrugs at coins",
    ),
    "hot": (
        "Bitcoin swings as Fed hike bets return",
        "Fed rate hike would test the rally, says {bank}",
        "Coins and the Fed: how a hike reaches {place}",
        "Rate nerves: bitcoin traders hedge a Fed hike",
        "{bank}: the Fed may hike, bitcoin may not care",
        "Leverage unwinds on talk of a rate hike by the Fed",
        "Fed's hike path splits crypto funds in {place}",
    ),
    "storm": (
        "Fed hike shakes coins; {bank} sees a Fed hike each meeting and the rate at a peak in {month}",
        "Bitcoin's wildest hour: Fed hike, rate panic, rumours of one more Fed hike",
        "One Fed hike, one Fed denial, one more rate hike rumour: bitcoin in a spin",
    ),
}  # fmt: skip
_BY_MARKET = {
    "fed-rate-hike-in-march": _FED,
    "mortgage-rate-above-7-percent-in-april": _MORTGAGE,
    "bitcoin-at-120k-by-april": _BITCOIN,
}
_TEXTS = {
    "calm": (
        "No surprises were expected.",
        "Volumes stayed thin, and few expect that to change before {day}.",
        "Officials in {place} declined to comment.",
        "The survey asked {few} hundred firms.",
        "Analysts at {bank} called it a pause for breath.",
        "It was the third such report this year; the first two were revised.",
    ),
    "hot": (
        "Members argued for a hike at the next meeting.",
        "Economists at {bank} see the rate half a point higher by {month}.",
        "The Fed declined to comment.",
        "Prices in {place} were quick to react.",
        "{bank} told clients to prepare for {few} more.",
    ),
}
#: headlines of a known score, for hours that meet a threshold to the last digit
_SCORES = {
    "0": ("Dovish tone, unchanged rate", "Nothing new from the committee"),
    "0.5": ("Dovish Fed speech on {day}", "A dovish note from the Fed"),
    "1.5": ("Unemployment rate unchanged in {place}", "A rate to get used to, {bank} says"),
}


def headline(random_: random.Random, market: str, tone: str) -> str:
    """A headline for that market: calm, mild, hot, storm, or of the score that is named (0, 0.5, 1.5)."""
    return _filled(random_, _SCORES.get(tone) or _BY_MARKET[market][tone])


def text(random_: random.Random, tone: str) -> str:
    """What stands below a headline of that tone."""
    return _filled(random_, _TEXTS["hot" if tone in ("hot", "storm") else "calm"])


def _filled(random_: random.Random, templates: tuple[str, ...]) -> str:
    chosen = random_.choice(templates)
    return chosen.format(**{slot: random_.choice(words) for slot, words in _SLOTS.items()})
