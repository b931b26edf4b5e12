"""A schema registry (Apicurio) that speaks Confluent's protocol; its memory is the process."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import requests

from labkit import web
from labkit.paths import LAB
from labkit.services import jars, java
from labkit.services.process import spawn
from labkit.services.service import Service


class Registry(Service):
    """The registry: started only when it is asked for; what was registered ends with it."""

    name = "registry"
    setting = "LAB_REGISTRY"

    def prepare(self) -> None:
        app = _app()
        if not app.exists():
            [archive] = jars.fetch("registry")
            half = app.with_name(app.name + ".new")
            shutil.rmtree(half, ignore_errors=True)
            shutil.unpack_archive(archive, half, "gztar")  # the bytes are those of the lock
            os.replace(half, app)

    def launch(self) -> None:
        port, management = self.port("registry"), self.port("registry_management")
        command = [
            java.executable(), *java.FLAGS, "-Xms64m", "-Xmx256m", f"-Djava.io.tmpdir={self.tmp}",
            "-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={port}",
            # left alone, its health and metrics pages listen on every address
            "-Dquarkus.management.host=127.0.0.1", f"-Dquarkus.management.port={management}",
            "-jar", str(next(_app().rglob("quarkus-run.jar"))),
        ]  # fmt: skip
        self.remember("registry", spawn(command, stack=self.stack, output=self.log,
                                        env=java.environment(), cwd=self.dir))  # fmt: skip

    @property
    def address(self) -> str:
        """The root of the Confluent API."""
        return self.external or f"http://127.0.0.1:{self.record.ports['registry']}/apis/ccompat/v7"

    def answers(self) -> bool:
        try:
            return web.session(self.address).get(f"{self.address}/subjects", timeout=2).status_code == 200
        except requests.RequestException:
            return False


def _app() -> Path:
    [jar] = jars.of_set("registry")
    return LAB / f"apicurio-{jar.version}"
