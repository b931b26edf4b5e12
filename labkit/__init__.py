"""The machinery of the course. A learner never has to open it.

    bootstrap   .venv from the locks, with the system's Python alone (standard library only)
    cli         ./lab
    services    Kafka, PostgreSQL, Flink and a schema registry as local processes
    course      the labs: commands, checks, and the proof that the checks are right
    checking    what a lab's tests import
    sql         SQL scripts and a SQL prompt on the cluster
    jobs        ./lab run: the exact `flink run` line
    doctor      what this machine has and lacks
    warm        a gateway and a small cluster, kept between processes
    testing     tests of Flink SQL and PyFlink with scripted time: a library of its own
    pytest_plugin   the fixtures kafka, postgres, flink, registry and topic

Nothing here imports a lab or MarketLag: labkit <- labs <- capstone_marketlag.
"""
