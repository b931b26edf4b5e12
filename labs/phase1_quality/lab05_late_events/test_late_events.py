"""Exit criteria of late_events: the rule on one partition, with a restart in it, and the whole way to the windows."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from labkit.checking import wrong
from labkit.errors import LabError
from labkit.testing import checkpoint, clock, crash, explain_sql, ms, run_sql, watermark
from labs.shared import news as world


@dataclass(frozen=True)
class Came:
    """A headline: its time, how far its partition had closed when it came, and what is right for it."""

    at: str
    closed_until: str | None
    hour_end: str
    late_by: int | None = None  # None: on time

    @property
    def is_late(self) -> bool:
        return self.late_by is not None


#: in order of arrival
NEWS = {
    "first": Came("10:00", "09:55", "11:00"),
    "in_order": Came("10:40", "10:35", "11:00"),
    "behind": Came("10:20", "10:35", "11:00"),
    "just_open": Came("10:59:59.500", "10:59:59.999", "11:00"),
    "edge": Came("10:59:59", "11:00", "11:00", late_by=0),
    "next_hour": Came("11:00", "11:00", "12:00"),
    "soon": Came("10:50", "11:10", "11:00", late_by=600),
    "late": Came("10:10", "11:25:30", "11:00", late_by=1530),
    "old": Came("08:03", "11:25:30", "09:00", late_by=8730),
    "unknown": Came("11:20", None, "12:00"),
    # a restart
    "again_late": Came("10:10", "11:25:30", "11:00", late_by=1530),
    "last_hour": Came("23:10", "23:05", "24:00"),
    "night": Came("23:50", "24:03", "24:00", late_by=180),
    "past_midnight": Came("22:10", "24:30", "23:00", late_by=5400),
}
RESTART_BEFORE = "again_late"
COLUMNS = {
    "market_slug", "item_id", "title", "link", "source", "article_score", "source_weight",
    "event_time", "closed_until", "record_key", "json", "kafka_partition", "kafka_offset",
}  # fmt: skip


def script():
    """NEWS, with the watermark that the window operator has when each of them comes."""
    told = None
    for name, came in NEWS.items():
        if name == RESTART_BEFORE:
            yield checkpoint()
            yield crash()
        elif came.closed_until and (told is None or ms(came.closed_until) > told) and name != "first":
            told = ms(came.closed_until)
            yield watermark(told - 1)
        yield world.news_first(name, came.at, came.closed_until)


@pytest.fixture(scope="module")
def split(piece):
    """What the piece makes of NEWS: news_split, news_late and news_on_time, as they are before the input ends."""
    got = run_sql(
        piece.path,
        list(script()),
        schema={"news_first": world.NEWS_FIRST},
        query={
            "news_split": "news_split",
            "news_late": "SELECT *, TYPEOF(late_by_seconds) AS type_of_late_by FROM news_late",
            "news_on_time": "news_on_time",
        },
    )
    return {name: result.before_end for name, result in got.items()}


def rows(view, name):
    """The rows of a view that only adds."""
    if not view.append_only:
        back = next(change for change in view.changes if change.kind != "+I")
        wrong(f"{name} takes rows back ({back.kind} of `{back.row['item_id']}`). The windows behind it and the late topic "
              "take insertions alone: a WHERE needs nothing else.")  # fmt: skip
    return view.rows


def of_each(rows, column):
    """The value of that column for each headline in NEWS; says so if one is not there, or there twice."""
    found = [row["item_id"] for row in rows]
    for name in NEWS:
        if name not in found:
            wrong(f"`{name}` is not in news_split, which has every row of news_first. An OVER that is ordered by "
                  "event time waits for the watermark, and drops what comes behind it.")  # fmt: skip
        if found.count(name) > 1:
            wrong(f"`{name}` came once and is in news_split {found.count(name)} times.")
    return {row["item_id"]: row[column] for row in rows}


def about(name):
    """`late` is of 10:10 and came when its partition had closed until 11:25:30."""
    came = NEWS[name]
    if came.closed_until is None:
        return f"`{name}` is of {came.at} and came when nothing was known of its partition."
    return f"`{name}` is of {came.at} and came when its partition had closed until {came.closed_until}."


# ---- step 1: the end of the window ---------------------------------------------------------------


@pytest.mark.step(1)
def test_a_headline_belongs_to_the_hour_that_it_was_published_in(split):
    told = of_each(rows(split["news_split"], "news_split"), "hour_end")
    end = {name: "NULL" if value is None else clock(ms(value)) for name, value in told.items()}
    ends = {name: clock(ms(came.hour_end)) for name, came in NEWS.items()}
    off = [name for name in NEWS if end[name] != ends[name]]
    if not off:
        return

    def say(name, why):
        wrong(f"`{name}` is of {NEWS[name].at}. {why}", got=f"hour_end {end[name]}", expected=ends[name])

    if set(end.values()) == {"NULL"}:
        say("first", "It has no hour_end yet.")
    if off == ["first", "next_hour"]:
        say("first", "A window has its beginning and not its end: 10:00 to 11:00 has 10:00:00. "
            "CEIL leaves a full hour as it is.")  # fmt: skip
    if end["in_order"] == "10:00":
        say("in_order", "That is where its window begins. It closes at the other end.")
    if end["in_order"] == "11:40":
        say("in_order", "Windows stand on the full hours; they do not begin with a headline.")
    if end["in_order"] == "10:59:59.999":
        say("in_order", "That is window_time, the last millisecond inside. The window ends at 11:00, "
            "and the two views meet there: a millisecond less, and a row would be late in an open window.")  # fmt: skip
    if off == ["just_open"]:
        say("just_open", "Half a second before the hour is over it is still that hour. A second more is the next hour already: "
            "times have milliseconds.")  # fmt: skip
    if end["behind"] == ends["behind"] and end["late"] != ends["late"]:
        say("late", "Its window is the hour of its own time, whatever has closed since.")
    say(off[0], "Its window is the full hour that it lies in.")


# ---- step 2: whether it had closed ---------------------------------------------------------------


@pytest.mark.step(2)
def test_a_headline_is_late_when_its_window_had_closed_before_it_came(split):
    is_late = of_each(rows(split["news_split"], "news_split"), "is_late")
    if other := {type(value).__name__ for value in is_late.values()} - {"bool", "NoneType"}:
        wrong("is_late is a BOOLEAN: the two views ask nothing but whether it is TRUE.",
              got=other.pop(), expected="BOOLEAN")  # fmt: skip
    late = [name for name in NEWS if is_late[name]]
    null = [name for name in NEWS if is_late[name] is None and NEWS[name].closed_until]
    off = [name for name in NEWS if bool(is_late[name]) is not NEWS[name].is_late]
    if not off and not null:
        return

    def say(name, why):
        wrong(f"{about(name)} {why}", got=f"is_late {is_late[name]}", expected=str(NEWS[name].is_late))

    if set(is_late.values()) == {None}:
        say("first", "It has no is_late yet.")
    if null == ["first", "again_late"]:
        say("first", "CURRENT_WATERMARK is NULL until the first watermark has come, and again after every restart. "
            "closed_until was known all the time.")  # fmt: skip
    if null:
        say(null[0], "Both are known, and is_late is NULL.")
    if late == list(NEWS):
        say("first", "Every row is late. Against the clock on the wall every replay is; "
            "what counts is how far its partition had closed when it came.")  # fmt: skip
    if not is_late["late"] and is_late["first"]:
        say("first", "It is the other way round: its window ends at 11:00, which nothing had reached.")
    if not is_late["late"] and not is_late["soon"]:
        say("late", "No headline that you have seen closed its window. What moved time on was a heartbeat, and those are "
            "not in news_first: only closed_until knows.")  # fmt: skip
    if is_late["behind"]:
        say("behind", "It came behind the watermark, but its window, 10:00 to 11:00, was open. "
            "Being out of order is what the windows wait for; late is what comes after they have closed.")  # fmt: skip
    if is_late["late"] and not is_late["again_late"]:
        say("again_late", "So did `late`, and that one is late. Between the two the job was restarted from its checkpoint. "
            "closed_until is state and came back; a watermark is in no checkpoint.")  # fmt: skip
    if is_late["just_open"]:
        say("just_open", "Its window ends at 11:00: it was open for one more millisecond.")
    if not is_late["edge"] and not is_late["soon"]:
        say("soon", "Its window had closed at 11:00. Late begins there, not an hour after the headline.")
    if not is_late["edge"] and not is_late["night"]:
        say("night", "closed_until already is five minutes behind the newest row: do not wait a second time.")
    if not is_late["edge"]:
        say("edge", "That is exactly the end of its window, and then the window has fired. "
            "An end that is reached is closed.")  # fmt: skip
    if set(off) <= {"last_hour", "night", "past_midnight"}:
        say(
            off[0],
            "The number of the hour begins again at midnight: 24:00 has the number 0, and is no early hour.",
        )
    if off == ["unknown"]:
        say("unknown", "Then nothing had closed, and it is not late.")
    if is_late["next_hour"]:
        say("next_hour", "It is the first of the window that begins there.")
    say(off[0], f"Its window ends at {NEWS[off[0]].hour_end}.")


# ---- step 3: by how much -------------------------------------------------------------------------


@pytest.mark.step(3)
def test_how_late_is_counted_from_the_end_of_the_window(split):
    expected = {name: came.late_by for name, came in NEWS.items() if came.is_late}
    there = rows(split["news_late"], "news_late")
    late = [row for row in there if row["item_id"] in expected]
    late_by = {row["item_id"]: row["late_by_seconds"] for row in late}

    def say(name, why):
        at = f"`{name}` is of {NEWS[name].at}, its window ended at {NEWS[name].hour_end}, and its partition had closed until"
        wrong(f"{at} {NEWS[name].closed_until}. {why}", got=late_by[name], expected=expected[name])

    if there and not late:
        wrong("The two views have changed places: no row of news_late is late.")
    for name in expected:
        if name not in late_by:
            wrong(f"{about(name)} It is late, and not in news_late.")
    kind = late[0]["type_of_late_by"].removesuffix(" NOT NULL")
    if kind.startswith(("CHAR", "VARCHAR", "STRING")):
        wrong("The topic late.rss.events has late_by_seconds as an INT, and a text with a number in it is no number.",
              got=kind, expected="INT")  # fmt: skip
    if kind.startswith("INTERVAL"):
        wrong("The topic late.rss.events has late_by_seconds as an INT, and a length of time is no number.",
              got=kind, expected="INT")  # fmt: skip
    if late_by == expected:
        if kind != "INT":
            wrong("The topic late.rss.events has late_by_seconds as an INT, and Flink casts no number by itself.",
                  got=kind, expected="INT")  # fmt: skip
        return
    if set(late_by.values()) == {None}:
        say("late", "It has no late_by_seconds yet.")
    if None in late_by.values():
        say(
            next(name for name in late_by if late_by[name] is None),
            "It is late, and nobody knows by how much.",
        )
    if late_by["late"] == 4530:
        say("late", "You counted from the headline's own time. A headline of 10:10 was in time until its window closed: "
            "what is late is what comes after 11:00.")  # fmt: skip
    if late_by["late"] < 0:
        say("late", "It is late, not early: from the end of the window to closed_until.")
    if late_by["late"] in (25, 26):
        say("late", "Those are minutes.")
    if late_by["late"] == 1_530_000:
        say("late", "Those are milliseconds.")
    if late_by["late"] == 1500:
        say(
            "late",
            "Half a minute is lost: TIMESTAMPDIFF counts whole units, so ask it for the one that you want.",
        )
    if late_by["late"] > 1_000_000:
        say("late", "That is its age on the clock on the wall: a replay next week would find other figures. "
            "How late it was does not change.")  # fmt: skip
    if late_by["late"] == expected["late"] and late_by["old"] != expected["old"]:
        say(
            "old",
            "It is more than two hours late: a part of a time, its minute or its second, forgets the hours.",
        )
    if [name for name in expected if late_by[name] != expected[name]] == ["past_midnight"]:
        say("past_midnight", "Between the two lies midnight. A time is more than hour, minute and second: "
            "its parts forget the day.")  # fmt: skip
    if late_by["edge"] != 0 and late_by["late"] == expected["late"]:
        say("edge", "It came at the very end: late by nothing, and late all the same.")
    say(
        next(name for name in expected if late_by[name] != expected[name]),
        "That is not the time between the two.",
    )


# ---- step 4: each in exactly one view ------------------------------------------------------------


@pytest.mark.step(4)
def test_each_headline_is_in_exactly_one_of_the_two_views(split):
    views = {view: rows(split[view], view) for view in ("news_on_time", "news_late")}
    places = {
        name: [view for view in views for row in views[view] if row["item_id"] == name] for name in NEWS
    }
    right = {name: ["news_late" if came.is_late else "news_on_time"] for name, came in NEWS.items()}
    off = [name for name in NEWS if places[name] != right[name]]

    def say(name, why):
        got = " and ".join(places[name]) or "in neither"
        wrong(f"{about(name)} {why}", got=got, expected=right[name][0])

    both = [name for name in off if set(places[name]) == {"news_on_time", "news_late"}]
    neither = [name for name in off if not places[name]]
    if neither == ["unknown"]:
        say("unknown", "Its is_late is NULL. NOT NULL is NULL too, and WHERE keeps only what is TRUE: "
            "it was in neither, and nothing said so.")  # fmt: skip
    if both and both == [name for name in NEWS if NEWS[name].is_late]:
        say("late", "It is called late, and goes on to the windows as well. They drop it in silence, unless a slower "
            "partition still holds its window open: then it is counted and late at once.")  # fmt: skip
    if both == [name for name in NEWS if not NEWS[name].is_late]:
        say("first", "It was on time, and is in the late topic as well.")
    if both and len(both) == len(NEWS):
        say("first", "Every row is in both views.")
    if both == ["unknown"]:
        say("unknown", "Its is_late is NULL, and both views take that for theirs.")
    if off == ["unknown"]:
        say("unknown", "Its is_late is NULL: nothing is known that would make it late, and a row in news_late "
            "without late_by_seconds is of no use to anybody.")  # fmt: skip
    if off == list(NEWS):
        say("first", "The two views have changed places.")
    if both:
        say(both[0], "The two views do not ask the same question.")
    if neither:
        say(neither[0], "Who asks the windows and who asks the late topic: neither has seen it.")
    if off:
        say(off[0], "It is in the wrong view, or there twice.")
    for view in views:
        missing = sorted(COLUMNS - set(views[view][0]))
        if missing:
            wrong(
                f"{view} has no {missing[0]}: it has all columns of news_first, for what is behind it reads them."
            )


@pytest.fixture(scope="module")
def way(piece, reference):
    """The whole way from the source to the hourly windows, the piece in the middle."""
    return [*world.views_to_news_first(reference), piece.path, reference("windows").path]


@pytest.fixture(scope="module")
def counted(way):
    """What two partitions and a restart make of eight headlines: counts by hour, late rows, rows that windows dropped."""
    arrivals = [
        world.news("opens", "10:02"),
        world.news("second", "10:01", partition=1),
        world.news("third", "10:50"),
        world.heartbeat("10:15", partition=1),
        world.heartbeat("11:06"),
        # partition 0 has closed the hour; the watermark, of both, is at 10:10
        world.news("overtaken", "10:58"),
        world.news("slow", "10:20", partition=1),
        world.heartbeat("11:06", partition=1),
        checkpoint(),
        crash(),
        world.news("after_restart", "10:30", partition=1),
        world.news("eleven", "11:10"),
        world.heartbeat("12:05"),
        world.heartbeat("12:05", partition=1),
        world.news("last", "11:59:59"),
    ]
    try:
        got = run_sql(
            way,
            list(world.read(arrivals)),
            schema={"news_timed": world.NEWS_TIMED},
            query={"late": "news_late", "hourly": "signal_hourly"},
        )
    except LabError as error:
        if "time attribute" not in str(error):
            raise
        wrong("A window over news_on_time is refused: its event_time is no time attribute any more. "
              "A CAST or a calculation makes an ordinary time of it; pass the column on as it is.")  # fmt: skip
    hours = {clock(ms(row["window_start"])): row["mention_count"] for row in got["hourly"].before_end.rows}
    late = {row["item_id"]: row["late_by_seconds"] for row in got["late"].before_end.rows}
    return hours, late, got["hourly"].late_dropped


@pytest.mark.step(4)
def test_nothing_is_lost_between_two_partitions_their_windows_and_a_restart(counted):
    hours, late, dropped = counted

    if dropped:
        wrong(f"{dropped} headlines that news_on_time let through were dropped by the windows in silence: "
              "they are counted nowhere, and not in news_late.")  # fmt: skip
    if late != {"overtaken": 60, "after_restart": 60, "last": 0}:
        wrong("Three headlines came after their own partition had closed the hour: `overtaken` while the other partition "
              "held the window open, `after_restart`, and `last` at the very end.",
              got=late, expected={"overtaken": 60, "after_restart": 60, "last": 0})  # fmt: skip
    if hours != {"10:00": 4, "11:00": 1}:
        wrong("Eight headlines came, three of them late: the windows count the other five.",
              got=hours, expected={"10:00": 4, "11:00": 1})  # fmt: skip


@pytest.mark.step(4)
def test_flink_plans_both_views_as_parts_of_one_job(way):
    """As MarketLag has them: what each reads in common is read once."""
    plan = explain_sql(
        way, schema={"news_timed": world.NEWS_TIMED}, query={"late": "news_late", "hourly": "signal_hourly"}
    )
    seen = plan.count("Deduplicate"), plan.count("OverAggregate")

    if seen != (1, 1):
        wrong("The two views do not read one and the same news_first: what is in front of them is there twice.",
              got=seen, expected=(1, 1))  # fmt: skip
