"""PyFlink's gateway: a JVM that carries out what this process asks, in one thread for each connection."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Until the end, what the caller asks of the gateway is carried out by one thread of its JVM.

    A job has to be planned by one: Calcite keeps the provider of its metadata by thread, and where the next
    step comes from another, planning ends with `NullPointerException: metadataHandlerProvider`. It does if a
    second thread of this process has just spoken to the gateway too, and Python's garbage collector does that
    in whatever thread it happens to run, for each Java object that it finds. So it waits until the end.
    """
    ran = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if ran:
            gc.enable()
