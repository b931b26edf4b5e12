"""How far a job has read a topic, from two sources: its own metrics, and what its checkpoints committed.

Metrics are half a second old, but after the loss of a TaskManager the cluster may go on showing those of the
lost one. Committed offsets survive everything, but an idle Kafka consumer tells them up to 10 s late.
"""

from __future__ import annotations

from capstone_marketlag import topics
from capstone_marketlag.application import GROUPS, Application


def positions(application: Application, name: str, topic: str) -> dict[int, int]:
    """By partition the offset behind the last record that the job has read; nothing for those not begun.

    Raises LabError: Flink or Kafka does not answer.
    """
    read = application.rest.source_positions(application.jobs[name].id, topic)
    told = topics.committed(application.settings, GROUPS[name], topic)
    return {each: max(read.get(each, 0), told.get(each, 0)) for each in read.keys() | told.keys()}
