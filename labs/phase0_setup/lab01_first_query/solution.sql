-- The session that every job of MarketLag begins with, and two first queries over it.
-- Input: headlines (source STRING, title STRING, published_at TIMESTAMP_LTZ(3)). It never ends.

-- BEGIN SOLUTION step 1: answer while the input goes on, not when it has ended
SET 'execution.runtime-mode' = 'streaming';
-- END SOLUTION

-- BEGIN SOLUTION step 2: the same hours wherever the job runs
SET 'table.local-time-zone' = 'UTC';
-- END SOLUTION

-- one plan for a view that two outputs read, not a copy for each: both see the same rows
SET 'table.optimizer.reuse-optimize-block-with-digest-enabled' = 'true';
-- operators of one task hand a row on as it is, without a copy at each step
SET 'pipeline.object-reuse' = 'true';

-- mentions_hourly: how many headlines each hour has so far. hour_start is the session's clock.
CREATE VIEW mentions_hourly AS
SELECT hour_start, COUNT(*) AS mention_count
FROM (SELECT *, FLOOR(CAST(published_at AS TIMESTAMP(3)) TO HOUR) AS hour_start FROM headlines)
-- BEGIN SOLUTION step 3: one row for each hour
GROUP BY hour_start
-- END SOLUTION
;

-- mentions_total: one row, the number of headlines of all hours so far.
CREATE VIEW mentions_total AS
SELECT
  -- BEGIN SOLUTION step 4: all headlines so far; this counts something else
  SUM(mention_count)
  -- STARTS AS
  -- COUNT(*)
  -- END SOLUTION
  AS mention_count
FROM mentions_hourly;
