-- The gate: every row is valid, dead with a reason, or a heartbeat; never none of them, never two.
-- The first reason that applies is the one that is written down.
CREATE VIEW news_gate AS
SELECT
  *,
  CASE
    -- bytes that are no UTF-8 become replacement characters, and then a text that looks right
    WHEN json IS NULL OR json IS NOT JSON OBJECT OR ENCODE(json, 'UTF-8') <> record_value THEN 'not a JSON object'
    WHEN event_time <= TO_TIMESTAMP_LTZ(0, 3)
      THEN 'published_at is not a UTC time that has come'
    WHEN JSON_VALUE(json, '$.kind') = 'heartbeat' THEN CAST(NULL AS STRING)
    WHEN COALESCE(JSON_VALUE(json, '$.market_slug'), '') = '' THEN 'market_slug is missing'
    WHEN COALESCE(JSON_VALUE(json, '$.item_id'), '') = '' THEN 'item_id is missing'
    WHEN COALESCE(JSON_VALUE(json, '$.source'), '') = '' THEN 'source is missing'
    WHEN TRY_CAST(JSON_VALUE(json, '$.article_score') AS DECIMAL(10, 4)) IS NULL THEN 'article_score is not a number'
    WHEN TRY_CAST(JSON_VALUE(json, '$.source_weight') AS DECIMAL(3, 2)) IS NULL
      OR TRY_CAST(JSON_VALUE(json, '$.source_weight') AS DECIMAL(3, 2)) NOT BETWEEN 0 AND 1
      THEN 'source_weight is not between 0 and 1'
  END AS reason,
  COALESCE(JSON_VALUE(json, '$.kind') = 'heartbeat', FALSE) AS is_heartbeat
FROM news_seen;

CREATE VIEW news_valid AS
SELECT
  JSON_VALUE(json, '$.market_slug') AS market_slug,
  JSON_VALUE(json, '$.item_id') AS item_id,
  JSON_VALUE(json, '$.title') AS title,
  JSON_VALUE(json, '$.link') AS link,
  JSON_VALUE(json, '$.source') AS source,
  TRY_CAST(JSON_VALUE(json, '$.article_score') AS DECIMAL(10, 4)) AS article_score,
  TRY_CAST(JSON_VALUE(json, '$.source_weight') AS DECIMAL(3, 2)) AS source_weight,
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
