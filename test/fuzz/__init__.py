"""Fuzzing: what damaged or hostile input does to everything that reads input.

    python test/fuzz --help                           # what there is
    python test/fuzz messages --seconds 300 --seed 1  # one target
    python test/fuzz all --seconds 300                # all of them, one after the other

Each target has a strategy of hypothesis that draws CASES, most of them valid input with something wrong in
it; `hostile()` gives those that were written by hand, and `run` tries a case. A case is good if it gives a
correct result, or one of the documented errors in a sentence that names what is wrong; errors are compared
by their exact type. Everything else is a finding: another exception, a crash of the process, more than 10 s
of computing, more than 1 GiB of memory beside what was there before, a file outside of the folder that was
given, a half-written file.

Cases run in a process of their own, started again after a crash; hypothesis makes what is found as small as
it can. Each finding is a folder under `--out` with the case and `finding.txt`: what happened, and the command
that runs the case again. The exit code is 1 if there is any.
"""
