-- Where the job `signals` writes. Topics: exactly once, for readers that read committed records only.
CREATE TABLE signals_topic (
  record_key             STRING,
  market_slug            STRING,
  window_start           TIMESTAMP_LTZ(3),
  window_end             TIMESTAMP_LTZ(3),
  mention_count          BIGINT,
  keyword_score          DECIMAL(38, 6),
  source_weighted_signal DECIMAL(38, 6),
  source_weight_avg      DECIMAL(38, 6),
  timezone               STRING
) WITH (
  'topic' = 'rss.signals_hourly',
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601',
  'value.json.encode.decimal-as-plain-number' = 'true',
  'value.fields-include' = 'EXCEPT_KEY',
  'sink.transactional-id-prefix' = 'signals-hourly',
  ${exactly_once}
);

CREATE TABLE dead_news_topic (
  record_key       BYTES,
  original         BYTES,
  reason           STRING,
  stage            STRING,
  source_topic     STRING,
  source_partition INT,
  source_offset    BIGINT,
  first_seen       TIMESTAMP_LTZ(3)
) WITH (
  'topic' = 'dlq.rss.events',
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601',
  'value.fields-include' = 'EXCEPT_KEY',
  'sink.transactional-id-prefix' = 'signals-dead',
  ${exactly_once}
);

CREATE TABLE late_news_topic (
  record_key      BYTES,
  market_slug     STRING,
  item_id         STRING,
  title           STRING,
  link            STRING,
  source          STRING,
  article_score   DECIMAL(10, 4),
  source_weight   DECIMAL(3, 2),
  published_at    TIMESTAMP_LTZ(3),
  late_by_seconds INT
) WITH (
  'topic' = 'late.rss.events',
  'key.format' = 'raw',
  'key.fields' = 'record_key',
  'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601',
  'value.fields-include' = 'EXCEPT_KEY',
  'sink.transactional-id-prefix' = 'signals-late',
  ${exactly_once}
);

-- PostgreSQL: at least once, made idempotent by the key. TIMESTAMP, for its dialect has no TIMESTAMP_LTZ.
CREATE TABLE signals_table (
  market_slug            STRING,
  window_start           TIMESTAMP(3),
  window_end             TIMESTAMP(3),
  mention_count          BIGINT,
  keyword_score          DECIMAL(16, 6),
  source_weighted_signal DECIMAL(16, 6),
  source_weight_avg      DECIMAL(16, 6),
  PRIMARY KEY (market_slug, window_start) NOT ENFORCED
) WITH (
  'connector' = 'jdbc',
  'table-name' = 'rss_signals_hourly',
  ${jdbc}
);
