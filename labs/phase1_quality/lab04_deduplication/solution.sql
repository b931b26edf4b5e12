-- news_first: the first sight of an item, by arrival. Ordered by event time the planner would keep a row
-- only once the watermark has passed it, and drop the late ones in silence.
CREATE VIEW news_first AS
SELECT
  market_slug, item_id, title, link, source, article_score, source_weight,
  event_time, closed_until, record_key, json, kafka_partition, kafka_offset
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY market_slug, item_id ORDER BY arrival ASC) AS sighting
  FROM news_valid)
WHERE sighting = 1;
