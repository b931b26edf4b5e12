"""A jar made of a folder of Java files, once: by the compiler that Flink itself generates code with (Janino).

So there is no JDK to install, no jar to download and no binary in the repository. Janino knows the Java of
before generics and lambdas.
"""

from __future__ import annotations

import os
import subprocess
import zipfile
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from labkit.errors import LabError
from labkit.paths import shown
from labkit.services import java

_COMPILER = "org.codehaus.commons.compiler.samples.CompilerDemo"


def jar_of(folder: Path, services: dict[str, str], lib: Path, into: Path) -> Path:
    """The jar of that folder's Java files; made anew when one of them, or services, has changed.

    services: interface -> implementation, for Java's ServiceLoader. lib: the folder of the jars, Janino among
    them, that the files need. into: the folder to have the jar.
    Raises LabError: a file does not compile.
    """
    sources = sorted(folder.rglob("*.java"))
    digest = sha256(repr(sorted(services.items())).encode())
    for source in sources:
        digest.update(source.read_bytes())
    jar = into / f"{folder.name}-{digest.hexdigest()[:12]}.jar"
    if not jar.exists():
        _compile(sources, services, lib, jar)
    return jar


def _compile(sources: list[Path], services: dict[str, str], lib: Path, jar: Path) -> None:
    class_path = os.pathsep.join(str(each) for each in sorted(lib.glob("*.jar")))
    with TemporaryDirectory(prefix="compile-") as folder:
        done = subprocess.run(
            [java.executable(), *java.FLAGS, "-cp", class_path, _COMPILER, "-g", "-encoding", "UTF-8",
             "-d", folder, "-classpath", class_path, *map(str, sources)],
            env=java.environment(), capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode or "Exception" in done.stderr:
            raise LabError(
                f"{shown(sources[0].parent)} does not compile: {done.stderr.strip().splitlines()[0]}.",
                "Janino takes no generics and no lambdas.",
                "correct it and run it again",
            )
        half = jar.with_name(f"{jar.name}.{os.getpid()}")
        with zipfile.ZipFile(half, "w") as archive:
            for file in sorted(Path(folder).rglob("*.class")):
                archive.write(file, file.relative_to(folder))
            for interface, implementation in services.items():
                archive.writestr(f"META-INF/services/{interface}", implementation + "\n")
        os.replace(half, jar)
