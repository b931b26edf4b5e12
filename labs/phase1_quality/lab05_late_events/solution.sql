-- news_on_time, news_late: each headline is counted in its hour or called late. In exactly one of the two, and in
-- the same one after a restart.
-- In: news_first, the first sight of each headline, with event_time and closed_until. The split stands behind the
-- first sight, for a feed repeats old items for days, and a repeat is not late.

CREATE VIEW news_hour AS
SELECT
  *,
  -- the cast makes it an ordinary time: two time attributes in one row confuse the planner
  CAST(
    -- BEGIN SOLUTION step 1: the end of its window, the hour that it is counted in
    FLOOR(event_time TO HOUR) + INTERVAL '1' HOUR
    -- STARTS AS
    -- NULL
    -- END SOLUTION
    AS TIMESTAMP_LTZ(3)) AS hour_end
FROM news_first;

CREATE VIEW news_split AS
SELECT
  *,
  -- BEGIN SOLUTION step 2: whether its window had closed when it came
  hour_end <= closed_until AS is_late
  -- STARTS AS
  -- CAST(NULL AS BOOLEAN) AS is_late
  -- END SOLUTION
FROM news_hour;

CREATE VIEW news_late AS
SELECT
  *,
  -- BEGIN SOLUTION step 3: by how many seconds it missed its window
  TIMESTAMPDIFF(SECOND, hour_end, closed_until) AS late_by_seconds
  -- STARTS AS
  -- CAST(NULL AS INT) AS late_by_seconds
  -- END SOLUTION
FROM news_split
-- BEGIN SOLUTION step 4: each headline in exactly one of the two views
WHERE is_late
-- END SOLUTION
;

CREATE VIEW news_on_time AS
SELECT *
FROM news_split
-- BEGIN SOLUTION step 4: each headline in exactly one of the two views
WHERE is_late IS NOT TRUE
-- END SOLUTION
;
