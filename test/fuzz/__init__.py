"""Fuzzing: what damaged or hostile input does to everything that reads input.

    python test/fuzz --help                           # what there is
    python test/fuzz messages --seconds 300 --seed 1  # one target
    python test/fuzz all --seconds 300                # all of them, one after the other

A target makes one case after another, each from its own random numbers: `--seed` and the case's number
repeat it (`--only`). Most cases are valid input with something wrong in it. A case is good if it gives a
correct result, or one of the documented errors in a sentence that names what is wrong; errors are compared
by their exact type. Everything else is a finding: another exception, a crash of the process, more than 10 s
of computing, more than 1 GiB of memory beside what was there before, a file outside of the folder that was
given, a half-written file.

Cases run in a process of their own, started again after a crash. Each finding is a folder under `--out`
with the case's files and `finding.txt`: what happened, and the command that repeats it. The exit code is 1
if there is any.
"""
