"""The lab engine: labs, the learner's pieces, checks, and the proof that the checks are right.

    folders      where a copy of the course keeps its labs, the learner's pieces and its memory
    markers      the reference's text -> the stub, the solution, wrong answers
    curriculum   the labs, in order, as their lab.toml says
    mine         the learner's pieces: which file a part is read from, and what is still to do in it
    files        text read, and written whole or not at all
    saved        no text of a learner's is ever lost
    piece        what a check gets of a piece: its path and its module
    explain      an exception -> one sentence, with the learner's own line
    verdict      what one check said; what all checks of a lab say
    plugin       pytest: teaching order, fixtures, letters, closing table
    child        the process in which a learner's code runs, under pytest
    runner       listens to it: time limit, capped output, nothing left running
    notebook     a lab's notebook as its last check
    jupyter      … and opened: the learner's copy in JupyterLab
    kernel       in its kernel: a cell that was run too early gets a sentence
    check        one lab checked: alone, from untouched tests, remembered
    fitness      which of the learner's pieces a run of the whole system may take
    commands     ./lab list, start, check, watch, hint, solution, …
    proving      every check is proven: stub, reference, wrong answers, right answers, mutations

`labkit.checking` is what a lab's tests import.
"""
