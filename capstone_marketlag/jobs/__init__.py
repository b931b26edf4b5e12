"""The Flink jobs. signals: all SQL, news -> hourly signals, dead letters, late news."""
