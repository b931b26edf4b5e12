-- lag_signals_history: every judged hour in PostgreSQL, flagged or not, where dashboards read it.
--
-- Input: the view lag_signals, a row per judged hour; its columns are those of this table, its two times
-- are TIMESTAMP_LTZ(3). PostgreSQL's own table is there already (postgres.sql beside the lab's README).
-- ${jdbc} is the connection; ${jdbc_batch}, ${jdbc_flush_seconds} and ${jdbc_retries} are settings of the system.
CREATE TABLE lag_signals_history (
  -- BEGIN SOLUTION step 3: which rows are the same row
  PRIMARY KEY (market, window_start) NOT ENFORCED,
  -- END SOLUTION
  market            STRING,
  question          STRING,
  -- BEGIN SOLUTION step 1: window_start and detected_at, each with a type that the connector can write
  window_start      TIMESTAMP(3),
  detected_at       TIMESTAMP(3),
  -- END SOLUTION
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
  price_status      STRING
) WITH (
  'connector' = 'jdbc',
  'table-name' = 'lag_signals_history',
  ${jdbc},
  'sink.max-retries' = '${jdbc_retries}',
  -- BEGIN SOLUTION step 4: when the rows that wait in the sink are written
  'sink.buffer-flush.max-rows' = '${jdbc_batch}',
  'sink.buffer-flush.interval' = '${jdbc_flush_seconds} s'
  -- STARTS AS
  -- 'sink.buffer-flush.max-rows' = '5000',
  -- 'sink.buffer-flush.interval' = '0'
  -- END SOLUTION
);

INSERT INTO lag_signals_history
-- BEGIN SOLUTION step 2: the whole judged hour, each value in its column
SELECT
  market, question, CAST(window_start AS TIMESTAMP(3)), CAST(detected_at AS TIMESTAMP(3)),
  signal_delta, max_signal_delta, price_delta, lag_flag, confidence,
  rss_signal, prev_rss_signal, source_weight_avg, price, prev_price, price_status
FROM lag_signals
-- END SOLUTION
;
