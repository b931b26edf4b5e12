-- The detector's twin: one view over signal_change, for engines that run SQL and nothing else. A test holds it to the
-- function, hour by hour. What it cannot say: that a market has closed (its hours have to be left out by a join with
-- polymarket.market_meta as of window_end), a record that fails (it ends the job), a quiet hour.
CREATE VIEW lag_signals_twin AS
SELECT
  market_slug AS market,
  window_start,
  signal_delta,
  max_signal_delta,
  price_delta,
  COALESCE(signal_delta > ${signal_threshold} AND ABS(price_delta) < ${price_threshold}, FALSE) AS lag_flag,
  CASE
    WHEN signal_delta IS NULL THEN CAST(NULL AS DECIMAL(5, 4))
    WHEN sure < 0 THEN 0
    WHEN sure > 1 THEN 1
    ELSE CAST(sure AS DECIMAL(5, 4))
  END AS confidence
FROM (
  SELECT
    *,
    -- sixteen digits: without the casts a sum keeps six, and rounded twice the fourth may be another one
    CAST(CASE WHEN max_signal_delta > 0 THEN CAST(signal_delta / max_signal_delta AS DECIMAL(24, 16)) ELSE 0 END
      AS DECIMAL(24, 16)) * 0.5
    + (1 - ABS(price_delta)) * 0.3
    + CAST(source_weight_avg AS DECIMAL(10, 6)) * 0.2 AS sure
  FROM (
    SELECT
      *,
      -- the seven days that end with this hour, this hour included: it and the 167 before it
      MAX(signal_delta) OVER (
        PARTITION BY market_slug ORDER BY window_time
        RANGE BETWEEN INTERVAL '167' HOUR(3) PRECEDING AND CURRENT ROW) AS max_signal_delta
    FROM signal_change));
