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
  'sink.transactional-id-prefix' = '${prefix}-hourly',
  ${exactly_once}
);

-- The signal with its price move; and, of kind heartbeat, one row for each hour that is closed to each partition,
-- behind its signals, so that whoever reads on knows how late it is even where no market has news.
CREATE TABLE signals_with_price_topic (
  record_key             STRING,
  kind                   STRING,
  market_slug            STRING,
  window_start           TIMESTAMP_LTZ(3),
  window_end             TIMESTAMP_LTZ(3),
  mention_count          BIGINT,
  keyword_score          DECIMAL(38, 6),
  source_weighted_signal DECIMAL(38, 6),
  source_weight_avg      DECIMAL(38, 6),
  prev_rss_signal        DECIMAL(38, 6),
  signal_delta           DECIMAL(16, 6),
  price                  DECIMAL(10, 6),
  prev_price             DECIMAL(10, 6),
  price_delta            DECIMAL(10, 6),
  price_status           STRING,
  timezone               STRING
) WITH (
  'topic' = 'signals_with_price',
  -- two writers would have no order between them
  'sink.parallelism' = '1',
  'value.json.encode.ignore-null-fields' = 'true',
  'sink.transactional-id-prefix' = '${prefix}-with-price',
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
  'sink.transactional-id-prefix' = '${prefix}-dead-news',
  ${exactly_once}
);

CREATE TABLE dead_prices_topic WITH (
  'topic' = 'dlq.polymarket.price_hourly',
  'sink.transactional-id-prefix' = '${prefix}-dead-prices'
) LIKE dead_news_topic (OVERWRITING OPTIONS);

CREATE TABLE late_news_topic (
  record_key      BYTES,
  market_slug     STRING,
  item_id         STRING,
  title           STRING,
  link            STRING,
  source          STRING,
  article_score   DECIMAL(16, 6),
  source_weight   DECIMAL(10, 6),
  published_at    TIMESTAMP_LTZ(3),
  late_by_seconds INT
) WITH (
  'topic' = 'late.rss.events',
  'sink.transactional-id-prefix' = '${prefix}-late-news',
  ${exactly_once}
);

CREATE TABLE late_prices_topic (
  record_key      BYTES,
  market_slug     STRING,
  outcome         STRING,
  price           DECIMAL(10, 6),
  prev_price      DECIMAL(10, 6),
  price_delta     DECIMAL(10, 6),
  price_status    STRING,
  event_time      TIMESTAMP_LTZ(3),
  late_by_seconds INT
) WITH (
  'topic' = 'late.polymarket.price_hourly',
  'sink.transactional-id-prefix' = '${prefix}-late-prices',
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
  ${jdbc},
  'sink.max-retries' = '${jdbc_retries}',
  'sink.buffer-flush.max-rows' = '${jdbc_batch}',
  'sink.buffer-flush.interval' = '${jdbc_flush_seconds} s'
);
