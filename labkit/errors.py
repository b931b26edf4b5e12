"""Errors a person reads: what happened, what was expected, what to type next."""

from __future__ import annotations


class LabError(Exception):
    """One sentence each for what happened, what was expected and what to do next.

    >>> print(LabError("Port 9092 is taken.", "Kafka wanted it.", "./lab doctor"))
    Port 9092 is taken. Kafka wanted it. Next: ./lab doctor
    """

    def __init__(self, happened: str, expected: str = "", next_step: str = "") -> None:
        self.happened, self.expected, self.next_step = happened, expected, next_step
        parts = [happened, expected, f"Next: {next_step}" if next_step else ""]
        super().__init__(" ".join(part for part in parts if part))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a trace: IPython asks for it."""
        return [str(self)]


class CodeError(LabError):
    """What a person wrote is wrong: Flink refuses it, or it failed. The machine that it ran on is not."""


class NotChecked(LabError):
    """A check could not be made, for what it brought along itself did not come: nobody's wrong answer."""


def of_the_system(error: OSError) -> LabError:
    """What the operating system refused, as a sentence: a full disk, a folder without permission, …"""
    name = f"{error.filename}: " if error.filename else ""
    reason = error.strerror or type(error).__name__
    return LabError(
        f"{name}{reason}.",
        "Everything that runs here keeps its files under .lab and build.",
        "make room or fix the permissions, then run the same command again (LAB_DIR=/elsewhere moves .lab)",
    )
