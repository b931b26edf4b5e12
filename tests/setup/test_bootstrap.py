"""./lab makes its environment: from nothing, cut off at any moment, moved, without a network.

On a toy copy of the repository whose only package is a wheel made here, so that a set-up takes seconds
and needs no network; the launcher and the bootstrap are the real ones.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from labkit import bootstrap
from labkit.paths import ROOT

_BACKEND = """
import zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "toyrepo-1-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        import os
        wheel.writestr("toyrepo.pth", os.getcwd() + "\\n")
        wheel.writestr("toyrepo-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: toyrepo\\nVersion: 1\\n")
        wheel.writestr("toyrepo-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: toy\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("toyrepo-1.dist-info/RECORD", "")
    return name
"""


class Toy:
    """A small repository with the real launcher, and a shelf of wheels in place of the index."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a repository with spaces"
        self.shelf = folder / "shelf"
        self.shelf.mkdir(parents=True)
        (self.root / "labkit").mkdir(parents=True)
        shutil.copy(ROOT / "lab", self.root)
        shutil.copy(ROOT / "labkit" / "bootstrap.py", self.root / "labkit")
        (self.root / "labkit" / "__init__.py").touch()
        (self.root / "labkit" / "__main__.py").write_text(
            "import sys, toy; print('toy', toy.VERSION, *sys.argv[1:])\n"
        )
        (self.root / "backend.py").write_text(_BACKEND)
        (self.root / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
            '[project]\nname = "toyrepo"\nversion = "1"\n'
        )
        for lock in ("requirements-docs.lock", "requirements-dev.lock"):
            (self.root / lock).write_text("")
        self.lock_toy("1")

    def lock_toy(self, version: str, sha256: str | None = None) -> None:
        wheel = self.shelf / f"toy-{version}-py3-none-any.whl"
        info = f"toy-{version}.dist-info"
        with zipfile.ZipFile(wheel, "w") as file:
            file.writestr("toy.py", f"VERSION = {version!r}\n")
            file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: toy\nVersion: {version}\n")
            file.writestr(
                f"{info}/WHEEL",
                "Wheel-Version: 1.0\nGenerator: toy\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            )
            file.writestr(f"{info}/RECORD", "")
        digest = sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest()
        (self.root / "requirements.lock").write_text(f"toy=={version} \\\n    --hash=sha256:{digest}\n")

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.root / "lab", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, cwd=self.shelf,
            env={**_plain_environment(), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.shelf.as_uri(), **env},
        )  # fmt: skip

    def lab(self, *arguments: str, **env: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **env)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err


def _plain_environment() -> dict[str, str]:
    gone = ("PIP_", "LAB_", "VIRTUAL_ENV", "PYTHON")
    env = {key: value for key, value in os.environ.items() if not key.startswith(gone)}
    # the venv of this test run is not what a newcomer has on the PATH
    env["PATH"] = os.pathsep.join(
        p for p in env["PATH"].split(os.pathsep) if p != str(Path(sys.executable).parent)
    )
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    return {**env, "LAB_PYTHON": getattr(sys, "_base_executable", sys.executable)}


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)


class Made(Toy):
    """One that is set up: what its first two calls said, and which entries of its folder they have made."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        before = {path.name for path in self.root.iterdir()}
        self.first_call = self.lab("hello", "two words")
        started = time.monotonic()
        self.second_call = self.lab("again")
        self.second_took = time.monotonic() - started  # seconds
        self.new = {path.name for path in self.root.iterdir()} - before


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """For tests of what comes after two calls; each locks a version of its own, so that any may be first."""
    return Made(tmp_path_factory.mktemp("made"))


def test_the_first_call_sets_up_and_the_second_does_nothing(made: Made) -> None:
    code, out, err = made.first_call
    assert (code, out) == (0, "toy 1 hello two words\n"), err
    assert "Installed requirements.lock in" in err

    assert made.second_call == (0, "toy 1 again\n", "")
    assert made.second_took < 5


def test_setup_says_what_it_takes(toy: Toy) -> None:
    code, out, _ = toy.lab("setup", "--help")
    assert (code, out[:32]) == (0, "./lab setup makes .venv with wha")
    code, out, err = toy.lab("setup", "doc")
    assert (code, out) == (1, "")
    assert err.startswith("lab: doc is nothing that can be installed. ./lab setup makes .venv")
    assert not (toy.root / ".venv").exists()


def test_everything_is_under_two_folders(made: Made) -> None:
    assert made.new == {".venv", ".lab"}


def test_a_set_up_killed_at_any_moment_is_finished_by_the_next_call(toy: Toy) -> None:
    moments = random.Random(int(time.time()) // 86_400)  # others each day
    for _ in range(4):
        process = toy.start()
        time.sleep(moments.uniform(0.1, 4))  # the fault's random moment, not a wait for anything
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)

    assert toy.lab()[:2] == (0, "toy 1\n")


def test_ctrl_c_says_that_the_same_command_goes_on(toy: Toy) -> None:
    process = toy.start()
    while not (toy.root / ".venv").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)

    assert process.returncode in (130, -signal.SIGINT)  # a shell shows both as 130
    assert (
        err.strip().splitlines()[-1] == "lab: Stopped. Next: run the same command again, it goes on from here"
    )
    assert toy.lab()[:2] == (0, "toy 1\n")


def test_a_new_lock_is_installed_at_the_next_call(made: Made) -> None:
    made.lock_toy("2")

    assert made.lab()[:2] == (0, "toy 2\n")


def test_a_moved_repository_makes_its_environment_again(made: Made) -> None:
    made.lock_toy("5")
    made.root = made.root.rename(made.root.with_name("moved"))
    code, out, err = made.lab()

    assert (code, out) == (0, "toy 5\n")
    assert "Making .venv" in err


def test_two_first_calls_at_once_both_work(toy: Toy) -> None:
    both = [toy.start("a"), toy.start("b")]

    assert [process.communicate(timeout=120)[0] for process in both] == ["toy 1 a\n", "toy 1 b\n"]


def test_other_bytes_than_the_lock_says_are_not_installed(made: Made) -> None:
    made.lock_toy("3", sha256="0" * 64)
    code, out, err = made.lab()

    assert (code, out) == (1, "")
    assert "lab: A package arrived with other bytes than packages (run) are locked to." in err


def test_without_an_index_it_says_so_and_goes_on_later(made: Made) -> None:
    made.lock_toy("4")
    wheel = next(made.shelf.glob("toy-4-*.whl"))
    hidden = wheel.rename(wheel.with_suffix(".hidden"))
    code, _, err = made.lab()
    assert code == 1
    assert (
        "lab: The package index did not answer while packages (run) were fetched. What arrived is kept."
        in err
    )
    hidden.rename(wheel)

    assert made.lab()[:2] == (0, "toy 4\n")


def test_a_named_python_that_is_none_is_refused(toy: Toy) -> None:
    code, _, err = toy.lab(LAB_PYTHON="/bin/false")

    assert code == 1
    assert err == (
        "lab: LAB_PYTHON=/bin/false is not a Python 3.10, 3.11 or 3.12. Next: unset LAB_PYTHON, or name one\n"
    )


def test_a_machine_without_a_python_that_fits_is_told_what_to_install(toy: Toy, tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in ("sh", "dirname", "cmp", "cat"):
        (bare / tool).symlink_to(shutil.which(tool) or "")
    code, _, err = toy.lab(LAB_PYTHON="", PATH=str(bare))

    assert code == 1
    assert err.startswith("lab: There is no Python 3.10, 3.11 or 3.12 on the PATH.")


@pytest.mark.parametrize("version", [(3, 9, 0), (3, 13, 1), (2, 7, 18)])
def test_another_python_is_refused_by_the_bootstrap_too(
    version: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(bootstrap.SetupError, match=r"PyFlink 2.2 runs on 3.10, 3.11 and 3.12"):
        bootstrap.main(["run"])


def test_a_full_disk_is_told_before_anything_is_made(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    space = shutil.disk_usage(toy.root)
    monkeypatch.setattr(bootstrap.shutil, "disk_usage", lambda path: space._replace(free=10**9))
    with pytest.raises(bootstrap.SetupError, match=r"has 1.0 GB free. Setting up needs 2.2 GB."):
        bootstrap._check_disk(["run"])


def test_a_disk_that_fills_up_is_one_sentence(toy: Toy) -> None:
    """A real one: the repository on a small tmpfs in a mount namespace of its own."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a mount namespace")
    script = (
        'set -eu; cp -r "$1" "$2"; mount -t tmpfs -o size=6m tmpfs "$1"; cp -r "$2/." "$1"; exec "$1/lab"'
    )
    env = {**_plain_environment(), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": toy.shelf.as_uri()}
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", str(toy.root), str(toy.root) + " copy"],
        capture_output=True, text=True, env=env, timeout=120,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.count("lab: ") == 1, done.stderr
    assert "GB free. Setting up needs" in done.stderr


def test_a_repository_that_cannot_be_written_is_one_sentence(toy: Toy) -> None:
    blocked = toy.root / ".lab"
    blocked.write_text("a file where the folder belongs")
    code, _, err = toy.lab()

    assert code == 1
    assert "lab: " in err
    assert "Traceback" not in err
