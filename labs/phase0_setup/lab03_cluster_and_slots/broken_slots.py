"""The first broken submission: it asks for more subtasks than any cluster of this course has slots."""

from pyflink.common import Configuration
from pyflink.table import EnvironmentSettings, TableEnvironment

options = Configuration()
options.set_string("parallelism.default", "64")
tables = TableEnvironment.create(EnvironmentSettings.new_instance().with_configuration(options).build())
tables.execute_sql(
    "CREATE TABLE headlines (title STRING) WITH ('connector' = 'datagen', 'rows-per-second' = '1')"
)
tables.execute_sql("CREATE TABLE nowhere (title STRING) WITH ('connector' = 'blackhole')")
tables.execute_sql("INSERT INTO nowhere SELECT title FROM headlines")
