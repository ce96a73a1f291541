"""The command line: see `fuzz`."""

import os
import pickle
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from itertools import count
from pathlib import Path
from time import monotonic

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)  # not this folder, whose modules have the names of others
sys.path.insert(1, str(HERE.parents[1]))
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # it complains of pictures that a format cannot hold

from tqdm import tqdm  # noqa: E402

import fuzz  # noqa: E402
from fuzz.watch import TARGETS, Finding, Watched  # noqa: E402

BATCH = 1000


class _Over(BaseException):
    """The time is over: hypothesis lets it through."""


def _explore(watched: Watched, seconds: float, seed: int) -> None:
    """Run batch after batch; what a batch finds is only counted in later ones."""
    begun = monotonic()
    with tqdm(total=seconds, unit="s", bar_format="{desc} |{bar}| {n:.0f}/{total:.0f} s") as bar:

        def progress(watched: Watched) -> None:
            if (passed := monotonic() - begun) > seconds:
                raise _Over
            cases = watched.outcomes.total()
            bar.set_description(
                f"{watched.target}: {cases} cases, {len(watched.findings)} findings", refresh=False
            )
            bar.update(passed - bar.n)

        watched.progress = progress
        for batch in count():
            try:
                watched.examine(BATCH, seed * 1_000_000 + batch, hostile=not batch)
            except Finding:
                pass
            except _Over:
                return
            watched.known.update(watched.findings)


def _main() -> int:
    parser = ArgumentParser(
        "python test/fuzz",
        description=fuzz.__doc__,
        epilog="targets:\n" + "\n".join(f"  {name:<15}{what}" for name, what in TARGETS.items()),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", choices=["all", *TARGETS, "selfcheck"])
    parser.add_argument("--seconds", type=float, default=60.0, help="per target (60)")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers (0)")
    parser.add_argument("--only", type=Path, help="run the case of this finding alone")
    parser.add_argument("--out", type=Path, default=Path("findings"), help="for findings (findings/)")
    wanted = parser.parse_args()
    found = 0
    for target in TARGETS if wanted.target == "all" else [wanted.target]:
        with Watched(target, None if wanted.only else wanted.out) as watched:
            if wanted.only:
                try:
                    watched(pickle.loads((wanted.only / "case.pickle").read_bytes()))
                except Finding as finding:
                    print(finding)
            else:
                _explore(watched, wanted.seconds, wanted.seed)
        print(f"{target}: seed {wanted.seed}, {watched.outcomes.total()} cases,", end=" ")
        print(f"{len(watched.findings)} findings; {dict(watched.outcomes.most_common())}")
        for what in watched.findings.values():
            print(f"  {what.strip().splitlines()[-1]:.300}", flush=True)
        found += len(watched.findings)
    if found and not wanted.only:
        print(f"{found} findings, in {wanted.out}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(_main())
