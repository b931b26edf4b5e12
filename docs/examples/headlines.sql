-- A Kafka topic as a table: write three rows into it, then count them by source as they come out.
CREATE TABLE headlines (
  source STRING,
  title  STRING
) WITH (
  'connector' = 'kafka',
  'topic' = 'headlines',
  'properties.bootstrap.servers' = '${kafka}',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset',  -- stop where the topic ends now; without it the query never ends
  'format' = 'json'
);

SET 'table.dml-sync' = 'true';  -- wait until the INSERT is done before the next statement

INSERT INTO headlines VALUES
  ('Reuters',   'Fed officials weigh another rate hike'),
  ('Bloomberg', 'Markets drift before the jobs report'),
  ('Reuters',   'A dovish voter leaves the Fed');

SELECT source, COUNT(*) AS mentions FROM headlines GROUP BY source;
