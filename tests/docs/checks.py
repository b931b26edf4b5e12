"""What is looked for in the pages: each function takes text and returns what is wrong in it.

commands       every `./lab …`, `make …` and `python -m capstone_marketlag …` that a page shows
unknown        the command does not exist, or not with that option
variables      every LAB_… and MARKETLAG_… that a page names
known          those that the code reads or sets
foreign        paths of somebody's machine, addresses of package servers
missing_paths  files of this repository that are not there
flaws          of a built page: headings, texts for images, anything fetched from elsewhere
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import click

from capstone_marketlag.__main__ import cli as capstone
from docs.guide import labpages
from docs.hooks import expanded
from labkit.bootstrap import LOCKS
from labkit.cli import cli
from labkit.paths import ROOT
from labkit.services import ports
from labkit.services.stack import Stack

_SHELLS = {"bash", "console", "sh"}
_FENCE = re.compile(r"^ *(?P<marks>`{3,})[ {.]*(?P<language>\w*)")
_APPLICATION = r"(?:\.venv/bin/)?python -m capstone_marketlag"
_COMMAND = re.compile(rf"""(?:^|(?<=[\s;&|("]))(?:\./lab|make|{_APPLICATION})(?![\w/.-])[^;&|()]*""")
# else a sentence may have the word make
_CALL = re.compile(rf"(?:\w+=\S* )*(?:\./lab\b|make\b|eval |{_APPLICATION}\b)")
_VARIABLE = re.compile(r"\b(?:LAB|MARKETLAG)_[A-Z](?:[A-Z_]*[A-Z])?\b")
_SNIPPET = re.compile(r'^ *--8<-- "([^":]+)"$', re.MULTILINE)


def pages() -> dict[str, str]:
    """Every page by its path: tables made, whole files included. A lab's README is the page that it becomes."""
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    files += sorted((ROOT / "docs").rglob("*.md"))
    found = {file.relative_to(ROOT).as_posix(): file for file in files}
    found |= {f"docs/{uri}": file for uri, file in labpages.sources().items()}
    return {name: _whole(file.read_text()) for name, file in found.items()}


def _whole(markdown: str) -> str:
    included = _SNIPPET.sub(lambda match: (ROOT / match[1]).read_text().rstrip("\n"), markdown)
    return expanded(included)


# ---- commands ----------------------------------------------------------------------------------


def code(markdown: str) -> Iterator[tuple[str, str]]:
    """Language and text of each line in a fenced block; of code in a line of prose: inline."""
    closing, language = "", ""
    for line in markdown.splitlines():
        fence = _FENCE.match(line)
        if fence and not closing:
            closing, language = fence["marks"], fence["language"]
        elif fence and fence["marks"] == closing:
            closing = ""
        elif closing:
            yield language, line
        else:
            for inline in re.findall(r"`([^`]+)`", line):
                yield "inline", inline


def commands(markdown: str) -> list[str]:
    """Every command of ours in shell blocks and inline code; of a console block the lines behind `$ `."""
    found = []
    for language, line in code(markdown):
        if language == "console" and not line.startswith("$ "):
            continue
        if language == "inline" and not _CALL.match(line):
            continue
        if language in _SHELLS | {"inline"}:
            found += [match.strip() for match in _COMMAND.findall(_without_comment(line))]
    return found


def _without_comment(line: str) -> str:
    return re.sub(r"(?:^|\s)#.*", "", line)


def unknown(command: str) -> str | None:
    """Why this command does not work, or None. Nothing is run."""
    program, *arguments = shlex.split(command.rstrip('"'))
    if program == "make":
        return _make(arguments)
    return _lab(arguments) if program == "./lab" else _marketlag(arguments[2:])  # behind -m and its module


def _make(arguments: list[str]) -> str | None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][\w-]*):", text, re.MULTILINE))
    names = set(re.findall(r"^(\w+)\s*[:?]?=", text, re.MULTILINE))
    names |= {str(option.envvar) for each in capstone.commands.values() for option in _options(each)}
    for argument in arguments:
        name, is_set, _ = argument.partition("=")
        if name not in (names if is_set else targets):
            return f"make has no {'variable' if is_set else 'target'} {name}"
    return None


def _options(command: click.Command) -> list[click.Option]:
    return [option for option in command.params if isinstance(option, click.Option)]


def _lab(arguments: list[str]) -> str | None:
    if not arguments or arguments[0] in ("-h", "--help"):
        return None
    name, *rest = arguments
    if name == "setup":
        wrong = [group for group in rest if group not in LOCKS]
        return f"./lab setup has no {wrong[0]}" if wrong else None
    why, given = _parsed(cli, "./lab", name, rest)
    for service in given.get("services", ()):
        if service not in [it.name for it in Stack().services]:
            return f"./lab {name} has no service {service}"
    return why


def _marketlag(arguments: list[str]) -> str | None:
    # a page may name the program without one of its commands
    if not arguments or arguments[0] in ("…", "--help"):
        return None
    return _parsed(capstone, "capstone_marketlag", arguments[0], arguments[1:])[0]


def _parsed(
    group: click.Group, program: str, name: str, arguments: list[str]
) -> tuple[str | None, dict[str, Any]]:
    """Why that command of the group does not take these arguments, or None; and what it makes of them."""
    if name not in group.commands:
        return f"{program} has no command {name}", {}
    try:
        context = group.commands[name].make_context(name, [a for a in arguments if a not in ("-h", "--help")])
    except click.MissingParameter:
        return None, {}  # a page may name a command without calling it
    except click.ClickException as error:
        return f"{program} {name}: {error.format_message()}", {}
    return None, context.params


# ---- variables ---------------------------------------------------------------------------------


def variables(text: str) -> set[str]:
    """The LAB_… and MARKETLAG_… variables that a text names."""
    return set(_VARIABLE.findall(text))


def known() -> set[str]:
    """The variables that the code reads or sets, by its own tables and literals; not by its comments."""
    from capstone_marketlag.settings import table

    names = {name for name, *_ in table()} | {f"LAB_{use.upper()}_PORT" for use in ports.USES}
    for folder in ("labkit", "capstone_marketlag"):
        for file in (ROOT / folder).rglob("*.py"):
            names |= literals(file.read_text())
    script = re.sub(r"^\s*#.*", "", (ROOT / "lab").read_text(), flags=re.MULTILINE)
    return names | variables(script)


def literals(source: str) -> set[str]:
    """The variables that stand in Python code as a string of their own or as a keyword argument."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        elif isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
    return {name for name in found if _VARIABLE.fullmatch(name)}


# ---- words that do not belong here -------------------------------------------------------------

_FOREIGN = re.compile(
    r"(?<![\w./-])/(?:home|root|Users|work|tmp|opt|mnt|usr|var|private)/[\w.-]+"
    r"|[A-Z]:\\\w+"
    r"|\S*(?:pypi\.org|pythonhosted|/simple/?\b|maven2|repo1?\.maven|anaconda\.org)\S*"
)


def foreign(text: str) -> list[str]:
    """Paths of somebody's machine and addresses of package servers."""
    return _FOREIGN.findall(text)


_OURS = re.compile(r"(?:\./)?((?:docs|labs|labkit|capstone_marketlag|tests|bench)/[\w./-]*\w)")


def missing_paths(markdown: str) -> list[str]:
    """Paths of this repository, in code of any kind, that are not there."""
    found = [path for _, line in code(markdown) for path in _OURS.findall(line)]
    return [path for path in found if not (ROOT / path).exists()]


def unmade(markdown: str) -> set[str]:
    """Folders and files right under .lab that this page names and no code makes."""
    sources = "".join(
        file.read_text()
        for folder in ("labkit", "capstone_marketlag")
        for file in (ROOT / folder).rglob("*.py")
    )
    made = re.findall(r'(?:\bLAB|\bstate) / "([\w.-]+)"|\.lab/([\w.-]+\w)', sources)
    return set(re.findall(r"\.lab/([\w.-]*\w)", markdown)) - {name for pair in made for name in pair}


def dead_links(markdown: str, folder: Path) -> list[str]:
    """Relative links that lead nowhere."""
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", markdown)
    return [target for target in targets if "://" not in target and not (folder / target).exists()]


def unsaid(headings: list[str], sources: str) -> list[str]:
    """Those of these sentences that nothing in the sources says. … stands for anything."""
    wanted = {heading: [part.strip() for part in heading.split("…")] for heading in headings}
    return [heading for heading, parts in wanted.items() if any(part not in sources for part in parts)]


# ---- built pages -------------------------------------------------------------------------------


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.headings = 0
        self.flaws: list[str] = []
        self._named = True  # whether the picture that is open has a name

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.headings += tag == "h1"
        if tag == "img" and not given.get("alt"):
            self.flaws.append(f"an image without alt: {given.get('src')}")
        if tag == "svg" and given.get("role") == "img":
            self._named = bool(given.get("aria-label"))
        if tag == "title":
            self._named = True
        if "mermaid" in (given.get("class") or "").split():
            self.flaws.append("a diagram whose renderer would be fetched")
        fetched = given.get("src") if tag != "a" else None
        if tag == "link":
            fetched = given.get("href")
        if fetched and re.match(r"(?:https?:)?//", fetched):
            self.flaws.append(f"fetched from elsewhere: {fetched}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "svg" and not self._named:
            self.flaws.append("a picture without a name")
            self._named = True


def flaws(html: str) -> list[str]:
    """What is wrong in a page that was built."""
    page = _Page()
    page.feed(html)
    return page.flaws + ([] if page.headings == 1 else [f"{page.headings} h1"])


def shape(text: str) -> list[str]:
    """The lines of a command's output without what differs from run to run; of like lines in a row the first.

    Figures, times, units, ids, paths and markets differ; words and their order do not.
    """
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            continue
        for pattern, name in _DIFFERS:
            line = re.sub(pattern, name, line)
        if found[-1:] != [line]:
            found.append(line)
    return found


_DIFFERS = (
    (r"\bfile:\S+", "PATH"),
    (r"\b[0-9a-f]{32}\b", "ID"),
    (r"\b[a-z]+(-[a-z0-9]+){2,}", "MARKET"),
    (r"\d[\d.:TZ-]*", "N"),
    (r"\bN (s|min|h|d)\b", "N"),
    (r"\bN N(, N N)+", "N N"),
    (r" +", " "),
)
