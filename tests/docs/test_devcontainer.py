"""The development container cannot be run here: its form, and its versions, are those of what is run."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml
from packaging.specifiers import SpecifierSet

from labkit.paths import ROOT
from tests.docs import checks

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = ROOT / ".devcontainer" / "devcontainer.json"
#: of the specification: each key that this file may use, and what its value is
FORM: dict[str, type] = {
    "name": str,
    "image": str,
    "runArgs": list,
    "postCreateCommand": str,
    "forwardPorts": list,
    "portsAttributes": dict,
    "hostRequirements": dict,
    "customizations": dict,
}


def container(text: str) -> dict[str, Any]:
    """JSON with comments on lines of their own, as the specification allows."""
    found: dict[str, Any] = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    return found


def disagreements(said: dict[str, Any], root: Path = ROOT) -> list[str]:
    """What is not of the form, or is not what the Dockerfile, the compose file and the project say."""
    found = [f"{key} is no key of it" for key in said if key not in FORM]
    found += [f"{key} is missing" for key in FORM if key not in said]
    found += [
        f"{key} is no {kind.__name__}"
        for key, kind in FORM.items()
        if not isinstance(said.get(key, kind()), kind)
    ]
    if found:
        return found
    dockerfile = (root / "Dockerfile").read_text()
    [python] = re.findall(r"^ARG PYTHON=(\S+)$", dockerfile, re.MULTILINE)
    [image] = re.findall(r"^FROM (\S+) AS build$", dockerfile, re.MULTILINE)
    if said["image"] != image.replace("${PYTHON}", python):
        found.append(f"image is {said['image']}, the Dockerfile's {image.replace('${PYTHON}', python)}")
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    version = re.sub(r"^.*:([\d.]+)-.*$", r"\1", said["image"])
    if not SpecifierSet(project["requires-python"]).contains(f"{version}.0"):
        found.append(f"Python {version} is not one of {project['requires-python']}")
    platform = yaml.safe_load((root / "docker-compose.yml").read_text())["x-flink"]["platform"]
    if f"--platform={platform}" not in said["runArgs"]:
        found.append(f"the platform is not {platform}")
    if why := checks.unknown(said["postCreateCommand"]):
        found.append(why)
    served = re.findall(r"--dev-addr 127\.0\.0\.1:(\d+)", (root / "Makefile").read_text())
    if [str(port) for port in said["forwardPorts"]] != served:
        found.append(f"ports {said['forwardPorts']}, but the guide is served at {served}")
    return found


def test_the_development_container_is_what_the_rest_says() -> None:
    assert disagreements(container(FILE.read_text())) == []


def test_what_does_not_fit_is_named() -> None:
    said = container(FILE.read_text())

    assert disagreements({**said, "images": "x"}) == ["images is no key of it"]
    assert disagreements({**said, "runArgs": "--init"}) == ["runArgs is no list"]
    assert disagreements(
        {
            **said,
            "image": "python:3.13-bookworm",
            "runArgs": [],
            "postCreateCommand": "./lab fly",
            "forwardPorts": [1],
        }
    ) == [
        "image is python:3.13-bookworm, the Dockerfile's python:3.11-bookworm",
        "Python 3.13 is not one of >=3.10,<3.13",
        "the platform is not linux/amd64",
        "./lab has no command fly",
        "ports [1], but the guide is served at ['8000']",
    ]


def test_it_says_that_it_was_not_run() -> None:
    page = (ROOT / "docs" / "local-setup.md").read_text().split("## In a development container")[1]

    assert "NOT RUN" in FILE.read_text()
    assert "has not been run by us" in page
