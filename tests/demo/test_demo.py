"""make demo: right on a world nobody chose, red on a wrong piece, and gone without a trace."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from labkit.paths import ROOT, STACKS
from labkit.services import process

DEMO = STACKS / "demo"


def _demo(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "capstone_marketlag", "demo", *arguments],
        capture_output=True, text=True, timeout=240, cwd=ROOT, env={**os.environ, **env},
    )  # fmt: skip


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished demo, of a seed that differs from day to day and is printed."""
    folder: Path = tmp_path_factory.mktemp("demo") / "out"
    seed = int(time.time()) // 86_400
    done = _demo("--seed", str(seed), "--hours", "30", "--to", str(folder))
    assert done.returncode == 0, f"seed {seed}\n{done.stdout}{done.stderr}"
    assert "conserved" in done.stdout
    assert "equal to the oracle" in done.stdout
    return folder


def test_a_run_is_conserved_and_equal_to_the_oracle(reference: Path) -> None:
    summary = json.loads((reference / "summary.json").read_text())

    assert (summary["conserved"], summary["oracle_equal"], summary["first_difference"]) == (True, True, None)
    assert set(summary["pieces"].values()) == {"reference"}
    assert summary["counts"]["dead"] > 0
    assert summary["counts"]["duplicate"] > 0


def test_anybody_can_recount_it_from_the_dumps(reference: Path) -> None:
    """With json and arithmetic alone: every offset is in exactly one place."""
    summary = json.loads((reference / "summary.json").read_text())
    news, dead, late = (
        _lines(reference, name) for name in ("rss.events", "dlq.rss.events", "late.rss.events")
    )
    letters = [json.loads(row["value"]) for row in dead]
    at_the_gate = {
        (letter["source_partition"], letter["source_offset"])
        for letter in letters
        if letter["stage"] == "gate"
    }
    values = [
        json.loads(row["value"]) for row in news if (row["partition"], row["offset"]) not in at_the_gate
    ]
    beats = sum(value.get("kind") == "heartbeat" for value in values)
    sightings = Counter(value["item_id"] for value in values if value.get("kind") != "heartbeat")
    signals = [json.loads(row["value"]) for row in _lines(reference, "rss.signals_hourly")]
    counted = sum(signal["mention_count"] for signal in signals)
    table = [
        json.loads(line)
        for line in (reference / "tables" / "rss_signals_hourly.jsonl").read_text().splitlines()
    ]

    assert len(sightings) == counted + len(late)
    assert (
        summary["counts"]["in"]
        == len(news)
        == (counted + len(late) + sum(sightings.values()) - len(sightings) + len(at_the_gate) + beats)
    )
    assert sum(row["mention_count"] for row in table) == counted
    assert len(table) == len(signals) == summary["signal_hours"]
    assert all(letter["reason"] and base64.b64decode(letter["original"]) for letter in letters)


def test_every_signal_keeps_the_contract_of_its_topic(reference: Path) -> None:
    rows = _lines(reference, "rss.signals_hourly")
    for row in rows:
        value = json.loads(row["value"])
        assert list(value) == [
            "market_slug", "window_start", "window_end", "mention_count", "keyword_score",
            "source_weighted_signal", "source_weight_avg", "timezone",
        ]  # fmt: skip
        assert row["key"] == f"{value['market_slug']}|{value['window_start']}"
        assert value["window_start"].endswith(":00:00Z")
    assert len({row["key"] for row in rows}) == len(rows)


def test_the_report_needs_nothing_else(reference: Path) -> None:
    page = (reference / "report.html").read_text()

    assert "equal to the oracle" in page.lower()
    assert 'src="http' not in page
    assert "@import" not in page


def test_it_stops_what_it_started_and_keeps_nothing_of_it(reference: Path) -> None:
    assert process.marked(DEMO) == []
    assert not DEMO.exists()


@pytest.mark.parametrize(
    ("piece", "right", "wrong"),
    [
        ("windows", "AVG(article_score * source_weight)", "AVG(article_score)"),
        ("deduplication", "ORDER BY arrival ASC", "ORDER BY event_time ASC"),
        # no patience: what came within the five minutes is called late. (A watermark without patience
        # is wrong only where the partitions happen to be read in step: no test of a single run.)
        ("event_time", "- INTERVAL '5' MINUTE AS closed_until", "AS closed_until"),
    ],
)
def test_a_wrong_piece_is_named_by_its_first_difference(
    tmp_path: Path, piece: str, right: str, wrong: str
) -> None:
    from capstone_marketlag import pieces

    text = pieces.path(piece).read_text()
    assert right in text
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / f"{piece}.sql").write_text(text.replace(right, wrong))
    done = _demo("--hours", "30", "--to", str(tmp_path / "out"), LAB_MINE=str(mine))

    assert done.returncode == 1, done.stdout
    assert f"Pieces: {piece} yours, the others from the reference." in done.stdout
    assert "NOT EQUAL. " in done.stdout or "NOT CONSERVED" in done.stdout
    assert "marketlag: The result is not right." in done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["first_difference"].startswith(("Hour 2026-01-0", "Item "))


def test_a_piece_that_does_not_parse_is_one_sentence_with_its_line(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "deduplication.sql").write_text("-- mine\n\nCREATE VIEW news_first AS SELEC * FROM news_valid;\n")
    done = _demo("--hours", "3", "--to", str(tmp_path / "out"), LAB_MINE=str(mine))

    assert done.returncode == 1
    assert "deduplication.sql, line 3 (CREATE VIEW news_first AS SELEC * FROM news_valid): " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
    assert process.marked(DEMO) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_demo_that_is_cut_off_leaves_no_process(tmp_path: Path, how: signal.Signals) -> None:
    moments = random.Random(int(how))
    for _ in range(2):
        demo = subprocess.Popen(
            [sys.executable, "-m", "capstone_marketlag", "demo", "--to", str(tmp_path / "out")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        process.until(lambda: bool(process.marked(DEMO)), 20, lambda: None)
        time.sleep(moments.uniform(0, 15))  # the fault's random moment, not a wait for anything
        demo.send_signal(how)
        _, err = demo.communicate(timeout=60)
        process.until(lambda: not process.marked(DEMO), 5, lambda: None)

        assert process.marked(DEMO) == []
        assert not (tmp_path / "out").exists()
        if how == signal.SIGINT:
            assert demo.returncode == 130
            assert "marketlag: Stopped; everything it started was ended." in err


@pytest.mark.parametrize(
    ("arguments", "env", "sentence"),
    [
        (["--hours", "0"], {}, "0 is not in the range"),
        (["--seed", "x"], {}, "'x' is not a valid integer"),
        ([], {"MARKETLAG_PARALLELISM": "0"}, "MARKETLAG_PARALLELISM is '0'. It is subtasks of each operator"),
    ],
)
def test_a_setting_out_of_range_is_one_sentence(
    arguments: list[str], env: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    done = _demo("--to", str(tmp_path / "out"), *arguments, **env)

    assert done.returncode in (1, 2)
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert process.marked(DEMO) == []


def _lines(folder: Path, topic: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "topics" / f"{topic}.jsonl").read_text().splitlines()]


_LOOPBACK_ONLY = """
import fcntl, os, socket, struct, sys
probe = socket.socket()
flags = struct.pack("16sH14x", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING: the namespace starts with lo down
fcntl.ioctl(probe, 0x8914, flags)  # SIOCSIFFLAGS
try:
    socket.create_connection(("192.0.2.1", 80), timeout=1)
    sys.exit("there is a network in here")
except OSError:
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def test_it_works_without_a_network(tmp_path: Path) -> None:
    """In a network namespace that has a loopback device and nothing else."""
    unshare = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-cn"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a network namespace")
    done = subprocess.run(
        [*unshare, sys.executable, "-c", _LOOPBACK_ONLY, "-m", "capstone_marketlag", "demo", "--hours", "3",
         "--to", str(tmp_path / "out")],
        capture_output=True, text=True, timeout=240, cwd=ROOT,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
