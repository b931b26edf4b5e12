"""pytest, in a process that runs a notebook's cells: `python -m labkit.course.cells ARGUMENT...`.

Without a package that jsonschema takes along if it is there: that makes a parser of addresses while it is
imported, for a second, and the format of notebooks has no addresses.
"""

from __future__ import annotations

import sys

sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

import pytest  # noqa: E402

if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[1:]))
