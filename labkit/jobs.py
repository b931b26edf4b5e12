"""./lab run JOB: the exact `flink run` line for a PyFlink job, printed and run."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from labkit import console
from labkit.errors import LabError
from labkit.services.flink import HOME
from labkit.services.stack import Stack


def command(job: Path, arguments: list[str], stack: Stack) -> list[str]:
    """The `flink run` line: detached, with the environment's Python on both sides."""
    # somebody's own cluster has its own Python, at a path of its own
    python = [] if stack.flink.external else ["--pyExecutable", stack.flink.python]
    return [
        str(HOME / "bin" / "flink"), "run", "--detached",
        "--jobmanager", stack.flink.address.removeprefix("http://"),
        "--python", str(job),
        *python,
        "--pyClientExecutable", sys.executable,
        *arguments,
    ]  # fmt: skip


def run_job(job: Path, arguments: list[str], stack_name: str, print_only: bool) -> int:
    """Submit a job to the running cluster; the exit code of `flink run`.

    Raises LabError: there is no such file, or no cluster that answers.
    """
    stack = Stack(stack_name)
    if not job.is_file():
        raise LabError(f"There is no file {job}.", "A PyFlink job was expected.", "./lab run --help")
    if not stack.flink.usable():
        raise LabError("Flink does not run.", "A job needs a cluster.", "./lab up")
    line = command(job, arguments, stack)
    console.err.print(shlex.join(line), markup=False)
    if print_only:
        return 0
    with tempfile.TemporaryDirectory(prefix="lab-run-") as links:
        return subprocess.run(line, env=_without_spaces(stack.environment(), Path(links))).returncode


def _without_spaces(env: dict[str, str], links: Path) -> dict[str, str]:
    """The environment with folders of links in place of those that have a space in their path.

    Flink's own scripts do not quote them and would find no jar. A link to the whole folder would not do:
    the scripts' `find` does not follow it.
    """
    spaced = {key: value for key, value in env.items() if key.startswith("FLINK_") and " " in value}
    for key, value in spaced.items():
        (links / key).mkdir()
        for child in Path(value).iterdir():
            (links / key / child.name).symlink_to(child)
    return {**env, **{key: str(links / key) for key in spaced}}
