-- Tables that readers see; lag_signals_history stands in the lab jdbc_sink. Times are UTC. Every statement may be run
-- again.
CREATE TABLE IF NOT EXISTS rss_signals_hourly (
  market_slug            text           NOT NULL,
  window_start           timestamp      NOT NULL,
  window_end             timestamp      NOT NULL,
  mention_count          bigint         NOT NULL,
  keyword_score          numeric(16, 6) NOT NULL,
  source_weighted_signal numeric(16, 6) NOT NULL,
  source_weight_avg      numeric(16, 6) NOT NULL,
  PRIMARY KEY (market_slug, window_start)
);
COMMENT ON TABLE rss_signals_hourly IS 'One row per market and hour with news; kept for 90 days.';

CREATE TABLE IF NOT EXISTS api_health_log (
  source           text      NOT NULL,
  logged_at        timestamp NOT NULL,
  status           integer   NOT NULL,
  response_time_ms integer   NOT NULL,
  error_message    text      NOT NULL,
  PRIMARY KEY (source, logged_at)
);
COMMENT ON TABLE api_health_log IS 'What each source answered at each run of a producer; kept for 30 days.';
