"""Whether the machine has time for us: what else can be behind something that takes too long."""

from __future__ import annotations

import os

_MUCH = 3.0  # that wait for each core: what takes a second then takes several


def busy() -> str:
    """ " The machine is very busy: …" if far more wants to run than there are cores; else nothing."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = os.getloadavg()[0]
    if load < _MUCH * cores:
        return ""
    return f" The machine is very busy: a load of {load:.0f} on {cores} core{'s' if cores > 1 else ''}."
