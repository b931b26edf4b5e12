"""A PyFlink StreamTableEnvironment for jobs that mix SQL and DataStream, each operator with a uid of its own.

The planner names its operators by counters that depend on what the client planned before; a savepoint
would then fit only by luck. `run_with_uids` gives every operator that has no uid one made of its name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labkit.table_env import OPTIONS, as_sentence, configuration

if TYPE_CHECKING:
    from pyflink.common.typeinfo import RowTypeInfo
    from pyflink.datastream import DataStream, KeyedStream, StreamExecutionEnvironment
    from pyflink.table import StreamTableEnvironment

    from labkit.services.stack import Stack


def stream_environment(stack: Stack | None, options: Mapping[str, str]) -> StreamTableEnvironment:
    """A StreamTableEnvironment that submits to this stack's cluster; None: to the one `flink run` names.

    Raises LabError: the cluster does not answer.
    """
    remote = configuration(stack, options) if stack else None

    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.java_gateway import get_gateway
    from pyflink.table import StreamTableEnvironment

    if remote is None:
        conf = Configuration()
        for key, value in {**OPTIONS, **options}.items():
            conf.set_string(key, value)
        environment = StreamExecutionEnvironment.get_execution_environment(conf)
    else:
        # get_execution_environment would take execution.target for `local`, whatever it says
        java = get_gateway().jvm.org.apache.flink.streaming.api.environment
        environment = StreamExecutionEnvironment(java.StreamExecutionEnvironment(remote._j_configuration))
    return StreamTableEnvironment.create(environment)


def run_with_uids(environment: StreamExecutionEnvironment, name: str) -> str:
    """Submit what the environment holds, after giving each operator a uid; the job's id.

    Raises LabError: the job is refused.
    """
    give_uids(environment)
    with as_sentence(f"The job {name} was refused"):
        client = environment.execute_async(name)
    return str(client.get_job_id())


def give_uids(environment: StreamExecutionEnvironment) -> list[str]:
    """Give every transformation without a uid one made of its name; all uids, sources first.

    The same job planned again, in whatever process and at whatever parallelism, gets the same uids.
    """
    seen: Counter[str] = Counter()
    uids = []
    for transformation in transformations(environment):
        if transformation.getUid() is None:
            name = re.sub(r"\[\d+\]", "", transformation.getName())
            name = re.sub(r"[^\w-]+", "-", name)[:80].strip("-")
            seen[name] += 1
            transformation.setUid(f"{name}-{seen[name]}")
        uids.append(transformation.getUid())
    return uids


def keyed_by_first(table: DataStream, row: RowTypeInfo) -> KeyedStream:
    """A table's rows (key, value, …), keyed by their first field; a keyed function is given the second.

    What `key_by(lambda row: row[0])` would give, but by Java: that makes an operator of Python before the
    shuffle, and with it a worker process more for each of its subtasks. row: the type of the rows, for their
    serializers; `to_data_stream` gives them one of the table's, which PyFlink's keyed operators cannot read.
    """
    from pyflink.common import Types
    from pyflink.datastream import KeyedStream
    from pyflink.java_gateway import get_gateway

    rows, (key, value, *_) = table._j_data_stream, row.get_field_types()
    rows.getTransformation().setOutputType(row.get_java_type_info())
    by_first = get_gateway().jvm.KeyByKeySelector()
    return KeyedStream(rows.keyBy(by_first, Types.ROW([key]).get_java_type_info()), value, table)


def in_one_subtask(stream: DataStream) -> None:
    """Give this stream, and all that feeds it, parallelism 1: it keeps the order of one partition."""
    waiting = [stream._j_data_stream.getTransformation()]
    while waiting:
        transformation = waiting.pop()
        transformation.setParallelism(1)
        waiting.extend(transformation.getInputs())


def transformations(environment: StreamExecutionEnvironment) -> list[Any]:
    """Every transformation of the environment once, inputs before what they feed."""
    found: dict[int, Any] = {}

    def visit(transformation: Any) -> None:
        if transformation.getId() in found:
            return
        for before in transformation.getInputs():
            visit(before)
        found[transformation.getId()] = transformation

    for root in environment._j_stream_execution_environment.getTransformations():
        visit(root)
    return list(found.values())
