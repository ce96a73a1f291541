"""Ray and pyarrow are an extra: nothing of them is imported where they are not asked for."""

import os
import subprocess
import sys

from support.paths import ROOT, TESTS

PROGRAM = """
import sys
from pathlib import Path

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("ray", "pyarrow"):
            raise AssertionError(f"{name} is imported")

sys.meta_path.insert(0, Refuse())

import bodypix_ros.cli.batch_command
from bodypix_ros import batch
from support.fleet import fleet, recipe

if __name__ == "__main__":
    fleet(Path("in"), 2, ())
    assert batch.run(["in"], "out", recipe(), workers=1).well
    try:
        batch.run(["in"], "out2", recipe(), ray="local")
    except AssertionError as error:
        print(error)
"""


def test_a_batch_without_the_extra_imports_nothing_of_it(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(TESTS)])}
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "ray is imported\n"), done.stderr
