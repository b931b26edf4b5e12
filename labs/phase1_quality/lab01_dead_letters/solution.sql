-- news_valid, news_heartbeat, news_dead: the gate. Each record is in exactly one of the three, never in none of them,
-- and a dead one has its bytes and its reason.
-- In: news_seen, every record of the topic as it came: its bytes, the same as a text (json), the event time that the
-- source could make of it, and where it stood.

CREATE VIEW news_gate AS
SELECT
  *,
  CASE
    -- the order of the rules is a part of the contract: the first that applies is the reason
    -- BEGIN SOLUTION step 1: what is not one JSON object in UTF-8, and nothing else, is dead
    -- bytes that are no UTF-8 become replacement characters, and then a text that looks right
    WHEN (json IS JSON OBJECT AND ENCODE(json, 'UTF-8') = record_value AND is_one_value) IS NOT TRUE
      THEN 'not a JSON object'
    -- END SOLUTION
    -- it can be read: a headline or a heartbeat, and both have a time
    -- BEGIN SOLUTION step 2: a time that the source could not use is a reason
    WHEN event_time <= TO_TIMESTAMP_LTZ(0, 3)
      THEN 'published_at is not a UTC time that has come'
    -- END SOLUTION
    WHEN is_heartbeat THEN CAST(NULL AS STRING)
    WHEN COALESCE(JSON_VALUE(json, '$.market_slug'), '') = '' THEN 'market_slug is missing'
    -- it is part of keys and of table rows: no NUL, no half of a surrogate pair, nothing longer than an index takes
    WHEN NOT REGEXP(JSON_VALUE(json, '$.market_slug'), '^[A-Za-z0-9._~-]{1,200}\z') THEN 'market_slug is not a slug'
    WHEN COALESCE(JSON_VALUE(json, '$.item_id'), '') = '' THEN 'item_id is missing'
    WHEN COALESCE(JSON_VALUE(json, '$.source'), '') = '' THEN 'source is missing'
    -- BEGIN SOLUTION step 3: a figure that is missing, no number or out of its range is a reason
    -- before anything is rounded; and NULL is neither above nor below: what is missing must not slip through
    WHEN (ABS(TRY_CAST(score AS DOUBLE)) < 1000000) IS NOT TRUE THEN 'article_score is not a number'
    WHEN (TRY_CAST(weight AS DOUBLE) BETWEEN 0 AND 1) IS NOT TRUE THEN 'source_weight is not between 0 and 1'
    -- END SOLUTION
  END AS reason
FROM (
  SELECT
    *,
    COALESCE(JSON_VALUE(json, '$.kind') = 'heartbeat', FALSE) AS is_heartbeat,
    -- Flink's JSON functions read the first value of a text and ignore what stands behind it. Only a text that is one
    -- value and nothing else still parses between both pairs of brackets. It may be any value: 42 is one.
    '[' || json || ']' IS JSON ARRAY AND '{"":' || json || '}' IS JSON OBJECT AS is_one_value,
    -- The text of the number that stands there; NULL where nothing or a text does. Asked for as an array of one:
    -- [2.5] is a number, ["2.5"] is a text that looks like one. [true] is not told apart.
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
-- BEGIN SOLUTION step 4: each record in exactly one of the three views
WHERE reason IS NULL AND NOT is_heartbeat
-- END SOLUTION
;

CREATE VIEW news_heartbeat AS
SELECT event_time
FROM news_gate
-- BEGIN SOLUTION step 4: each record in exactly one of the three views
WHERE reason IS NULL AND is_heartbeat
-- END SOLUTION
;

CREATE VIEW news_dead AS
SELECT
  -- BEGIN SOLUTION step 5: record_key, original, first_seen: with them somebody can mend it and send it again
  record_key,
  record_value AS original,
  kafka_timestamp AS first_seen,
  -- END SOLUTION
  reason,
  'gate' AS stage,
  kafka_topic AS source_topic,
  kafka_partition AS source_partition,
  kafka_offset AS source_offset
FROM news_gate
-- BEGIN SOLUTION step 4: each record in exactly one of the three views
WHERE reason IS NOT NULL
-- END SOLUTION
;
