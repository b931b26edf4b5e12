"""The application on this machine: what the environment says, and else the services of `./lab up`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from capstone_marketlag.settings import Settings
from labkit.errors import LabError
from labkit.services.stack import Stack

if TYPE_CHECKING:
    from capstone_marketlag.application import Application


def settings() -> Settings:
    """What MARKETLAG_… says; for Kafka and PostgreSQL else the addresses of the running stack."""
    said, stack = Settings.from_env(), _stack()
    if "MARKETLAG_KAFKA" not in os.environ and stack.kafka.available:
        said = replace(said, kafka=stack.kafka.address)
    if "MARKETLAG_POSTGRES" not in os.environ and stack.postgres.available:
        said = replace(said, postgres=stack.postgres.address)
    return said


def application() -> Application:
    """The application as it was started on this machine. Raises LabError: no Flink was."""
    from capstone_marketlag.application import Application

    stack = _stack()
    if not (stack.flink.external or "flink" in stack.flink.record.ports):
        raise LabError(
            f"No Flink was ever started in the stack {stack.name}.", "The jobs run there.", "./lab up"
        )
    return Application(stack, settings(), stack.dir / "marketlag")


def replayed_prices() -> Path:
    """Where a replay keeps its previous prices, apart from those of the real markets."""
    return _stack().dir / "replay" / "prices.sqlite"


def _stack() -> Stack:
    return Stack(os.environ.get("LAB_STACK_NAME", "main"))
