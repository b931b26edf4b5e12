-- Job 2: the price of YES in each hour. What cannot be a price is dead with its reason; what the producer had to
-- carry over or to clamp stays, under that name.
CREATE VIEW price_gate AS
SELECT
  *,
  CASE
    WHEN json IS NULL OR json IS NOT JSON OBJECT OR ENCODE(json, 'UTF-8') <> record_value
      OR '[' || json || ']' IS NOT JSON ARRAY OR '{"":' || json || '}' IS NOT JSON OBJECT THEN 'not a JSON object'
    WHEN event_time <= TO_TIMESTAMP_LTZ(0, 3)
      THEN 'event_time is not a UTC time that has come'
    WHEN JSON_VALUE(json, '$.kind') = 'heartbeat' THEN CAST(NULL AS STRING)
    WHEN COALESCE(JSON_VALUE(json, '$.market_slug'), '') = '' THEN 'market_slug is missing'
    WHEN NOT REGEXP(JSON_VALUE(json, '$.market_slug'), '^[A-Za-z0-9._~-]{1,200}\z') THEN 'market_slug is not a slug'
    WHEN COALESCE(JSON_VALUE(json, '$.outcome'), '') = '' THEN 'outcome is missing'
    WHEN CAST(event_time AS TIMESTAMP_LTZ(3)) <> FLOOR(CAST(event_time AS TIMESTAMP_LTZ(3)) TO HOUR)
      THEN 'event_time is not a full hour'
    -- NULL is neither between nor not between: a price that is missing must not slip through
    WHEN (TRY_CAST(quoted AS DOUBLE) BETWEEN 0 AND 1) IS NOT TRUE THEN 'price is not between 0 and 1'
    WHEN (TRY_CAST(moved AS DOUBLE) BETWEEN -1 AND 1) IS NOT TRUE THEN 'price_delta is not between -1 and 1'
    WHEN COALESCE(JSON_VALUE(json, '$.price_status'), '') NOT IN ('observed', 'carried', 'clamped')
      THEN 'price_status is not observed, carried or clamped'
  END AS reason,
  COALESCE(JSON_VALUE(json, '$.kind') = 'heartbeat', FALSE) AS is_heartbeat
FROM (
  SELECT
    *,
    REGEXP_EXTRACT(JSON_QUERY(json, '$.price' WITH UNCONDITIONAL ARRAY WRAPPER), '^\[([^"\[\]]+)\]$', 1) AS quoted,
    REGEXP_EXTRACT(JSON_QUERY(json, '$.prev_price' WITH UNCONDITIONAL ARRAY WRAPPER), '^\[([^"\[\]]+)\]$', 1) AS quoted_before,
    REGEXP_EXTRACT(JSON_QUERY(json, '$.price_delta' WITH UNCONDITIONAL ARRAY WRAPPER), '^\[([^"\[\]]+)\]$', 1) AS moved
  FROM price_seen);

CREATE VIEW price_valid AS
SELECT
  JSON_VALUE(json, '$.market_slug') AS market_slug,
  JSON_VALUE(json, '$.outcome') AS outcome,
  TRY_CAST(quoted AS DECIMAL(10, 6)) AS price,
  -- it is only told on: a row is not dead for it
  CASE WHEN TRY_CAST(quoted_before AS DOUBLE) BETWEEN 0 AND 1 THEN TRY_CAST(quoted_before AS DECIMAL(10, 6)) END
    AS prev_price,
  TRY_CAST(moved AS DECIMAL(10, 6)) AS price_delta,
  JSON_VALUE(json, '$.price_status') AS price_status,
  event_time, closed_until, arrival, record_key, json, kafka_partition, kafka_offset
FROM price_gate
WHERE reason IS NULL AND NOT is_heartbeat;

CREATE VIEW price_dead AS
SELECT
  record_key,
  record_value AS original,
  reason,
  'gate' AS stage,
  kafka_topic AS source_topic,
  kafka_partition AS source_partition,
  kafka_offset AS source_offset,
  kafka_timestamp AS first_seen
FROM price_gate
WHERE reason IS NOT NULL;

-- a run that was repeated sends its hour again: the first price of an outcome and hour stays. In the same spelling
-- as below: YES beside Yes would be two prices of one hour, and the hour of news twice
CREATE VIEW price_first AS
SELECT *, event_time + INTERVAL '1' HOUR <= closed_until AS is_late
FROM (
  SELECT
    market_slug, outcome, price, prev_price, price_delta, price_status,
    event_time, closed_until, record_key, json, kafka_partition, kafka_offset
  FROM (
    SELECT *, ROW_NUMBER() OVER (
      PARTITION BY market_slug, UPPER(outcome), CAST(event_time AS TIMESTAMP_LTZ(3)) ORDER BY arrival ASC) AS sighting
    FROM price_valid)
  WHERE sighting = 1);

CREATE VIEW price_yes AS
SELECT market_slug, price, prev_price, price_delta, price_status, event_time
FROM price_first
WHERE NOT is_late AND UPPER(outcome) = 'YES';

CREATE VIEW price_late AS
SELECT *, TIMESTAMPDIFF(SECOND, event_time + INTERVAL '1' HOUR, closed_until) AS late_by_seconds
FROM price_first
WHERE is_late;
