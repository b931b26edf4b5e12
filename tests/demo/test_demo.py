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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labkit.course.answers import answers
from labkit.course.curriculum import Curriculum
from labkit.elsewhere import elsewhere
from labkit.paths import ROOT, STACKS
from labkit.services import jars, process

DEMO = STACKS / "demo"


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
_UNSHARE = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-cn"]


def _demo(*arguments: str, offline: bool = False, **env: str) -> subprocess.CompletedProcess[str]:
    """A demo; offline: in a network namespace that has a loopback device and nothing else."""
    python = [*_UNSHARE, sys.executable, "-c", _LOOPBACK_ONLY] if offline else [sys.executable]
    return subprocess.run(
        [*python, "-m", "capstone_marketlag", "demo", *arguments],
        capture_output=True, text=True, timeout=480, cwd=ROOT, env={**os.environ, **env},
    )  # fmt: skip


@pytest.fixture(scope="module")
def no_network() -> bool:
    """Whether this machine lets us make a network namespace."""
    return subprocess.run([*_UNSHARE, "true"], capture_output=True).returncode == 0


#: what a shell may hold for another system: none of it is the demo's
SOMEBODY_S = {
    "MARKETLAG_SIGNAL_THRESHOLD": "2.5",
    "MARKETLAG_SECURITY_PROTOCOL": "SASL_SSL",
    "MARKETLAG_REGISTRY": "http://127.0.0.1:9",
}


@dataclass
class Demo:
    """A demo that has ended: what it printed, its folder, and what it left."""

    out: str
    folder: Path
    #: the stacks of its .lab, and what still ran of its own services
    stacks: set[str]
    running: list[process.Owned]
    #: what ran of any of them when its .lab was gone
    orphans: list[process.Owned]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, no_network: bool) -> Demo:
    """A finished demo without a network, of a seed that differs from day to day and is printed.

    Of a learner's, with one right piece and one wrong one, as behind an edit; in a .lab of its own, which remembers
    that both were checked and is gone afterwards.
    """
    for name in ("kafka", "flink"):
        jars.fetch(name)  # what a first run would download
    place = tmp_path_factory.mktemp("demo")
    mine = place / "mine"
    mine.mkdir()
    labs = Curriculum(ROOT / "labs").labs
    late = next(each for each in answers(labs["late_events"]).right if each.name == "IS TRUE")
    (mine / "late_events.sql").write_text(late.piece)
    windows = labs["windows"].reference.solved()
    right = "AVG(article_score * "
    assert right in windows
    (mine / "windows.sql").write_text(windows.replace(right, "AVG(2 * article_score * "))
    seed = int(time.time()) // 86_400
    with elsewhere() as lab:
        env = {"LAB_MINE": str(mine), "LAB_DIR": str(lab), **SOMEBODY_S}
        done = _demo(
            "--seed", str(seed), "--hours", "30", "--to", str(place / "out"), offline=no_network, **env
        )  # fmt: skip
        stacks = [*(lab / "stacks").glob("*")]
        running = process.marked(lab / "stacks" / "demo")
    orphans = [each for stack in stacks for each in process.marked(stack)]
    assert done.returncode == 0, f"seed {seed}\n{done.stdout}{done.stderr}"
    return Demo(done.stdout, place / "out", {stack.name for stack in stacks}, running, orphans)


@pytest.fixture(scope="module")
def finished(demo: Demo) -> Path:
    """The folder of a finished demo."""
    return demo.folder


def test_what_it_prints_is_what_there_is(demo: Demo) -> None:
    assert "conserved" in demo.out
    assert "equal to the oracle" in demo.out
    assert f"it ignores {', '.join(sorted(SOMEBODY_S))}." in demo.out


def test_a_run_is_conserved_and_equal_to_the_oracle(finished: Path) -> None:
    summary = json.loads((finished / "summary.json").read_text())

    assert (summary["conserved"], summary["oracle_equal"], summary["first_difference"]) == (True, True, None)
    news, prices = summary["counts"]["news"], summary["counts"]["prices"]
    # that there is something to get wrong; how much of it, each seed says for itself
    assert min(news["duplicate"], news["heartbeat"], news["rejected"] + news["dead"], news["late"]) > 0
    assert min(prices["used"], prices["heartbeat"], prices["rejected"] + prices["dead"]) > 0
    assert summary["flags"] > 0
    assert summary["lags"]["planted"] > 0
    assert set(summary["seconds"]) > {"services", "all"}
    # a broker, a database and three JVMs are not less, and the design allows not more
    assert 500 < summary["peak_memory_mb"] <= 2500


def test_anybody_can_recount_it_from_the_dumps(finished: Path) -> None:
    """With json and arithmetic alone: every offset is in one place, and the figures are the summary's."""
    summary = json.loads((finished / "summary.json").read_text())
    news, prices = summary["counts"]["news"], summary["counts"]["prices"]

    rows, dead = _alive(finished, "rss.events")
    sightings = Counter((row["market_slug"], row["item_id"]) for row in rows if "kind" not in row)
    late = [json.loads(row["value"]) for row in _lines(finished, "late.rss.events")]
    signals = [json.loads(row["value"]) for row in _lines(finished, "rss.signals_hourly")]
    assert news["dead"] == dead
    assert news["heartbeat"] == sum(row.get("kind") == "heartbeat" for row in rows)
    assert news["duplicate"] == sum(sightings.values()) - len(sightings)
    assert news["late"] == len(late)
    assert news["counted"] == len(sightings) - len(late) == sum(each["mention_count"] for each in signals)
    assert news["in"] == len(_lines(finished, "rss.events")) == sum(
        news[part] for part in ("counted", "late", "duplicate", "dead", "heartbeat")
    )  # fmt: skip
    assert news["served"] == news["produced"] + news["rejected"]

    rows, dead = _alive(finished, "polymarket.price_hourly")
    quoted = Counter(
        (row["market_slug"], row["outcome"], row["event_time"]) for row in rows if "kind" not in row
    )
    late_prices = {
        (row["market_slug"], row["outcome"], row["event_time"])
        for row in (json.loads(line["value"]) for line in _lines(finished, "late.polymarket.price_hourly"))
    }
    assert prices["dead"] == dead
    assert prices["duplicate"] == sum(quoted.values()) - len(quoted)
    assert prices["late"] == len(late_prices)
    assert prices["used"] == sum(each[1] == "Yes" for each in quoted.keys() - late_prices)
    assert prices["not_used"] == sum(each[1] != "Yes" for each in quoted.keys() - late_prices)
    assert prices["in"] == sum(
        prices[part] for part in ("used", "not_used", "late", "duplicate", "dead", "heartbeat")
    )

    history = _table(finished, "lag_signals_history")
    flagged = [row for row in history if row["lag_flag"]]
    assert (
        len(history) == len(signals) == summary["signal_hours"] == len(_table(finished, "rss_signals_hourly"))
    )
    assert summary["flags"] == len(flagged)
    assert summary["flags_without_observed_price"] == sum(
        row["price_status"] != "observed" for row in flagged
    )
    for row in flagged:
        assert float(row["signal_delta"]) > 1.0
        assert abs(float(row["price_delta"])) < 0.02


SIGNAL = [
    "market_slug", "window_start", "window_end", "mention_count", "keyword_score",
    "source_weighted_signal", "source_weight_avg", "timezone",
]  # fmt: skip
LAG = {
    "market", "window_start", "signal_delta", "price_delta", "lag_flag", "confidence", "rss_signal",
    "prev_rss_signal", "price", "prev_price", "price_status", "detected_at", "timezone",
}  # fmt: skip


def test_every_signal_keeps_the_contract_of_its_topic(finished: Path) -> None:
    for topic, market in (("rss.signals_hourly", "market_slug"), ("lag_signals", "market")):
        rows = _lines(finished, topic)
        for row in rows:
            value = json.loads(row["value"])
            if topic == "rss.signals_hourly":
                assert list(value) == SIGNAL
            else:
                assert set(value) >= LAG
            assert row["key"] == f"{value[market]}|{value['window_start']}"
            assert value["window_start"].endswith(":00:00Z")
        assert len({row["key"] for row in rows}) == len(rows) > 0


def test_the_report_needs_nothing_else(finished: Path) -> None:
    page = (finished / "report.html").read_text()

    assert "equal to the oracle" in page.lower()
    assert 'src="http' not in page
    assert "@import" not in page


def test_it_works_without_a_network(finished: Path, no_network: bool) -> None:
    if not no_network:
        pytest.skip("this machine lets nobody make a network namespace")
    assert (finished / "report.html").exists()


def test_it_stops_what_it_started_and_keeps_nothing_of_it(demo: Demo) -> None:
    assert demo.running == []
    assert "demo" not in demo.stacks
    assert demo.stacks, "the engine that has checked both pieces stays for the next check"
    assert demo.orphans == []


def test_a_wrong_piece_is_named_by_its_first_difference(tmp_path: Path) -> None:
    """One of Python; of SQL the pipeline's tests have some."""
    from capstone_marketlag import pieces

    text, right = pieces.path("confidence").read_text(), 'Decimal("0.3")'
    assert right in text
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "confidence.py").write_text(text.replace(right, 'Decimal("0.31")'))
    done = _demo("--hours", "4", "--mine", "all", "--to", str(tmp_path / "out"), LAB_MINE=str(mine))

    assert done.returncode == 1, done.stdout
    assert "Pieces: confidence yours, the others from the reference." in done.stdout
    assert "NOT EQUAL. Hour 2026-01-0" in done.stdout
    assert "marketlag: The result is not right." in done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["first_difference"].startswith("Hour 2026-01-0")
    assert summary["conserved"], "no record was lost: only the arithmetic is wrong"


def test_right_pieces_run_and_wrong_ones_are_left_out_and_said(demo: Demo) -> None:
    assert (
        "windows: yours is wrong, the reference stands in. ./lab check windows says more, "
        "make demo MINE=all takes it.\n"
    ) in demo.out
    assert "Pieces: late_events yours, the others from the reference." in demo.out
    assert "late_events: yours is" not in demo.out
    pieces = json.loads((demo.folder / "summary.json").read_text())["pieces"]
    assert {slug for slug, whose in pieces.items() if whose == "yours"} == {"late_events"}
    assert set(pieces.values()) == {"yours", "reference"}


def test_a_piece_that_does_not_parse_is_one_sentence_with_its_line(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "deduplication.sql").write_text("-- mine\n\nCREATE VIEW news_first AS SELEC * FROM news_valid;\n")
    done = _demo("--hours", "3", "--mine", "all", "--to", str(tmp_path / "out"), LAB_MINE=str(mine))

    assert done.returncode == 1
    assert "deduplication.sql, line 3 (CREATE VIEW news_first AS SELEC * FROM news_valid): " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
    assert process.marked(DEMO) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_demo_that_is_cut_off_leaves_no_process(tmp_path: Path, how: signal.Signals) -> None:
    moment = random.Random(int(how) + int(time.time()) // 86_400).uniform(0, 15)
    demo = subprocess.Popen(
        [sys.executable, "-m", "capstone_marketlag", "demo", "--to", str(tmp_path / "out")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    process.until(lambda: bool(process.marked(DEMO)), 20, lambda: None)
    time.sleep(moment)  # the fault's moment, another one each day; not a wait for anything
    demo.send_signal(how)
    _, err = demo.communicate(timeout=60)
    process.until(lambda: not process.marked(DEMO), 5, lambda: None)

    assert process.marked(DEMO) == [], moment
    assert not (tmp_path / "out").exists()
    if how == signal.SIGINT:
        assert demo.returncode == 130
        assert "marketlag: Stopped; everything it started was ended." in err


@pytest.mark.parametrize(
    ("arguments", "env", "sentence"),
    [
        (["--hours", "0"], {}, "0 is not in the range"),
        (["--seed", "x"], {}, "'x' is not a valid integer"),
        (
            [],
            {"MARKETLAG_ALIGNMENT": "both"},
            "MARKETLAG_ALIGNMENT is 'both'. It is the price move of a news hour",
        ),
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


def _alive(folder: Path, topic: str) -> tuple[list[dict[str, Any]], int]:
    """The values of a topic's records without a letter of the gate; and how many have one."""
    letters = [json.loads(row["value"]) for row in _lines(folder, f"dlq.{topic}")]
    assert all(letter["reason"] and base64.b64decode(letter["original"]) is not None for letter in letters)
    dead = [(each["source_partition"], each["source_offset"]) for each in letters if each["stage"] == "gate"]
    assert len(dead) == len(set(dead))
    rows = [row for row in _lines(folder, topic) if (row["partition"], row["offset"]) not in set(dead)]
    return [json.loads(row["value"]) for row in rows], len(dead)


def _table(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "tables" / f"{name}.jsonl").read_text().splitlines()]


def _lines(folder: Path, topic: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "topics" / f"{topic}.jsonl").read_text().splitlines()]
