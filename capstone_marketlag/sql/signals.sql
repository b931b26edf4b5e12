-- The job `signals`: what each view of the pieces feeds. One statement set, so that the source is read once.
EXECUTE STATEMENT SET BEGIN

INSERT INTO signals_topic
SELECT
  market_slug || '|' || DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss''Z'''),
  market_slug,
  CAST(window_start AS TIMESTAMP_LTZ(3)),
  CAST(window_end AS TIMESTAMP_LTZ(3)),
  mention_count,
  keyword_score,
  source_weighted_signal,
  source_weight_avg,
  'UTC'
FROM signal_hourly;

INSERT INTO signals_table
SELECT market_slug, window_start, window_end, mention_count,
       keyword_score, source_weighted_signal, source_weight_avg
FROM signal_hourly;

INSERT INTO dead_news_topic
SELECT record_key, original, reason, stage, source_topic, source_partition, source_offset, first_seen
FROM news_dead;

INSERT INTO late_news_topic
SELECT record_key, market_slug, item_id, title, link, source, article_score, source_weight,
       event_time, late_by_seconds
FROM news_late;

END;
