"""`status` while it asks: a person at a terminal sees that it does, and the answer stands alone."""

from __future__ import annotations

import io
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

import capstone_marketlag.__main__ as command
from capstone_marketlag import status
from labkit import console
from labkit.services.process import until

WORDS = "asking Flink, Kafka and PostgreSQL …"
ANSWER = {"jobs": {}, "dead": {}, "late": {}, "unanswered": ["PostgreSQL does not answer."]}


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_while_it_asks_a_terminal_shows_it(
    terminal: bool, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, out = io.StringIO(), io.StringIO()
    seen: list[str] = []

    def report(_: Any) -> dict[str, Any]:
        # its first picture is drawn a moment later, by a thread
        until(lambda: not terminal or WORDS in shown.getvalue(), 5, lambda: None)
        seen.append(shown.getvalue())
        return ANSWER

    monkeypatch.setattr(console, "err", Console(file=shown, force_terminal=terminal), raising=False)
    monkeypatch.setattr(console, "out", Console(file=out, soft_wrap=True), raising=False)
    monkeypatch.setattr(command.local, "application", lambda: None)
    monkeypatch.setattr(status, "report", report)

    assert CliRunner().invoke(command.cli, ["status", *arguments]).exit_code == 0
    assert (WORDS in seen[0]) is terminal
    assert terminal or shown.getvalue() == ""
    assert "asking" not in out.getvalue()
    assert "PostgreSQL does not answer." in out.getvalue()
