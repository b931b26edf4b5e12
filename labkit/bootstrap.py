"""The environment in .venv, made from the locks with the system's Python alone.

    python3 labkit/bootstrap.py run [docs] [dev]

Standard library only: it runs before anything is installed. `./lab` calls it when .venv does not
hold what the locks say; a run that was cut off is finished by the next one. .venv/installed/ has a
copy of each lock that is installed and the folder the environment was made for.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAB = Path(os.environ.get("LAB_DIR") or ROOT / ".lab").absolute()
VENV = ROOT / ".venv"
LOCKS = {
    "run": ROOT / "requirements.lock",
    "docs": ROOT / "requirements-docs.lock",
    "dev": ROOT / "requirements-dev.lock",
}
_NEEDS_GB = {"run": 2.2, "docs": 0.5, "dev": 0.2}  # downloads, unpacked packages and jars
_INSTALLED = VENV / "installed"
_LOG = LAB / "setup.log"


_USAGE = (
    "./lab setup makes .venv with what runs; ./lab setup docs adds notebooks and the reading guide, "
    "./lab setup dev the checks of the repository."
)


class SetupError(Exception):
    """One sentence each: what happened, what was expected, what to do next."""


def main(groups: list[str]) -> None:
    """Install these locks where they are missing. Raises SetupError."""
    if unknown := [group for group in groups if group not in LOCKS]:
        raise SetupError(f"{unknown[0]} is nothing that can be installed. {_USAGE}")
    if not (3, 10) <= sys.version_info[:2] <= (3, 12):
        raise SetupError(
            f"This is Python {sys.version.split()[0]}. PyFlink 2.2 runs on 3.10, 3.11 and 3.12. "
            "Next: install one of them, or name one: LAB_PYTHON=/path/to/python3.11 ./lab"
        )
    for folder in (LAB / "locks", LAB / "cache"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(
                f"{folder} cannot be made ({error.strerror}). Everything downloaded is kept there. "
                "Next: fix the permissions, or use another folder: LAB_DIR=/elsewhere ./lab"
            ) from error
    with (LAB / "locks" / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [group for group in groups if not is_installed(group)]
        if missing:
            _check_disk(missing)
            _make_venv()
            for group in missing:
                _install(group)
            shutil.rmtree(LAB / "cache" / "pip", ignore_errors=True)


def is_installed(group: str) -> bool:
    """Whether .venv was made here and holds what that lock says."""
    stamp, home = _INSTALLED / LOCKS[group].name, _INSTALLED / "root"
    return (
        stamp.exists()
        and stamp.read_bytes() == LOCKS[group].read_bytes()
        and home.exists()
        and home.read_text() == str(ROOT)
        and (VENV / "bin" / "python").exists()
    )


def _check_disk(groups: list[str]) -> None:
    need = sum(_NEEDS_GB[group] for group in groups)
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < need:
        raise SetupError(
            f"{ROOT} has {free:.1f} GB free. Setting up needs {need:.1f} GB. "
            "Next: make room and run the same command again"
        )


def _make_venv() -> None:
    """A virtual environment of this Python, for this folder."""
    home = _INSTALLED / "root"
    works = (VENV / "bin" / "python").exists() and subprocess.run(
        [VENV / "bin" / "python", "-m", "pip", "--version"], capture_output=True
    ).returncode == 0  # fmt: skip
    if works and home.exists() and home.read_text() == str(ROOT):
        return
    shutil.rmtree(VENV, ignore_errors=True)  # cut off while it was made, or moved here
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        _say("This is not Linux on x86_64: some packages are built from source, which takes minutes.")
        if not (shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")):
            raise SetupError("There is no C compiler. Packages are built from source here. Next: install one")
    _say(f"Making .venv with Python {sys.version.split()[0]}")
    done = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, text=True)
    if done.returncode:
        raise SetupError(
            f"Python {sys.version.split()[0]} could not make a virtual environment. "
            "On Debian and Ubuntu the module is a package of its own. "
            f"Next: apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        )
    _INSTALLED.mkdir(exist_ok=True)
    home.write_text(str(ROOT))


def _install(group: str) -> None:
    lock = LOCKS[group]
    started = time.monotonic()
    _say(f"Fetching and installing what {lock.name} names: a minute or two, once")
    (_INSTALLED / lock.name).unlink(missing_ok=True)
    if group == "run":
        # some packages exist as sources only: they are built with the locked tools, not with
        # whatever is newest today
        tools = LAB / "cache" / "build-tools.lock"
        tools.write_text(_entries(lock, "pip", "setuptools"))
        _pip("build tools", "-r", tools, "--require-hashes")
    _pip(f"packages ({group})", "-r", lock, "--require-hashes", "--no-build-isolation", "--no-deps")
    if group == "run":
        _pip("this project", "--no-deps", "--no-build-isolation", "-e", ROOT)
    _compile()
    half = _INSTALLED / (lock.name + ".new")
    shutil.copyfile(lock, half)
    os.replace(half, _INSTALLED / lock.name)
    _say(f"Installed {lock.name} in {time.monotonic() - started:.0f} s")


def _compile() -> None:
    """Compile what has arrived to byte code, on every processor: pip would on one alone, twice as long."""
    no_need = r"/site-packages/((pip|setuptools)/|.*/tests?/)"
    command = [str(VENV / "bin" / "python"), "-m", "compileall", "-q", "-j", "0",
               "-x", no_need, str(VENV / "lib")]  # fmt: skip
    with _LOG.open("a") as log:
        # what does not compile (some packages test syntax errors) is in the log, and no fault of the set-up
        subprocess.run(command, stdout=log, stderr=log)


def _entries(lock: Path, *names: str) -> str:
    """The lines of a lock that pin these packages."""
    blocks = re.split(r"\n(?=[a-zA-Z0-9])", lock.read_text())
    return "\n".join(b for b in blocks if re.match(rf"({'|'.join(names)})==", b)) + "\n"


def _pip(what: str, *arguments: str | Path) -> None:
    """Run pip install; its output goes to the log, one moving line to the screen."""
    command = [VENV / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check",
               "--no-input", "--no-compile", "--progress-bar=off", "--retries=5", *arguments]  # fmt: skip
    env = {**os.environ, "PIP_CACHE_DIR": str(LAB / "cache" / "pip"), "PYTHONNOUSERSITE": "1"}
    lines: list[str] = []
    with _LOG.open("a") as log:
        pip = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, env=env,
        )  # fmt: skip
        assert pip.stdout
        try:
            for line in pip.stdout:
                log.write(line)
                lines.append(line.strip())
                if line.lstrip().startswith(("Downloading", "Building", "Installing")):
                    _say(f"{what}: {line.strip()[:60]}", moving=True)
        finally:
            pip.wait()
    _say("", moving=True)
    if pip.returncode:
        raise SetupError(_why(what, lines))


def _why(what: str, lines: list[str]) -> str:
    text = "\n".join(lines)
    log = _LOG.relative_to(ROOT) if _LOG.is_relative_to(ROOT) else _LOG
    if "No space left" in text:
        return f"The disk is full. {what} could not be installed. Next: make room, then run it again"
    if "THESE PACKAGES DO NOT MATCH THE HASHES" in text:
        return (
            f"A package arrived with other bytes than {what} are locked to. It was not installed. "
            f"Next: run it again; if it repeats, the mirror in between changes files ({log})"
        )
    if re.search(r"Connection|resolve|Read timed out|No matching distribution|Network", text):
        return (
            f"The package index did not answer while {what} were fetched. What arrived is kept. "
            f"Next: check the connection and run the same command again ({log})"
        )
    errors = [line for line in lines if line.startswith(("ERROR", "error"))] or lines[-1:] or ["no output"]
    return f"pip could not install {what}: {errors[0]}. Next: read {log}, then run it again"


def _say(text: str, moving: bool = False) -> None:
    """A line on stderr; `moving` lines replace each other, and are left out where nobody watches."""
    if not sys.stderr.isatty():
        if not moving:
            print(f"  {text}", file=sys.stderr, flush=True)
    else:
        print(f"\r\033[K  {text}", end="" if moving else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        if {"-h", "--help"} & set(sys.argv):
            print(_USAGE)
        else:
            first, *others = sys.argv[1:] or ["run"]
            main(["run", *others] if first == "setup" else [first, *others])
            if first == "setup" and "MAKELEVEL" not in os.environ:  # make goes on by itself
                print("Everything is there. Next: ./lab")
    except SetupError as error:
        print(f"lab: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nlab: Stopped. Next: run the same command again, it goes on from here", file=sys.stderr)
        sys.exit(130)
