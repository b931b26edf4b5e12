-- PostgreSQL's side, given: it is there before the job starts. Times are UTC. Every statement may be run again.
CREATE TABLE IF NOT EXISTS lag_signals_history (
  market            text           NOT NULL,
  question          text,
  window_start      timestamp      NOT NULL,
  signal_delta      numeric(16, 6),
  max_signal_delta  numeric(16, 6),
  price_delta       numeric(10, 6) NOT NULL CHECK (price_delta BETWEEN -1 AND 1),
  lag_flag          boolean        NOT NULL,
  confidence        numeric(5, 4)  CHECK (confidence BETWEEN 0 AND 1),
  rss_signal        numeric(16, 6) NOT NULL,
  prev_rss_signal   numeric(16, 6),
  source_weight_avg numeric(16, 6) NOT NULL,
  price             numeric(10, 6) CHECK (price BETWEEN 0 AND 1),
  prev_price        numeric(10, 6),
  price_status      text           NOT NULL,
  detected_at       timestamp      NOT NULL,
  PRIMARY KEY (market, window_start)
);
COMMENT ON TABLE lag_signals_history IS 'One row per market and hour with news, flagged or not; kept for 90 days.';
CREATE INDEX IF NOT EXISTS lag_signals_history_detected_at ON lag_signals_history (detected_at);
CREATE INDEX IF NOT EXISTS lag_signals_history_flagged ON lag_signals_history (market, window_start) WHERE lag_flag;

-- A TaskManager that was taken for dead may wake up and write once more: the newer row stays.
CREATE OR REPLACE FUNCTION keep_the_newer() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RETURN CASE WHEN NEW.detected_at < OLD.detected_at THEN OLD ELSE NEW END; END $$;
CREATE OR REPLACE TRIGGER keep_the_newer BEFORE UPDATE ON lag_signals_history
FOR EACH ROW EXECUTE FUNCTION keep_the_newer();
