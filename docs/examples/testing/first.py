"""A function of one's own, tested in memory, and on Flink with a crash."""

from pyflink.common import Types
from pyflink.datastream import DataStream, KeyedProcessFunction
from pyflink.datastream.state import ValueStateDescriptor

from labkit.testing import checkpoint, crash, harness, row, run_stream


class Nth(KeyedProcessFunction):
    """Each city with how often it has been there so far."""

    def open(self, context):
        self._n = context.get_state(ValueStateDescriptor("n", Types.LONG()))

    def process_element(self, value, ctx):
        self._n.update((self._n.value() or 0) + 1)
        yield value, self._n.value()


def numbered(cities: DataStream) -> DataStream:
    return cities.key_by(lambda city: city, Types.STRING()).process(Nth())


def test_each_city_is_counted_in_memory() -> None:
    assert harness(Nth(), key=str).play([row("Oslo"), row("Rome"), row("Oslo")]).rows == [
        ("Oslo", 1), ("Rome", 1), ("Oslo", 2)]  # fmt: skip


def test_a_count_outlives_a_crash_on_flink() -> None:
    result = run_stream(numbered, [row("Oslo"), checkpoint(), row("Rome"), crash(), row("Oslo")])

    assert result.rows == [("Oslo", 1), ("Rome", 1), ("Oslo", 2)]
