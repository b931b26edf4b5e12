"""The settings on this machine: the environment's, and where it says nothing the services of `./lab up`."""

from __future__ import annotations

import os
from dataclasses import replace

from capstone_marketlag.settings import Settings
from labkit.services.stack import Stack


def settings() -> Settings:
    """What MARKETLAG_… says; for Kafka and PostgreSQL else the addresses of the running stack."""
    said = Settings.from_env()
    stack = Stack(os.environ.get("LAB_STACK_NAME", "main"))
    if "MARKETLAG_KAFKA" not in os.environ and stack.kafka.available:
        said = replace(said, kafka=stack.kafka.address)
    if "MARKETLAG_POSTGRES" not in os.environ and stack.postgres.available:
        said = replace(said, postgres=stack.postgres.address)
    return said
