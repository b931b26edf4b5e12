"""Exit criteria of dead_letters: what became of each of 51 records, and of one that was mended and sent again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from labkit.checking import Piece, wrong
from labkit.errors import CodeError, LabError
from labkit.testing import Result, Step, clock, describe_sql, ms, run_sql
from labkit.testing.script import Time
from labs.shared import records
from labs.shared.news import MARKET
from labs.shared.records import EPOCH, NEWS_SEEN, headline, wire, without

UNREADABLE = "not a JSON object"
NO_TIME = "published_at is not a UTC time that has come"
NO_MARKET, NO_SLUG = "market_slug is missing", "market_slug is not a slug"
NO_ITEM, NO_SOURCE = "item_id is missing", "source is missing"
SCORE, WEIGHT = "article_score is not a number", "source_weight is not between 0 and 1"
REASONS = (UNREADABLE, NO_TIME, NO_MARKET, NO_SLUG, NO_ITEM, NO_SOURCE, SCORE, WEIGHT)
VALID, BEAT, DEAD = "news_valid", "news_heartbeat", "news_dead"


@dataclass(frozen=True)
class Came:
    """A record. what: it is …; at: the event time that the source made; step: whose rule it is here for, 0: all."""

    what: str
    value: bytes | None
    at: Time
    reason: str | None = None
    step: int = 0
    view: str = VALID
    closed_until: Time | None = None
    key: bytes | None = MARKET.encode()


def good(what: str, at: str, step: int = 0, *, closed_until: Time | None = None, **changes: Any) -> Came:
    return Came(what, wire(headline("good", at, **changes)), at, step=step, closed_until=closed_until)


def no_object(what: str, value: bytes | None, at: Time = EPOCH, key: bytes | None = b"somebody") -> Came:
    return Came(what, value, at, UNREADABLE, 1, DEAD, key=key)


def timeless(what: str, record: Mapping[str, Any], at: Time = EPOCH) -> Came:
    return Came(what, wire(record), at, NO_TIME, 2, DEAD)


def dead(reason: str, what: str, at: str, step: int, *left_out: str, **changes: Any) -> Came:
    return Came(what, wire(without(headline("bad", at, **changes), *left_out)), at, reason, step, DEAD)


LONG = "x" * 60_000
#: in order of arrival; those that have an event time have each their own
RECORDS = {
    "plain": good("a headline as our producer sends it", "10:00"),
    # ---- what can be read
    "cut": no_object("a record of which the end is missing", wire(headline("cut", "10:01"))[:90], key=None),
    "huge_cut": no_object(
        "60 kB without its last bracket", wire(headline("huge_cut", "10:01", summary=LONG))[:-1]
    ),
    "empty": no_object("a value of no bytes at all", b""),
    "tombstone": no_object("a record without a value, as a compacted topic deletes", None),
    "a_list": no_object("a headline in a list", wire([headline("a_list", "10:01")])),
    "a_number": no_object("the number 42", b"42"),
    "two_in_one": no_object(
        "two headlines in one value, a line each",
        wire(headline("one", "10:02")) + b"\n" + wire(headline("two", "10:02")),
        "10:02",
    ),
    "joined": no_object(
        "two headlines in one value, with a comma between them",
        wire(headline("one", "10:03")) + b"," + wire(headline("two", "10:03")),
        "10:03",
    ),
    "latin_1": no_object(
        "a headline of Zürich in Latin-1: the ü is one byte, FC, which is no UTF-8",
        wire(headline("latin_1", "10:04", title="Zürich")).replace("ü".encode(), b"\xfc"),
        "10:04",
    ),
    "umlaut": good("a headline of Zürich in UTF-8", "10:05", 1, title="Zürich: Zinsen – größer 📈"),
    "sign": good("a headline with the sign \ufffd, sent as such in UTF-8", "10:06", 1, title="What is \ufffd?"),
    "spaced": replace(
        good("a headline with white space around it", "10:07", 1),
        value=b"\n  " + wire(headline("good", "10:07")) + b" \n",
    ),
    "named_twice": replace(
        good("a headline that has one field twice", "10:08", 1),
        value=b'{"title": "the same again", ' + wire(headline("good", "10:08"))[1:],
    ),
    "huge": good("a headline of 60 kB", "10:09", 1, summary=LONG),
    "no_market": dead(NO_MARKET, "a headline whose market_slug is null", "10:10", 1, market_slug=None),
    "no_slug": dead(NO_SLUG, "a headline of the market `fed rate`", "10:11", 1, market_slug="fed rate"),
    "no_item": dead(NO_ITEM, "a headline without item_id", "10:12", 1, "item_id"),
    "no_source": dead(NO_SOURCE, "a headline whose source is empty", "10:13", 1, source=""),
    # ---- the time
    "no_time": timeless("a headline without published_at", without(headline("bad", ""), "published_at")),
    "in_words": timeless("a headline that was published `yesterday`", headline("bad", "yesterday")),
    "from_2099": timeless("a headline of 2099", headline("bad", "2099-01-01T00:00:00Z")),
    "of_1969": timeless(
        "a headline of 1969-12-31T19:00:00Z (the epoch, by a clock in New York)",
        headline("bad", "1969-12-31T19:00:00Z"),
        "1969-12-31T19:00:00Z",
    ),
    "lost_beat": timeless(
        "a heartbeat whose published_at is null", {"kind": "heartbeat", "published_at": None}
    ),
    "beat": Came("a heartbeat of 10:14", wire(records.heartbeat("10:14")), "10:14", view=BEAT),
    "behind": good("a headline of 08:30, come when its partition had closed until 09:55",
                   "08:30", 2, closed_until="09:55"),
    "old": good("a headline of 1970-01-01T00:00:00.001Z: as old as a time can be, and one that has come",
                "1970-01-01T00:00:00.001Z", 2),
    "ahead": good("a headline of 10:49:59, come five seconds after 10:40: its clock is almost ten minutes fast",
                  "2026-01-05T10:49:59Z", 2),
    "says_kind": good("a headline that says so: its kind is `headline`", "10:15", 4, kind="headline"),
    "named_beat": Came("a heartbeat of 10:16 that has an item_id", wire(records.heartbeat("10:16") | {"item_id": "run-7"}),
                       "10:16", step=4, view=BEAT),
    # ---- the figures
    "no_score": dead(SCORE, "a headline without article_score", "10:20", 3, "article_score"),
    "null_score": dead(SCORE, "a headline whose article_score is null", "10:21", 3, article_score=None),
    "comma_score": dead(SCORE, "a headline whose article_score is the text `2,5`", "10:22", 3, article_score="2,5"),
    "quoted_score": dead(SCORE, "a headline whose article_score is the text `2.0`", "10:23", 3, article_score="2.0"),
    "true_score": dead(SCORE, "a headline whose article_score is true", "10:24", 3, article_score=True),
    "million": dead(SCORE, "a headline whose article_score is 1000000", "10:25", 3, article_score=1_000_000),
    "minus_million": dead(SCORE, "a headline whose article_score is -1000000", "10:26", 3, article_score=-1_000_000),
    "below_a_million": good("a headline whose article_score is 999999.9999999", "10:27", 3,
                            article_score=999_999.999_999_9),
    "negative": good("a headline whose article_score is -2.0", "10:28", 3, article_score=-2.0),
    "zero": good("a headline whose article_score is 0", "10:29", 3, article_score=0),
    # not 2e-05: JSON_QUERY writes an exponent only where the number begins behind six zeros
    "tiny": good("a headline whose article_score is 2e-09, as Python writes 0.000000002",
                 "2026-01-05T10:29:30Z", 3, article_score=2e-09),
    "no_weight": dead(WEIGHT, "a headline without source_weight", "10:30", 3, "source_weight"),
    "null_weight": dead(WEIGHT, "a headline whose source_weight is null", "10:31", 3, source_weight=None),
    "quoted_weight": dead(WEIGHT, "a headline whose source_weight is the text `0.5`", "10:32", 3, source_weight="0.5"),
    "true_weight": dead(WEIGHT, "a headline whose source_weight is true", "10:33", 3, source_weight=True),
    "weight_7": dead(WEIGHT, "a headline whose source_weight is 7", "10:34", 3, source_weight=7),
    "weight_below": dead(WEIGHT, "a headline whose source_weight is -0.1", "10:35", 3, source_weight=-0.1),
    "weight_above": dead(WEIGHT, "a headline whose source_weight is 1.0000004", "10:36", 3, source_weight=1.0000004),
    "weight_0": good("a headline whose source_weight is 0", "10:37", 3, source_weight=0),
    "weight_1": good("a headline whose source_weight is 1.0", "10:38", 3, source_weight=1.0),
    "no_figures": dead(SCORE, "a headline without article_score and without source_weight", "10:39", 3,
                       "article_score", "source_weight"),
}  # fmt: skip
OFFSET = {name: 4000 + number for number, name in enumerate(RECORDS)}
NAME = {offset: name for name, offset in OFFSET.items()}
COLUMNS = {
    "market_slug", "item_id", "title", "link", "source", "article_score", "source_weight",
    "event_time", "closed_until", "arrival", "record_key", "json", "kafka_partition", "kafka_offset",
}  # fmt: skip


def first_seen(name: str) -> int:
    """When a record of RECORDS came to Kafka."""
    return ms("10:40") + OFFSET[name]


def script(*steps: int) -> list[Step]:
    """RECORDS; with steps those that are there for them, or for all."""
    return [
        records.seen(
            came.value, first_seen(name), OFFSET[name], at=came.at, closed_until=came.closed_until, key=came.key
        )
        for name, came in RECORDS.items()
        if not steps or came.step in (0, *steps)
    ]  # fmt: skip


class Checked:
    """What is found out about the piece: each thing once, when a check asks for it."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self._gate = cache(self._told)
        self.views = cache(self._views)

    def reasons(self, step: int) -> dict[str, str | None]:
        """The reason of each record; if they end the job, of those that are there for this step."""
        __tracebackhide__ = True
        try:
            return self._gate()
        except CodeError as error:
            if not _failed(error):
                raise
        try:
            return self._gate(step)
        except CodeError as error:
            wrong(
                "A record ended the job. It is still in Kafka: the job starts again, reads it again and ends "
                "again, and nothing behind it is ever seen. A value that is no number has to become NULL and "
                "then a reason: TRY_CAST.",
                got=_failed(error), expected="every record passes, dead or not",
            )  # fmt: skip

    def type_of_first_seen(self) -> str:
        """As Flink plans news_dead."""
        return describe_sql(self.piece.path, DEAD, schema={"news_seen": NEWS_SEEN}).columns["first_seen"]

    def _told(self, *steps: int) -> dict[str, str | None]:
        got = self._run("SELECT kafka_offset, reason FROM news_gate", *steps)
        assert isinstance(got, Result)
        return {NAME[row["kafka_offset"]]: row["reason"] for row in got.before_end.rows}

    def _views(self) -> dict[str, list[dict[str, Any]]]:
        """The rows of the three views."""
        got = self._run({view: view for view in (VALID, BEAT, DEAD)})
        return {view: result.before_end.rows for view, result in got.items()}

    def _run(self, query: Any, *steps: int) -> Any:
        return run_sql(self.piece.path, script(*steps), schema={"news_seen": NEWS_SEEN}, query=query)


def _failed(error: CodeError) -> str:
    """Why a job that ran has ended; nothing if Flink has refused the statement."""
    found = re.match(r"(?:\w+Exception|\w+Error): .*", error.happened)
    return found[0] if found else ""


@pytest.fixture(scope="module")
def checked(piece: Piece) -> Checked:
    return Checked(piece)


def about(name: str) -> str:
    """`cut` is a record of which the end is missing."""
    return f"`{name}` is {RECORDS[name].what}."


class Reasons:
    """What a gate says of RECORDS, seen from the rules of one step.

    slipped: records of these rules that have another reason or none. refused: others that have one of these.
    """

    def __init__(self, told: Mapping[str, str | None], *rules: str) -> None:
        __tracebackhide__ = True
        self.told = told
        for name, reason in told.items():
            if RECORDS[name].reason in rules and reason not in (None, *REASONS):
                self.say(
                    name, "The wording of a reason is a part of the contract: dead letters are counted by it."
                )
        self.slipped = [n for n in told if RECORDS[n].reason in rules and told[n] not in rules]
        self.refused = [n for n in told if RECORDS[n].reason not in rules and told[n] in rules]

    def say(self, name: str, why: str) -> None:
        __tracebackhide__ = True
        wrong(
            f"{about(name)} {why}",
            got=self.told[name] or "no reason",
            expected=RECORDS[name].reason or "no reason",
        )


# ---- step 1: what can be read ------------------------------------------------------------------


@pytest.mark.step(1)
def test_what_is_no_json_object_is_dead_and_nothing_else_is_called_so(checked: Checked) -> None:
    found = Reasons(checked.reasons(1), UNREADABLE)
    slipped, refused, say = found.slipped, found.refused, found.say

    if "plain" in refused and "cut" in slipped:
        say("plain", "It is the other way round: what can be read is refused.")
    if "plain" in refused:
        say("plain", "It is as right as a record can be.")
    if "no_market" in refused:
        say("no_market", "It can be read, and only its market is missing. A reason that names another rule sends "
            "whoever looks for the fault to the wrong place.")  # fmt: skip
    if "beat" in refused:
        say("beat", "It can be read. What a headline has to have is asked further down.")
    if "no_time" in refused:
        say("no_time", "It can be read, and only its time is not there: the next rule is for that.")
    if "cut" in slipped:
        say(
            "cut",
            "Nothing refuses it. JSON_VALUE gives NULL for every field of such a text, and says nothing.",
        )
    if "a_list" in slipped or "a_number" in slipped:
        say("a_list" if "a_list" in slipped else "a_number", "It is JSON, and no object: it has no fields.")
    if "two_in_one" in slipped:
        say("two_in_one", "IS JSON OBJECT has read the first one and ignored what stands behind it: the second would "
            "vanish without a letter. is_one_value knows.")  # fmt: skip
    if "joined" in slipped:
        say("joined", "In square brackets the two are a list. is_one_value asks both kinds of brackets.")
    if "latin_1" in slipped:
        say("latin_1", "The cast to STRING has put U+FFFD for the byte that it could not read, and the text is JSON "
            "again: not what was sent. Compare it with the bytes.")  # fmt: skip
    if "umlaut" in refused:
        say("umlaut", "UTF-8 is more than ASCII: an ü is two bytes of it.")
    if "sign" in refused:
        say("sign", "U+FFFD is a character like any other. What gives broken bytes away is that the text, made into "
            "bytes again, is not what came.")  # fmt: skip
    if "huge" in refused:
        say("huge", "It is long, and it can be read.")
    if "spaced" in refused:
        say("spaced", "JSON allows it.")
    if "tombstone" in slipped:
        say("tombstone", "A record without a value is no JSON object either. Say what is right and refuse what is not TRUE: "
            "NULL is refused with it.")  # fmt: skip
    if refused:
        say(refused[0], "It is one JSON object in UTF-8.")
    if slipped:
        say(slipped[0], "It is no JSON object.")


# ---- step 2: the time --------------------------------------------------------------------------


@pytest.mark.step(2)
def test_a_time_that_the_source_could_not_use_is_a_reason(checked: Checked) -> None:
    found = Reasons(checked.reasons(2), NO_TIME)
    slipped, refused, say = found.slipped, found.refused, found.say

    if "plain" in refused and "no_time" in slipped:
        say("plain", "It is the other way round: those with a time are refused.")
    if "plain" in refused:
        say("plain", "It was published at 10:00 UTC and came forty minutes later; the source has read that. A time that "
            "is measured or parsed anew is another rule than the watermark's.")  # fmt: skip
    if "behind" in refused:
        say(
            "behind",
            "It is late. Late is not dead: it is whole, and there is a topic of its own for such rows.",
        )
    if "old" in refused:
        say("old", "Old is not dead: the source could use its time, and has left it as it came. For a time that it could not "
            "use stands the epoch, to the millisecond.")  # fmt: skip
    if "ahead" in refused:
        say("ahead", "The source allows a clock ten minutes. What is further ahead has the epoch already.")
    if "no_time" in slipped and "of_1969" in slipped:
        say("no_time", "Its event_time is not NULL: a NULL there would end the job, so the source has put the epoch, "
            "1970-01-01 00:00:00 UTC, in its place.")  # fmt: skip
    if "no_time" in slipped:
        say("no_time", "Its event_time is the epoch, to the millisecond. You ask for what is before it.")
    if "in_words" in slipped:
        say("in_words", "It has a published_at, and that is no time.")
    if "from_2099" in slipped:
        say("from_2099", "2099 can be parsed. The source has refused it all the same, or all rows of today were late from "
            "then on: look at what it has made of the time, event_time.")  # fmt: skip
    if "of_1969" in slipped:
        say("of_1969", "Nothing we read is older than the epoch: what is before it is not usable either.")
    if "lost_beat" in slipped:
        say(
            "lost_beat", "A heartbeat is there for its time alone. Without one it is as broken as a headline."
        )
    if refused:
        say(refused[0], "The source could use its time.")
    if slipped:
        say(slipped[0], "The source could not use its time.")


# ---- step 3: the figures -----------------------------------------------------------------------


@pytest.mark.step(3)
def test_a_figure_that_is_missing_or_none_or_out_of_its_range_is_a_reason(checked: Checked) -> None:
    told = checked.reasons(3)
    found = Reasons(told, SCORE, WEIGHT)
    slipped, refused, say = found.slipped, found.refused, found.say

    if "plain" in refused and "no_figures" in slipped:
        say("plain", "It is the other way round: figures in their range are refused.")
    if "weight_7" in slipped and "million" in slipped:
        say("weight_7", "It passes: no rule asks for its figures.")
    if told["no_figures"] == WEIGHT and told["no_score"] == SCORE:
        say("no_figures", "Both rules apply. The first in the order of the contract is the one that is told.")
    for name in ("no_score", "null_score", "no_weight", "null_weight"):
        if name in slipped:
            say(name, "NULL is neither BETWEEN nor NOT BETWEEN, neither below nor above: a comparison with it is NULL, and "
                "WHEN takes only what is TRUE.")  # fmt: skip
    swapped = [n for n in told if {told[n], RECORDS[n].reason} == {SCORE, WEIGHT}]
    if swapped:
        say(swapped[0], "The reason names the wrong figure: whoever looks there finds nothing.")
    for name in ("quoted_score", "quoted_weight"):
        if name in slipped:
            say(name, "That is a text which looks like a number. JSON_VALUE gives both alike; `score` and `weight` are NULL "
                "where a text stands.")  # fmt: skip
    for name in ("true_score", "true_weight"):
        if name in slipped:
            say(
                name,
                "`score` and `weight` are the text `true` then: only what TRY_CAST can read is a number.",
            )
    if "minus_million" in slipped and "million" not in slipped:
        say("minus_million", "It is as far out as 1000000, on the other side.")
    if "million" in slipped:
        say("million", "The rule is below a million: it may not be reached, and what is above is no score.")
    if "weight_above" in slipped:
        say(
            "weight_above",
            "As a DECIMAL with six digits it is 1.000000. Judge what came, before anything is rounded.",
        )
    if "below_a_million" in refused:
        say("below_a_million", "It is below a million, before anything is rounded.")
    if "negative" in refused:
        say("negative", "A score may be negative: news can speak against a thing.")
    for name in ("zero", "weight_0", "weight_1"):
        if name in refused:
            say(name, "That is a number like any other, and the ends of the range belong to it.")
    if "tiny" in refused:
        say("tiny", "JSON writes numbers with an exponent too. What is no whole number is a number all the same: TRY_CAST to "
            "DOUBLE reads both.")  # fmt: skip
    if refused:
        say(refused[0], "Both of its figures are right.")
    if slipped:
        say(slipped[0], "It has a figure that cannot be counted.")
    for name, reason in told.items():
        if reason != RECORDS[name].reason:
            say(name, "Of the rules in the table the first that applies is told, and no other.")


# ---- step 4: each in exactly one view ----------------------------------------------------------


@pytest.mark.step(4)
def test_each_record_is_in_exactly_one_of_the_three_views(checked: Checked) -> None:
    places = placed(checked.views())
    off = [name for name in RECORDS if places[name] != [RECORDS[name].view]]

    def say(name: str, why: str) -> None:
        got = " and ".join(places[name]) or "in none of the three"
        wrong(f"{about(name)} {why}", got=got, expected=RECORDS[name].view)

    def all_of(view: str) -> list[str]:
        return [name for name in RECORDS if RECORDS[name].view == view]

    both = [name for name in off if len(places[name]) > 1]
    none = [name for name in off if not places[name]]
    if len(both) == len(RECORDS):
        say("plain", "Every record is in every view.")
    if set(all_of(DEAD)) <= set(none):
        say(
            "cut",
            "It has a reason, and no letter: it vanished. `= NULL` and `<> NULL` are NULL themselves, for every row.",
        )
    if "plain" in none and "says_kind" not in none:
        say(
            "plain",
            "It has no kind, and what is asked of that is NULL: NOT NULL is NULL too. is_heartbeat is FALSE there.",
        )
    if "plain" in none:
        say(
            "plain",
            "It has no reason, and it vanished: neither the windows nor anybody else ever hears of it.",
        )
    if "plain" in both and DEAD in places["plain"]:
        say(
            "plain",
            "It has no reason, and is a dead letter as well: whoever sends that again counts it twice.",
        )
    if "plain" in both:
        say("plain", "It is no heartbeat.")
    for name in both:
        if RECORDS[name].view == DEAD and VALID in places[name]:
            say(name, "It is dead, and goes on all the same: the windows count it as a headline.")
    if BEAT in places["lost_beat"]:
        say("lost_beat", "It has a reason, and passes as a heartbeat all the same. MarketLag closes hours by its heartbeats: one "
            "without a time must not be among them.")  # fmt: skip
    if places["beat"] == [DEAD]:
        say("beat", "Nothing is wrong with it: a letter tells somebody to mend it.")
    if "named_beat" in off and "beat" not in off:
        say(
            "named_beat",
            "What it is, its kind says: is_heartbeat. What else stands in it makes no headline of it.",
        )
    if "beat" in both:
        say("beat", "It has no reason, and is no headline either: the windows would count it.")
    if "lost_beat" in none:
        say("lost_beat", "Not every dead record is a headline: it is in no view at all, and nothing says so.")
    if "tombstone" in none:
        say(
            "tombstone",
            "It has nothing to be kept but its key and its place. That it came, and where, is what a letter tells.",
        )
    if "beat" in none:
        say("beat", "Without it no hour closes where there is no news.")
    if set(off) >= {"plain", "cut"}:
        say("plain", "The views have changed places.")
    if none:
        say(none[0], "None of the three views asks for it.")
    if off:
        say(off[0], "It is in the wrong view, or in one twice.")
    if missing := sorted(COLUMNS - set(checked.views()[VALID][0])):
        wrong(f"news_valid has no {missing[0]} any more, and what stands behind it reads that.")


def placed(views: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """The views that each of RECORDS is in."""
    found: dict[str, list[str]] = {name: [] for name in RECORDS}
    for row in views[VALID]:
        found[NAME[row["kafka_offset"]]].append(VALID)
    for name in of_times([row["event_time"] for row in views[BEAT]]):
        found[name].append(BEAT)
    for row in views[DEAD]:
        found[NAME[row["source_offset"]]].append(DEAD)
    return found


def of_times(times: list[Any]) -> list[str]:
    """The records with these event times. Of those at the epoch all, or else the heartbeat that has no time."""
    __tracebackhide__ = True
    named = {ms(came.at): name for name, came in RECORDS.items() if came.at != EPOCH}
    at_epoch = [name for name, came in RECORDS.items() if came.at == EPOCH]
    found = [EPOCH if time is None else ms(time) for time in times]
    if strange := [time for time in found if time != EPOCH and time not in named]:
        wrong(
            "news_heartbeat has a time that no record had. Pass event_time on as it came.",
            got=clock(strange[0]),
        )
    timeless_rows = found.count(EPOCH)
    return [named[time] for time in found if time != EPOCH] + (
        at_epoch if timeless_rows == len(at_epoch) else ["lost_beat"] * timeless_rows
    )


# ---- step 5: the letter ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def letters(checked: Checked) -> dict[str, dict[str, Any]]:
    return {NAME[row["source_offset"]]: row for row in checked.views()[DEAD]}


@pytest.mark.step(5)
def test_a_letter_has_the_bytes_that_came(letters: dict[str, dict[str, Any]]) -> None:
    having(letters, "original")
    original = {name: letter["original"] for name, letter in letters.items()}

    def say(name: str, why: str) -> None:
        wrong(f"{about(name)} {why}", **apart(original[name], RECORDS[name].value))

    off = [name for name in letters if original[name] != RECORDS[name].value]
    if set(original.values()) == {None}:
        say("cut", "Its letter is empty: nobody can mend what is gone.")
    if all(original[name] == RECORDS[name].key for name in letters):
        say("cut", "`original` has the key of each record.")
    if isinstance(original["latin_1"], str) and "\ufffd" not in original["latin_1"]:
        say(
            "latin_1",
            "Its letter is a text, and `original` is BYTES: what came, and nothing that is made of it.",
        )
    if isinstance(original["latin_1"], str):
        say("latin_1", "Its letter is a text, and `original` is BYTES. In a text the byte FC is U+FFFD: what was there, nobody "
            "knows any more. Keep the bytes.")  # fmt: skip
    if off == ["latin_1"]:
        say("latin_1", "Bytes that are made of the text are not those that came: the ü is U+FFFD in them.")
    if "tombstone" in off and len(off) == 1:
        say("tombstone", "No value is not the same as an empty one.")
    if "cut" in off:
        say("cut", "What is in the letter has been read and written anew, and this record could not be read.")
    if off:
        say(off[0], "What is in its letter is not what came.")


@pytest.mark.step(5)
def test_a_letter_has_the_key_and_the_time_of_its_arrival(
    checked: Checked, letters: dict[str, dict[str, Any]]
) -> None:
    having(letters, "record_key", "first_seen")
    for name, letter in letters.items():
        key = RECORDS[name].key
        if isinstance(letter["record_key"], str):
            wrong(f"{about(name)} Its key is a text in the letter, and record_key is BYTES.",
                  got=repr(letter["record_key"]), expected=repr(key))  # fmt: skip
        if letter["record_key"] != key:
            wrong(f"{about(name)} Its key is not in the letter. Sent again with another one, it goes to another partition, "
                  "and there is no order between partitions.",
                  **apart(letter["record_key"], key))  # fmt: skip
    for name, letter in letters.items():
        at, expected = letter["first_seen"], first_seen(name)
        if isinstance(at, (str, int)):
            wrong(f"{about(name)} first_seen is no TIMESTAMP_LTZ: the topic of dead letters has a time there.",
                  got=at, expected=clock(expected))  # fmt: skip
        both = {"got": "NULL" if at is None else clock(ms(at)), "expected": clock(expected)}
        if at is None:
            wrong(f"{about(name)} When it came is not in its letter.", **both)
        if ms(at) == ms(RECORDS[name].at):
            wrong(f"{about(name)} first_seen is its event time, the very thing that may be wrong with it. "
                  "When Kafka got it stands in the row too.", **both)  # fmt: skip
        if ms(at) > ms("2026-02-01T00:00Z"):
            wrong(f"{about(name)} first_seen is the time at which the gate ran: after every replay it was seen for the first "
                  "time just now.", **both)  # fmt: skip
        if ms(at) != expected:
            wrong(f"{about(name)} It was first seen when Kafka got it.", **both)
    if not (type_ := checked.type_of_first_seen()).startswith("TIMESTAMP_LTZ"):
        wrong("first_seen is what a clock showed and not whose: an instant has become a time without a zone. The topic of "
              "dead letters, and whoever compares two letters, needs the instant.",
              got=f"first_seen {type_}", expected="first_seen TIMESTAMP_LTZ(3)")  # fmt: skip


@pytest.mark.step(5)
def test_a_record_that_is_mended_and_sent_again_is_counted_once(
    checked: Checked, letters: dict[str, dict[str, Any]], reference: Any
) -> None:
    """From bytes to the hour's count: the parts in front of the gate and behind it are the system's own."""
    letter = letters["comma_score"]
    mended = letter["original"].replace(b'"2,5"', b"2.5")
    broken = RECORDS["comma_score"].value
    arrivals = [
        (wire(headline("first", "10:00")), "10:01"),
        (broken, "10:23"),
        (wire(headline("bad", "2099-01-01T00:00:00Z")), "10:24"),
        (wire(without(headline("bad", ""), "published_at")), "10:25"),
        (wire(headline("second", "10:10")), "10:26"),
        (mended, "10:30"),
        (mended, "10:31"),
        (wire(records.heartbeat("11:06")), "11:06"),
    ]
    way = [records.news_seen(reference), checked.piece.path]
    way += [reference(slug).path for slug in ("deduplication", "late_events", "windows")]
    try:
        hourly = run_sql(
            way,
            [records.kept(value, came, number, key=letter["record_key"])
             for number, (value, came) in enumerate(arrivals)],
            schema={"news_timed": records.news_timed(reference)},
            query="SELECT window_start, mention_count FROM signal_hourly",
        )  # fmt: skip
    except LabError as error:
        if "time attribute" not in str(error):
            raise
        wrong("A window over news_valid is refused: its event_time is no time attribute any more, the column that the "
              "watermark belongs to. Pass it on as it came; a cast or a CASE makes an ordinary time of it.")  # fmt: skip
    hours = {clock(ms(row["window_start"])): row["mention_count"] for row in hourly.before_end.rows}

    if hourly.late_dropped:
        wrong("A headline was dropped by its window as late, and none came late: a dead record has moved the watermark.",
              got=f"{hourly.late_dropped} dropped", expected="0")  # fmt: skip
    if hours != {"10:00": 3}:
        wrong("Two headlines were good. A third was dead, was mended and then sent twice: dead letters stand in front of the "
              "first sight, so the hour counts it once.", got=hours, expected={"10:00": 3})  # fmt: skip


def having(letters: Mapping[str, Mapping[str, Any]], *columns: str) -> None:
    """Say which column a letter lacks."""
    __tracebackhide__ = True
    there = letters["cut"]
    for column in columns:
        if column not in there:
            wrong(f"news_dead has no column {column}.", got=", ".join(there), expected=f"… {column}")


def apart(got: Any, expected: bytes | None) -> dict[str, Any]:
    """Both values, from a little before the first place where they differ."""
    if got is None or expected is None:
        return {
            "got": "NULL" if got is None else got[:40],
            "expected": "NULL" if expected is None else expected[:40],
        }
    as_bytes = got.encode() if isinstance(got, str) else got
    same = next(
        (i for i, pair in enumerate(zip(as_bytes, expected, strict=False)) if len(set(pair)) > 1), None
    )
    start = max((min(len(as_bytes), len(expected)) if same is None else same) - 8, 0)
    return {"got": as_bytes[start : start + 24], "expected": expected[start : start + 24]}
