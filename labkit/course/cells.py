"""A notebook's cells, run by nbval (lax) under pytest: `python -m labkit.course.cells NOTEBOOK RESULTS`.

RESULTS is written as JUnit's XML; the exit code is pytest's. The kernel begins first, and what runs it is
imported meanwhile: a learner waits for both. nbval asks for a kernel of its own otherwise, and is told that
it is ready up to half a second late.

A process that runs many checks imports all of that once (`preload`): what runs the cells, and their kernel,
are forks of it then.

Without a package that jsonschema takes along if it is there: that makes a parser of addresses while it is
imported, for a second, and the format of notebooks has no addresses.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

_CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
_PATIENCE = 60.0  # seconds until a kernel answers, on a machine that is very busy


def can_run() -> bool:
    """Whether nbval is installed, and what draws pictures: `./lab setup docs`."""
    return all(find_spec(name) is not None for name in ("nbval", "matplotlib"))


def preload() -> None:
    """Import what running cells takes: it is in all forks of this process then, and in their kernels."""
    _import()
    import_module("ipykernel.kernelapp")
    import_module("labkit.draw.picture")  # first: it says where matplotlib may write
    import_module("matplotlib.figure")
    import_module("matplotlib.backends.backend_svg")


def preloaded() -> bool:
    """Whether `preload` was called."""
    return "ipykernel.kernelapp" in sys.modules


def run(notebook: Path, results: Path, spare: Spare | None = None) -> tuple[int, str]:
    """Run the cells in a process of its own, which may wait already; its exit code and what it printed."""
    if spare:
        return spare.run(notebook, results)
    done = subprocess.run(
        [sys.executable, "-m", "labkit.course.cells", notebook, results],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    return done.returncode, done.stdout


class Spare:
    """A fork of this process, as it is now, that waits for a notebook whose cells it runs.

    Made before anything of a learner's is in here; it ends with this process.
    """

    def __init__(self) -> None:
        job, self._job = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._job)
            _stand_by(job)
        os.close(job)

    def run(self, notebook: Path, results: Path) -> tuple[int, str]:
        """Run the cells with the environment that is this process's now."""
        printed = results.with_suffix(".out")
        with os.fdopen(self._job, "w") as pipe:
            json.dump([str(notebook), str(results), str(printed), str(Path.cwd()), dict(os.environ)], pipe)
        status = os.waitpid(self._pid, 0)[1]
        said = printed.read_text(errors="replace") if printed.exists() else ""
        return os.waitstatus_to_exitcode(status), said


def _stand_by(job: int) -> NoReturn:
    """Never returns: what who forked this has to clean up is not this one's."""
    code = 1
    try:
        with os.fdopen(job) as pipe:
            text = pipe.read()
        if text:  # else nothing was green
            notebook, results, printed, cwd, environment = json.loads(text)
            os.environ.clear()
            os.environ.update(environment)
            os.chdir(cwd)
            _print_into(Path(printed))
            warnings.simplefilter("ignore")
            gc.enable()
            code = main(Path(notebook), Path(results), forked=True)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _print_into(file: Path) -> None:
    output = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(output, number)
    sys.stdout = open(1, "w", closefd=False, errors="backslashreplace")  # noqa: SIM115  # as long as it lives
    sys.stderr = open(2, "w", closefd=False, errors="backslashreplace")  # noqa: SIM115


class _Fork(multiprocessing.get_context("fork").Process):  # type: ignore[misc]
    """What `Kernel` calls of subprocess.Popen, a fork has."""

    def poll(self) -> int | None:
        return self.exitcode  # type: ignore[no-any-return]

    def wait(self) -> None:
        self.join()

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


def _be_kernel(arguments: list[str], cwd: Path) -> None:
    os.chdir(cwd)
    _print_into(Path(os.devnull))
    sys.argv = ["ipykernel_launcher"]
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(arguments)


class Kernel:
    """A Python kernel on sockets in a folder. What nbval calls of Jupyter's KernelManager, it has.

    forked: it is a fork of this process, which has imported a kernel.
    """

    kernel_spec = SimpleNamespace(language="python")
    _process: subprocess.Popen[bytes] | _Fork

    def __init__(self, sockets: Path, cwd: Path, *, forked: bool = False) -> None:
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
        arguments = [
            "-f", str(self._connection), "--HistoryManager.enabled=False",
            f"--IPKernelApp.parent_handle={os.getpid()}",  # it ends when this process has ended
        ]  # fmt: skip
        if forked:
            self._process = _Fork(target=_be_kernel, args=(arguments, cwd))
            self._process.start()
            return
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ipykernel_launcher", *arguments],
            cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
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
        return int(self._process.pid)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def interrupt_kernel(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def shutdown_kernel(self, now: bool = True) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def kernel(cwd: Path, *, forked: bool = False) -> Iterator[Kernel]:
    """A kernel that begins now, in that folder; ended with the block. forked: as `Kernel` says."""
    with tempfile.TemporaryDirectory(prefix="kernel-") as sockets:
        begun = Kernel(Path(sockets), cwd, forked=forked)
        try:
            yield begun
        finally:
            begun.shutdown_kernel()


def main(notebook: Path, results: Path, *, forked: bool = False) -> int:
    """Run the cells; pytest's exit code. forked: so is the kernel."""
    with kernel(notebook.parent, forked=forked) as begun:
        _import()
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


def _import() -> None:
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    import jupyter_client.blocking.client  # noqa: F401
    import nbval.kernel
    import nbval.plugin  # noqa: F401


if __name__ == "__main__":
    code = main(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # taking all that was imported apart is a tenth of a second
