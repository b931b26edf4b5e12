-- signal_hourly (Job 1): one row for each market and hour with news, once, when the hour is closed.
CREATE VIEW signal_hourly AS
SELECT
  market_slug,
  window_start,
  window_end,
  window_time,
  COUNT(*) AS mention_count,
  SUM(article_score) AS keyword_score,
  -- six digits here and not later: a change is the difference of what is written down
  CAST(AVG(article_score * source_weight) AS DECIMAL(38, 6)) AS source_weighted_signal,
  AVG(source_weight) AS source_weight_avg
FROM TUMBLE(TABLE news_on_time, DESCRIPTOR(event_time), INTERVAL '1' HOUR)
GROUP BY market_slug, window_start, window_end, window_time;
