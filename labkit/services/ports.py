"""Which port a service gets.

Each stack of each copy of the repository has its own block of ports, below the range the kernel
hands out by itself, so that two copies run side by side and an address stays the same from one
start to the next. A taken port moves to the next free one; a port *asked for* (LAB_KAFKA_PORT=…)
does not: then it is said who holds it.
"""

from __future__ import annotations

import os
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

import psutil

from labkit.errors import LabError

_FIRST, _BLOCKS, _BLOCK = 20000, 600, 20
USES = ("kafka", "kafka_controller", "postgres", "flink", "flink_rpc", "flink_blob", "registry",
         "registry_management")  # fmt: skip


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def choose(use: str, stack: Path, taken: set[int]) -> int:
    """The port for this use in this stack, free now and not in `taken`.

    Raises LabError: the port asked for by LAB_<USE>_PORT is taken or not a port number.
    """
    asked = os.environ.get(f"LAB_{use.upper()}_PORT")
    if asked:
        return _asked_for(use, asked)
    for port in _candidates(use, stack):
        if port not in taken and is_free(port):
            return port
    raise LabError(f"No free port for {use} below 32768.", "", "./lab doctor")


def _candidates(use: str, stack: Path) -> Iterator[int]:
    first = zlib.crc32(str(stack).encode()) % _BLOCKS
    for step in range(_BLOCKS):
        yield _FIRST + (first + step) % _BLOCKS * _BLOCK + USES.index(use)


def _asked_for(use: str, asked: str) -> int:
    variable = f"LAB_{use.upper()}_PORT"
    if not asked.isdigit() or not 0 < int(asked) < 65536:
        raise LabError(f"{variable} is {asked!r}.", "It takes a port number.", f"unset {variable}")
    if not is_free(int(asked)):
        raise LabError(
            f"Port {asked} is taken{holder(int(asked))}.",
            f"{variable} asks for it for {use}.",
            f"unset {variable} (a free port is then chosen), or end that program",
        )
    return int(asked)


def holder(port: int) -> str:
    """Who listens on that port, as ` by NAME (pid N)`; nothing where that cannot be seen."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        pass  # not ours to see; the port number alone says enough
    return ""
