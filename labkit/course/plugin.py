"""What pytest does with labs: teaching order, the learner's piece, four outcomes, and a closing table.

    pytest labs/phase2_pyflink               your pieces where there are some, else the reference
    pytest labs/phase2_pyflink --reference   the reference alone, whatever is in mine/

A lab is a folder with a lab.toml. Tests of anything else are not touched.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from labkit.busy import busy
from labkit.course import cells, explain, files, mine, notebook, piece, saved, show, untouched
from labkit.course.curriculum import Curriculum, Lab, read_lab
from labkit.course.folders import Folders
from labkit.course.verdict import NOTEBOOK_STEP, Outcome, Verdict, first_red
from labkit.errors import LabError
from labkit.waiting import own_time

_PLACE = pytest.StashKey[tuple[Lab, int]]()


@cache
def lab_of(folder: Path) -> Lab | None:
    """The lab whose folder this is. Raises LabError."""
    return read_lab(folder) if (folder / "lab.toml").exists() else None


@lru_cache(maxsize=1)
def curriculum_of(lab: Lab) -> Curriculum:
    """All labs beside this one. Raises LabError."""
    return Curriculum(lab.folder.parent.parent)


# ---- hooks of the module: options, the notebook, fixtures ----------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("labs").addoption(
        "--reference", action="store_true", help="labs: ignore mine/, check the reference alone"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "step(number): the step of the lab that this check belongs to")
    checks = LabChecks(config)
    config.pluginmanager.register(checks, "lab-checks")
    config.pluginmanager.register(NotRun(checks), "lab-checks-not-run")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.name != "lab.ipynb" or not _lab_or_error(file_path.parent):
        return None
    nbval_takes_it = parent.config.getoption("nbval", False) or parent.config.getoption("nbval_lax", False)
    if nbval_takes_it or not cells.can_run():
        return None
    return notebook.NotebookFile.from_parent(parent, path=file_path)


# Of a module, not of a test: several steps may judge the result of one job.
@pytest.fixture(scope="module", name="piece")
def _piece(request: pytest.FixtureRequest) -> piece.Piece:
    """The piece that is checked: `piece.path`, `piece.module` (Python), `piece.is_reference`."""
    lab = lab_of(request.path.parent)
    if lab is None:
        raise LabError("`piece` is a fixture of labs.", "A lab.toml beside the test was expected.")
    path = mine.chosen(lab.slug, lab.reference_file)
    return piece.Piece(lab.slug, path, is_reference=path == lab.reference_file)


@pytest.fixture(scope="module", name="reference")
def _reference(request: pytest.FixtureRequest) -> Callable[[str], piece.Piece]:
    """reference("other_lab"): the reference of another lab, as `piece` is this one's."""
    lab = lab_of(request.path.parent)
    if lab is None:
        raise LabError("`reference` is a fixture of labs.", "A lab.toml beside the test was expected.")
    curriculum = curriculum_of(lab)
    return lambda slug: piece.of(curriculum, slug, reference=True)


def _lab_or_error(folder: Path) -> Lab | None:
    try:
        return lab_of(folder)
    except LabError as error:
        raise pytest.UsageError(str(error)) from error


# ---- a run of checks -----------------------------------------------------------------------------


class LabChecks:
    """The labs among the tests of one run."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.folders = Folders.here()
        self.verdicts: dict[str, list[Verdict]] = {}
        self.labs: dict[str, Lab] = {}
        self.planned: dict[str, int] = {}
        self.deadlines: dict[str, float] = {}
        self.over: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Checks of labs in teaching order, in the places that they have among other tests."""
        places = [place for place, item in enumerate(items) if self._adopt(item)]
        checks = [items[place] for place in places]
        order = {id(item): number for number, item in enumerate(checks)}

        def teaching(item: pytest.Item) -> tuple[str, str, int, int]:
            lab, step = item.stash[_PLACE]
            return lab.phase, lab.folder.name, step, order[id(item)]

        for place, item in zip(places, sorted(checks, key=teaching), strict=True):
            items[place] = item

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            if _PLACE in item.stash:
                slug = item.stash[_PLACE][0].slug
                self.planned[slug] = self.planned.get(slug, 0) + 1
        if self.config.pluginmanager.has_plugin("terminalreporter"):  # else ./lab runs it, and has saved
            self._save()

    def _save(self) -> None:
        """A copy of each piece that is about to be checked."""
        if self.config.getoption("reference"):
            return
        try:
            for lab in self.labs.values():
                if mine.counts(lab.slug):
                    saved.save(self.folders, lab, "check")
        except LabError as error:
            raise pytest.UsageError(str(error)) from error

    def _adopt(self, item: pytest.Item) -> bool:
        lab = _lab_or_error(item.path.parent)
        if lab is None:
            return False
        mark = item.get_closest_marker("step")
        step = (
            NOTEBOOK_STEP if isinstance(item, notebook.NotebookItem) else mark and mark.args and mark.args[0]
        )
        if not isinstance(step, int) or step < 1:
            if item.path.suffix == ".ipynb":  # nbval's own cells, when it was asked for
                step = NOTEBOOK_STEP
            else:
                raise pytest.UsageError(
                    f"{item.path.name}: {item.name} belongs to no step: @pytest.mark.step(2)"
                )
        item.stash[_PLACE] = (lab, step)
        self.labs[lab.slug] = lab
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        place = item.stash.get(_PLACE, None)
        if place is None:
            return (yield)
        with _only(place[0], nothing=self.config.getoption("reference")):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        with self._time_limit(item):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        with self._time_limit(item):
            return (yield)

    @contextmanager
    def _time_limit(self, item: pytest.Item) -> Iterator[None]:
        """One for all checks of a lab together."""
        place = item.stash.get(_PLACE, None)
        if place is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        lab = place[0]
        # of the lab's own time: what is fetched and started for the first check is none of it
        deadline = self.deadlines.setdefault(lab.slug, own_time() + lab.time_limit)

        def wait() -> None:
            signal.setitimer(signal.ITIMER_REAL, max(deadline - own_time(), 0.001))

        def ring(number: int, frame: FrameType | None) -> None:
            if own_time() < deadline:
                wait()
                return
            self.over.add(lab.slug)
            says = f"{lab.slug} did not finish within {lab.time_limit:g} s: an endless loop?{busy()}"
            raise explain.OverTime(says)

        before = signal.signal(signal.SIGALRM, ring)
        wait()
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    # ---- outcomes --------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        place = item.stash.get(_PLACE, None)
        if place is not None and (not report.passed or report.when == "call"):
            verdict = self._verdict(item, call, report, *place)
            report.verdict = verdict  # type: ignore[attr-defined]  # a report takes any attribute
            if verdict.outcome in (Outcome.TO_DO, Outcome.WRONG) and not self._verbose:
                report.longrepr = verdict.says
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        verdict: Verdict | None = getattr(report, "verdict", None)
        if verdict is not None and (lab := _lab_or_error((self.config.rootpath / report.fspath).parent)):
            self.labs[lab.slug] = lab
            self.verdicts.setdefault(lab.slug, []).append(verdict)

    # pytest-xdist: a report goes from the process that checks to the one that tells
    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self, report: Any) -> Generator[None, Any, Any]:
        data = yield
        if data and (verdict := getattr(report, "verdict", None)):
            data["verdict"] = {**verdict.to_json(), "outcome": verdict.outcome.value}
        return data

    @pytest.hookimpl(wrapper=True)
    def pytest_report_from_serializable(self, data: dict[str, Any]) -> Generator[None, Any, Any]:
        report = yield
        if verdict := data.get("verdict"):
            report.verdict = Verdict.from_json(verdict)
        return report

    def _verdict(
        self, item: pytest.Item, call: pytest.CallInfo[Any], report: pytest.TestReport, lab: Lab, step: int
    ) -> Verdict:
        path = mine.chosen(lab.slug, lab.reference_file)
        reference = path == lab.reference_file
        seconds = round(call.duration, 3)
        if report.passed:
            return Verdict(
                item.name, step, Outcome.REFERENCE if reference else Outcome.RIGHT, seconds=seconds
            )
        full = report.longreprtext
        if call.excinfo is None or report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else full
            return Verdict(item.name, step, Outcome.ERROR, says=str(reason), full=full, seconds=seconds)
        said = explain.explain(call.excinfo.value, path, self.folders.shown)
        outcome, says, where, to_do = Outcome.WRONG, said.says, said.where, 0
        left = {} if reference else _left(lab, path)
        first = next((each for each in left if each <= step), None)
        if reference:
            outcome, says = Outcome.ERROR, f"The reference does not pass its own check: {says}"
        elif said.to_do and said.to_do[0] != lab.slug:
            says = f"{path.name} has the text of another lab, {said.to_do[0]}."
        elif said.to_do or first is not None:
            outcome, to_do = Outcome.TO_DO, said.to_do[1] if said.to_do else first or step
            title = lab.reference.steps.get(to_do, "")
            says = f"Step {to_do} is still to do" + (f": {title}" if title else "")
            where = f"{self.folders.shown(path)}:{left[to_do]}" if to_do in left else where
            said = explain.Explained(says)  # figures of a step that is not written say nothing
        elif explain.from_the_machinery(call.excinfo.value):
            outcome = Outcome.ERROR  # a service that does not start is not the learner's doing
        elif other := _text_of_another_lab(lab, path):
            says = f"{path.name} has the text of another lab, {other}."
        return Verdict(
            item.name, step, outcome, says, said.got, said.expected, said.details, where, full, seconds, to_do
        )

    @property
    def _verbose(self) -> bool:
        return bool(self.config.getoption("verbose", 0) > 0)  # there is no such option without a terminal

    # ---- what a person sees ----------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        verdict = getattr(report, "verdict", None)
        if verdict is None:
            return None
        return {
            Outcome.REFERENCE: ("reference", "r", ("REFERENCE", {"cyan": True})),
            Outcome.TO_DO: ("to do", "t", ("TO DO", {"yellow": True})),
            Outcome.WRONG: ("failed", "W", ("WRONG", {"red": True})),
            Outcome.RIGHT: None,
            Outcome.ERROR: None,
        }[verdict.outcome]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Iterator[None]:
        stats = terminalreporter.stats
        failed = stats.get("failed", [])
        wrong = [report for report in failed if _outcome(report) is Outcome.WRONG]
        if wrong:  # they are told below, one a lab, and counted; not a second time with their traces
            stats["failed"] = [report for report in failed if report not in wrong]
        yield
        if wrong:
            stats["failed"] = failed
        self._tell(terminalreporter)

    def _tell(self, terminal: Any) -> None:
        for slug, verdicts in self.verdicts.items():
            red = first_red(verdicts)
            if red is not None and red.outcome in (Outcome.WRONG, Outcome.TO_DO):
                terminal.write_line("")
                for line in show.red(
                    self.labs[slug], verdicts, self.planned.get(slug, len(verdicts)), full=self._verbose
                ):
                    terminal.write_line(line)
        if self.labs:
            terminal.write_line("")
            for path in untouched.changed(self.folders, *self.labs.values()):
                terminal.write_line(f"{self.folders.shown(path)} is not as committed.")
            for line in show.phases(self.labs, self.verdicts):
                terminal.write_line(line)


class NotRun:
    """A notebook below a red step is noise, and behind a time limit nothing of the lab is run."""

    def __init__(self, checks: LabChecks) -> None:
        self.checks = checks

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        place = item.stash.get(_PLACE, None)
        if place is None:
            return None
        lab, step = place
        red = first_red(self.checks.verdicts.get(lab.slug, []))
        if lab.slug not in self.checks.over and not (step == NOTEBOOK_STEP and red):
            return None
        # the check before this one left standing what it shares with this one
        call = pytest.CallInfo.from_call(
            lambda: item.session._setupstate.teardown_exact(nextitem), when="teardown"
        )
        report = item.ihook.pytest_runtest_makereport(item=item, call=call)
        if report.failed:
            item.ihook.pytest_runtest_logreport(report=report)
        return True


@contextmanager
def _only(lab: Lab, *, nothing: bool) -> Iterator[None]:
    """While this lab is checked, only its own piece may come from mine/: here and in all that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(mine.ONLY, lab.slug if mine.counts(lab.slug) and not nothing else "")
        patch.setenv("LAB_LABS", str(lab.folder.parent.parent))
        yield


def _outcome(report: Any) -> Outcome | None:
    verdict = getattr(report, "verdict", None)
    return verdict.outcome if verdict else None


def _left(lab: Lab, path: Path) -> dict[int, int]:
    try:
        return lab.reference.left(files.read(path))
    except LabError:  # not text, or gone: the check's own error says so
        return {}


def _text_of_another_lab(lab: Lab, path: Path) -> str | None:
    """The lab that this text was written for, if it is another one."""
    try:
        text = files.read(path)
    except LabError:
        return None
    if lab.reference.likeness(text) >= 0.5:
        return None
    likely = {slug: each.reference.likeness(text) for slug, each in curriculum_of(lab).labs.items()}
    best = max(likely, key=lambda slug: likely[slug])
    return best if likely[best] >= 0.8 else None
