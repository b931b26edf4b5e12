"""Kafka, PostgreSQL, Flink and a schema registry as local processes, from wheels and jars alone.

    stack     a named set of services that starts and ends together; the rest serves it
    kafka postgres flink registry     one service each: prepare, start, wait until ready
    service   what the four have in common
    process   processes we started: known by pid and start time, ended as a group
    keeper    ends a stack whose owner is gone, however it went
    ports     which port, and what to say when it is taken
    jars      the Java side, fetched by Maven coordinates
    java      the JVM from the wheel, and its flags
    compiled  a jar made of Java files of ours, by Flink's own compiler
    archive   class data of a JVM that ran, for the next one's start

A stack lives in .lab/stacks/<name>/: one folder a service, with its data, its log and service.json.
"""
