-- What the job `detector` reads: bytes again, for whatever is in the topics has to become a row.
CREATE TABLE hours (
  record_value    BYTES,
  kafka_timestamp TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  -- an hour's row tells that the hour has begun; its end is told by the heartbeat behind all rows of the hour
  event_time AS COALESCE(
    CASE
      WHEN CAST(TRY_CAST(REPLACE(REPLACE(
             CASE WHEN JSON_VALUE(CAST(record_value AS STRING), '$.kind') = 'heartbeat'
               THEN JSON_VALUE(CAST(record_value AS STRING), '$.window_end')
               ELSE JSON_VALUE(CAST(record_value AS STRING), '$.window_start') END,
             'T', ' '), 'Z', '') AS TIMESTAMP(3)) AS TIMESTAMP_LTZ(3)) <= kafka_timestamp + INTERVAL '10' MINUTE
      THEN CAST(TRY_CAST(REPLACE(REPLACE(
             CASE WHEN JSON_VALUE(CAST(record_value AS STRING), '$.kind') = 'heartbeat'
               THEN JSON_VALUE(CAST(record_value AS STRING), '$.window_end')
               ELSE JSON_VALUE(CAST(record_value AS STRING), '$.window_start') END,
             'T', ' '), 'Z', '') AS TIMESTAMP(3)) AS TIMESTAMP_LTZ(3))
    END,
    TO_TIMESTAMP_LTZ(0, 3)),
  WATERMARK FOR event_time AS event_time
) WITH (
  'connector' = 'kafka',
  'topic' = '${hours_topic}',
  ${kafka_properties},
  'properties.group.id' = '${group}',
  'properties.isolation.level' = 'read_committed',
  'scan.startup.mode' = 'earliest-offset',
  'scan.watermark.emit.strategy' = 'on-event',
  'format' = 'raw'
);

CREATE TABLE metas (
  record_value    BYTES,
  kafka_timestamp TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  event_time AS COALESCE(
    CASE
      WHEN JSON_VALUE(CAST(record_value AS STRING), '$.fetched_at') LIKE '____-__-__T__:__:__%Z'
       AND CAST(TRY_CAST(REPLACE(REPLACE(JSON_VALUE(CAST(record_value AS STRING), '$.fetched_at'), 'T', ' '), 'Z', '')
             AS TIMESTAMP(3)) AS TIMESTAMP_LTZ(3)) <= kafka_timestamp + INTERVAL '10' MINUTE
      THEN CAST(TRY_CAST(REPLACE(REPLACE(JSON_VALUE(CAST(record_value AS STRING), '$.fetched_at'), 'T', ' '), 'Z', '')
             AS TIMESTAMP(3)) AS TIMESTAMP_LTZ(3))
    END,
    TO_TIMESTAMP_LTZ(0, 3)),
  -- one millisecond less than the time itself: a market that is told at an hour's end counts for that hour
  WATERMARK FOR event_time AS event_time - INTERVAL '0.001' SECOND(1, 3)
) WITH (
  'connector' = 'kafka',
  'topic' = '${metas_topic}',
  ${kafka_properties},
  'properties.group.id' = '${group}',
  'properties.isolation.level' = 'read_committed',
  'scan.startup.mode' = 'earliest-offset',
  -- one partition, one reader: a second would have nothing to read, and its watermark would stand still
  'scan.parallelism' = '1',
  'scan.watermark.emit.strategy' = 'on-event',
  'format' = 'raw'
);
