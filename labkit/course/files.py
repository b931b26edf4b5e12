"""Text of people's files: read with any line end, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from labkit.errors import LabError
from labkit.paths import shown


def read(path: Path) -> str:
    """The text of a file, its line ends as they are, without a byte order mark. Raises LabError."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabError(
            f"{shown(path)} is not UTF-8 text (byte {error.start}).",
            "A piece is a text file.",
            "save it as UTF-8",
        ) from error
    except OSError as error:
        raise LabError(
            f"{shown(path)} cannot be read ({error.strerror}).", "", "see its permissions: ls -l"
        ) from error


def toml(path: Path) -> dict[str, Any]:
    """What a TOML file says. Raises LabError, with the line."""
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib
    text = read(path)
    try:
        return dict(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise LabError(f"{shown(path)} is not TOML: {error}.", "", "mend it, then ./lab dev check") from error


def write(path: Path, text: str) -> None:
    """Write a file so that it has the old text or the new one, never half of it. Raises LabError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _put(beside, text.encode())
        beside.replace(path)
    except OSError as error:
        _forget(beside)
        raise LabError(
            f"{shown(path)} could not be written ({error.strerror}).",
            "Nothing was changed.",
            "make room or fix the permissions, then run the same command again",
        ) from error


def _put(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # a full disk may say so only here


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # the folder that cannot be written to: then there is nothing to take away
