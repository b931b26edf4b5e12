-- The topics that the job `detector` writes; its table is the part jdbc_sink.
CREATE TABLE lag_signals_topic (
  record_key        STRING,
  market            STRING,
  question          STRING,
  window_start      TIMESTAMP_LTZ(3),
  signal_delta      DECIMAL(16, 6),
  max_signal_delta  DECIMAL(16, 6),
  price_delta       DECIMAL(10, 6),
  lag_flag          BOOLEAN,
  confidence        DECIMAL(5, 4),
  rss_signal        DECIMAL(16, 6),
  prev_rss_signal   DECIMAL(16, 6),
  source_weight_avg DECIMAL(16, 6),
  price             DECIMAL(10, 6),
  prev_price        DECIMAL(10, 6),
  price_status      STRING,
  detected_at       TIMESTAMP_LTZ(3),
  timezone          STRING
) WITH (
  'topic' = 'lag_signals',
  'sink.transactional-id-prefix' = '${prefix}-lag-signals',
  ${exactly_once}
);

CREATE TABLE failed_topic (
  record_key STRING,
  record     STRING,
  job        STRING,
  error_type STRING,
  message    STRING,
  failed_at  STRING
) WITH (
  'topic' = 'dlq.processing',
  'sink.transactional-id-prefix' = '${prefix}-failed',
  ${exactly_once}
);
