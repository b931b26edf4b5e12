"""Exit criteria of cluster_and_slots: recorded clusters, some made up from those, and the real warm one.

Recorded from real clusters (recorded/, made by record.py): idle, fresh, busy, empty, lost, intervals,
flink_run, given_up, parsing.txt. Made up from them: versions, and TaskManagers silent for so many ms. Live: slots
and checkpoints of small jobs on the warm cluster, and what its gateway says to SQL that does not parse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from labkit.checking import Piece, Wrong, expect, wrong
from labs.phase0_setup.lab03_cluster_and_slots.clusters import (
    RECORDED,
    Warm,
    of_version,
    recorded,
    silent_for,
    warm,
)

#: jobs by name, each with the parallelism of its operators
MARKETLAG = {"signals": [3, 1], "detector": [1]}
ARCHIVE = {"archive": [2, 3, 1, 1]}


@contextmanager
def told(what: str) -> Iterator[None]:
    """What the piece raises instead of an answer, said with the cluster that it was asked about."""
    try:
        yield
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        said = f"{type(error).__name__}: {error}"
        raise Wrong(f"{what} {said} was raised: an answer was expected there too.") from error


# ---- step 1: the slots that jobs take ----------------------------------------------------------------


@pytest.mark.step(1)
def test_a_job_takes_as_many_slots_as_its_widest_operator(piece: Piece) -> None:
    got = needed(piece, ARCHIVE)

    expect(got, 3, f"archive has operators of parallelism {ARCHIVE['archive']}.", mistakes={
        "archive was given a slot for every subtask of every operator. A slot holds one subtask of each "
        "operator, the whole pipeline once, so the widest operator decides.": 7,
        "archive was given the slots of its source. Its second operator is wider.": 2,
        "archive was given a slot for each of its four operators, whatever their parallelism.": 4,
        "archive was given one slot, and its second operator has three subtasks: two subtasks of one operator "
        "never share a slot.": 1,
    })  # fmt: skip


@pytest.mark.step(1)
def test_two_jobs_share_no_slot(piece: Piece) -> None:
    got = needed(piece, MARKETLAG)

    expect(got, 4, f"signals has operators of parallelism {MARKETLAG['signals']}, detector of {MARKETLAG['detector']}.",
           mistakes={
        "signals and detector were to share three slots: a slot belongs to one job at a time.": 3,
        "Every subtask was given a slot of its own.": 5,
        "detector was given as many slots as signals. Each job takes those of its own widest operator, and "
        "detector's has one subtask.": 6,
    })  # fmt: skip


def needed(piece: Piece, jobs: Mapping[str, Sequence[int]]) -> Any:
    with told(f"slots_needed({jobs}):"):
        return piece.module.slots_needed(jobs)


# ---- step 2: the slots that are free -----------------------------------------------------------------


@pytest.mark.step(2)
def test_the_slots_of_a_job_are_not_free(piece: Piece) -> None:
    with told("One job runs on a cluster of two TaskManagers."):
        busy, idle = free(piece, recorded("busy")), free(piece, recorded("idle"))

    both = f"idle {idle}, with the job {busy}"
    if (idle, busy) == (4, 4):
        wrong("Four slots were called free while a job held three of them: the cluster's slots in all are not "
              "those that are left.", got=both, expected="idle 4, with the job 1")  # fmt: skip
    if (idle, busy) == (0, 0):
        wrong("No TaskManager was found alive on a cluster where all are well. `timeSinceLastHeartbeat` is, "
              "whatever its name says, the moment of the last heartbeat, in ms since the epoch.", got=both,
              expected="idle 4, with the job 1")  # fmt: skip
    if idle == 2 and busy in (0, 1):
        wrong("The slots of one TaskManager were counted, and there are two.", got=both,
              expected="idle 4, with the job 1")  # fmt: skip
    if (idle, busy) == (2, 2):
        wrong("TaskManagers were counted. A TaskManager has several slots, and only those without a job are free.",
              got=both, expected="idle 4, with the job 1")  # fmt: skip
    expect(
        both, "idle 4, with the job 1", "Two TaskManagers of two slots; then a job of parallelism 3 on them."
    )


@pytest.mark.step(2)
def test_a_cluster_without_taskmanagers_has_no_free_slot(piece: Piece) -> None:
    with told("The JobManager runs, and no TaskManager has registered."):
        got = free(piece, recorded("empty"))

    expect(got, 0, "A JobManager without TaskManagers answers REST like any other, and has no slot to give.")


@pytest.mark.step(2)
def test_a_lost_taskmanager_has_none_to_give(piece: Piece) -> None:
    with told("One of two TaskManagers has stopped."):
        got = free(piece, recorded("lost"))

    expect(got, 2, "Two TaskManagers of two slots are listed; one was last heard of more than 25 s ago.", mistakes={
        "The slots of a TaskManager that was last heard of more than 25 s ago were called free. It stays in the list until "
        "heartbeat.timeout, 50 s by default, and /overview counts its slots as well.": 4,
        "One silent TaskManager, and the other one's slots were not counted any more either.": 0,
    })  # fmt: skip


@pytest.mark.step(2)
def test_a_lost_taskmanager_takes_away_what_it_had_free(piece: Piece) -> None:
    with told("One of two TaskManagers has stopped, and a job held both of its slots."):
        got = free(piece, silent_for(600_000, "busy", without_free_slots=True))

    expect(got, 1, "One of two TaskManagers is lost, and a job held both of its slots. The other one has a slot free.",
           mistakes={
        "Both slots of the lost TaskManager were taken off, and a job held both: they were not among the free ones. What "
        "is lost is what it had free (freeSlots), not what it has (slotsNumber).": -1,
        "One silent TaskManager, and the other one's free slot was not counted any more either.": 0,
    })  # fmt: skip


@pytest.mark.step(2)
def test_a_taskmanager_that_has_just_come_is_alive(piece: Piece) -> None:
    with told("Two TaskManagers have just registered."):
        got = free(piece, recorded("fresh"))

    expect(got, 4, "Two TaskManagers have just registered; their first heartbeat is to come.", mistakes={
        "Two TaskManagers that have just registered were taken for lost: until its first heartbeat a "
        "TaskManager's moment is 0, which is no long silence.": 0,
    })  # fmt: skip


@pytest.mark.step(2)
def test_silence_has_a_limit(piece: Piece) -> None:
    got = {
        silence: free(piece, silent_for(silence)) for silence in (0, 11_000, 24_999, 25_000, 25_001, 600_000)
    }

    right = {0: 4, 11_000: 4, 24_999: 4, 25_000: 4, 25_001: 0, 600_000: 0}
    if got[11_000] == 0:
        wrong("A TaskManager that was heard of 11 s ago was taken for lost. One that is well is heard of every 10 s; "
              "SILENT_MS is the limit.", got=got, expected=right)  # fmt: skip
    expect(
        got, right, "SILENT_MS is 25 s: silent for longer is lost, and 25 s to the millisecond is not longer."
    )


@pytest.mark.step(2)
def test_free_slots_of_the_warm_cluster(piece: Piece, live: Warm) -> None:
    got = free(piece, live)

    total = live.ask("/overview")["slots-total"]
    expect(got, total - 3, f"On the real cluster {total} slots are held by two small jobs of parallelism 2 and 1 as far "
           "as they need them.", mistakes={f"The real cluster has {total} slots and runs two jobs that hold three; all "
                                           f"{total} were called free.": total})  # fmt: skip


def free(piece: Piece, cluster: Any) -> Any:
    return piece.module.slots_free(cluster.ask, cluster.now)


@pytest.fixture(scope="module")
def live() -> Iterator[Warm]:
    """The warm cluster with two jobs: `slow` takes a checkpoint every 7 min, `none` takes none."""
    with warm() as it:
        it.start("slow", 2, {"execution.checkpointing.interval": "7 min"})
        it.start("none", 1)

        def have_slots() -> bool:
            overview = it.ask("/overview")
            return bool(overview["slots-total"] - overview["slots-available"] == 3)

        it.until(have_slots, "both jobs have their slots")
        yield it


# ---- step 3: the version -----------------------------------------------------------------------------

#: version of the cluster, the least, whether it fits, and what is said where the piece says otherwise
VERSIONS = [
    ("2.2.1", "2.2", True, "2.2.1 is a 2.2: `least` has fewer numbers, and those are equal."),
    ("2.1.4", "2.2", False, "2.1.4 is older than 2.2: a job made for 2.2 may use what is not there yet."),
    ("2.3.0", "2.2", True, "2.3.0 is later than 2.2 and of the same major version: it fits, though it is no 2.2."),
    ("2.10.0", "2.2", True, "2.10 is eight minor versions after 2.2. As text, or as a decimal number, it would come before."),
    ("2.4.0", "2.2.1", True, "2.4.0 is later than 2.2.1, for 4 is more than 2: the 0 behind it is of no account any more. The "
                             "first numbers that differ decide."),
    ("2.2.1", "2.2.1", True, "2.2.1 is not older than itself."),
    ("2.9.3", "2.10", False, "2.9.3 is older than 2.10. As text it would come after, for '9' comes after '1'."),
    ("1.20.1", "2.2", False, "1.20.1 has another major version: its 20 says nothing beside the 2 of 2.2."),
    ("3.2.0", "2.2", False, "3.2.0 is later, and another major version: what was deprecated in 2 is gone there."),
    ("2.2.0-cp1", "2.2", True, "2.2.0-cp1 is a vendor's build of 2.2.0: what follows the dash does not count."),
    ("2.2-rc3", "2.2.1", False, "2.2-rc3 comes before 2.2.1: the 3 behind the dash counts something else."),
    ("2.3-SNAPSHOT", "2.2", True, "2.3-SNAPSHOT is a build on the way to 2.3: what follows the dash is a name."),
    ("<unknown>", "2.2", False, "A cluster that says `<unknown>` was built without a version: nobody knows that it fits."),
]  # fmt: skip


@pytest.mark.step(3)
@pytest.mark.parametrize(
    ("running", "least", "fits", "sentence"), VERSIONS, ids=[each[0] for each in VERSIONS]
)
def test_versions_are_numbers(piece: Piece, running: str, least: str, fits: bool, sentence: str) -> None:
    with told(f"The cluster is Flink {running}, and {least} was asked for."):
        got = piece.module.version_fits(of_version(running).ask, least)

    if bool(got) is not fits:
        wrong(sentence, got=f"{running} {'fits' if got else 'does not fit'} {least}")


# ---- step 4: the interval in force -------------------------------------------------------------------


@pytest.mark.step(4)
def test_the_interval_is_the_jobs_own(piece: Piece) -> None:
    own = taken(piece, "intervals", "own")

    expect(own, (300_000, "EXACTLY_ONCE"), "The job set 300 s itself; the config.yaml of its cluster has 10 s.", mistakes={
        "That is the 10 s of the cluster's config.yaml. The job set 300 s itself, and a job's own options win: only the "
        "job knows what is in force.": (10_000, "EXACTLY_ONCE"),
        "The interval is in ms, as Flink says it.": (300, "EXACTLY_ONCE"),
        "The mode is told in capitals, as the option is written.": (300_000, "exactly_once"),
    })  # fmt: skip


@pytest.mark.step(4)
def test_a_job_without_an_interval_takes_none(piece: Piece) -> None:
    interval, _ = pair(taken(piece, "intervals", "none"))

    expect(interval, None, "The job set no interval.", mistakes={
        "The cluster's config.yaml has 10 s, and this job was submitted without an interval: a script's options are "
        "its own, and it takes no checkpoints.": 10_000,
        "Where no interval was set Flink answers 2**63 - 1 ms, Java's largest number. That is no interval, it is never.":
            2**63 - 1,
    })  # fmt: skip


@pytest.mark.step(4)
def test_the_mode_is_told(piece: Piece) -> None:
    got = taken(piece, "intervals", "loose")

    expect(got, (300_000, "AT_LEAST_ONCE"), "The job set 300 s and at least once.", mistakes={
        "The job takes its checkpoints at least once, and EXACTLY_ONCE was told: the mode has to be asked for as well.":
            (300_000, "EXACTLY_ONCE"),
    })  # fmt: skip


@pytest.mark.step(4)
def test_flink_run_reads_the_clients_file(piece: Piece) -> None:
    interval, _ = pair(taken(piece, "flink_run", "job"))

    expect(
        interval,
        10_000,
        "`flink run` read config.yaml where it was typed: its job has these 10 s as its own.",
    )


@pytest.mark.step(4)
def test_intervals_on_the_warm_cluster(piece: Piece, live: Warm) -> None:
    with told("Two jobs on the real cluster."):
        slow, none = (
            pair(piece.module.checkpoints(live.ask, job)) for job in (live.jobs["slow"], live.jobs["none"])
        )

    expect((slow, none[0]), ((420_000, "EXACTLY_ONCE"), None),
           "On the real cluster one job was submitted with 7 min, the other one without an interval.")  # fmt: skip


def taken(piece: Piece, cluster: str, job: str) -> Any:
    there = recorded(cluster)
    with told(f"The job `{job}`."):
        got = piece.module.checkpoints(there.ask, there.jobs[job])
    return tuple(got) if isinstance(got, list) else got


def pair(got: Any) -> tuple[Any, Any]:
    if not isinstance(got, tuple | list) or len(got) != 2:
        wrong("checkpoints() gives two things: the interval in ms or None, and the mode.", got=got)
    return got[0], got[1]


# ---- step 5: why -------------------------------------------------------------------------------------

NO_TRACE = "Flink does not answer at http://127.0.0.1:8081.\nNext: ./lab up flink\n"
ONE_LEVEL = """\
java.lang.IllegalStateException: No operators defined in streaming topology. Cannot execute.
\tat org.apache.flink.streaming.api.environment.StreamExecutionEnvironment.getStreamGraph(StreamExecutionEnvironment.java:2005)
"""
OF_PYTHON = """\
Traceback (most recent call last):
  File "job.py", line 3, in <module>
    tables.execute_sql(statement)
NameError: name 'statement' is not defined
org.apache.flink.client.program.ProgramAbortException: java.lang.RuntimeException: Python process exits with code: 1
\tat org.apache.flink.client.python.PythonDriver.main(PythonDriver.java:124)
Caused by: java.lang.RuntimeException: Python process exits with code: 1
\tat org.apache.flink.client.python.PythonDriver.main(PythonDriver.java:117)
"""


#: made up: closing what never opened failed too. Java writes that indented, behind what it belongs to
CLEANED_UP = """\
org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy
\tat org.apache.flink.runtime.executiongraph.failover.ExecutionFailureHandler.handleFailure(ExecutionFailureHandler.java:213)
Caused by: java.net.ConnectException: Connection refused
\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)
\tSuppressed: java.lang.IllegalStateException: The writer was never opened
\t\tat org.apache.flink.util.IOUtils.closeAll(IOUtils.java:255)
\tCaused by: java.lang.NullPointerException: writer
\t\t... 3 more
\t... 12 more
"""


@pytest.mark.step(5)
def test_a_parse_error_is_found_in_what_flink_run_prints(piece: Piece) -> None:
    text = (RECORDED / "parsing.txt").read_text()
    got = line(piece, text)

    judge_line(got, 'Encountered "', f"`flink run` printed {len(text.splitlines())} lines about SQL that "
               "does not parse.")  # fmt: skip


@pytest.mark.step(5)
def test_a_job_without_slots_says_so(piece: Piece) -> None:
    there = recorded("given_up")
    newest = there.ask(f"/jobs/{there.jobs['stuck']}/exceptions")["exceptionHistory"]["entries"][0]
    got = line(piece, newest["stacktrace"])

    judge_line(got, "NoResourceAvailableException", "The job waited for slots until it gave up.")


@pytest.mark.step(5)
def test_an_error_of_python_is_found_too(piece: Piece) -> None:
    got = line(piece, OF_PYTHON)

    expect(got, "NameError: name 'statement' is not defined", "A script had a misspelt name, and `flink run` ended.",
           mistakes={"Python's own error stands above; the exception below it only tells that Python ended.":
                     "java.lang.RuntimeException: Python process exits with code: 1"})  # fmt: skip


@pytest.mark.step(5)
def test_what_went_wrong_while_cleaning_up_is_no_reason(piece: Piece) -> None:
    got = line(piece, CLEANED_UP)

    afterwards = "What stands indented behind `Suppressed:` went wrong afterwards, while Java cleaned up. A reason begins its line."
    expect(got, "java.net.ConnectException: Connection refused", "A connection was refused, and closing the sink then failed too.",
           mistakes={afterwards: "java.lang.IllegalStateException: The writer was never opened",
                     f"{afterwards} So does its own `Caused by:`.": "java.lang.NullPointerException: writer"})  # fmt: skip


@pytest.mark.step(5)
def test_where_nothing_caused_it_the_exception_itself_is_the_reason(piece: Piece) -> None:
    got = line(piece, ONE_LEVEL)

    expect(got, ONE_LEVEL.splitlines()[0], "The trace has one exception and no `Caused by`.")


@pytest.mark.step(5)
def test_a_text_without_an_exception_is_its_first_line(piece: Piece) -> None:
    got = [line(piece, NO_TRACE), line(piece, "")]

    expect(got, [NO_TRACE.splitlines()[0], ""], "No exception is in the text, or no text at all.")


@pytest.mark.step(5)
def test_a_parse_error_of_the_warm_gateway(piece: Piece, live: Warm) -> None:
    got = line(piece, live.refused("SELECT title FORM headlines"))

    judge_line(got, 'Encountered "', "The real gateway refused `SELECT title FORM headlines`.")


def line(piece: Piece, trace: str) -> str:
    with told(f"A text of {len(trace.splitlines())} lines."):
        got = piece.module.why(trace)
    if not isinstance(got, str):
        wrong("why() gives a line of text.", got=got)
    return str(got)


def judge_line(got: str, wanted: str, what: str) -> None:
    """Say what the line is instead of the reason."""
    __tracebackhide__ = True
    if "\n" in got.strip():
        wrong(f"{what} One line was wanted, and these are {len(got.splitlines())}.", got=got.splitlines()[0])
    for known, sentence in NOT_THE_REASON.items():
        if known in got and wanted not in got:
            wrong(f"{what} {sentence}", got=got[:150], expected=f"… {wanted} …")
    if got.startswith(("Caused by", ":")):
        wrong(f"{what} How Java and py4j lead over to a cause is no part of it.", got=got[:150])
    if wanted not in got:
        wrong(f"{what} The line that says why is another one.", got=got[:150], expected=f"… {wanted} …")


NOT_THE_REASON = {
    "Python process exits": "That is the last cause in the text, and only tells that Python ended. What made it end was "
                            "printed before.",
    "Traceback (most": "The first line of a trace only says that one follows.",
    "An error occurred while calling": "py4j only tells which of Java's methods failed; what Java said stands below it.",
    "ProgramAbortException": "That exception wraps another one: the innermost cause says why.",
    "TimeoutException": "That something took too long is no reason: what did it wait for?",
    "CompletionException": "That exception wraps another one: the innermost cause says why.",
    "JobException": "That exception wraps another one: the innermost cause says why.",
    "at ": "That is a place in the code: a reason ends with no line number of Flink's.",
    "... ": "That says how many lines were left out: a reason ends with no line number of Flink's.",
}  # fmt: skip
