-- signal_with_price (Job 3): the hour's signal with the move of the price. A window join: both sides close
-- with their hour, so it keeps nothing longer and takes nothing back. LEFT: an hour whose price is missing
-- stays an hour, and says so.
CREATE VIEW signal_with_price AS
SELECT
  s.market_slug,
  s.window_start,
  s.window_end,
  s.window_time,
  s.mention_count,
  s.keyword_score,
  s.source_weighted_signal,
  s.source_weight_avg,
  p.price,
  p.prev_price,
  COALESCE(p.price_delta, CAST(0 AS DECIMAL(10, 6))) AS price_delta,
  COALESCE(p.price_status, 'missing') AS price_status
FROM signal_hourly AS s
LEFT JOIN (
  SELECT market_slug, price, prev_price, price_delta, price_status, window_start, window_end
  FROM TUMBLE(TABLE price_yes, DESCRIPTOR(event_time), INTERVAL '1' HOUR)) AS p
ON s.market_slug = p.market_slug AND s.window_start = p.window_start AND s.window_end = p.window_end;
