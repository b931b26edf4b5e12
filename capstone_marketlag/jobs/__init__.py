"""The Flink jobs. signals: all SQL, from a plan. detector: PyFlink, hours -> lag signals."""
