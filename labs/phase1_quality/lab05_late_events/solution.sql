-- the split stands behind the first sight: a feed repeats old items for days, and a repeat is not late
CREATE VIEW news_split AS
SELECT *, FLOOR(event_time TO HOUR) + INTERVAL '1' HOUR <= closed_until AS is_late
FROM news_first;

CREATE VIEW news_on_time AS SELECT * FROM news_split WHERE NOT is_late;

CREATE VIEW news_late AS
SELECT *, TIMESTAMPDIFF(SECOND, FLOOR(event_time TO HOUR) + INTERVAL '1' HOUR, closed_until) AS late_by_seconds
FROM news_split WHERE is_late;
