"""PyFlink's own deprecations are not about these tests."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    for module in ("pyflink", "httplib2", "apache_beam"):
        config.addinivalue_line("filterwarnings", rf"ignore::DeprecationWarning:{module}.*")
