"""Where mkdocs meets this course: the labs become pages, and each marker on a line of its own what it names.

<!-- settings -->     every MARKETLAG_… setting            capstone_marketlag/settings.py
<!-- topics -->       the topic plan                       capstone_marketlag/topics.toml
<!-- pieces -->       which lab each part comes from       capstone_marketlag/pieces.py
<!-- piece SLUG -->   that part as it runs, no markers      its lab's solution
<!-- found -->        what the reference run found         docs/assets/summary.json
<!-- ports -->        every LAB_…_PORT                     labkit/services/ports.py
<!-- downloads -->    the locked jars, by set              jars.lock
<!-- cli NAME -->     usage and options of ./lab NAME      labkit/cli.py
<!-- marketlag NAME -->   … of the application's commands   capstone_marketlag/__main__.py
<!-- decisions -->    the list of decisions                docs/decisions/
<!-- path -->         every lab, written or not             docs/guide/course.py
<!-- knowledge -->    the knowledge map                     docs/guide/knowledge.py
<!-- fields -->       what is in each topic                 capstone_marketlag/schemas/
<!-- tables -->       what is in each table                 capstone_marketlag/sql/postgres.sql and a lab's
<!-- picture NAME --> a diagram                             docs/guide/pictures.py
<!-- written -->      how many labs are written             labs/*/*/lab.toml
<!-- run -->          the reference run in figures          docs/assets/summary.json

A marker that names nothing ends the build.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from capstone_marketlag import pieces, settings, topics
from capstone_marketlag.__main__ import cli as application
from labkit.cli import cli
from labkit.course.markers import parse
from labkit.errors import LabError
from labkit.paths import ROOT, labs
from labkit.services import jars, ports

sys.path.append(str(ROOT))  # `mkdocs serve` alone does not look into this folder
from docs.guide import contracts, course, knowledge, labpages, pictures

_MARKER = re.compile(r"^<!-- (\w+)(?: (\w+))? -->$", re.MULTILINE)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """mkdocs calls this first, and `serve` after each change: the path gets its labs."""
    course.read_again()
    try:
        labs_pages = labpages.navigation()
    except LabError as error:
        raise PluginError(str(error)) from error
    [path] = [each for each in config.nav or [] if each == {"The path": "path/index.md"}]
    path["The path"] = labs_pages
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """mkdocs calls this with the files of docs/: the labs' READMEs join them, as the files they are."""
    for uri, source in labpages.sources().items():
        files.append(File.generated(config, uri, abs_src_path=str(source)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """mkdocs calls this with the text of each page."""
    uri = page.file.src_uri
    return expanded(labpages.page(uri, markdown), uri)


def expanded(markdown: str, name: str = "a page") -> str:
    """The text with every marker replaced. Raises PluginError: a marker that names nothing."""

    def table(match: re.Match[str]) -> str:
        make, argument = MARKERS.get(match[1]), match[2]
        try:
            if make is None:
                raise KeyError(match[1])
            return make(argument) if argument else make()
        except LabError as error:
            raise PluginError(str(error)) from error
        except (KeyError, TypeError) as error:
            raise PluginError(f"{name}: {match[0]} names nothing ({error})") from error

    return _MARKER.sub(table, markdown)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`" if text else "empty"


def _settings() -> str:
    rows = [
        (_code(name), meaning, f"{_code(default)}: {why}") for name, default, meaning, why in settings.table()
    ]
    return _table(("variable", "what it is", "default, and why"), rows)


def _topics() -> str:
    rows = [
        (_code(topic.name), str(topic.partitions), f"{topic.retention_days} d", topic.key, topic.writer)
        for topic in topics.plan().values()
    ]
    return _table(("topic", "partitions", "kept for", "key", "written by"), rows)


#: the parts that the producers run; those that are named nowhere else belong to the job `detector`
PRODUCERS = ("news_feed", "keyword_scoring", "market_prices")


def _pieces() -> str:
    elsewhere = (pieces.SESSION, pieces.PREFLIGHT, *PRODUCERS, *pieces.SIGNALS)
    detector = [slug for slug in pieces.LABS if slug not in elsewhere]
    runs_in = {
        pieces.SESSION: "both jobs",
        pieces.PREFLIGHT: "the start of both",
        **dict.fromkeys(PRODUCERS, "producers"),
        **dict.fromkeys(pieces.SIGNALS, "job `signals`"),
        **dict.fromkeys(detector, "job `detector`"),
    }
    rows = [
        (_code(slug), where, _code(f"labs/{pieces.LABS[slug]}"), _code(f"mine/{slug}{_suffix(slug)}"))
        for slug, where in runs_in.items()
    ]
    return _table(("part", "runs in", "the reference", "yours"), rows)


def _piece(slug: str) -> str:
    file = labs() / pieces.LABS[slug]
    return f"```{file.suffix[1:]}\n{parse(file.read_text(), slug, file.suffix, file.name).solved()}```"


def _suffix(slug: str) -> str:
    return Path(pieces.LABS[slug]).suffix


def _found() -> str:
    run = json.loads((ROOT / "docs" / "assets" / "summary.json").read_text())
    planted = run["lags"]["planted"]
    rows = []
    for alignment in ("window_start", "window_end"):
        found = run["lags"][alignment]
        used = " (the run's)" if alignment == run["alignment"] else ""
        rows.append(
            (
                f"{_code(alignment)}{used}",
                str(found["flags"]),
                f"{found['hits']} of {planted}",
                f"{found['precision']:.2f}",
                f"{found['recall']:.2f}",
            )
        )
    return _table(("alignment", "hours flagged", "planted lags among them", "precision", "recall"), rows)


def _run() -> str:
    run = json.loads((ROOT / "docs" / "assets" / "summary.json").read_text())
    found, news = run["lags"][run["alignment"]], run["counts"]["news"]
    right = run["conserved"] and run["oracle_equal"]
    places = {
        "counted": "counted",
        "late": "late",
        "duplicate": "repeated",
        "dead": "dead",
        "heartbeat": "heartbeats",
    }
    rows = [
        ("the world", f"{run['hours_of_news']} hours of {len(run['markets'])} markets, seed {run['seed']}"),
        (
            "news records in",
            f"{news['in']:,} = {' + '.join(f'{news[each]:,} {name}' for each, name in places.items())}",
        ),
        ("hours with a signal", f"{run['signal_hours']:,}"),
        (
            "flagged as lags",
            f"{found['flags']}, {found['hits']} of the {run['lags']['planted']} planted among them",
        ),
        ("against the oracle", "equal, record by record" if right else "**different**"),
    ]
    return _table(("what", "in the reference run"), rows)


def _ports() -> str:
    uses = {
        "kafka": "Kafka",
        "kafka_controller": "Kafka's controller",
        "postgres": "PostgreSQL",
        "flink": "Flink's REST API and web UI",
        "flink_rpc": "JobManager, for its TaskManagers",
        "flink_blob": "JobManager, for jars",
        "registry": "the schema registry",
        "registry_management": "the registry's health and metrics",
    }
    return _table(
        ("variable", "who listens there"),
        [(_code(f"LAB_{use.upper()}_PORT"), uses[use]) for use in ports.USES],
    )


def _downloads() -> str:
    when = {
        "kafka": "the first start of Kafka",
        "flink": "the first start of Flink",
        "sql": "the first SQL prompt",
        "registry": "the first `./lab up registry`",
    }
    sets: dict[str, list[jars.Jar]] = {}
    for jar in jars.locked():
        sets.setdefault(jar.set, []).append(jar)
    rows = [
        (when[name], str(len(of_set)), f"{sum(jar.size for jar in of_set) / 1e6:.0f} MB")
        for name, of_set in sets.items()
    ]
    return _table(("fetched at", "files", "size"), rows)


def _lab(name: str) -> str:
    return _usage(cli, "./lab", name)


def _marketlag(name: str) -> str:
    return _usage(application, "python -m capstone_marketlag", name)


def _usage(group: click.Group, program: str, name: str) -> str:
    command = group.commands[name]
    context = click.Context(command, info_name=f"{program} {name}")
    usage = " ".join([f"{program} {name}", *command.collect_usage_pieces(context)])
    rows = [(f"`{names}`", text) for names, text in _options(command, context)]
    text = f"{command.help}\n\n```text\n{usage}\n```"
    return f"{text}\n\n{_table(('option', 'what it does'), rows)}" if rows else text


def _options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and isinstance(parameter, click.Option) and "--help" not in parameter.opts:
            yield record


def _decisions() -> str:
    rows = []
    for path in sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")):
        title = path.read_text().splitlines()[0].removeprefix("# ")
        number, _, words = title.partition(" ")
        rows.append((number, f"[{words}]({path.name})"))
    return _table(("", "decision"), rows)


MARKERS: dict[str, Callable[..., str]] = {
    "settings": _settings,
    "topics": _topics,
    "pieces": _pieces,
    "piece": _piece,
    "found": _found,
    "ports": _ports,
    "downloads": _downloads,
    "cli": _lab,
    "marketlag": _marketlag,
    "decisions": _decisions,
    "path": labpages.overview,
    "knowledge": knowledge.table,
    "fields": contracts.topic_sections,
    "tables": contracts.table_sections,
    "picture": pictures.picture,
    "run": _run,
    "written": labpages.written,
}
