"""What a keyed function keeps, by key, while event time goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labkit.draw.clocks import short, ticks
from labkit.draw.colours import BLUE, VERMILLION
from labkit.draw.picture import INK, Picture, mark, say, sheet
from labkit.errors import LabError
from labkit.testing.script import CHECKPOINT, CRASH, ROW, WATERMARK, Script, Step, clock, single

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from labkit.testing.memory import Harness

Measure = Callable[[dict[str, Any]], float]
#: where more expires than so many times, the line says how much, and no text
_TOLD = 2


@dataclass
class _Past:
    """numbers: by key (event time, how much) whenever it changed. expired: by key (time, before, after)."""

    numbers: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    expired: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)
    restarts: list[int] = field(default_factory=list)
    first: int | None = None
    last: int | None = None


def entries(state: dict[str, Any]) -> float:
    """How many values a key has in all of its states: those of a map or a list one by one."""
    return sum(len(each) if isinstance(each, (Mapping, list)) else 1 for each in state.values())


def state(
    harness: Harness,
    script: Script,
    *,
    measure: Measure = entries,
    what: str = "entries",
    title: str = "State, by key, over event time",
) -> Picture:
    """What the function of this harness keeps for each key while a script is played, from a fresh start.

    measure: a number of what a key has, its states by name; the number of entries without it, and `what`
    names it. A line for each key; where a watermark makes it fall, an orange triangle says by how much: that
    is what expires. Event time is the newest of rows and watermarks. A crash() restores the last
    checkpoint(), and what came behind it is played again. Raises LabError: no row has an event time.
    """
    past = _played(harness, script, measure)
    if past.first is None or past.last is None:
        raise LabError(
            "No row of this script has an event time.", "Rows have one by at=.", 'row(at="10:00", …)'
        )
    keys = list(past.numbers)
    with sheet(0.9 + 0.85 * len(keys)) as figure:
        panels = figure.subplots(len(keys), 1, sharex=True, squeeze=False)[:, 0]
        for key, axes in zip(keys, panels, strict=True):
            _draw_key(axes, key, past, what)
        panels[0].set_title(title, loc="left", fontsize=10, fontweight="bold")
        panels[-1].set_xticks(*map(list, zip(*ticks(past.first, past.last), strict=True)))
        panels[-1].set_xlabel("event time (UTC)")
    return Picture(figure, title, _words(past, what))


# ---- playing -------------------------------------------------------------------------------------


def _played(harness: Harness, script: Script, measure: Measure) -> _Past:
    past = _Past()
    steps = single(script, list(harness._inputs))
    harness.restore()
    snapshot, restored, place = None, 0, 0
    crashed: set[int] = set()
    while place < len(steps):
        step = steps[place]
        place += 1
        if step.kind == CHECKPOINT:
            snapshot, restored = harness.snapshot(), place
        elif step.kind == CRASH and place not in crashed:
            crashed.add(place)
            harness.restore(snapshot)
            place = restored
            if past.last is not None:
                past.restarts.append(past.last)
                _look(past, harness, measure, past.last, None)
        elif step.kind in (ROW, WATERMARK):
            _step(past, harness, step, measure)
    return past


def _step(past: _Past, harness: Harness, step: Step, measure: Measure) -> None:
    if step.kind == ROW:
        harness.process(step.value if step.value is not None else dict(step.fields), step.at, step.to)
    elif step.at is not None:
        harness.watermark(step.at, step.to)
    if step.at is not None:
        past.first = step.at if past.first is None else min(past.first, step.at)
        past.last = step.at if past.last is None else max(past.last, step.at)
    if past.last is not None:
        _look(past, harness, measure, past.last, step)


def _look(past: _Past, harness: Harness, measure: Measure, now: int, step: Step | None) -> None:
    """What there is now, where it is another number than before."""
    left = {short(key, 18): float(measure(states)) for key, states in harness.state.items()}
    for key in [*past.numbers, *(key for key in left if key not in past.numbers)]:
        numbers, number = past.numbers.setdefault(key, []), left.get(key, 0.0)
        before = numbers[-1][1] if numbers else 0.0
        if number == before and numbers:
            continue
        numbers.append((now, number))
        if step is not None and step.kind == WATERMARK and number < before:
            past.expired.setdefault(key, []).append((now, before, number))


# ---- drawing -------------------------------------------------------------------------------------


def _draw_key(axes: Axes, key: str, past: _Past, what: str) -> None:
    assert past.first is not None
    assert past.last is not None
    numbers = [*past.numbers[key], (past.last, past.numbers[key][-1][1])]
    x, y = [at for at, _ in numbers], [number for _, number in numbers]
    axes.step(x, y, where="post", color=BLUE, linewidth=2, label=f"{key}: {what}")
    axes.fill_between(x, y, step="post", color=BLUE, alpha=0.13, linewidth=0)
    expired = past.expired.get(key, [])
    for at, before, after in expired:
        mark(axes, (at, after), "v", VERMILLION, f"expires {before - after:g}")
        if len(expired) <= _TOLD:
            say(axes, f"−{before - after:g}", (at, after), (-7, 3), ha="right", va="bottom")
    for at in past.restarts:
        axes.axvline(at, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), label="restart")
    room = max((past.last - past.first) * 0.03, 1)
    axes.set_xlim(past.first - room, past.last + room)
    axes.set_ylim(min(0, *y), (max(y) or 1) * 1.3)
    axes.set_yticks(sorted({0.0, max(y)}))
    axes.tick_params(length=2, labelsize=8)
    axes.set_ylabel(f"{key}\n{what}", rotation=0, ha="right", va="center", fontsize=8)


def _words(past: _Past, what: str) -> list[str]:
    lines = []
    for key, numbers in past.numbers.items():
        highest = max(number for _, number in numbers)
        lines.append(
            f"{key}: {what} from {clock(numbers[0][0])}, at most {highest:g}, {numbers[-1][1]:g} in the end"
        )
        lines += [
            f"   the watermark {clock(at)} takes {before - after:g}: {after:g} left"
            for at, before, after in past.expired.get(key, [])
        ]
    return [*lines, *(f"a restart at {clock(at)}" for at in past.restarts)]
