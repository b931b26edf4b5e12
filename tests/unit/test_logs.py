"""Log lines: to stderr, as text or as JSON, with what they are about."""

from __future__ import annotations

import json
import logging
import re

import pytest

from capstone_marketlag import logs

AT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z"


def test_a_line_of_text_says_when_who_what_and_about_what(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("text")

    logs.get("producer.rss").info(
        "%s items rejected", 2, extra={"key": "fed", "event_time": "2026-01-05T10:00:00Z"}
    )

    said = capsys.readouterr()
    assert re.fullmatch(
        AT + r" INFO rss: 2 items rejected key=fed event_time=2026-01-05T10:00:00Z\n", said.err
    )
    assert said.out == ""


@pytest.mark.parametrize("part", ["producer", "job"])
def test_a_line_of_json_is_one_document(capsys: pytest.CaptureFixture[str], part: str) -> None:
    logs.configure("json")

    logs.get(f"{part}.x").warning("one\ntwo “é”", extra={"watermark": "2026-01-05T10:00:00Z", "other": 1})

    line = capsys.readouterr().err
    found = json.loads(line)
    assert line.count("\n") == 1
    assert re.fullmatch(AT, found.pop("at"))
    assert found == {
        "level": "WARNING",
        part: "x",
        "message": "one\ntwo “é”",
        "watermark": "2026-01-05T10:00:00Z",
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_is_below_the_level_is_not_said_and_nothing_is_said_twice(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    logs.configure(form)
    logs.configure(form, logging.ERROR)
    log = logs.get("producer.prices")

    log.info("carried")
    log.warning("strange")
    log.error("failed")

    [line] = capsys.readouterr().err.splitlines()
    assert "failed" in line


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exception_is_not_lost(capsys: pytest.CaptureFixture[str], form: str) -> None:
    logs.configure(form)
    try:
        raise ValueError("the cause")
    except ValueError:
        logs.get("job.detector").exception("it failed")

    assert "ValueError: the cause" in capsys.readouterr().err


def test_in_a_worker_a_line_is_one_message_of_the_process_s_own_log(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("text", worker=True)
    logs.configure("text", worker=True)  # each of its subtasks does
    with caplog.at_level(logging.INFO):
        logs.get("job.detector").info("100 %s", "%", extra={"key": "m"})

    [line] = caplog.messages
    assert re.fullmatch(AT + " INFO detector: 100 % key=m", line)
    assert "detector" not in capsys.readouterr().err
