"""What Flink would refuse."""

from __future__ import annotations


class Refused(Exception):
    """The function did what Flink does not allow, or what works in one of its modes only."""
