-- Which view of the detector's streams feeds which sink. Decimals and times cross the border between Python and SQL
-- as text and as milliseconds: nothing is rounded on the way.
CREATE VIEW lag_signals AS
SELECT
  market,
  question,
  TO_TIMESTAMP_LTZ(window_start, 3) AS window_start,
  CAST(signal_delta AS DECIMAL(16, 6)) AS signal_delta,
  CAST(max_signal_delta AS DECIMAL(16, 6)) AS max_signal_delta,
  CAST(price_delta AS DECIMAL(10, 6)) AS price_delta,
  lag_flag,
  CAST(confidence AS DECIMAL(5, 4)) AS confidence,
  CAST(rss_signal AS DECIMAL(16, 6)) AS rss_signal,
  CAST(prev_rss_signal AS DECIMAL(16, 6)) AS prev_rss_signal,
  CAST(source_weight_avg AS DECIMAL(16, 6)) AS source_weight_avg,
  CAST(price AS DECIMAL(10, 6)) AS price,
  CAST(prev_price AS DECIMAL(10, 6)) AS prev_price,
  price_status,
  TO_TIMESTAMP_LTZ(detected_at, 3) AS detected_at
FROM lags;

INSERT INTO lag_signals_topic
SELECT
  market || '|' || DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss''Z'''),
  market, question, window_start, signal_delta, max_signal_delta, price_delta, lag_flag, confidence,
  rss_signal, prev_rss_signal, source_weight_avg, price, prev_price, price_status, detected_at, 'UTC'
FROM lag_signals;

INSERT INTO failed_topic
SELECT record_key, record, job, error_type, message, failed_at FROM failures;
