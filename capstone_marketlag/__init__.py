"""MarketLag: the hours in which the news about a prediction market moved and its price did not.

settings     every host, topic, threshold and weight
topics.toml  the topic plan
pieces       the parts list: what comes from the labs (the only module that imports them)
producers    Lambda handlers and their local scheduler: feeds -> Kafka
replay       a recorded world, served over real HTTP
sql          the wiring: sinks and tables
jobs         the Flink jobs
oracle       what must come out, in plain Python that imports nothing of ours
demo         the whole of it on the recorded world, checked and reported
"""
