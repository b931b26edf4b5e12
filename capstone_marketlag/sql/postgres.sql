-- Tables that readers see. Every statement may be run again.
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
COMMENT ON TABLE rss_signals_hourly IS 'One row per market and hour with news; times are UTC.';
