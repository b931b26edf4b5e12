"""PyFlink's DataStream on scripts: the user's function of streams between scripted sources and recorders."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.testing import results
from labkit.testing.failures import told_by_java
from labkit.testing.flink import Flink, Job, flink
from labkit.testing.results import Result, Sides
from labkit.testing.schema import Schema, parse
from labkit.testing.script import ROW, Script, Step, crashes, single, stepwise
from labkit.testing.usercode import by_value, dumps

if TYPE_CHECKING:
    from pyflink.datastream import DataStream

_MAIN = "result"


def run_stream(
    build: Callable[..., Any],
    script: Script | Mapping[str, Script],
    *,
    inputs: Any = None,
    options: Mapping[str, str] | None = None,
    each_step: bool = False,
    timeout: float = 30.0,
) -> Result:
    """What the streams that `build` makes give when its inputs arrive as the script says.

    build: a function of one DataStream for each input that returns a DataStream, or one and a dict of side
    outputs (tag -> DataStream); these are result.side[tag]. inputs: the type of the input's elements: the
    columns of a row as in CREATE TABLE, a PyFlink type, or None for Python objects; a dict of them for
    several inputs. Records have the timestamp `at`; watermarks are the script's, or those of a strategy
    that `build` assigns: that one speaks after every record. Raises LabError: a function raised (its file,
    line and words), the job failed or took too long.
    """
    types = dict(inputs) if isinstance(inputs, Mapping) else {"input": inputs}
    steps = single(script, list(types))
    if each_step:
        steps = stepwise(steps)
    with flink() as it, by_value() as files:
        it.pyflink()
        job = _built(it, build, types, options or {}, crashes(steps))
        running = job.submit("the script", steps, _records(steps, types))
        lines = running.wait(timeout, files)
    found = {name: results.result(name, lines, running.script) for name in job.recorders}
    main = found.pop(_MAIN)
    main.side = Sides(found)
    return main


def _built(
    it: Flink, build: Callable[..., Any], types: Mapping[str, Any], options: Mapping[str, str], restarts: int
) -> Job:
    from pyflink.datastream import StreamExecutionEnvironment

    environment = it.environment(options, restarts)
    python = StreamExecutionEnvironment(environment)
    job = Job(it, environment)
    with told_by_java("The inputs"):
        streams = [
            _stream(it, job, number, name, type_) for number, (name, type_) in enumerate(types.items())
        ]
    with told_by_java("The job"):
        for name, stream in _outputs(_built_by(build, dict(zip(types, streams, strict=True)))).items():
            client = it.java.scripted.Client
            job.recorders[name] = client.record(stream._j_data_stream, name, _is_pickled(stream))
        it.java.scripted.Client.onEveryRecord(environment)
        python._generate_stream_graph(clear_transformations=False)
    return job


def _stream(it: Flink, job: Job, number: int, name: str, type_: Any) -> DataStream:
    from pyflink.datastream import DataStream

    client = it.java.scripted.Client
    if isinstance(type_, str):
        job.sources[name] = client.external(number, parse(name, type_).row_type)
    else:
        job.sources[name] = client.objects(number)
    stream = DataStream(client.stream(job.environment, job.sources[name], name))
    return stream if type_ is None or isinstance(type_, str) else stream.map(lambda value: value, type_)


def _built_by(build: Callable[..., Any], streams: Mapping[str, DataStream]) -> Any:
    """What the user's function makes of its inputs: by name where its parameters have these, or in order."""
    if set(inspect.signature(build).parameters) == set(streams):
        return build(**streams)
    return build(*streams.values())


def _outputs(built: Any) -> dict[str, DataStream]:
    """The streams that shall be recorded, by name."""
    from pyflink.datastream import DataStream, OutputTag

    main, side = built if isinstance(built, tuple) and len(built) == 2 else (built, {})
    if not isinstance(main, DataStream) or not isinstance(side, Mapping):
        raise LabError(
            f"The function gave {type(built).__name__}.",
            "A DataStream was expected, or a DataStream and a dict of side outputs.",
        )
    names = {tag.tag_id if isinstance(tag, OutputTag) else str(tag): stream for tag, stream in side.items()}
    return {_MAIN: main, **names}


def _is_pickled(stream: DataStream) -> bool:
    from pyflink.common.typeinfo import PickledBytesTypeInfo

    return isinstance(stream.get_type(), PickledBytesTypeInfo)


def _records(steps: Sequence[Step], types: Mapping[str, Any]) -> list[Any]:
    schemas = {name: parse(name, type_) for name, type_ in types.items() if isinstance(type_, str)}
    return [_record(step, schemas.get(step.to or "")) if step.kind == ROW else None for step in steps]


def _record(step: Step, schema: Schema | None) -> tuple[int | None, str]:
    if schema is not None:
        return schema.time_of(step), json.dumps(schema.record(step))
    value = step.value if step.value is not None else dict(step.fields)
    return step.at, base64.b64encode(dumps(value)).decode()
