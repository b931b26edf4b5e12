-- signal_hourly (Job 1): one row for each market and hour with news, once, when the hour is closed.
-- In: news_on_time, the headlines that are counted. What stands behind it (the topic rss.signals_hourly, the join with
-- the hour's price, the change since the hour before) can take no row back.

CREATE VIEW news_windowed AS
SELECT *
FROM
  -- BEGIN SOLUTION step 1: each headline with the hour that it lies in
  TUMBLE(TABLE news_on_time, DESCRIPTOR(event_time), INTERVAL '1' HOUR)
  -- STARTS AS
  -- news_on_time
  -- END SOLUTION
;

CREATE VIEW signal_hourly AS
SELECT
  market_slug,
  window_start,
  -- BEGIN SOLUTION step 4: each hour once, when it is closed
  window_end,
  window_time,
  -- STARTS AS
  -- MAX(window_end) AS window_end,
  -- MAX(window_time) AS window_time,
  -- END SOLUTION
  -- BEGIN SOLUTION step 2: how many headlines, and the sum of their scores
  COUNT(*) AS mention_count,
  SUM(article_score) AS keyword_score,
  -- STARTS AS
  -- CAST(NULL AS BIGINT) AS mention_count,
  -- CAST(NULL AS DECIMAL(38, 6)) AS keyword_score,
  -- END SOLUTION
  -- six digits here and not later: a change is the difference of what is written down
  CAST(
    -- BEGIN SOLUTION step 3: the mean of score times weight, and the mean of the weights
    AVG(article_score * source_weight)
    -- STARTS AS
    -- NULL
    -- END SOLUTION
    AS DECIMAL(38, 6)) AS source_weighted_signal,
  CAST(
    -- BEGIN SOLUTION step 3: the mean of score times weight, and the mean of the weights
    AVG(source_weight)
    -- STARTS AS
    -- NULL
    -- END SOLUTION
    AS DECIMAL(38, 6)) AS source_weight_avg
FROM news_windowed
-- BEGIN SOLUTION step 4: each hour once, when it is closed
GROUP BY market_slug, window_start, window_end, window_time
-- STARTS AS
-- GROUP BY market_slug, window_start
-- END SOLUTION
;
