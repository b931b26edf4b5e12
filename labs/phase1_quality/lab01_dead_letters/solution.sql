-- The gate: every row is valid, dead with a reason, or a heartbeat; never none of them, never two.
-- The first reason that applies is the one that is written down.
-- Flink's JSON functions read the first value of a text and ignore what stands behind it. Only a text that is one
-- value and nothing else still parses between both pairs of brackets.
-- A number is asked for as an array of one: [2.5] is a number, ["2.5"] is a text that looks like one.
CREATE VIEW news_gate AS
SELECT
  *,
  CASE
    -- bytes that are no UTF-8 become replacement characters, and then a text that looks right
    WHEN json IS NULL OR json IS NOT JSON OBJECT OR ENCODE(json, 'UTF-8') <> record_value
      OR '[' || json || ']' IS NOT JSON ARRAY OR '{"":' || json || '}' IS NOT JSON OBJECT THEN 'not a JSON object'
    WHEN event_time <= TO_TIMESTAMP_LTZ(0, 3)
      THEN 'published_at is not a UTC time that has come'
    WHEN JSON_VALUE(json, '$.kind') = 'heartbeat' THEN CAST(NULL AS STRING)
    WHEN COALESCE(JSON_VALUE(json, '$.market_slug'), '') = '' THEN 'market_slug is missing'
    -- it is part of keys and of table rows: no NUL, no half of a surrogate pair, nothing longer than an index takes
    WHEN NOT REGEXP(JSON_VALUE(json, '$.market_slug'), '^[A-Za-z0-9._~-]{1,200}\z') THEN 'market_slug is not a slug'
    WHEN COALESCE(JSON_VALUE(json, '$.item_id'), '') = '' THEN 'item_id is missing'
    WHEN COALESCE(JSON_VALUE(json, '$.source'), '') = '' THEN 'source is missing'
    -- before anything is rounded; and NULL is neither above nor below: what is missing must not slip through
    WHEN (ABS(TRY_CAST(score AS DOUBLE)) < 1000000) IS NOT TRUE THEN 'article_score is not a number'
    WHEN (TRY_CAST(weight AS DOUBLE) BETWEEN 0 AND 1) IS NOT TRUE THEN 'source_weight is not between 0 and 1'
  END AS reason,
  COALESCE(JSON_VALUE(json, '$.kind') = 'heartbeat', FALSE) AS is_heartbeat
FROM (
  SELECT
    *,
    REGEXP_EXTRACT(JSON_QUERY(json, '$.article_score' WITH UNCONDITIONAL ARRAY WRAPPER), '^\[([^"\[\]]+)\]$', 1) AS score,
    REGEXP_EXTRACT(JSON_QUERY(json, '$.source_weight' WITH UNCONDITIONAL ARRAY WRAPPER), '^\[([^"\[\]]+)\]$', 1) AS weight
  FROM news_seen);

CREATE VIEW news_valid AS
SELECT
  JSON_VALUE(json, '$.market_slug') AS market_slug,
  JSON_VALUE(json, '$.item_id') AS item_id,
  JSON_VALUE(json, '$.title') AS title,
  JSON_VALUE(json, '$.link') AS link,
  JSON_VALUE(json, '$.source') AS source,
  TRY_CAST(score AS DECIMAL(16, 6)) AS article_score,
  TRY_CAST(weight AS DECIMAL(10, 6)) AS source_weight,
  event_time, closed_until, arrival, record_key, json, kafka_partition, kafka_offset
FROM news_gate
WHERE reason IS NULL AND NOT is_heartbeat;

CREATE VIEW news_heartbeat AS
SELECT event_time FROM news_gate WHERE reason IS NULL AND is_heartbeat;

CREATE VIEW news_dead AS
SELECT
  record_key,
  record_value AS original,
  reason,
  'gate' AS stage,
  kafka_topic AS source_topic,
  kafka_partition AS source_partition,
  kafka_offset AS source_offset,
  kafka_timestamp AS first_seen
FROM news_gate
WHERE reason IS NOT NULL;
