-- signal_change: the change of the signal since the hour before. The row before is not the hour before: behind
-- a quiet hour there is no change to speak of, and none is made up.
CREATE VIEW signal_change AS
SELECT
  *,
  CASE WHEN prev_window_start = window_start - INTERVAL '1' HOUR THEN prev_row_signal END AS prev_rss_signal,
  CASE WHEN prev_window_start = window_start - INTERVAL '1' HOUR
       THEN CAST(source_weighted_signal - prev_row_signal AS DECIMAL(16, 6)) END AS signal_delta
FROM (
  SELECT
    *,
    LAG(window_start) OVER (PARTITION BY market_slug ORDER BY window_time) AS prev_window_start,
    LAG(source_weighted_signal) OVER (PARTITION BY market_slug ORDER BY window_time) AS prev_row_signal
  FROM signal_with_price);
