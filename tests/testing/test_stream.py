"""DataStream on scripts: inputs, side outputs, watermark strategies, and a person's mistakes."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pyflink.common import Duration, Row, Types, WatermarkStrategy
from pyflink.common.time import Time
from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream import KeyedProcessFunction, OutputTag, ProcessFunction
from pyflink.datastream.state import StateTtlConfig, ValueStateDescriptor
from pyflink.datastream.window import TumblingEventTimeWindows
from pyflink.table import DataTypes
from pyflink.table.udf import udf

from labkit.errors import LabError
from labkit.testing import assert_rows, checkpoint, crash, ms, row, run_sql, run_stream, watermark
from labkit.testing.flink import flink, let_go
from tests.testing.functions import HourlyMaximum, Reading, keyed


class At(TimestampAssigner):  # type: ignore[misc]
    def extract_timestamp(self, value: Any, record_timestamp: int) -> int:
        return int(value["at_ms"])


# ---- inputs ------------------------------------------------------------------------------------


def test_elements_are_objects_rows_or_of_a_pyflink_type() -> None:
    assert run_stream(lambda s: s, [row("a"), row(x=1), row(Reading("Oslo", 1.0))]).rows == [
        "a", {"x": 1}, Reading("Oslo", 1.0),
    ]  # fmt: skip
    as_rows = run_stream(
        lambda s: s.map(
            lambda r: Row(r["city"], r[1] + 1), Types.ROW_NAMED(["c", "n"], [Types.STRING(), Types.LONG()])
        ),
        [row(city="Oslo", n=1), row(city="Rome", n=2)],
        inputs="city STRING, n BIGINT",
    )
    assert as_rows.rows == [{"c": "Oslo", "n": 2}, {"c": "Rome", "n": 3}]
    typed = run_stream(lambda s: s.map(str.upper, Types.STRING()), [row("a")], inputs=Types.STRING())
    assert typed.rows == ["A"]


def test_a_strategy_of_the_jobs_own_speaks_after_every_record() -> None:
    strategy = WatermarkStrategy.for_bounded_out_of_orderness(Duration.of_minutes(5)).with_timestamp_assigner(
        At()
    )

    class Shows(ProcessFunction):  # type: ignore[misc]
        def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
            yield ctx.timestamp(), ctx.timer_service().current_watermark()

    result = run_stream(
        lambda s: s.assign_timestamps_and_watermarks(strategy).process(Shows()),
        [row(at_ms=ms("10:00")), row(at_ms=ms("11:00")), row(at_ms=ms("10:30"))],
    )

    assert result.rows == [
        (ms("10:00"), -(2**63)),
        (ms("11:00"), ms("09:55") - 1),
        (ms("10:30"), ms("10:55") - 1),
    ]


def test_a_job_without_watermarks_gives_its_windows_at_the_end_only() -> None:
    def counts(stream: Any) -> Any:
        return (
            stream.key_by(lambda v: v["city"], Types.STRING())
            .window(TumblingEventTimeWindows.of(Time.hours(1)))
            .reduce(lambda a, b: {**a, "n": a["n"] + b["n"]})
        )

    script = [
        row(at="10:00", city="Oslo", n=1),
        row(at="10:10", city="Oslo", n=1),
        row(at="11:10", city="Oslo", n=1),
    ]

    without = run_stream(counts, script)
    with_ = run_stream(counts, [*script, watermark("11:00")])

    assert ([r["n"] for r in without.rows], without.before_end.rows) == ([2, 1], [])
    assert [r["n"] for r in with_.before_end.rows] == [2]


def test_counters_and_side_outputs() -> None:
    script = [
        row(at="10:00", city="Oslo", celsius=1.0),
        watermark("11:00"),
        row(at="10:30", city="Oslo", celsius=2.0),
    ]

    result = run_stream(keyed(HourlyMaximum()), script)

    assert result.side["late"].rows == ["Oslo 2.0"]
    assert result.counters["late"] == 1


def test_an_edit_counts_although_the_worker_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "some_piece.py"
    given = []
    for factor in (2, 3):
        file.write_text(
            f"def scaled(value):\n    return helper(value)\n\n\ndef helper(value):\n    return value * {factor}\n"
        )
        piece = loaded(file)
        given += run_stream(lambda s, piece=piece: s.map(piece.scaled), [row(1)]).rows

    assert given == [2, 3]


def loaded(file: Path, name: str = "a_piece_of_somebody") -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    # Python's own loader would take the compiled text of a file that is as old, in seconds, and as long
    exec(compile(file.read_text(), file, "exec"), module.__dict__)
    return module


def test_a_file_that_is_two_modules_is_sent_as_either(tmp_path: Path) -> None:
    file = tmp_path / "with_two_names.py"
    file.write_text("class Doubled:\n    def __call__(self, value):\n        return value * 2\n")
    first = loaded(file)
    second = loaded(file, "the_same_piece_again")

    for piece in (first, second):
        assert run_stream(lambda s, piece=piece: s.map(piece.Doubled()), [row(1)]).rows == [2]


def test_globals_of_the_users_module_do_not_survive_a_crash(tmp_path: Path) -> None:
    file = tmp_path / "with_globals.py"
    file.write_text("seen = []\n\n\ndef count(value):\n    seen.append(value)\n    return len(seen)\n")
    piece = loaded(file)

    result = run_stream(lambda s: s.map(piece.count), [row("a"), checkpoint(), crash(), row("b")])

    assert result.rows == [1, 1]


def test_process_mode_gives_the_same() -> None:
    script = [row(at="10:00", city="Oslo", celsius=1.0), watermark("11:00"), row(at="10:30", city="Oslo", celsius=2.0), checkpoint(), crash(), row(at="11:10", city="Oslo", celsius=3.0)]  # fmt: skip

    results = [
        run_stream(keyed(HourlyMaximum()), script, options={"python.execution-mode": mode}, timeout=90)
        for mode in ("thread", "process")
    ]

    assert [tuple(r) for r in results[0].rows] == [tuple(r) for r in results[1].rows]
    assert results[0].side["late"].rows == results[1].side["late"].rows


# ---- Python in SQL -----------------------------------------------------------------------------


def test_a_state_with_a_ttl_starts_no_jvm_in_the_taskmanager() -> None:
    class Remembers(KeyedProcessFunction):  # type: ignore[misc]
        def open(self, runtime_context: Any) -> None:
            descriptor = ValueStateDescriptor("seen", Types.BOOLEAN())
            descriptor.enable_time_to_live(StateTtlConfig.new_builder(Time.days(60)).build())
            self.seen = runtime_context.get_state(descriptor)

        def process_element(self, value: str, ctx: Any) -> Iterator[Any]:
            yield value, self.seen.value(), len(jvms_under(os.getpid()))
            self.seen.update(True)

    def build(stream: Any) -> Any:
        return stream.key_by(lambda value: value).process(Remembers())

    assert run_stream(build, [row("a"), row("a")]).rows == [("a", None, 0), ("a", True, 0)]


def test_what_would_start_a_jvm_in_the_taskmanager_is_refused_as_in_a_worker_process() -> None:
    def days(value: int) -> str:
        return str(Duration.of_days(value))

    with pytest.raises(LabError, match="It's launching the PythonGatewayServer during Python UDF execution"):
        run_stream(lambda s: s.map(days), [row(1)])


def jvms_under(parent: int) -> list[int]:
    """The children of a process that are a Java."""
    children = Path(f"/proc/{parent}/task").glob("*/children")
    pids = [int(pid) for file in children for pid in file.read_text().split()]
    return [pid for pid in pids if "java" in Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]]


def test_python_functions_in_sql() -> None:
    @udf(result_type=DataTypes.STRING())
    def loud(text: str) -> str:
        return text.upper() + "!"

    result = run_sql(
        "", [row(city="Oslo")], schema={"t": "city STRING"}, query="SELECT loud(city) AS c FROM t",
        setup=lambda tables: tables.create_temporary_function("loud", loud),
    )  # fmt: skip

    assert_rows(result.rows, [{"c": "OSLO!"}])


def test_a_python_function_in_sql_that_raises_names_its_line() -> None:
    @udf(result_type=DataTypes.BIGINT())
    def parsed(text: str) -> int:
        return int(text)

    with pytest.raises(LabError, match=r"test_stream\.py, line \d+, in parsed: ValueError: invalid literal"):
        run_sql(
            "", [row(city="Oslo")], schema={"t": "city STRING"}, query="SELECT parsed(city) FROM t",
            setup=lambda tables: tables.create_temporary_function("parsed", parsed),
        )  # fmt: skip


@pytest.mark.parametrize("registered", ["by PyFlink", "by SQL"])
def test_a_function_in_sql_takes_what_it_uses_of_its_module_along(
    tmp_path: Path, registered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is now: another text of the same module is another function, on an engine that is kept."""
    monkeypatch.syspath_prepend(str(tmp_path))
    given = []
    for factor in (2, 3):
        (tmp_path / "somebodys_udf.py").write_text(
            "from pyflink.table import DataTypes, ScalarFunction\nfrom pyflink.table.udf import udf\n\n\n"
            f"def helper(value):\n    return value * {factor}\n\n\n"
            "class Scaled(ScalarFunction):\n    def eval(self, value):\n        return helper(value)\n\n\n"
            "scaled = udf(Scaled(), result_type=DataTypes.BIGINT())\n"
        )
        sys.modules.pop("somebodys_udf", None)
        importlib.invalidate_caches()

        def register(tables: Any) -> None:
            module = importlib.import_module("somebodys_udf")
            tables.create_temporary_function("scaled", module.scaled)

        by_sql = "CREATE TEMPORARY FUNCTION scaled AS 'somebodys_udf.scaled' LANGUAGE PYTHON"
        given += run_sql(
            "" if registered == "by PyFlink" else by_sql, [row(n=1)], schema={"t": "n BIGINT"},
            query="SELECT scaled(n) AS n FROM t", setup=register if registered == "by PyFlink" else None,
        ).rows  # fmt: skip
        shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)

    assert given == [{"n": 2}, {"n": 3}]


def test_what_an_earlier_process_left_in_the_gateway_takes_nothing_of_ours_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The JVM says which of Python's objects it has no more use of: by number, and to whoever is there now."""
    (tmp_path / "somebodys_answer.py").write_text(
        "from pyflink.table import DataTypes\nfrom pyflink.table.udf import udf\n\n\n"
        "@udf(result_type=DataTypes.BIGINT())\ndef f(n):\n    return 42\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    let_go()  # as a process that has just begun
    with flink() as it:
        it.pyflink()
        for number in range(10):  # what the earlier process had, if it counted from 0
            it._gateway.gateway_property.pool.dict.pop(f"p{number}", None)

    by_sql = "CREATE TEMPORARY FUNCTION f AS 'somebodys_answer.f' LANGUAGE PYTHON"
    result = run_sql(by_sql, [row(n=1)], schema={"t": "n BIGINT"}, query="SELECT f(n) AS n FROM t")
    assert result.rows == [{"n": 42}]


def test_an_error_in_sql_is_told_beside_a_pyflink_that_has_another_gateway(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PyFlink tells its own gateway of every exception that py4j sees, and starts it for that."""
    with flink() as it:
        it.pyflink()
    let_go()

    def launch() -> None:
        pytest.fail("PyFlink starts a gateway of its own")

    monkeypatch.setattr("pyflink.java_gateway.launch_gateway", launch)
    with pytest.raises(LabError, match="Column 'm' not found"):
        run_sql("", [row(n=1)], schema={"t": "n BIGINT"}, query="SELECT m FROM t")


# ---- what a person can do wrong ----------------------------------------------------------------


def test_a_failure_of_flinks_that_says_nothing_is_told_by_its_place() -> None:
    class Nothing(ProcessFunction):  # type: ignore[misc]
        def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
            yield None

    with pytest.raises(LabError, match=r"^NullPointerException in BytePrimitiveArraySerializer\.copy\."):
        run_stream(lambda s: s.process(Nothing()), [row(1)])


def test_what_cannot_be_sent_to_a_worker_is_named(tmp_path: Path) -> None:
    file = tmp_path / "with_a_lock.py"
    file.write_text(
        "import threading\n\nLOCK = threading.Lock()\n\n\ndef held(value):\n    with LOCK:\n        return value\n"
    )
    piece = loaded(file)

    with pytest.raises(
        LabError, match=r"`LOCK` of .*with_a_lock\.py cannot be sent to a worker: cannot pickle"
    ):
        run_stream(lambda s: s.map(piece.held), [row(1)])


def test_a_side_output_is_asked_for_by_its_tag_or_name() -> None:
    late = OutputTag("late")
    result = run_stream(lambda s: (s.map(str), {late: s.filter(lambda v: v > 1)}), [row(1), row(2)])

    assert result.side[late].rows == result.side["late"].rows == [2]
    with pytest.raises(KeyError, match=r"'early' is no side output that was given back\. There are: late"):
        result.side["early"]


def test_inputs_are_given_by_name_where_the_parameters_have_these() -> None:
    def build(right: Any, left: Any) -> Any:
        return left.map(lambda v: f"left {v}").union(right.map(lambda v: f"right {v}"))

    script = [row("a", to="left"), row("b", to="right")]
    assert run_stream(build, script, inputs={"left": None, "right": None}).rows == ["left a", "right b"]


class Raises(KeyedProcessFunction):  # type: ignore[misc]
    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        if value == "now":
            raise KeyError("city")
        ctx.timer_service().register_event_time_timer(ctx.timestamp())
        yield value

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        yield 1 / 0


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ([row("now")], r"test_stream\.py, line \d+, in process_element: KeyError: '?city"),
        ([row("later", at="10:00"), watermark("10:30")], r"test_stream\.py, line \d+, in on_timer: ZeroDivisionError: division by zero"),
        ([crash(), row("now")], r"in process_element: KeyError: '?city"),
        ([row("x", at="10:00"), checkpoint(), crash(), row("now"), crash()], r"in process_element: KeyError: '?city"),
    ],
)  # fmt: skip
def test_an_exception_names_file_line_and_function(script: Any, sentence: str) -> None:
    with pytest.raises(LabError, match=sentence) as error:
        run_stream(lambda s: s.key_by(lambda v: v, Types.STRING()).process(Raises()), script)

    assert "\n" not in str(error.value)
    assert "pemja" not in str(error.value)


def test_a_function_that_never_returns_is_ended_and_the_next_run_works() -> None:
    def stuck(value: Any) -> Any:
        while True:
            pass

    started = time.monotonic()
    with pytest.raises(LabError, match=r"not done within 3 s, and a function in it does not return"):
        run_stream(lambda s: s.map(stuck), [row(1)], timeout=3)

    assert time.monotonic() - started < 30
    assert run_stream(lambda s: s.map(lambda v: v + 1), [row(1)]).rows == [2]


def test_a_flood_of_prints_harms_nothing() -> None:
    def loud(value: Any) -> Any:
        for _ in range(20_000):
            print("x" * 100)  # noqa: T201
        return value

    assert run_stream(lambda s: s.map(loud), [row(1)]).rows == [1]


def test_a_build_function_that_gives_no_stream() -> None:
    with pytest.raises(LabError, match=r"gave NoneType\. A DataStream was expected"):
        run_stream(lambda s: None, [row(1)])


def test_an_error_in_the_build_function_is_its_own() -> None:
    with pytest.raises(ZeroDivisionError):
        run_stream(lambda s: 1 / 0, [row(1)])


def test_side_output_tags_may_be_names() -> None:
    tag = OutputTag("small", Types.LONG())

    class Split(ProcessFunction):  # type: ignore[misc]
        def process_element(self, value: int, ctx: Any) -> Iterator[Any]:
            if value < 10:
                yield tag, value
            else:
                yield value

    def build(stream: Any) -> Any:
        done = stream.process(Split(), Types.LONG())
        return done, {"small ones": done.get_side_output(tag)}

    result = run_stream(build, [row(1), row(11)])

    assert (result.rows, result.side["small ones"].rows) == ([11], [1])


def test_a_process_that_is_started_behind_a_run_does_not_get_its_gateway() -> None:
    assert run_stream(lambda stream: stream.map(lambda value: value), [row(1)]).rows == [1]

    assert "PYFLINK_GATEWAY_PORT" not in os.environ
