"""The slots of a cluster: what is in each of them, what is lost with its TaskManager, and who waits."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labkit.draw.colours import BLUE, VERMILLION
from labkit.draw.picture import INK, WIDTH, Picture, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: GET of a path of Flink's REST API, as `ask("/overview")`: its answer as dicts, lists, numbers and texts
Ask = Callable[[str], Any]

_ABREAST = 4  # slots beside each other
_HEAD, _TITLE, _LINE = 0.27, 0.36, 0.15  # inches: above a TaskManager's slots, above all; a line of text
_GAP, _LETTER = 0.08, 0.066
#: what REST puts around the names that a statement gave
_FRAME = re.compile(r"\[\d+\]|Source: |: (?:Writer|Committer)")
_LIVE = ("CREATED", "RUNNING", "RESTARTING", "FAILING", "CANCELLING")
#: subtasks that have no slot yet, or a slot and no work
_TO_COME = ("CREATED", "SCHEDULED")


@dataclass
class _Job:
    """operators: (name, parallelism). waits: none of its subtasks works yet. has: slots, so far."""

    name: str
    operators: list[tuple[str, int]]
    waits: bool
    has: int = 0

    @property
    def lacks(self) -> int:
        return max((parallelism for _, parallelism in self.operators), default=0) - self.has


@dataclass
class _Slot:
    """What stands in it: a first line, and lines below. kind: free, taken, held, lost or lacking."""

    kind: str
    head: str
    lines: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.head} ({', '.join(self.lines)})" if self.lines else self.head


def slots(ask: Ask, *, now: int | None = None, silent_ms: int = 25_000, title: str = "Slots") -> Picture:
    """The slots of each TaskManager of a cluster, and in each its job and the subtasks that share it.

    A slot whose subtasks work is a filled blue box, one that a job holds while it waits for others an orange
    one with a thick edge, a free one a thin line around the word. now: ms since the epoch; a TaskManager of
    which nothing was heard for more than silent_ms before it is lost, and its slots are dashed. Slots that
    a job lacks are dashed too, at the end. All operators of a job share its slots, as they do unless
    somebody says otherwise. REST does not say which subtask is in which of them: they are dealt in order.
    """
    jobs = _jobs(ask)
    managers: list[tuple[str, list[_Slot]]] = []
    for each in ask("/taskmanagers")["taskmanagers"]:
        heard = each["timeSinceLastHeartbeat"]
        lost = now is not None and heard != 0 and now - heard > silent_ms
        held = [slot["jobId"] for slot in ask(f"/taskmanagers/{each['id']}")["allocatedSlots"]]
        held.sort(key=lambda job: [*jobs, job].index(job))  # REST lists them in any order
        found = [_taken(jobs.get(job, _Job("a job that ends", [], False)), lost) for job in held]
        free = each["slotsNumber"] - len(found)
        found += [_Slot("lost", "lost") if lost else _Slot("free", "free") for _ in range(free)]
        silent = f": nothing heard for {(now - heard) // 1000} s" if lost and now is not None else ""
        managers.append((f"{each['id']}{silent}", found))
    for job in jobs.values():
        if job.lacks > 0:
            more = f"{job.name} waits for {job.lacks} more slot{'s' if job.lacks > 1 else ''}"
            managers.append((more, [_Slot("lacking", "not there")] * job.lacks))
    managers = managers or [("no TaskManager", [])]
    heights = [_height(found) for _, found in managers]
    total = _TITLE + sum(_HEAD + rows * high for rows, high in heights) + 0.1
    with sheet(total) as figure:
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(total, 0)
        axes.set_axis_off()
        axes.text(0.1, 0.2, title, fontsize=10, fontweight="bold", va="center")
        top = _TITLE
        for (name, found), (rows, high) in zip(managers, heights, strict=True):
            axes.text(0.1, top + _HEAD / 2, name, fontsize=8.5, va="center")
            top += _HEAD
            for number, slot in enumerate(found):
                _draw_slot(axes, slot, number % _ABREAST, top + number // _ABREAST * high, high - _GAP)
            top += rows * high
    return Picture(
        figure, title, [f"{name}: {', '.join(map(str, found)) or 'no slots'}" for name, found in managers]
    )


def _jobs(ask: Ask) -> dict[str, _Job]:
    """By id the jobs that have not ended, the first one first."""
    found = {}
    for each in sorted(ask("/jobs/overview")["jobs"], key=lambda job: job["start-time"]):
        if each["state"] in _LIVE:
            vertices = ask(f"/jobs/{each['jid']}")["vertices"]
            found[each["jid"]] = _Job(
                each["name"],
                [
                    (_FRAME.sub("", vertex["name"]).replace("->", "→"), vertex["parallelism"])
                    for vertex in vertices
                ],
                all(
                    number == 0 or state in _TO_COME
                    for vertex in vertices
                    for state, number in vertex["tasks"].items()
                ),
            )
    return found


def _taken(job: _Job, lost: bool) -> _Slot:
    """The next slot of a job: one subtask of each operator that has so many."""
    job.has += 1
    if lost:
        return _Slot("lost", job.name, ["lost"])
    if job.waits:
        return _Slot("held", job.name, ["held, nothing runs in it"])
    return _Slot(
        "taken", job.name,
        [_subtask(name, job.has, number) for name, number in job.operators if job.has <= number],
    )  # fmt: skip


def _subtask(name: str, number: int, parallelism: int) -> str:
    part = f" {number} of {parallelism}"
    room = int((WIDTH / _ABREAST - 0.3) / _LETTER) - len(part)
    return (name if len(name) <= room else f"{name[: room - 1].rstrip()}…") + part


def _height(found: Sequence[_Slot]) -> tuple[int, float]:
    """How many rows of slots, and how high each is, in inches."""
    return -(-len(found) // _ABREAST), 0.18 + _GAP + _LINE * (
        1 + max((len(each.lines) for each in found), default=0)
    )


def _draw_slot(axes: Axes, slot: _Slot, place: int, top: float, high: float) -> None:
    wide = (WIDTH - 0.2) / _ABREAST
    left, right, bottom = 0.1 + place * wide, 0.1 + (place + 1) * wide - _GAP, top + high
    colour = {"taken": BLUE, "held": VERMILLION, "lacking": VERMILLION}.get(slot.kind, INK)
    weight = {"taken": 1.2, "held": 2.4}.get(slot.kind, 0.8)
    dashed = slot.kind in ("lost", "lacking")
    if slot.kind == "taken":
        axes.fill_between([left, right], top, bottom, color=colour, alpha=0.13, linewidth=0)
    axes.plot(
        [left, right, right, left, left], [top, top, bottom, bottom, top], color=colour, linewidth=weight,
        linestyle=(0, (4, 3)) if dashed else "-", label=f"{slot.kind}: {slot}",
    )  # fmt: skip
    weight_of = "bold" if slot.kind in ("taken", "held") else "normal"
    axes.text(left + 0.08, top + 0.17, slot.head, fontsize=8, fontweight=weight_of, va="center")
    for number, line in enumerate(slot.lines, 1):
        axes.text(left + 0.08, top + 0.17 + number * _LINE, line, fontsize=7.5, va="center")
