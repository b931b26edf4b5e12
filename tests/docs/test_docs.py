"""The pages say what is so: they build, their links lead somewhere, and what they name exists."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from mkdocs.exceptions import PluginError

from capstone_marketlag import oracle, pieces
from capstone_marketlag.__main__ import cli as application
from capstone_marketlag.replay.generate import world as generate
from docs.hooks import PRODUCERS, expanded
from labkit.cli import cli
from labkit.paths import ROOT, labs
from tests.docs import checks
from tests.docs.conftest import build

PAGES = checks.pages()


# ---- the site ----------------------------------------------------------------------------------


def test_every_page_is_built_with_one_heading_and_fetches_nothing(site: Path) -> None:
    built = {
        file.relative_to(site).as_posix(): checks.flaws(file.read_text()) for file in site.rglob("*.html")
    }

    assert {name: found for name, found in built.items() if found} == {}
    # and 404.html, and the report
    assert len(built) == len([name for name in PAGES if name.startswith("docs/")]) + 2


def test_sources_of_the_site_are_not_published(site: Path) -> None:
    left = [file.name for file in site.rglob("*") if file.suffix in (".py", ".md", ".sql", ".txt", ".toml")]

    assert left == []


def test_the_search_knows_pages_labs_and_terms(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text())
    places = {each["location"] for each in index["docs"]}

    assert {
        "",
        "red/",
        "path/late_events/",
        "glossary/#watermark",
        "contracts/#lag_signals",
        "knowledge/",
    } <= places
    assert next((site / "assets" / "javascripts" / "workers").glob("search*.js")).is_file()


def test_the_report_is_shown_by_a_page_in_a_frame_that_has_a_name(site: Path) -> None:
    page = (site / "report" / "index.html").read_text()
    [frame] = re.findall(r"<iframe[^>]*>", page)

    assert 'title="The report of the reference run"' in frame
    assert (site / "report" / re.findall(r'src="([^"]*)"', frame)[0]).resolve().is_file()
    assert (site / "assets" / "report.html").stat().st_size < 1_500_000


def test_a_link_to_nowhere_and_an_anchor_to_nowhere_end_the_build(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "docs", copy / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("mkdocs.yml", "README.md", "labs"):
        (copy / name).symlink_to(ROOT / name)
    with (copy / "docs" / "index.md").open("a") as page:
        page.write("\n[one](nowhere.md) [two](start.md#nowhere)\n")

    done = build(copy, tmp_path / "site")

    assert done.returncode != 0
    assert "nowhere.md" in done.stderr
    assert "#nowhere" in done.stderr


def test_a_marker_that_names_nothing_ends_the_build() -> None:
    with pytest.raises(PluginError, match="names nothing"):
        expanded("<!-- nothing -->")
    with pytest.raises(PluginError, match="names nothing"):
        expanded("<!-- cli fly -->")
    with pytest.raises(PluginError, match="names nothing"):
        expanded("<!-- marketlag fly -->")


def test_flaws_of_a_built_page_are_found() -> None:
    html = (
        "<h1>a</h1><h1>b</h1><img src=x.png><svg role=img><path></path></svg>"
        "<script src='https://cdn.example/x.js'></script><pre class=mermaid></pre>"
        "<svg role=img><title>named</title></svg><img src=y.png alt=y>"
    )

    assert checks.flaws(html) == [
        "an image without alt: x.png",
        "a picture without a name",
        "fetched from elsewhere: https://cdn.example/x.js",
        "a diagram whose renderer would be fetched",
        "2 h1",
    ]


# ---- links and paths ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_the_pages_at_the_root_lead_somewhere(name: str) -> None:
    assert checks.dead_links((ROOT / name).read_text(), ROOT) == []


def test_a_dead_link_is_found() -> None:
    text = "[a](nowhere.md) [b](README.md#x) [c](https://example.org) [d](docs/nowhere/)"

    assert checks.dead_links(text, ROOT) == ["nowhere.md", "docs/nowhere/"]


def test_every_path_that_a_page_names_exists() -> None:
    assert {name: found for name, text in PAGES.items() if (found := checks.missing_paths(text))} == {}


def test_a_missing_path_is_found() -> None:
    text = "`labs/nowhere.sql`\n```bash\npython ./docs/none.py labkit/cli.py\n```\n"

    assert checks.missing_paths(text) == ["labs/nowhere.sql", "docs/none.py"]


def test_every_folder_of_lab_that_a_page_names_is_made_by_the_code() -> None:
    assert {name: found for name, text in PAGES.items() if (found := checks.unmade(text))} == {}


def test_a_folder_that_nothing_makes_is_found() -> None:
    assert checks.unmade("`.lab/stacks/main/x`, `.lab/prices.sqlite` and `.lab/marketlag`") == {"marketlag"}


def test_no_page_names_a_path_of_a_machine_or_a_package_server() -> None:
    assert {name: found for name, text in PAGES.items() if (found := checks.foreign(text))} == {}


def test_a_path_of_a_machine_and_a_package_server_are_found() -> None:
    text = "in /home/me/x, at https://pypi.org/simple, C:\\Users; but not /elsewhere or /path/to/python3.11"

    assert checks.foreign(text) == ["/home/me", "https://pypi.org/simple,", "C:\\Users"]


def test_every_output_is_shown_by_a_page() -> None:
    shown = {name for file in (ROOT / "docs").rglob("*.md")
             for name in re.findall(r'^--8<-- "docs/output/(.+)"$', file.read_text(), re.MULTILINE)}  # fmt: skip

    assert shown == {file.name for file in (ROOT / "docs" / "output").iterdir()}


# ---- commands ----------------------------------------------------------------------------------


def test_every_command_that_a_page_shows_exists() -> None:
    shown = {(name, command) for name, text in PAGES.items() for command in checks.commands(text)}

    assert [(*each, why) for each in sorted(shown) if (why := checks.unknown(each[1]))] == []
    assert {command.split()[0] for _, command in shown} == {"./lab", "make", "python"}


def test_every_command_of_lab_has_its_place_on_the_page() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text()

    assert re.findall(r"<!-- cli (\w+) -->", page) == list(cli.commands)


def test_every_command_of_the_application_has_its_place_on_the_page_with_an_output() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text()
    places = re.findall(r'^## marketlag (\w+)\n\n<!-- marketlag (\w+) -->(?:(?!^## ).)*?^--8<-- "docs/output/(\w+).txt"',
                        page, re.MULTILINE | re.DOTALL)  # fmt: skip

    assert sorted(places) == sorted((name, name, name) for name in application.commands)


def test_every_target_of_make_has_its_line_on_the_page() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text()
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert sorted(re.findall(r"^\| `make ([a-z-]+)` \|", page, re.MULTILINE)) == sorted({*targets} - {"help"})


def test_commands_are_found_where_pages_show_them() -> None:
    text = (
        "Call `make demo` or `./lab up`, and make haste.\n"
        '```bash\nLAB_DIR=/x ./lab sql a.sql && make test  # make nothing\neval "$(./lab env)"\n```\n'
        "```console\n$ ./lab down --all\nmake believe\n```\n"
        "```text\nmake no difference\n```\n"
        "Say `.venv/bin/python -m capstone_marketlag stop`; `capstone_marketlag` is no command.\n"
        "```bash\nA=1 python -m capstone_marketlag run --anew  # python -m capstone_marketlag fly\n```\n"
    )

    assert checks.commands(text) == [
        "make demo", "./lab up", "./lab sql a.sql", "make test", "./lab env", "./lab down --all",
        ".venv/bin/python -m capstone_marketlag stop", "python -m capstone_marketlag run --anew",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("./lab fly", "./lab has no command fly"),
        ("./lab up --wings 2", "./lab up: No such option"),
        ("./lab up redis", "./lab up has no service redis"),
        ("./lab setup wings", "./lab setup has no wings"),
        ("make believe", "make has no target believe"),
        ("make demo SPEED=1", "make has no variable SPEED"),
        ("python -m capstone_marketlag fly", "capstone_marketlag has no command fly"),
        (".venv/bin/python -m capstone_marketlag run --wings", "capstone_marketlag run: No such option"),
        ("python -m capstone_marketlag replay --hours 0", "capstone_marketlag replay: Invalid value"),
    ],
)
def test_a_command_that_does_not_exist_is_found(command: str, why: str) -> None:
    found = checks.unknown(command)

    assert found is not None
    assert found.startswith(why)


def test_the_shape_of_an_output_is_its_words() -> None:
    shown = (
        "$ make it\nlag  2026-01-14T15:00:00Z fed-rate-hike-in-march, 0.81\nlag 3 a-b-c, 1\nruns for 2 min\n"
    )

    assert checks.shape(shown) == ["lag N MARKET, N", "runs for N"]
    assert checks.shape("lag 3 a-b-c, 1\nruns for 99 s") == checks.shape(shown)
    assert checks.shape("lag 3 a-b-c, 1\nran for 99 s") != checks.shape(shown)


# ---- settings and sentences --------------------------------------------------------------------


def test_pages_and_code_know_the_same_variables() -> None:
    named = set().union(*(checks.variables(text) for text in PAGES.values()))

    assert named - checks.known() == set(), "named in a page, unknown to the code"
    assert checks.known() - named == set(), "known to the code, named in no page"


def test_a_made_up_variable_is_found_and_a_comment_makes_none_known() -> None:
    assert checks.variables("set LAB_WINGS or MARKETLAG_SPEED, not LAB_… or MY_LAB_X") == {
        "LAB_WINGS", "MARKETLAG_SPEED",
    }  # fmt: skip
    assert checks.literals('"""LAB_A and LAB_B"""\n# LAB_C\nget("LAB_D", LAB_E=1)') == {"LAB_D", "LAB_E"}
    assert {"LAB_WINGS", "MARKETLAG_SPEED"} & checks.known() == set()


def test_every_sentence_that_is_explained_is_one_that_is_said() -> None:
    page = (ROOT / "docs" / "reference" / "errors.md").read_text()
    headings = re.findall(r"^### `(.+)`$", page, re.MULTILINE)
    parts = [labs() / part for part in pieces.LABS.values() if part.endswith(".py")]
    files = [
        *(ROOT / "labkit").rglob("*.py"),
        *(ROOT / "capstone_marketlag").rglob("*.py"),
        *parts,
        ROOT / "lab",
    ]
    sources = "\n".join(file.read_text() for file in files)

    assert len(headings) > 20
    assert checks.unsaid(headings, sources) == []


def test_a_sentence_that_nobody_says_is_found() -> None:
    assert checks.unsaid(["Port … is taken", "Port … is on fire"], 'f"Port {port} is taken"') == [
        "Port … is on fire"
    ]


# ---- the reference run -------------------------------------------------------------------------


def reference() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "docs" / "assets" / "summary.json").read_text())
    return found


def test_the_report_on_the_site_is_of_a_right_run_of_the_reference() -> None:
    run = reference()

    assert (run["seed"], run["hours_of_news"], run["conserved"], run["oracle_equal"]) == (1, 240, True, True)
    assert set(run["pieces"].values()) == {"reference"}
    assert set(run["pieces"]) == set(pieces.LABS)


def test_the_report_and_the_figures_beside_it_are_of_the_same_run() -> None:
    report = (ROOT / "docs" / "assets" / "report.html").read_text()
    day, time = reference()["made_at"].split("T")

    assert f"{day} {time[:5]} UTC" in report


def test_the_figures_beside_the_report_are_those_of_its_world() -> None:
    """What the page says of the flags that hit nothing: most of them moved with the news, or none of them."""
    run = reference()
    world = generate(run["seed"], run["hours_of_news"])
    lags, moves = ({(each["market"], each["hour"]) for each in world[what]} for what in ("lags", "moves"))
    flags = {
        alignment: {key for key, lag in oracle.truth(world, alignment).lags.items() if lag["lag_flag"]}
        for alignment in ("window_start", "window_end")
    }

    assert {name: len(each & lags) for name, each in flags.items()} == {
        name: run["lags"][name]["hits"] for name in flags
    }
    assert len(flags["window_start"] & moves) > len(flags["window_start"] - lags) / 2
    assert flags["window_end"] & moves == set()


def test_the_first_page_counts_in_the_words_of_the_demo() -> None:
    def words(line: str) -> list[str]:
        return re.findall(r"\d ([a-z]+)", line.partition(" = ")[2].partition(" |")[0])

    [shown] = re.findall(r"^\| news records in .*$", expanded("<!-- run -->"), re.MULTILINE)
    [said] = re.findall(
        r"^.* news records in .*$", (ROOT / "docs" / "output" / "demo.txt").read_text(), re.MULTILINE
    )

    assert words(shown) == words(said) == ["counted", "late", "repeated", "dead", "heartbeats"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyFlink's own
def test_every_part_runs_in_one_place() -> None:
    from capstone_marketlag.jobs import detector  # here: it brings PyFlink along

    runs = (pieces.SESSION, pieces.PREFLIGHT, *PRODUCERS, *pieces.SIGNALS, *detector.PIECES, detector.SINK)
    assert sorted(runs) == sorted(pieces.LABS)
