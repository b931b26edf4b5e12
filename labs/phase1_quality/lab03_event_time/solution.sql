-- news_timed, price_timed: the raw rows with their event time and their watermark.
-- A row whose time is missing, wrong or ahead of its own arrival gets the epoch: it stays a row,
-- and it moves nothing.
CREATE TABLE news_timed (
  -- declared again, for a computed column sees only what its own statement declares or the base stores
  kafka_timestamp TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  json AS CAST(record_value AS STRING),
  event_time AS COALESCE(
    CASE
      WHEN REGEXP(JSON_VALUE(CAST(record_value AS STRING), '$.published_at'), '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z\z')
       -- Flink's cast makes the 28th of the 30th of February: only a time that comes back as it was is one
       AND DATE_FORMAT(TRY_CAST(REPLACE(REPLACE(JSON_VALUE(CAST(record_value AS STRING), '$.published_at'), 'T', ' '), 'Z', '')
             AS TIMESTAMP(3)), 'yyyy-MM-dd''T''HH:mm:ss') = SUBSTRING(JSON_VALUE(CAST(record_value AS STRING), '$.published_at'), 1, 19)
       AND CAST(TRY_CAST(REPLACE(REPLACE(JSON_VALUE(CAST(record_value AS STRING), '$.published_at'), 'T', ' '), 'Z', '')
             AS TIMESTAMP(3)) AS TIMESTAMP_LTZ(3)) <= kafka_timestamp + INTERVAL '10' MINUTE
      THEN CAST(TRY_CAST(REPLACE(REPLACE(JSON_VALUE(CAST(record_value AS STRING), '$.published_at'), 'T', ' '), 'Z', '')
             AS TIMESTAMP(3)) AS TIMESTAMP_LTZ(3))
    END,
    TO_TIMESTAMP_LTZ(0, 3)),
  arrival AS PROCTIME(),
  -- one millisecond more than the five minutes: a window fires at its end minus one, and so it fires
  -- exactly when the highest event time minus five minutes has reached its end
  WATERMARK FOR event_time AS event_time - INTERVAL '5' MINUTE - INTERVAL '0.001' SECOND(1, 3)
) LIKE news_raw (OVERWRITING METADATA);

-- A price belongs to the hour of news that starts with it, or (alignment window_end) to the one that ends with
-- it: then its time is an hour earlier, and so is everything that is told from it.
CREATE TABLE price_timed (
  kafka_timestamp TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  json AS CAST(record_value AS STRING),
  event_time AS COALESCE(
    CASE
      WHEN REGEXP(JSON_VALUE(CAST(record_value AS STRING), '$.event_time'), '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z\z')
       -- Flink's cast makes the 28th of the 30th of February: only a time that comes back as it was is one
       AND DATE_FORMAT(TRY_CAST(REPLACE(REPLACE(JSON_VALUE(CAST(record_value AS STRING), '$.event_time'), 'T', ' '), 'Z', '')
             AS TIMESTAMP(3)), 'yyyy-MM-dd''T''HH:mm:ss') = SUBSTRING(JSON_VALUE(CAST(record_value AS STRING), '$.event_time'), 1, 19)
       AND CAST(TRY_CAST(REPLACE(REPLACE(JSON_VALUE(CAST(record_value AS STRING), '$.event_time'), 'T', ' '), 'Z', '')
             AS TIMESTAMP(3)) AS TIMESTAMP_LTZ(3)) <= kafka_timestamp + INTERVAL '10' MINUTE
      THEN CAST(TRY_CAST(REPLACE(REPLACE(JSON_VALUE(CAST(record_value AS STRING), '$.event_time'), 'T', ' '), 'Z', '')
             AS TIMESTAMP(3)) AS TIMESTAMP_LTZ(3)) - INTERVAL '${price_hours_back}' HOUR
    END,
    TO_TIMESTAMP_LTZ(0, 3)),
  arrival AS PROCTIME(),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' MINUTE - INTERVAL '0.001' SECOND(1, 3)
) LIKE price_raw (OVERWRITING METADATA);

-- closed_until: how far the row's own Kafka partition had closed when the row arrived. It is state, so a
-- restart remembers it (CURRENT_WATERMARK does not), and it does not depend on the other partitions.
CREATE VIEW news_seen AS
SELECT
  *,
  -- the cast makes it an ordinary time: two time attributes in one row confuse the planner
  CAST(MAX(event_time) OVER (
    PARTITION BY kafka_partition ORDER BY arrival
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS TIMESTAMP_LTZ(3)) - INTERVAL '5' MINUTE AS closed_until
FROM news_timed;

CREATE VIEW price_seen AS
SELECT
  *,
  CAST(MAX(event_time) OVER (
    PARTITION BY kafka_partition ORDER BY arrival
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS TIMESTAMP_LTZ(3)) - INTERVAL '5' MINUTE AS closed_until
FROM price_timed;
