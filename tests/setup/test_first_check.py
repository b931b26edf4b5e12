"""The first four commands of the first page, in a clone and an environment of its own: nothing else installed."""

from __future__ import annotations

from pathlib import Path

from bench.first_check import walk


def test_a_fresh_clone_leads_to_a_red_and_a_green_check(tmp_path: Path) -> None:
    """`walk` ends with what a command printed if it did not end as the page says."""
    assert list(walk(tmp_path, Path.home())) == [
        "git clone", "./lab start first_query", "./lab check (red)", "./lab check (green)",
    ]  # fmt: skip
