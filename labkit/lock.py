"""make lock: the three locks from pyproject.toml, and jars.lock. Needs the network.

One lock serves Python 3.10 to 3.12 (markers), names versions and hashes, and no address.
"""

from __future__ import annotations

import subprocess

from labkit.paths import ROOT
from labkit.services import jars


def main() -> None:
    """Write all four locks. Raises CalledProcessError: something could not be resolved."""
    compile_ = [
        "uv", "pip", "compile", "--quiet", "--universal", "--python-version=3.10",
        "--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header", "pyproject.toml",
    ]  # fmt: skip
    subprocess.run([*compile_, "-o", "requirements.lock"], cwd=ROOT, check=True)
    for extra in ("docs", "dev"):
        lock = f"requirements-{extra}.lock"
        # the same versions of everything that is in the first lock already
        subprocess.run(
            [*compile_, "--extra", extra, "-c", "requirements.lock", "-o", lock], cwd=ROOT, check=True
        )
    jars.write_lock()


if __name__ == "__main__":
    main()
