"""The second broken submission: its SQL does not parse. `./lab run` shows how long Flink takes to say so."""

from pyflink.table import EnvironmentSettings, TableEnvironment

tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
tables.execute_sql("CREATE TABLE headlines (title STRING) WITH ('connector' = 'datagen')")
tables.execute_sql("CREATE TABLE nowhere (title STRING) WITH ('connector' = 'blackhole')")
tables.execute_sql("INSERT INTO nowhere SELECT title FORM headlines WHERE title <> ''")
