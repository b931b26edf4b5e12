"""The job `detector`: an hour's signal with its price -> is it a lag signal, and how sure are we?

    hours (SQL source) -> keyed by market -+-> Detect -> lag_signals, lag_signals_history
    metas (SQL source) -> broadcast -------+         \\-> dlq.processing

An hour is judged by an event-time timer at its end: by then both topics have told all that was known at that
time (each carries heartbeats), so that the answer is the same whichever of the two was read first.

./lab run capstone_marketlag/jobs/detector.py     settings from MARKETLAG_…, or the services of ./lab up
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import DataStream, OutputTag, RuntimeContext, StreamExecutionEnvironment
from pyflink.datastream.functions import KeyedBroadcastProcessFunction
from pyflink.datastream.state import MapStateDescriptor, ValueStateDescriptor
from pyflink.table import StreamTableEnvironment

from capstone_marketlag import local, logs, pieces, tables, topics
from capstone_marketlag.application import GROUPS
from capstone_marketlag.jobs.common import SQL, connectors, filled_statements, options, run_file
from capstone_marketlag.settings import Settings
from capstone_marketlag.wire import to_wire
from labkit.stream_env import in_one_subtask, keyed_by_first, run_with_uids, stream_environment
from labkit.table_env import as_sentence, execute

NAME = "detector"
SINK = "jdbc_sink"
PIECES = ("datastream_basics", "state", "timers", "side_outputs", "enrichment", "confidence")

FAILED_TYPE = Types.ROW_NAMED(
    ["record_key", "record", "job", "error_type", "message", "failed_at"], [Types.STRING()] * 6
)
FAILED = OutputTag("failed", FAILED_TYPE)
MARKETS = MapStateDescriptor("markets", Types.STRING(), Types.STRING())

#: market, record, event time
HOUR_TYPE = Types.ROW([Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE()), Types.INSTANT()])

_TEXT, _LONG = Types.STRING(), Types.LONG()
LAG_TYPE = Types.ROW_NAMED(
    ["market", "question", "window_start", "signal_delta", "max_signal_delta", "price_delta", "lag_flag",
     "confidence", "rss_signal", "prev_rss_signal", "source_weight_avg", "price", "prev_price",
     "price_status", "detected_at"],
    [_TEXT, _TEXT, _LONG, _TEXT, _TEXT, _TEXT, Types.BOOLEAN(), *[_TEXT] * 7, _LONG],
)  # fmt: skip

log = logs.get("job.detector")

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
#: the watermark behind the last record: no time
_END = 2**63 - 1


class _Parts:
    """The detector's pieces, loaded from their files where the worker runs."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def __getattr__(self, slug: str) -> ModuleType:
        return pieces.load(slug, Path(self._files[slug]))


class Detect(KeyedBroadcastProcessFunction):  # type: ignore[misc]
    """The rules of a lag signal over one market's hours."""

    def __init__(
        self,
        files: dict[str, str],
        signal_threshold: Decimal,
        price_threshold: Decimal,
        log_format: str,
    ) -> None:
        self._files, self._log_format = files, log_format
        self._signal, self._price = signal_threshold, price_threshold

    def open(self, runtime_context: RuntimeContext) -> None:
        logs.configure(self._log_format, worker=True)
        self._parts = _Parts(self._files)
        self._is_first = runtime_context.get_index_of_this_subtask() == 0
        self._thresholds = self._parts.confidence.Thresholds(self._signal, self._price)
        self._waiting = runtime_context.get_map_state(MapStateDescriptor("waiting", _LONG, _TEXT))
        self._changes = self._parts.state.Changes()
        self._changes.open(runtime_context)
        self._last = runtime_context.get_state(ValueStateDescriptor("last_window_start", _LONG))
        metrics = runtime_context.get_metrics_group()
        self._flags, self._unobserved = metrics.counter("flags"), metrics.counter("flags_without_price")
        self._quiet, self._errors = metrics.counter("quiet_hours"), metrics.counter("errors")

    def process_element(
        self, value: bytes, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext
    ) -> Iterator[Any]:
        text = _text(value)
        try:
            hour = self._parts.datastream_basics.hour(text)
        except Exception as error:  # noqa: BLE001  a piece is somebody's code: its failure is data here
            yield FAILED, self._failed(text, error)
            return
        if hour is not None:
            self._waiting.put(hour.window_end, text)
            ctx.timer_service().register_event_time_timer(hour.window_end)

    def process_broadcast_element(
        self, value: Row, ctx: KeyedBroadcastProcessFunction.Context
    ) -> Iterator[Any]:
        if value[1] is None:  # a tombstone: its market was deleted from the compacted topic
            return
        text = _text(value[1])
        try:
            self._parts.enrichment.remember(ctx.get_broadcast_state(MARKETS), *self._told(text))
        except Exception as error:  # noqa: BLE001
            if self._is_first:  # every subtask gets every record
                yield FAILED, self._failed(text, error)

    def on_timer(self, timestamp: int, ctx: KeyedBroadcastProcessFunction.OnTimerContext) -> Iterator[Any]:
        record = self._waiting.get(timestamp)
        if record is not None:
            self._waiting.remove(timestamp)
        try:
            if record is not None:
                yield self._judge(record, ctx)
            self._look_back(timestamp, ctx)
        except Exception as error:  # noqa: BLE001
            yield FAILED, self._failed(record or "", error, ctx.get_current_key())

    def _look_back(self, now: int, ctx: Any) -> None:
        """Notice an hour without news, and let go of what is too old to matter."""
        timers, last = self._parts.timers, self._last.value()
        if timers.is_quiet(last, now):
            self._quiet.inc()
            about = {"key": ctx.get_current_key(), "event_time": _time(now - timers.HOUR_MS)}
            reached = ctx.timer_service().current_watermark()
            log.info("no news for an hour", extra={**about, "watermark": _time(reached)})
        self._changes.forget(now)
        if last is not None and last + timers.KEPT_MS <= now:
            self._last.clear()

    def _judge(self, record: str, ctx: Any) -> Row:
        parts = self._parts
        hour = parts.datastream_basics.hour(record)
        self._changes.remember(hour)
        self._last.update(hour.window_start)
        for moment in parts.timers.timers(hour.window_start):
            ctx.timer_service().register_event_time_timer(moment)
        highest = self._changes.highest(hour)
        meta = parts.enrichment.as_of(ctx.get_broadcast_state(MARKETS), hour.market, hour.window_end)
        flag = parts.confidence.lag_flag(
            hour.signal_delta, hour.price_delta, self._thresholds
        ) and parts.enrichment.still_open(meta, hour.window_end)
        sure = None
        if hour.signal_delta is not None:
            sure = parts.confidence.confidence(
                hour.signal_delta, highest, hour.price_delta, hour.source_weight_avg
            )
        if flag:
            self._flags.inc()
            if hour.price_status != "observed":
                self._unobserved.inc()
        return Row(
            hour.market, meta.question if meta else None, hour.window_start, _decimal(hour.signal_delta),
            _decimal(highest), _decimal(hour.price_delta), flag, _decimal(sure), _decimal(hour.signal),
            _decimal(hour.prev_signal), _decimal(hour.source_weight_avg), _decimal(hour.price),
            _decimal(hour.prev_price), hour.price_status, _milliseconds(datetime.now(timezone.utc)),
        )  # fmt: skip

    def _told(self, text: str) -> tuple[str, int, str, int | None]:
        """A record of market_meta: market, fetched_at, question, close_time; times in event-time ms, UTC."""
        meta = json.loads(text)
        basics = self._parts.datastream_basics
        moment = basics.milliseconds
        closes = meta.get("close_time")
        # a text that PostgreSQL takes: no NUL, no half of a surrogate pair
        question = str(meta.get("question") or "").replace("\0", "").encode(errors="replace").decode()
        return (
            basics.slug(str(meta["market_slug"])),
            moment(meta["fetched_at"]),
            question,
            moment(closes) if closes else None,
        )

    def _failed(self, text: str, error: BaseException, key: str = "") -> Row:
        self._errors.inc()
        letter = self._parts.side_outputs.failure(text, error, datetime.now(timezone.utc))
        return Row(key, *(letter[name] for name in ("record", "job", "error_type", "message", "failed_at")))


def job_options(settings: Settings) -> dict[str, str]:
    """What the job asks of Flink: every operator needs a uid, or it is refused."""
    return {**options(settings, NAME), "pipeline.auto-generate-uids": "false"}


def submit(environment: StreamTableEnvironment, settings: Settings) -> str:
    """Run the detector on the cluster of that environment; the job's id. Raises LabError: it is refused."""
    return run_with_uids(build(environment, settings), NAME)


def build(environment: StreamTableEnvironment, settings: Settings) -> StreamExecutionEnvironment:
    """The whole job in its environment, from its sources to its sinks; nothing runs yet."""
    for file in ("detector_sources", "detector_sinks"):
        run_file(environment, SQL / f"{file}.sql", values(settings))
    files = {slug: str(pieces.path(slug)) for slug in PIECES}
    metas = _stream(environment, "metas")
    in_one_subtask(metas)  # versions of a market in the order in which they were told
    lags, failures = detect(
        _stream(environment, "hours"), metas, files,
        settings.signal_threshold, settings.price_threshold, settings.log_format,
    )  # fmt: skip
    environment.create_temporary_view("lags", lags)
    environment.create_temporary_view("failures", failures)
    inserts = environment.create_statement_set()
    for part in (SQL / "detector.sql", pieces.path(SINK)):
        for name, statement in filled_statements(part, values(settings)):
            if statement.text.upper().startswith("INSERT"):
                with as_sentence(f"{name}, line {statement.line} ({statement.text.splitlines()[0]})"):
                    inserts.add_insert_sql(statement.text)
            else:
                execute(environment, statement, name)
    inserts.attach_as_datastream()
    return StreamExecutionEnvironment(environment._j_tenv.execEnv())


def detect(
    hours: DataStream,
    metas: DataStream,
    files: dict[str, str],
    signal_threshold: Decimal,
    price_threshold: Decimal,
    log_format: str,
) -> tuple[DataStream, DataStream]:
    """Judged hours (LAG_TYPE) and failures (FAILED_TYPE) of these two streams of (market, record) rows."""
    judged = (
        keyed_by_first(hours, HOUR_TYPE)
        .connect(metas.broadcast(MARKETS))
        .process(Detect(files, signal_threshold, price_threshold, log_format), LAG_TYPE)
        .name("detect")
        .uid("detect-v1")
    )
    return judged, judged.get_side_output(FAILED)


def _stream(environment: StreamTableEnvironment, table: str) -> DataStream:
    """Its records with their market; not the heartbeats, which have moved time already."""
    value = "CAST(record_value AS STRING)"
    return environment.to_data_stream(
        environment.sql_query(f"""
            SELECT COALESCE(JSON_VALUE({value}, '$.market_slug'), ''), record_value, event_time FROM {table}
            WHERE JSON_VALUE({value}, '$.kind') IS DISTINCT FROM 'heartbeat'""")
    )


def values(settings: Settings) -> dict[str, str]:
    """What the job's SQL files leave open."""
    return {
        "hours_topic": topics.SIGNALS_WITH_PRICE,
        "metas_topic": topics.MARKET_META,
        "group": GROUPS[NAME],
        "prefix": GROUPS[NAME],
        **connectors(settings),
    }


def _text(data: bytes | None) -> str:
    return bytes(data or b"").decode(errors="replace")


def _decimal(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")


def _time(ms: int) -> str:
    """An event time as on the wire."""
    return "end" if ms == _END else to_wire(_EPOCH + timedelta(milliseconds=ms))


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def main() -> None:
    """Submit the job to the cluster that `flink run` names. Raises LabError: as submit does."""
    settings = local.settings()
    topics.ensure(settings)
    tables.ensure(settings)
    submit(stream_environment(None, job_options(settings)), settings)


if __name__ == "__main__":
    main()
