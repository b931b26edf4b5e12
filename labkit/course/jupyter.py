"""A lab's notebook in JupyterLab: the learner's own copy, on 127.0.0.1, ended with the command.

The notebook of the course is never opened: looking at it would change it, and its figures are a check's. The
copy stands in mine/notebooks without outputs, for one predicts first. It runs the pieces as a check does:
this lab's is the learner's, every other one is the reference.

Nothing of JupyterLab's is kept in the home folder, and all that it starts carries a mark, by which it is
ended: by this command, or, when that is gone without a word, by a keeper.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import requests

from labkit import bootstrap, web
from labkit.course import files, mine
from labkit.course.curriculum import Lab
from labkit.course.folders import Folders
from labkit.errors import LabError
from labkit.paths import shown
from labkit.services import ports, process
from labkit.services.stack import start_keeper

#: tried one after the other where no port is asked for
PORTS = range(8888, 8988)
_PATIENCE = 90.0
#: what IPython reads when a kernel begins
_IPYTHON = 'c.InteractiveShellApp.extensions = ["labkit.course.kernel"]\n'


@dataclass(frozen=True)
class Server:
    """A JupyterLab that answers. address: of the notebook, with the key that opens it."""

    address: str
    owned: process.Owned

    def wait(self) -> None:
        """Return when it has ended by itself: by File > Shut Down."""
        while self.owned.running():
            process.until(lambda: not self.owned.running(), 3600, lambda: None, every=0.2)


def prepare() -> None:
    """Install JupyterLab and what pictures need, where they are missing. Raises LabError."""
    if bootstrap.is_installed("docs"):
        return
    try:
        bootstrap.main(["run", "docs"])
    except bootstrap.SetupError as error:
        raise LabError(str(error)) from error


def copy(folders: Folders, lab: Lab, *, fresh: bool = False) -> Path:
    """The learner's copy of the lab's notebook, made where there is none.

    Raises LabError: the lab has no notebook.
    fresh: one as the course has it now; what was there is kept beside it under another name.
    """
    if not lab.notebook.exists():
        raise LabError(f"{lab.slug} has no notebook.", "Its task is its README.", f"./lab start {lab.slug}")
    path = folders.mine / "notebooks" / f"{lab.slug}.ipynb"
    if path.exists() and fresh:
        names = (path.with_name(f"{lab.slug}.{number}.ipynb") for number in range(1, 10_000))
        path.rename(next(name for name in names if not name.exists()))
    if not path.exists():
        files.write(path, _without_outputs(lab.notebook))
    return path


def _without_outputs(notebook: Path) -> str:
    try:
        content = json.loads(files.read(notebook))
    except ValueError as error:
        raise LabError(
            f"{shown(notebook)} is not a notebook ({error}).", "", f"git checkout -- {shown(notebook)}"
        ) from error
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


@contextmanager
def served(folders: Folders, lab: Lab, notebook: Path, port: int | None = None) -> Iterator[Server]:
    """Within it JupyterLab answers; behind it nothing of it is left. Raises LabError: it does not start."""
    chosen = _port(port)
    stack = folders.state / "stacks" / f"notebook-{os.getpid()}"
    log = folders.state / "jupyter" / f"jupyterlab-{chosen}.log"
    log.unlink(missing_ok=True)
    files.write(folders.state / "jupyter" / "ipython" / "profile_default" / "ipython_config.py", _IPYTHON)
    root, token = folders.mine.parent, secrets.token_hex(16)
    keeper = start_keeper(stack)
    try:
        owned = process.spawn(
            _command(root, chosen), stack=stack, output=log, env=_environment(folders, lab, token), cwd=root
        )
        _until_it_answers(owned, f"http://127.0.0.1:{chosen}", log)
        where = quote(notebook.relative_to(root).as_posix())
        yield Server(f"http://127.0.0.1:{chosen}/lab/tree/{where}?token={token}", owned)
    finally:
        process.end(process.marked(stack))
        if keeper.stdin:
            keeper.stdin.close()
        keeper.wait()
        shutil.rmtree(stack, ignore_errors=True)


def open_browser(address: str) -> bool:
    """Open a browser that has a window of its own, if this machine has one."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    if type(browser) is webbrowser.GenericBrowser:  # one in the terminal: it would take it over
        return False
    return browser.open(address)


def _port(asked: int | None) -> int:
    if asked is not None:
        if not ports.is_free(asked):
            raise LabError(
                f"Port {asked} is taken{ports.holder(asked)}.",
                "--port asks for it for JupyterLab.",
                "leave --port out (a free port is then chosen), or end that program",
            )
        return asked
    free = next((port for port in PORTS if ports.is_free(port)), None)
    if free is None:
        raise LabError(f"No port from {PORTS[0]} to {PORTS[-1]} is free.", "", "./lab notebook --port N")
    return free


def _command(root: Path, port: int) -> list[str]:
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "ExtensionApp.open_browser": False,
        "ServerApp.root_dir": root,
        "ServerApp.allow_root": os.geteuid() == 0,  # in a container there is nobody else
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.news_url": None,  # it would ask whether to fetch news
        "LabApp.extension_manager": "readonly",  # it would list what could be fetched
    }
    return [
        sys.executable, "-I", "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())
    ]  # fmt: skip


def _environment(folders: Folders, lab: Lab, token: str) -> dict[str, str]:
    kept = folders.state / "jupyter"
    return {
        **os.environ,
        "LAB_LABS": str(folders.labs),
        "LAB_MINE": str(folders.mine),
        "LAB_DIR": str(folders.state),
        mine.ONLY: lab.slug,
        "JUPYTER_TOKEN": token,  # not as an argument: those are for everybody to see
        "JUPYTER_CONFIG_DIR": str(kept / "config"),
        "JUPYTER_DATA_DIR": str(kept / "data"),
        "JUPYTER_RUNTIME_DIR": str(kept / "runtime"),
        "IPYTHONDIR": str(kept / "ipython"),
    }


def _until_it_answers(owned: process.Owned, base: str, log: Path) -> None:
    session = web.session(base)

    def answers() -> bool:
        try:
            return session.get(f"{base}/api", timeout=2).ok
        except requests.RequestException:
            return False

    def give_up() -> None:
        raise LabError(
            f"JupyterLab did not answer within {_PATIENCE:.0f} s.", f"Its log is {shown(log)}.", "read it"
        )

    process.until(lambda: answers() or not owned.running(), _PATIENCE, give_up)
    if not owned.running():
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        raise LabError(
            f"JupyterLab ended at once ({lines[-1].strip() if lines else 'it said nothing'}).",
            f"Its log is {shown(log)}.",
            "./lab setup docs, then run it again",
        )
