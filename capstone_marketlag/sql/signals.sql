-- The job `signals`: what each view of the pieces feeds. One statement set, so that each source is read once.
CREATE VIEW hour_closed AS
-- for each partition of the topic a key that belongs to it
SELECT window_start, window_end, window_time, ARRAY[${partition_keys}] AS partition_keys
FROM TUMBLE(TABLE news_heartbeat, DESCRIPTOR(event_time), INTERVAL '1' HOUR)
GROUP BY window_start, window_end, window_time;

EXECUTE STATEMENT SET BEGIN

INSERT INTO signals_topic
SELECT
  market_slug || '|' || DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss''Z'''),
  market_slug,
  CAST(window_start AS TIMESTAMP_LTZ(3)),
  CAST(window_end AS TIMESTAMP_LTZ(3)),
  mention_count,
  keyword_score,
  source_weighted_signal,
  source_weight_avg,
  'UTC'
FROM signal_hourly;

INSERT INTO signals_table
SELECT market_slug, window_start, window_end, mention_count,
       keyword_score, source_weighted_signal, source_weight_avg
FROM signal_hourly;

-- One INSERT for both kinds: a transaction has one writer. Sorted by event time, in one subtask: an hour's heartbeat
-- waits for all of its rows, also where the prices are read later than the news.
INSERT INTO signals_with_price_topic
SELECT
  record_key,
  kind,
  market_slug,
  CAST(window_start AS TIMESTAMP_LTZ(3)),
  CAST(window_end AS TIMESTAMP_LTZ(3)),
  mention_count,
  keyword_score,
  source_weighted_signal,
  source_weight_avg,
  prev_rss_signal,
  signal_delta,
  price,
  prev_price,
  price_delta,
  price_status,
  'UTC'
FROM (
  SELECT
    window_time,
    'signal' AS kind,
    market_slug AS record_key,
    market_slug,
    window_start,
    window_end,
    mention_count,
    keyword_score,
    source_weighted_signal,
    source_weight_avg,
    prev_rss_signal,
    signal_delta,
    price,
    prev_price,
    price_delta,
    price_status
  FROM signal_change
  UNION ALL
  SELECT
    window_time,
    'heartbeat',
    partition_key,
    CAST(NULL AS STRING),
    window_start,
    window_end,
    CAST(NULL AS BIGINT),
    CAST(NULL AS DECIMAL(38, 6)),
    CAST(NULL AS DECIMAL(38, 6)),
    CAST(NULL AS DECIMAL(38, 6)),
    CAST(NULL AS DECIMAL(38, 6)),
    CAST(NULL AS DECIMAL(16, 6)),
    CAST(NULL AS DECIMAL(10, 6)),
    CAST(NULL AS DECIMAL(10, 6)),
    CAST(NULL AS DECIMAL(10, 6)),
    CAST(NULL AS STRING)
  FROM hour_closed CROSS JOIN UNNEST(partition_keys) AS each_partition (partition_key))
ORDER BY window_time, CASE kind WHEN 'signal' THEN 0 ELSE 1 END;

INSERT INTO dead_news_topic
SELECT record_key, original, reason, stage, source_topic, source_partition, source_offset, first_seen
FROM news_dead;

INSERT INTO late_news_topic
SELECT record_key, market_slug, item_id, title, link, source, article_score, source_weight,
       event_time, late_by_seconds
FROM news_late;

INSERT INTO dead_prices_topic
SELECT record_key, original, reason, stage, source_topic, source_partition, source_offset, first_seen
FROM price_dead;

INSERT INTO late_prices_topic
SELECT record_key, market_slug, outcome, price, prev_price, price_delta, price_status,
       event_time + INTERVAL '${price_hours_back}' HOUR, late_by_seconds
FROM price_late;

END;
