"""Proofs of several labs at once: each is a process with a .lab of its own, and so a Flink of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from queue import SimpleQueue

from labkit.elsewhere import elsewhere
from labkit.paths import ROOT


def proofs(
    slugs: Sequence[str], options: Sequence[str], jobs: int
) -> Generator[tuple[str, bool, str], None, None]:
    """What `./lab dev prove LAB` with these options said of each lab, as soon as it is done.

    Three things: the lab, whether its proof holds, the text but for its last line. What still runs when this
    is closed is ended.
    """
    free: SimpleQueue[str] = SimpleQueue()
    running: set[subprocess.Popen[str]] = set()

    def proof(slug: str) -> tuple[str, bool, str]:
        lab = free.get()
        command = [sys.executable, "-m", "labkit", "dev", "prove", slug, *options]
        env = {**os.environ, "LAB_DIR": lab}
        try:
            with subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
                running.add(process)
                said, _ = process.communicate()
            running.discard(process)
        finally:
            free.put(lab)  # another lab may wait for it
        *lines, _next = said.splitlines() or [""]
        return slug, process.returncode == 0, "\n".join(lines)

    with ExitStack() as stack:
        for _ in range(min(jobs, len(slugs))):
            free.put(str(stack.enter_context(elsewhere())))
        pool = stack.enter_context(ThreadPoolExecutor(jobs))
        # the last of the path first: the further on, the longer, and none shall be left to run alone
        waiting = [pool.submit(proof, slug) for slug in reversed(slugs)]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in [*running]:
                process.terminate()
