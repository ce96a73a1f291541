"""The command line: see `fuzz`."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[0] = str(HERE.parent)  # not this folder, whose modules have the names of others
sys.path.insert(1, str(HERE.parents[1]))


def _main() -> int:
    from argparse import ArgumentParser, RawDescriptionHelpFormatter

    from tqdm import tqdm

    import fuzz
    from fuzz.harness import TARGETS, run

    listed = "\n".join(f"  {name:<15}{what}" for name, what in TARGETS.items())
    parser = ArgumentParser(
        "python test/fuzz",
        description=fuzz.__doc__,
        epilog=f"targets:\n{listed}",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", choices=["all", *TARGETS])
    parser.add_argument("--seconds", type=float, default=60.0, help="per target (60)")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers (0)")
    parser.add_argument("--only", type=int, help="run this case alone")
    parser.add_argument("--out", type=Path, default=Path("findings"), help="for findings (findings/)")
    wanted = parser.parse_args()
    found = 0
    first, stop = (0, 1 << 60) if wanted.only is None else (wanted.only, wanted.only + 1)
    for target in TARGETS if wanted.target == "all" else [wanted.target]:
        with tqdm(total=wanted.seconds, unit="s", bar_format="{desc} |{bar}| {n:.0f}/{total:.0f} s") as bar:

            def progress(done: int, found: int, bar: "tqdm[None]" = bar, target: str = target) -> None:
                bar.set_description(f"{target}: {done} cases, {found} findings", refresh=False)
                bar.update(min(bar.format_dict["elapsed"], bar.total) - bar.n)

            result = run(
                target,
                seed=wanted.seed,
                seconds=wanted.seconds,
                start=first,
                stop=stop,
                out=wanted.out,
                progress=progress,
            )
        print(
            f"{target}: seed {wanted.seed}, {result.executions} cases, {len(result.findings)} findings,",
            f"peak {result.peak_mb} MB; {dict(result.outcomes.most_common())}",
            flush=True,
        )
        alike: dict[str, list[int]] = {}
        for case, what in result.findings.items():
            alike.setdefault(what, []).append(case)
        for what, cases in alike.items():
            print(f"  {len(cases)} x {what:.300} (case {cases[0]})", flush=True)
        found += len(result.findings)
    if found:
        print(f"{found} findings, in {wanted.out}")
    return 1 if found else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        from fuzz.worker import work

        name, seed, start, stop, seconds, folder = sys.argv[2:]
        work(name, int(seed), int(start), int(stop), float(seconds), Path(folder))
    else:
        sys.exit(_main())
