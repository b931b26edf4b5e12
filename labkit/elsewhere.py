"""Another .lab: what runs there is nobody else's, and what it remembers is gone afterwards.

    with elsewhere() as lab:
        subprocess.run([..., "-m", "labkit", "check"], env={**os.environ, "LAB_DIR": str(lab)})

What was downloaded or built for this one serves it too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labkit.paths import CLASS_DATA, LAB, ROOT


@contextmanager
def elsewhere() -> Iterator[Path]:
    """A folder that can be LAB_DIR; all that was started with it is ended, and it is deleted."""
    with tempfile.TemporaryDirectory(prefix="lab-") as name:  # short: PostgreSQL has its socket in there
        folder = Path(name)
        furnish(folder)
        try:
            yield folder
        finally:
            subprocess.run(
                [sys.executable, "-m", "labkit", "down", "--all"],
                env={**os.environ, "LAB_DIR": name}, cwd=ROOT, check=True, capture_output=True,
            )  # fmt: skip


def furnish(folder: Path) -> None:
    """Let this folder, which is to be a LAB_DIR, have this one's jars and the archives of their classes."""
    for name in ("jars", CLASS_DATA.name, *(made.name for made in LAB.glob("flink-*"))):
        (LAB / name).mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(LAB / name)
