"""The Java side of the stack, fetched by Maven coordinates: locked, checked, resumable.

jars.lock holds one artifact a line: set, coordinates, bytes, sha256. A file is either absent,
a `.part` that the next call resumes, or whole. What is found in the cache is read and checked each time:
a tenth of a second, against a JVM that dies with a riddle on half a jar.

What downloads is imported when something is missing: a check's start of a service passes by here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from labkit import console
from labkit.errors import LabError
from labkit.paths import JARS, LAB, LOCKS, ROOT, shown
from labkit.services.locking import held
from labkit.waiting import waiting

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LOCK_FILE = ROOT / "jars.lock"
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Jar:
    """One locked artifact: where it is needed, its Maven coordinates, its size and its sha256."""

    set: str
    group: str
    artifact: str
    version: str
    classifier: str
    type: str
    size: int
    sha256: str

    @property
    def coordinates(self) -> str:
        tail = f":{self.classifier}:{self.type}" if self.classifier or self.type != "jar" else ""
        return f"{self.group}:{self.artifact}:{self.version}{tail}"

    @property
    def file_name(self) -> str:
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{classifier}.{self.type}"

    @property
    def path(self) -> Path:
        return JARS / self.set / self.file_name


def locked(lock_file: Path = LOCK_FILE) -> list[Jar]:
    """Every artifact of the lock, in its order."""
    jars = []
    for line in lock_file.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        set_, coordinates, size, sha256 = line.split()
        group, artifact, version, *rest = coordinates.split(":")
        classifier, type_ = rest if rest else ("", "jar")
        jars.append(Jar(set_, group, artifact, version, classifier, type_, int(size), sha256))
    return jars


def of_set(name: str) -> list[Jar]:
    """The artifacts of one set: kafka, flink, sql or registry."""
    return [jar for jar in locked() if jar.set == name]


def fetch(*sets: str) -> list[Path]:
    """The files of these sets, downloaded where they are missing or damaged.

    Raises LabError: no connection, a wrong checksum, a full disk.
    """
    wanted = [jar for name in sets for jar in of_set(name)]
    with held(LOCKS / "jars.lock", "another ./lab is fetching jars"):
        missing = [jar for jar in wanted if not _is_whole(jar)]
        if missing:
            _download_all(missing)
    return [jar.path for jar in wanted]


def _is_whole(jar: Jar) -> bool:
    if not jar.path.exists():
        return False
    if jar.path.stat().st_size == jar.size and _sha256(jar.path) == jar.sha256:
        return True
    console.err.print(f"  {shown(jar.path)} is damaged; fetching it again.", markup=False)
    jar.path.unlink()
    return False


def _download_all(jars: list[Jar]) -> None:
    total = sum(jar.size for jar in jars)
    stop = Event()
    with (
        waiting(f"Fetching {len(jars)} jars ({total / 1e6:.0f} MB), once"),
        console.download_bar() as bar,
        ThreadPoolExecutor(4) as pool,
    ):
        task = bar.add_task("jars", total=total)
        futures = [pool.submit(_download, jar, bar, task, stop) for jar in jars]
        try:
            for future in futures:
                future.result()
        except BaseException:  # Ctrl-C too: the other threads end at their next chunk
            stop.set()
            raise


def _download(jar: Jar, bar: Progress, task: TaskID, stop: Event) -> None:
    part = jar.path.with_name(jar.path.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    with _disk_errors(part):
        have = part.stat().st_size if part.exists() else 0
        if have > jar.size:
            part.unlink()
            have = 0
        bar.update(task, advance=have)
        if have < jar.size:
            with part.open("ab") as file:
                for chunk in _body(jar, have):
                    file.write(chunk)
                    bar.update(task, advance=len(chunk))
                    if stop.is_set():
                        return
        found = _sha256(part)
        if found != jar.sha256:
            part.unlink()
            raise LabError(
                f"{jar.coordinates} arrived with sha256 {found[:16]}… instead of {jar.sha256[:16]}….",
                "It was thrown away: the lock says which bytes this project was proven with.",
                "run the same command again; if it repeats, the mirror in between changes files",
            )
        os.replace(part, jar.path)


def repositories() -> list[str]:
    """Where Maven artifacts come from: LAB_MAVEN, a mirror's address, or Maven Central."""
    from jgo.maven import MavenContext

    mirror = os.environ.get("LAB_MAVEN")
    return [mirror.rstrip("/")] if mirror else list(MavenContext().remote_repos.values())


def _body(jar: Jar, offset: int) -> Iterator[bytes]:
    """The artifact's bytes from that offset on."""
    import requests

    problem = "no repository is configured"
    for repository in repositories():
        url = f"{repository}/{jar.group.replace('.', '/')}/{jar.artifact}/{jar.version}/{jar.file_name}"
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        try:
            with requests.get(url, stream=True, timeout=30, headers=headers) as response:
                if response.status_code in (200, 206):
                    skip = offset if response.status_code == 200 else 0
                    for chunk in response.iter_content(_CHUNK):
                        yield chunk[skip:]
                        skip = max(0, skip - len(chunk))
                    return
                problem = f"HTTP {response.status_code}"
        except requests.RequestException as error:
            problem = type(error).__name__
    raise LabError(
        f"{jar.coordinates} could not be downloaded ({problem}).",
        "The first run needs Maven Central; what has arrived so far is kept.",
        "check the connection and run the same command again",
    )


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    import requests

    try:
        yield
    except requests.RequestException:
        raise
    except OSError as error:
        raise LabError(
            f"{shown(path.parent)} cannot be written ({error.strerror}).",
            "The jars need 100 MB there, with the schema registry 260 MB.",
            "make room, then run the same command again",
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()  # hashlib.file_digest needs Python 3.11
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            digest.update(chunk)
        return digest.hexdigest()


# ---- for maintainers: writing the lock ---------------------------------------------------------

#: what is asked for; everything else in the lock follows from these
ROOTS = {
    "kafka": ["org.apache.kafka:kafka_2.13:4.2.0", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.3"],
    "flink": [
        "org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2",
        "org.apache.flink:flink-connector-jdbc-core:4.0.0-2.0",
        "org.apache.flink:flink-connector-jdbc-postgres:4.0.0-2.0",
        "org.postgresql:postgresql:42.7.13",
        "org.apache.flink:flink-sql-avro-confluent-registry:2.2.0",
    ],
    "sql": ["org.apache.flink:flink-sql-gateway:2.2.1"],
    "registry": ["io.apicurio:apicurio-registry-app:3.3.3:all:tar.gz"],
}
_TRANSITIVE = ROOTS["kafka"][:1]  # the others are complete in themselves


def write_lock(lock_file: Path = LOCK_FILE) -> None:
    """Resolve ROOTS, download everything once and write what arrived to jars.lock."""
    from jgo.maven import MavenContext, PythonResolver
    from jgo.maven._core import Dependency

    context = MavenContext(resolver=PythonResolver(), repo_cache=LAB / "m2")
    lines = ["# set coordinates bytes sha256 - written by `python -m labkit.services.jars`"]
    for set_, roots in ROOTS.items():
        artifacts = []
        for root in roots:
            group, name, version, *rest = root.split(":")
            artifact = context.project(group, name).at_version(version).artifact(*(rest or ["", "jar"]))
            artifacts.append(artifact)
            if root in _TRANSITIVE:  # alone: a second root's BOM would move these versions
                artifacts += [d.artifact for d in context.resolver.resolve([Dependency(artifact)])[1]]
        for artifact in _unique(artifacts):
            path = artifact.resolve()
            plain = not artifact.classifier and artifact.packaging == "jar"
            tail = "" if plain else f":{artifact.classifier}:{artifact.packaging}"
            lines.append(
                f"{set_} {artifact.groupId}:{artifact.artifactId}:{artifact.version}{tail} "
                f"{path.stat().st_size} {_sha256(path)}"
            )
    lock_file.write_text("\n".join(lines) + "\n")


def _unique(artifacts: Iterable) -> list:  # type: ignore[type-arg]
    seen: dict[tuple[str, str], object] = {}
    for artifact in artifacts:
        seen.setdefault((artifact.groupId, artifact.artifactId), artifact)
    return list(seen.values())


if __name__ == "__main__":
    write_lock()
