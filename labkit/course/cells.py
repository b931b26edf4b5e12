"""A notebook's cells, run by nbval (lax) under pytest: `python -m labkit.course.cells NOTEBOOK RESULTS`.

RESULTS is written as JUnit's XML; the exit code is pytest's. The kernel begins first, and what runs it is
imported meanwhile: a learner waits for both. nbval asks for a kernel of its own otherwise, and is told that
it is ready up to half a second late.

Without a package that jsonschema takes along if it is there: that makes a parser of addresses while it is
imported, for a second, and the format of notebooks has no addresses.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
_PATIENCE = 60.0  # seconds until a kernel answers, on a machine that is very busy


def can_run() -> bool:
    """Whether nbval is installed, and what draws pictures: `./lab setup docs`."""
    return all(find_spec(name) is not None for name in ("nbval", "matplotlib"))


class Kernel:
    """A Python kernel on sockets in a folder. What nbval calls of Jupyter's KernelManager, it has."""

    kernel_spec = SimpleNamespace(language="python")

    def __init__(self, sockets: Path, cwd: Path) -> None:
        self._connection = sockets / "connection.json"
        self._connection.write_text(
            json.dumps(
                {
                    "transport": "ipc", "ip": str(sockets / "k"), "key": secrets.token_hex(),
                    "signature_scheme": "hmac-sha256",
                    **{f"{channel}_port": number for number, channel in enumerate(_CHANNELS, 1)},
                }
            )
        )  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ipykernel_launcher", "-f", self._connection,
             "--HistoryManager.enabled=False"],
            cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "JPY_PARENT_PID": str(os.getpid())},  # it ends when this process has ended
        )  # fmt: skip

    def client(self) -> Any:
        """A client that the kernel has answered. Raises RuntimeError: it ended, or does not answer."""
        from queue import Empty

        from jupyter_client.blocking.client import BlockingKernelClient

        client = BlockingKernelClient(connection_file=str(self._connection))
        client.load_connection_file()
        client.start_channels(hb=False)
        client.kernel_info()
        deadline = time.monotonic() + _PATIENCE
        while self.is_alive() and time.monotonic() < deadline:
            try:
                client.get_shell_msg(timeout=1)
                return client
            except Empty:
                pass
        client.stop_channels()
        code = self._process.poll()
        why = f"has not answered for {_PATIENCE:g} s" if code is None else f"ended with exit code {code}"
        raise RuntimeError(f"The notebook's kernel {why}.")

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def interrupt_kernel(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def shutdown_kernel(self, now: bool = True) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def kernel(cwd: Path) -> Iterator[Kernel]:
    """A kernel that begins now, in that folder; ended with the block."""
    with tempfile.TemporaryDirectory(prefix="kernel-") as sockets:
        begun = Kernel(Path(sockets), cwd)
        try:
            yield begun
        finally:
            begun.shutdown_kernel()


def main(notebook: Path, results: Path) -> int:
    """Run the cells; pytest's exit code."""
    with kernel(notebook.parent) as begun:
        sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
        import nbval.kernel
        import pytest

        nbval.kernel.start_new_kernel = lambda **how: (begun, begun.client())
        return int(
            pytest.main(
                [
                    "--disable-plugin-autoload", "-p", "nbval.plugin", "-p", "no:cacheprovider",
                    "--nbval-lax", "--nbval-current-env", "-c", os.devnull,
                    "--rootdir", str(notebook.parent), "-q", "-x", f"--junitxml={results}", str(notebook),
                ]
            )
        )  # fmt: skip


if __name__ == "__main__":
    code = main(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # taking all that was imported apart is a tenth of a second
