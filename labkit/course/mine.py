"""Which file a part is read from: the learner's, or the reference. One rule, in every process.

LAB_PIECE says which pieces of mine/ count: not set, all of them; `late_events`, that one alone;
`joins,windows`, those two; empty, none. A check sets it, so it holds in workers, notebooks and whatever
else it starts.
"""

from __future__ import annotations

import os
from pathlib import Path

from labkit import paths

ONLY = "LAB_PIECE"


def own(slug: str, suffix: str) -> Path:
    """Where the learner's piece of that name stands, if there is one."""
    return paths.mine() / f"{slug}{suffix}"


def counts(slug: str) -> bool:
    """Whether the learner's piece of that name is to be used here, if there is one."""
    only = os.environ.get(ONLY)
    return only is None or slug in only.split(",")


def chosen(slug: str, reference: Path) -> Path:
    """The file that this part is read from: yours if there is one and it counts, else the reference."""
    yours = own(slug, reference.suffix)
    return yours if counts(slug) and yours.exists() else reference
