"""Pictures: what stands where, in words too; readable in light and in dark; the same each time."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest

pytest.importorskip("matplotlib", reason="pictures need ./lab setup docs")

from matplotlib.backends.backend_agg import FigureCanvasAgg

from labkit.draw import Picture, changelog, events, partitions, plan, slots, state, windows
from labkit.draw.clocks import short, ticks
from labkit.draw.colours import INKS, MARKS, PAGES, blended, contrast
from labkit.draw.picture import INK
from labkit.errors import LabError
from labkit.testing import Change, Record, Result, checkpoint, crash, ms, row, watermark
from labkit.testing.plans import read

HOUR = timedelta(hours=1)


def drawn(picture: Picture, axes: int = 0) -> list[tuple[str, list[float], list[float]]]:
    """(label, x, y) of each line and mark that has a label."""
    return [
        (str(line.get_label()), list(map(float, line.get_xdata())), list(map(float, line.get_ydata())))
        for line in picture.figure.axes[axes].lines
        if not str(line.get_label()).startswith("_")
    ]


def named(picture: Picture, name: str, axes: int = 0) -> list[tuple[list[float], list[float]]]:
    return [(x, y) for label, x, y in drawn(picture, axes) if label == name]


def texts(picture: Picture) -> list[str]:
    return [text.get_text() for axes in picture.figure.axes for text in axes.texts]


def result(*changes: tuple[str, Any, str | None]) -> Result:
    """Changes as (kind, row, the watermark that brought them); None: the end of the input did."""
    seen = [
        Change(kind, each, None, None if by is None else ms(by), by is None, None, 0, None)
        for kind, each, by in changes
    ]
    return Result("hourly", seen, [True] * len(seen), {})


# ---- events ------------------------------------------------------------------------------------

MORNING = [
    row(at="10:00", city="Oslo"),
    row(at="10:40", city="Rome"),
    row(at="10:20", city="Oslo"),
    watermark("10:35"),
    row(at="11:10"),
    watermark("11:00"),
    row(at="10:59", city="Bern"),
    row(at="11:00", city="Rome"),
]


def by_the_hour(script: list[Any] = MORNING, **more: Any) -> Picture:
    return events(script, window=HOUR, label="city", **more)


def test_rows_stand_at_their_event_time_in_the_order_of_their_arrival() -> None:
    picture = by_the_hour()

    assert [each for each in drawn(picture) if each[0].startswith(("in time", "late", "time"))] == [
        ("in time Oslo", [ms("10:00")], [1]),
        ("in time Rome", [ms("10:40")], [2]),
        ("in time Oslo", [ms("10:20")], [3]),
        ("time", [ms("11:10")], [4]),
        ("late Bern", [ms("10:59")], [5]),
        ("in time Rome", [ms("11:00")], [6]),
    ]
    low, high = picture.figure.axes[0].get_ylim()
    assert low > high  # the first row stands above


def test_late_is_a_form_as_well_as_a_colour() -> None:
    lines = {str(line.get_label()): line for line in by_the_hour().figure.axes[0].lines}
    late, in_time, time = lines["late Bern"], lines["in time Rome"], lines["time"]

    assert len({late.get_marker(), in_time.get_marker(), time.get_marker()}) == 3
    assert late.get_color() != in_time.get_color()
    assert "late" in texts(by_the_hour())


def test_the_watermark_is_stairs_behind_the_row_that_moved_it() -> None:
    assert named(by_the_hour(), "watermark") == [
        ([ms("10:35"), ms("10:35"), ms("11:00"), ms("11:00")], [3.5, 4.5, 4.5, 6.5])
    ]


def test_a_window_ends_where_the_watermark_passes_its_end() -> None:
    picture = by_the_hour()
    bands = {
        str(band.get_label()): band.get_paths()[0].get_extents()
        for band in picture.figure.axes[0].collections
    }

    assert {name: (box.x0, box.x1, box.y1) for name, box in bands.items()} == {
        "window 10:00 to 11:00: closes": (ms("10:00"), ms("11:00"), 4.5),
        "window 11:00 to 12:00: open": (ms("11:00"), ms("12:00"), 6.5),
    }
    assert named(picture, "closes 10:00 to 11:00") == [([ms("10:00"), ms("11:00")], [4.5, 4.5])]
    assert named(picture, "closes 11:00 to 12:00") == []


def test_a_millisecond_before_its_end_a_window_closes_and_not_two() -> None:
    for at, closed in (("10:59:59.998", 0), ("10:59:59.999", 1), ("11:00", 1)):
        picture = by_the_hour([row(at="10:00", city="Oslo"), watermark(at)])

        assert len(named(picture, "closes 10:00 to 11:00")) == closed


def test_somebody_else_says_what_is_late_and_the_words_say_that_the_window_does_not() -> None:
    picture = by_the_hour(late=lambda step: step.fields["city"] == "Oslo")

    assert [label for label, _, _ in drawn(picture) if label.startswith("late")] == ["late Oslo", "late Oslo"]
    assert " 1 Oslo, 10:00, called late, but the window 10:00 to 11:00 is open" in picture.describe()
    assert " 5 Bern, 10:59, called in time, but the window 10:00 to 11:00 has closed" in picture.describe()


@pytest.mark.parametrize(("late", "side"), [("10:10", "bottom"), ("14:00", "top")])
def test_a_window_says_that_it_is_closed_where_no_row_is_in_the_way(late: str, side: str) -> None:
    picture = by_the_hour([row(at="10:05", city="Oslo"), row(at="13:00", city="Rome"), watermark("11:00"),
                           row(at=late, city="Bern")])  # fmt: skip
    [closed, *_] = [each for each in picture.figure.axes[0].texts if each.get_text().startswith("closed")]

    assert closed.get_va() == side


def test_a_restart_forgets_the_watermark() -> None:
    picture = by_the_hour([
        row(at="10:00", city="Oslo"), watermark("10:00"), checkpoint(), crash(),
        row(at="10:10", city="Rome"), watermark("10:05"), row(at="10:20", city="Oslo"),
    ])  # fmt: skip

    assert named(picture, "watermark") == [
        ([ms("10:00")] * 2, [1.5, 1.5]),
        ([ms("10:05")] * 2, [2.5, 3.5]),
    ]
    assert [label for label, _, _ in drawn(picture) if "fails" in label] == [
        "checkpoint; the job fails, and goes on without a watermark"]  # fmt: skip


def test_of_several_inputs_the_slowest_decides() -> None:
    picture = events([
        row(at="10:00", to="a", n=1), row(at="10:00", to="b", n=1),
        watermark("10:30", to="a"), watermark("10:10", to="b"), row(at="10:20", to="a", n=2),
    ], label="n")  # fmt: skip

    [(x, _)] = named(picture, "watermark")
    assert x[-1] == ms("10:10")


def test_what_came_out_stands_at_the_watermark_that_brought_it_out() -> None:
    out = result(("+I", {"n": 3}, "11:00"), ("+I", {"n": 1}, None))
    picture = by_the_hour(out=out, says=lambda each: f"{each['n']} rows")

    assert [(label, y) for label, _, y in drawn(picture) if label.startswith("out")] == [
        ("out: +I 3 rows", [4.5]),
        ("out: +I 1 rows (at the end of the input)", [7.6]),
    ]


def test_a_script_without_times_is_one_sentence() -> None:
    with pytest.raises(LabError, match="No row of this script has an event time"):
        events([row(city="Oslo")])


def test_the_words_of_events_say_it_all() -> None:
    assert (
        by_the_hour().describe()
        == """\
Event time and arrival
   1 Oslo, 10:00, in time: the window 10:00 to 11:00 is open
   2 Rome, 10:40, in time: the window 10:00 to 11:00 is open
   3 Oslo, 10:20, in time: the window 10:00 to 11:00 is open
     the watermark comes to 10:35
   4 11:10, a time alone
     the watermark comes to 11:00: the window 10:00 to 11:00 closes
   5 Bern, 10:59, late: the window 10:00 to 11:00 has closed
   6 Rome, 11:00, in time: the window 11:00 to 12:00 is open"""
    )


# ---- the changelog -----------------------------------------------------------------------------

COUNTS = [
    ("+I", {"city": "Oslo", "n": 1}),
    ("+I", {"city": "Rome", "n": 1}),
    ("-U", {"city": "Oslo", "n": 1}),
    ("+U", {"city": "Oslo", "n": 2}),
    ("-D", {"city": "Rome", "n": 1}),
]


def test_each_change_has_a_line_and_each_key_a_column() -> None:
    assert [each for each in drawn(changelog(COUNTS, key="city")) if not each[0].startswith("stands")] == [
        ("+I", [0], [1]),
        ("+I", [1], [2]),
        ("-U", [0], [3]),
        ("+U", [0], [4]),
        ("-D", [1], [5]),
    ]


def test_a_row_stands_until_it_is_taken_back() -> None:
    picture = changelog(COUNTS, key="city")

    assert [each for each in drawn(picture) if each[0].startswith("stands")] == [
        ("stands 1", [0, 0], [1, 3]),
        ("stands 1", [1, 1], [2, 5]),
        ("stands 2", [0, 0], [4, 5.6]),
    ]
    axes = picture.figure.axes[0]
    table = [text.get_text() for text in axes.texts if text.xy[1] == 6]
    assert (table, [tick.get_text() for tick in axes.get_xticklabels()]) == (["2", "–"], ["Oslo", "Rome"])


def test_kinds_are_told_apart_by_form_alone() -> None:
    forms = {str(line.get_label()): line.get_marker() for line in changelog(COUNTS).figure.axes[0].lines
             if line.get_label() in ("+I", "-U", "+U", "-D")}  # fmt: skip

    assert len(set(forms.values())) == 4


def test_without_a_key_only_what_is_taken_back_goes() -> None:
    appended = [("+I", {"n": 1}), ("+I", {"n": 2}), ("-D", {"n": 1})]

    assert changelog(appended).describe().endswith("the table: 2")
    assert changelog(appended[:2]).describe().endswith("the table: 1, 2")


def test_with_a_key_a_later_row_takes_the_place_of_an_earlier_one() -> None:
    sent = [("+I", {"hour": "12:00", "n": 1}), ("+I", {"hour": "12:00", "n": 2})]

    assert changelog(sent, key="hour").describe().endswith("the table: 12:00: 2")
    assert changelog(sent, value="n").describe().endswith("the table: 1, 2")


def test_a_change_of_a_result_says_when_it_was_out() -> None:
    picture = changelog(result(("+I", ("Oslo", 1), "11:00"), ("+I", ("Rome", 1), None)), key=0, value=1)
    labels = [tick.get_text() for tick in picture.figure.axes[0].get_yticklabels()]

    assert labels == ["1  watermark 11:00", "2  at the end", "the table"]
    assert named(picture, "end of the input") != []


def test_the_words_of_a_changelog_say_it_all() -> None:
    assert (
        changelog(COUNTS, key="city", notes={3: "a new day"}).describe()
        == """\
The changelog, and the table that it makes
   1 +I Oslo: 1
   2 +I Rome: 1
     a new day
   3 -U Oslo: 1
   4 +U Oslo: 2
   5 -D Rome: 1
     the table: Oslo: 2; Rome: nothing"""
    )


# ---- plans -------------------------------------------------------------------------------------

EXPLAINED = """\
== Optimized Execution Plan ==
Calc(select=[a, b], where=[(a > 1)])(reuse_id=[1])
+- Join(joinType=[LeftOuterJoin], where=[(a = c)], select=[a, b, c])
   :- Exchange(distribution=[hash[a]])
   :  +- DataStreamScan(table=[[one]], fields=[a, b])
   +- Exchange(distribution=[hash[c]])
      +- DataStreamScan(table=[[two]], fields=[c])

Sink(table=[out], fields=[a, b])
+- Reused(reference_id=[1])

Sink(table=[counted], fields=[n])
+- GroupAggregate(groupBy=[a], select=[a, COUNT(*) AS n])
   +- Reused(reference_id=[1])
"""


def test_a_plan_knows_who_reads_whom() -> None:
    it = read(EXPLAINED)

    assert [operator.name for operator in it.operators] == [
        "Calc", "Join", "Exchange", "DataStreamScan", "Exchange", "DataStreamScan", "Sink", "Sink", "GroupAggregate"]  # fmt: skip
    assert sorted(it.edges) == [(0, 6), (0, 8), (1, 0), (2, 1), (3, 2), (4, 1), (5, 4), (8, 7)]


def test_data_flows_down() -> None:
    it = read(EXPLAINED)
    picture = plan(it)
    marks = [(label, y[0]) for label, _, y in drawn(picture) if label != "edge"]
    edges = named(picture, "edge")

    assert [label for label, _ in marks] == [
        "DataStreamScan", "Exchange", "DataStreamScan", "Exchange", "Join", "Calc", "Sink", "GroupAggregate", "Sink"]  # fmt: skip
    assert [y for _, y in marks] == sorted(y for _, y in marks)
    assert len(edges) == len(it.edges)
    assert all(y[0] < y[-1] for _, y in edges)


def test_no_edge_runs_through_an_operator_that_it_does_not_join() -> None:
    picture = plan(read(EXPLAINED))
    nodes = {(x[0], y[0]) for label, x, y in drawn(picture) if label != "edge"}
    for x, y in named(picture, "edge"):
        ends = {(x[0], y[0]), (x[-1], y[-1])}
        for (x1, y1), (x2, y2) in zip(zip(x, y, strict=True), list(zip(x, y, strict=True))[1:], strict=False):
            hit = {n for n in nodes if x1 == x2 == n[0] and min(y1, y2) < n[1] < max(y1, y2)}
            assert hit <= ends


def test_the_operator_that_matters_is_marked_by_form_and_by_weight() -> None:
    picture = plan(read(EXPLAINED), mark="Join")
    lines = {str(line.get_label()): line for line in picture.figure.axes[0].lines}
    bold = [text.get_text() for text in picture.figure.axes[0].texts if text.get_fontweight() == "bold"]

    assert lines["marked Join"].get_marker() != lines["Calc"].get_marker()
    assert bold == ["The plan: data flows down", "Join"]
    assert " 5 ◆ Join (reads 2 and 4): joinType=[LeftOuterJoin], where=[(a = c)]" in picture.describe()
    assert [label for label in lines if label.startswith("marked")] == ["marked Join"]
    assert not any(label.startswith("marked") for label, _, _ in drawn(plan(read(EXPLAINED), mark="Window")))


def test_a_sink_without_a_name_has_no_number_that_counts_up() -> None:
    described = plan(read("Sink(table=[*anonymous_blackhole$23*], fields=[a])")).describe()

    assert described.endswith("Sink: table=[the result]")


# ---- state -------------------------------------------------------------------------------------


def remembers(keep: int) -> Any:
    """A harness of a function that keeps the times of each sensor for so many hours of event time."""
    from pyflink.common import Types
    from pyflink.datastream import KeyedProcessFunction
    from pyflink.datastream.state import MapStateDescriptor

    from labkit.testing import harness

    class Keeps(KeyedProcessFunction):
        def open(self, runtime_context: Any) -> None:
            self.times = runtime_context.get_map_state(
                MapStateDescriptor("times", Types.LONG(), Types.STRING())
            )

        def process_element(self, value: Any, ctx: Any) -> Any:
            self.times.put(ctx.timestamp(), "x")
            ctx.timer_service().register_event_time_timer(ctx.timestamp() + keep * 3_600_000)
            yield from ()

        def on_timer(self, timestamp: int, ctx: Any) -> Any:
            self.times.remove(timestamp - keep * 3_600_000)
            yield from ()

    return harness(Keeps(), key=lambda value: value["sensor"])


READ = [
    row(at="10:00", sensor="a"),
    row(at="11:00", sensor="a"),
    row(at="11:30", sensor="b"),
    watermark("12:00"),
    watermark("14:00"),
]


def test_state_is_a_line_for_each_key_and_falls_where_it_expires() -> None:
    picture = state(remembers(2), READ)

    assert drawn(picture, 0) == [
        ("a: entries", [ms("10:00"), ms("11:00"), ms("12:00"), ms("14:00"), ms("14:00")], [1, 2, 1, 0, 0]),
        ("expires 1", [ms("12:00")], [1]),
        ("expires 1", [ms("14:00")], [0]),
    ]
    assert drawn(picture, 1)[0] == ("b: entries", [ms("11:30"), ms("14:00"), ms("14:00")], [1, 0, 0])


def test_state_that_never_expires_is_seen_to_stay() -> None:
    picture = state(remembers(1000), READ)

    assert not any(label.startswith("expires") for label, _, _ in drawn(picture))
    assert "a: entries from 10:00, at most 2, 2 in the end" in picture.describe()


def test_a_measure_of_ones_own() -> None:
    picture = state(remembers(2), READ, measure=lambda states: 10 * len(states["times"]), what="points")

    assert "a: points from 10:00, at most 20, 0 in the end" in picture.describe()


def test_a_restart_without_a_checkpoint_begins_with_nothing_and_reads_again() -> None:
    picture = state(remembers(2), [row(at="10:00", sensor="a"), crash(), row(at="10:30", sensor="a")])

    [(label, _, y), *_] = drawn(picture)
    assert (label, y[:4]) == ("a: entries", [1, 0, 1, 2])
    assert picture.describe().endswith("a restart at 10:00")


# ---- windows -----------------------------------------------------------------------------------


def hours(start: str, end: str, n: int) -> dict[str, Any]:
    return {"window_start": ms(start), "window_end": ms(end), "n": n}


MADE = {
    "TUMBLE": [hours("10:00", "11:00", 2)],
    "HOP": [hours("10:30", "11:30", 1), hours("10:00", "11:00", 2), hours("11:00", "12:00", 0)],
}
TWO = [row(at="10:00", city="Oslo"), row(at="10:59", city="Rome"), watermark("12:00")]


def two_ways() -> Picture:
    return windows(MADE, TWO, label="city")


def test_a_window_is_a_bar_and_those_that_overlap_have_lanes_of_their_own() -> None:
    bars = {
        str(band.get_label()): band.get_paths()[0].get_extents()
        for band in two_ways().figure.axes[0].collections
    }
    middles = {name: round((box.y0 + box.y1) / 2, 1) for name, box in bars.items()}

    assert {name: (box.x0, box.x1) for name, box in bars.items()} == {
        "window 10:00 to 11:00: 2": (ms("10:00"), ms("11:00")),
        "window 10:30 to 11:30: 1": (ms("10:30"), ms("11:30")),
        "window 11:00 to 12:00: 0": (ms("11:00"), ms("12:00")),
    }
    assert middles["window 10:00 to 11:00: 2"] == middles["window 11:00 to 12:00: 0"]
    assert middles["window 10:30 to 11:30: 1"] == middles["window 10:00 to 11:00: 2"] + 1


def test_a_row_is_a_dot_in_each_window_that_has_its_time_and_not_in_the_one_that_begins_behind_it() -> None:
    picture = two_ways()

    assert named(picture, "row Oslo") == [([ms("10:00")], [-0.1])]
    assert len(named(picture, "in it Oslo")) == 2  # of TUMBLE and of HOP
    assert len(named(picture, "in it Rome")) == 3
    ends = windows({"TUMBLE": [hours("10:00", "11:00", 0)]}, [row(at="11:00", city="Bern")], label="city")
    assert named(ends, "in it Bern") == []


def test_rows_that_are_no_windows_are_one_sentence() -> None:
    with pytest.raises(LabError, match="There is no window in these rows"):
        windows({"TUMBLE": []})


def test_the_words_of_windows_say_it_all() -> None:
    assert (
        windows({**MADE, "SESSION": []}, TWO, label="city").describe()
        == """\
Windows over event time
  rows: Oslo 10:00, Rome 10:59
  TUMBLE: 10:00 to 11:00: 2
  HOP: 10:00 to 11:00: 2; 10:30 to 11:30: 1; 11:00 to 12:00: 0
  SESSION: none"""
    )


# ---- records -----------------------------------------------------------------------------------


def record(key: bytes | None, partition: int, offset: int) -> Record:
    return Record(key, b"", partition, offset, ms("10:00"))


NEWS = [record(b"oil", 1, 0), record(b"fed", 0, 3), record(b"fed", 0, 1)]


def two_topics(**more: Any) -> Picture:
    return partitions({"news": NEWS, "copy": [record(None, 0, 0)]}, count=2, **more)


def test_a_record_stands_at_its_offset_in_the_line_of_its_partition() -> None:
    ys = {"news 0": 1, "news 1": 2, "copy 0": 4}
    marks = [each for each in drawn(two_topics()) if each[0].startswith("record")]

    assert marks == [
        ("record fed", [1], [ys["news 0"]]),
        ("record fed", [3], [ys["news 0"]]),
        ("record oil", [0], [ys["news 1"]]),
        ("record none", [0], [ys["copy 0"]]),
    ]


def test_an_offset_without_a_record_is_another_form_and_behind_the_last_there_is_none() -> None:
    picture = two_topics()
    lines = {str(line.get_label()): line for line in picture.figure.axes[0].lines}

    assert named(picture, "no record") == [([0], [1]), ([2], [1])]
    assert lines["no record"].get_marker() != lines["record fed"].get_marker()


def test_a_beginning_is_a_stroke_in_front_of_the_first_record_that_is_read() -> None:
    picture = two_topics(starts={"earliest": [0, 0], "latest": [4, 1], "group": [4, 0]})
    begins = [(label, x) for label, x, _ in drawn(picture) if label.startswith("from")]

    assert begins == [
        ("from earliest", [-0.5, -0.5]),
        ("from latest, group", [3.5, 3.5]),
        ("from earliest, group", [-0.5, -0.5]),
        ("from latest", [0.5, 0.5]),
    ]


def test_only_the_first_topic_has_beginnings() -> None:
    assert two_topics(starts={"earliest": [0, 0]}).describe().count("earliest") == 2


def test_a_picture_of_no_topic_is_one_sentence() -> None:
    with pytest.raises(LabError, match="There is no topic to draw"):
        partitions({})


def test_the_words_of_partitions_say_it_all() -> None:
    assert (
        two_topics(starts={"latest": [4, 1]}).describe()
        == """\
Records by partition and offset
  news, partition 0: 0 no record, 1 fed, 2 no record, 3 fed
     latest at offset 4
  news, partition 1: 0 oil
     latest at offset 1
  copy, partition 0: 0 none
  copy, partition 1: empty"""
    )


# ---- slots -------------------------------------------------------------------------------------

HEARD = 1_000_000


def cluster(
    held: dict[str, list[str]], jobs: dict[str, tuple[str, dict[str, int]]], **heard: int
) -> Callable[[str], Any]:
    """What REST says. held: by TaskManager of three slots whose they are. jobs: (state, operators)."""
    answers: dict[str, Any] = {
        "/taskmanagers": {"taskmanagers": [
            {"id": name, "slotsNumber": 3, "timeSinceLastHeartbeat": heard.get(name, HEARD)} for name in held]},
        "/jobs/overview": {"jobs": [
            {"jid": name, "name": name, "start-time": len(name),
             "state": "CANCELED" if its_state == "CANCELED" else "RUNNING"}
            for name, (its_state, _) in jobs.items()]},
    }  # fmt: skip
    for name, slots_of in held.items():
        answers[f"/taskmanagers/{name}"] = {"allocatedSlots": [{"jobId": job} for job in slots_of]}
    for name, (its_state, operators) in jobs.items():
        answers[f"/jobs/{name}"] = {"vertices": [
            {"name": operator, "parallelism": number, "tasks": {its_state: number, "FAILED": 0}}
            for operator, number in operators.items()]}  # fmt: skip
    return answers.__getitem__


SHARED = cluster(
    {"one": ["counts", "counts"], "two": []},
    {"counts": ("RUNNING", {"Source: news[1]": 1, "counted[2]: Writer": 2}), "old": ("CANCELED", {"x": 9})},
)
WAITS = cluster({"one": ["counts", "counts", "counts"]}, {"counts": ("SCHEDULED", {"a[1] -> b[2]": 5})})


def boxes(picture: Picture) -> list[str]:
    return [label for label, _, _ in drawn(picture)]


def test_a_slot_takes_one_subtask_of_every_operator_of_a_job() -> None:
    assert boxes(slots(SHARED)) == [
        "taken: counts (news 1 of 1, counted 1 of 2)",
        "taken: counts (counted 2 of 2)",
        *["free: free"] * 4,
    ]


def test_a_job_that_waits_holds_its_slots_and_lacks_others() -> None:
    picture = slots(WAITS)
    lines = {str(line.get_label()): line for line in picture.figure.axes[0].lines}

    assert boxes(picture) == ["held: counts (held, nothing runs in it)"] * 3 + ["lacking: not there"] * 2
    assert lines["lacking: not there"].is_dashed()
    assert not lines["held: counts (held, nothing runs in it)"].is_dashed()


def test_slots_of_a_taskmanager_that_is_silent_for_too_long_are_lost() -> None:
    held = {"one": ["counts"], "two": []}
    jobs = {"counts": ("RUNNING", {"news": 1})}
    for heard, lost in ((HEARD - 25_000, 0), (HEARD - 25_001, 3), (0, 0)):
        picture = slots(cluster(held, jobs, one=heard), now=HEARD)

        assert len([each for each in boxes(picture) if each.startswith("lost")]) == lost
        assert (boxes(picture)[0] == "lost: counts (lost)") == bool(lost)


def test_a_cluster_without_a_taskmanager_is_drawn_too() -> None:
    assert slots(cluster({}, {})).describe() == "Slots\n  no TaskManager: no slots"


def test_a_slot_of_a_job_that_is_gone_from_the_list_is_not_free() -> None:
    assert boxes(slots(cluster({"one": ["gone"]}, {})))[0] == "taken: a job that ends"


def test_the_slots_of_a_job_stand_together_the_first_job_first() -> None:
    jobs = {"later": ("RUNNING", {"b": 2}), "job": ("RUNNING", {"a": 1})}

    assert boxes(slots(cluster({"one": ["later", "job", "later"]}, jobs))) == [
        "taken: job (a 1 of 1)",
        "taken: later (b 1 of 2)",
        "taken: later (b 2 of 2)",
    ]


def test_what_stands_in_a_slot_fits_into_it() -> None:
    long = "TableSourceScan-of-a-table-whose-name-has-no-end[1] -> Calc[2] -> Sink[3]: Writer"
    picture = slots(cluster({"one": ["a"] * 3}, {"a": ("RUNNING", {long: 3})}))

    assert all(len(text) <= 26 for text in texts(picture) if text.endswith(" of 3"))


def test_the_words_of_slots_say_it_all() -> None:
    assert (
        slots(WAITS, title="One too small").describe()
        == """\
One too small
  one: counts (held, nothing runs in it), counts (held, nothing runs in it), counts (held, nothing runs in it)
  counts waits for 2 more slots: not there, not there"""
    )


# ---- for everybody's eyes ----------------------------------------------------------------------


def every_picture() -> list[Picture]:
    return [
        by_the_hour(),
        changelog(COUNTS, key="city"),
        plan(read(EXPLAINED), mark="Join"),
        state(remembers(2), READ),
        two_ways(),
        two_topics(starts={"earliest": [0, 0]}),
        slots(SHARED),
        slots(WAITS),
    ]


@pytest.mark.parametrize("page", PAGES)
def test_marks_and_text_stand_out_on_white_and_on_dark(page: str) -> None:
    ink = INKS[PAGES.index(page)]

    assert [colour for colour in MARKS if contrast(colour, page) < 3] == []
    assert contrast(ink, page) >= 4.5
    assert all(contrast(ink, blended(colour, 0.13, page)) >= 4.5 for colour in MARKS)


def test_no_one_colour_could_be_text_on_both() -> None:
    greys = [f"#{n:02x}{n:02x}{n:02x}" for n in range(256)]

    assert max(min(contrast(grey, page) for page in PAGES) for grey in greys) < 4.5


def test_nothing_is_drawn_in_another_colour() -> None:
    known = {*MARKS, "none", "currentcolor"}
    for picture in every_picture():
        used = {found.lower() for found in re.findall(r"(?:fill|stroke): ([^;\"]+)", picture.html())}

        assert used <= known, used - known
        assert INK not in picture.html()


def test_marks_differ_for_those_who_see_fewer_colours() -> None:
    """Simulated by Machado, Oliveira and Fernandes (2009), severity 1; distances in sRGB."""
    matrices = {
        "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
        "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    }  # fmt: skip

    def seen(colour: str, matrix: Any) -> list[float]:
        channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        mixed = [min(max(sum(a * b for a, b in zip(line, linear, strict=True)), 0), 1) for line in matrix]
        return [12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055 for c in mixed]

    for matrix in matrices.values():
        for one, other in combinations(MARKS, 2):
            pairs = zip(seen(one, matrix), seen(other, matrix), strict=True)
            assert sum((a - b) ** 2 for a, b in pairs) ** 0.5 > 0.12, (one, other)


def test_the_same_input_makes_the_same_picture() -> None:
    assert [each.html() for each in every_picture()] == [each.html() for each in every_picture()]


def test_a_picture_is_small_well_formed_and_says_in_words_what_it_shows() -> None:
    for picture in every_picture():
        root = ET.fromstring(picture.svg())

        assert len(picture.html().encode()) < 60_000
        assert root.get("role") == "img"
        assert picture.describe().splitlines()[1].strip() in (root.get("aria-label") or "")
        assert repr(picture) == picture.describe()


def test_text_stays_text_in_the_pages_font() -> None:
    html = by_the_hour().html()

    assert re.search(r"<text[^>]*>Oslo  10:00</text>", html)
    assert "DejaVu" not in html


def test_no_text_is_smaller_than_a_reader_can_read() -> None:
    """Of its natural size, 8 pixels at least."""
    for picture in every_picture():
        sizes = [float(size) * 4 / 3 for size in re.findall(r"font-size: ([\d.]+)px", picture.html())]

        assert sizes
        assert min(sizes) >= 8


def test_no_text_lies_on_another() -> None:
    for picture in every_picture():
        renderer = FigureCanvasAgg(picture.figure).get_renderer()
        picture.figure.draw(renderer)
        for axes in picture.figure.axes:
            shown = [text for text in axes.texts if text.get_text()]
            for one, other in combinations(shown, 2):
                first, second = (each.get_window_extent(renderer) for each in (one, other))

                assert not first.overlaps(second), (one.get_text(), other.get_text())


def test_what_looks_like_a_formula_or_a_tag_is_text() -> None:
    html = by_the_hour([row(at="10:00", city="$5 < $6 & more")]).html()

    assert "$5 &lt; $6 &amp; more  10:00</text>" in html


def test_inside_of_a_page_a_picture_styles_nothing_but_itself() -> None:
    html = by_the_hour().html()

    assert "<style" not in html
    assert 'id="axes' not in html
    assert "prefers-color-scheme: dark" in by_the_hour().svg()


def test_a_notebook_gets_the_page_and_the_words() -> None:
    picture = by_the_hour()

    assert picture._repr_mimebundle_() == {"text/html": picture.html(), "text/plain": picture.describe()}


def test_ticks_are_round_and_name_the_day_where_there_are_several() -> None:
    assert [label for _, label in ticks(ms("09:50"), ms("11:10"))] == [
        "10:00", "10:15", "10:30", "10:45", "11:00"]  # fmt: skip
    assert [label for _, label in ticks(ms("00:00"), ms("168:00"))][:2] == ["5 Jan", "6 Jan"]
    assert [label for _, label in ticks(ms("22:00"), ms("26:00"))] == [
        "22:00\n5 Jan", "23:00", "00:00\n6 Jan", "01:00", "02:00"]  # fmt: skip
    assert ticks(ms("10:00"), ms("10:00")) == [(ms("10:00"), "10:00:00.000")]


def test_values_are_short() -> None:
    assert short("x" * 50, 10) == "xxxxxxxxx…"
    assert short(("Oslo", None)) == "Oslo NULL"
