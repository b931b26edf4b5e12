"""In the kernel of a notebook that `./lab notebook` opened: a cell that was run too early gets a sentence.

An extension of IPython. What else fails shows its trace; a LabError shows itself as a sentence everywhere.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from labkit.errors import LabError


def load_ipython_extension(shell: Any) -> None:
    """IPython calls this when a kernel begins."""
    shell.set_custom_exc((NameError,), _told)


def _told(
    shell: Any,
    kind: type[BaseException],
    error: NameError,
    trace: TracebackType,
    tb_offset: int | None = None,
) -> list[str]:
    if not _of_a_cell(shell, trace):
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
        return []
    sentence = LabError(
        f"`{error.name}` is not known here.",
        "The cell that makes it has not run since this kernel began.",
        "Run > Run All Above Selected Cell, then this cell again",
    )
    shell._showtraceback(kind, error, [str(sentence)])  # what IPython itself calls to send a trace
    return []


def _of_a_cell(shell: Any, trace: TracebackType) -> bool:
    """Whether the name stands in a cell, not in a file that a cell calls."""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_globals is shell.user_global_ns
