"""A PyFlink job for the test of `./lab run`: doubles ten numbers in a Python worker and ends."""

from pyflink.table import DataTypes, EnvironmentSettings, TableEnvironment
from pyflink.table.udf import udf


@udf(result_type=DataTypes.BIGINT())
def double(number):
    return number * 2


environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
environment.get_config().set("pipeline.name", "count-job")
environment.create_temporary_function("twice", double)
environment.execute_sql(
    "CREATE TABLE ten (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '10', "
    "'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '10')"
)
environment.execute_sql("CREATE TABLE doubled (n BIGINT) WITH ('connector' = 'print')")
environment.execute_sql("INSERT INTO doubled SELECT twice(n) FROM ten")
