"""`bodypix bench`."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bodypix_ros.benchmarks import Figures
from bodypix_ros.cli import generated
from bodypix_ros.cli.options import (
    debug_option,
    json_option,
    load_segmenter,
    model_option,
    model_options,
    progress_bar,
    quiet_option,
)
from bodypix_ros.errors import PeerError
from bodypix_ros.targets import check_apart, check_writable

if TYPE_CHECKING:
    from bodypix_ros.benchmarks.peers import Peer
    from bodypix_ros.media import Image

CALLS, TURNS, ROUNDS, SLICE_S = 200, 40, 5, 2.0
QUICK_COUNT, QUICK_SLICE_S = 2, 0.2


@dataclass(frozen=True, slots=True)
class _Task:
    """What all kinds of measurement are told.

    Attributes:
        options: Those of `load` that all have in common, None where not given.
        variants: What is to be measured side by side: the presets and precisions of each.
    """

    model: str
    options: Figures
    variants: list[Figures]
    pictures: "dict[str, Image]"
    repetitions: int | None
    slice_s: float | None
    quick: bool
    quiet: bool

    def count(self, usual: int) -> int:
        """How often to do something: as asked for, or few times, or as usual."""
        return self.repetitions or (QUICK_COUNT if self.quick else usual)

    def given(self) -> Figures:
        """The options that were given."""
        return {name: value for name, value in self.each()[0].items() if value is not None}

    def each(self) -> list[Figures]:
        """The options of `load` for each of the variants."""
        return [{**self.options, **variant} for variant in self.variants]


@click.command("bench", cls=generated.Command)
@click.argument("images", nargs=-1, metavar="[IMAGE...]")
@click.option("--compare", is_flag=True, help="Measure other programs beside ours, in turns.")
@click.option("--scaling", is_flag=True, help="Measure how cost grows with cameras, people, sizes, requests.")
@click.option(
    "--cameras",
    type=click.IntRange(1, 64),
    is_flag=False,
    flag_value=4,
    metavar="[N]",
    help="Measure the node's pipeline with N cameras that it never waits for.  [4 if N is left out]",
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw the figures too: .png, .svg or .pdf.",
)
@click.option("--quick", is_flag=True, help="Few points and repetitions: to see that it works, not how fast.")
@click.option(
    "-n",
    "--repetitions",
    type=click.IntRange(1),
    help=f"Calls of each, or rounds of --cameras.  [default: {CALLS}; {TURNS} to compare; {ROUNDS} rounds]",
)
@click.option(
    "--slice",
    "slice_s",
    type=generated.Range(0.05),
    help=f"Seconds of one slice of what runs all the time.  [default: {SLICE_S:g}; 1 for --scaling]",
)
@click.option(
    "--performance-hint",
    type=click.Choice(["LATENCY", "THROUGHPUT"]),
    help="What to compile for.  [default: THROUGHPUT with --cameras, else LATENCY]",
)
@click.option(
    "--reference-node",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="For --compare: where node_modules with the original BodyPix lies.  [default: here, or NODE_PATH]",
)
@click.option(
    "--mediapipe-python",
    metavar="PYTHON",
    help="For --compare: an interpreter that has mediapipe.  [default: this one]",
)
@model_option
@model_options(repeated=["preset", "precision"])
@json_option
@quiet_option
@debug_option
def command(
    images: tuple[str, ...],
    compare: bool,
    scaling: bool,
    cameras: int | None,
    plot: Path | None,
    quick: bool,
    repetitions: int | None,
    slice_s: float | None,
    reference_node: Path | None,
    mediapipe_python: str | None,
    model: str,
    preset: tuple[str, ...],
    precision: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Measure speed, and how it grows with cameras, people and sizes.

    Against the bare network: the same compiled network at the input size of the whole picture, its input
    already there, its outputs left as they are; crops are beside it. It alternates with whole calls of
    `segment`, because computers have slow phases.
    Stages: pre (image to network input), infer, post (outputs to masks, parts, people). Without IMAGE the
    demo's picture.

    With --compare, against other programs that are installed: the original BodyPix in Node, whose algorithm
    is measured then, and mediapipe.
    With --scaling: frames per second and latency against cameras, people, image size, internal resolution and
    requests. With --cameras: the segmenter node's pipeline, without ROS, fed 640x480 images as fast as it
    takes them, against all that OpenVINO gets out of the network on this device.

    \b
    Examples:
      bodypix bench
      bodypix bench a.jpg b.jpg --repetitions 500 --json
      bodypix bench --algorithm original --precision f32
      bodypix bench --compare --reference-node peers --mediapipe-python mp/bin/python --plot compare.png
      bodypix bench --scaling --plot scaling.png
      bodypix bench --cameras 4
      bodypix bench --precision f32 --precision int8
      bodypix bench --preset original --preset near --preset far
    """  # noqa: D301 - click's mark
    if compare + scaling + (cameras is not None) > 1:
        raise click.UsageError(
            "--compare, --scaling and --cameras are measured one at a time; give one of them"
        )
    if not compare and (reference_node or mediapipe_python):
        raise click.UsageError("--reference-node and --mediapipe-python say what to --compare with; add it")
    if plot is not None:
        from bodypix_ros.benchmarks import plot as plotting

        plotting.check(plot)
        check_apart("plot", [plot], map(Path, images))
        check_writable(plot.parent)
    variants = [{"preset": a, "precision": b} for a, b in product(preset or (None,), precision or (None,))]
    if len(variants) > 1 and (compare or scaling or plot):
        raise click.UsageError("--compare, --scaling and --plot take one --precision and one --preset")
    task = _Task(model, options, variants, _pictures(images), repetitions, slice_s, quick, quiet)
    if compare:
        result = _compare(task, reference_node, mediapipe_python)
    elif scaling:
        result = _scaling(task)
    elif cameras is not None:
        result = _cameras(task, cameras)
    else:
        result = _bare(task)
    if plot is not None:
        plotting.write(plot, result)
    if as_json:
        click.echo(json.dumps(result, indent=2))
    else:
        from bodypix_ros.cli.bench_text import text

        click.echo(text(result))


def _pictures(images: tuple[str, ...]) -> "dict[str, Image]":
    from bodypix_ros import media
    from bodypix_ros.cli.demo_command import astronaut

    return {name: media.read_picture(name) for name in images} or {"astronaut": astronaut()}


def _bare(task: _Task) -> Figures:
    from bodypix_ros.benchmarks import bare

    calls, each = task.count(CALLS), task.each()
    with ExitStack() as stack:
        segmenters = [stack.enter_context(load_segmenter(task.model, options)) for options in each]
        total = calls * len(task.pictures) * len(each)
        bar = stack.enter_context(progress_bar(total, " calls", task.quiet))
        result = bare.measure(segmenters, task.pictures, calls, bar.update)
    for variant, one in zip(task.variants, result.get("results", [result]), strict=True):
        one["preset"] = variant["preset"]
    return result


def _compare(task: _Task, reference_node: Path | None, mediapipe_python: str | None) -> Figures:
    from bodypix_ros.benchmarks import compare, peers
    from bodypix_ros.models import catalogue
    from bodypix_ros.segmenters.bodypix.options import ORIGINAL

    given = task.given()
    if given.pop("algorithm", ORIGINAL) != ORIGINAL:
        raise click.UsageError(f"--compare measures --algorithm {ORIGINAL}, which the others have, too")
    turns, missing = task.count(TURNS), []
    with ExitStack() as stack:
        found: dict[str, Peer] = {}

        def look_for(name: str, start: "Callable[[], Peer]", named: bool) -> None:
            try:
                found[name] = stack.enter_context(start())
            except PeerError as error:
                if named:
                    raise click.UsageError(str(error)) from error
                missing.append({"peer": name, "model": "", "reason": str(error)})

        if catalogue.model(task.model).architecture is not None:
            kind = compare.reference_model(task.model, task.options["model_dir"])
            look_for(
                "reference", lambda: peers.reference(reference_node, kind), named=reference_node is not None
            )
        elif reference_node is not None:
            raise click.UsageError(f"the original BodyPix has no {task.model}; name a BodyPix model with -m")
        else:
            reason = f"the original BodyPix has no {task.model}; name a BodyPix model with -m to measure it"
            missing.append({"peer": "reference", "model": task.model, "reason": reason})
        look_for("mediapipe", lambda: peers.mediapipe(mediapipe_python), named=mediapipe_python is not None)
        if not found:
            raise click.UsageError(
                "\n".join(["there is nothing to compare with:", *(m["reason"] for m in missing)])
            )
        matches = compare.matches(found, task.model, given)
        with progress_bar(turns * len(matches) * len(task.pictures), " turns", task.quiet) as bar:
            result = compare.measure(matches, task.pictures, turns, bar.update)
    result["missing"] = missing + result["missing"]
    return result


def _scaling(task: _Task) -> Figures:
    from bodypix_ros.benchmarks import scaling

    options = task.given()
    if options.pop("performance_hint", None):
        raise click.UsageError("--scaling measures both performance hints; leave out --performance-hint")
    points = scaling.QUICK if task.quick else scaling.Points()
    points = replace(
        points,
        repetitions=task.repetitions or points.repetitions,
        slice_s=task.slice_s or points.slice_s,
    )
    steps = points.steps(scaling.has_resolutions(task.model, options))
    with progress_bar(steps, " steps", task.quiet) as bar:
        return scaling.measure(task.model, options, list(task.pictures.values()), points, bar.update)


def _cameras(task: _Task, cameras: int) -> Figures:
    try:
        from bodypix_ros.benchmarks import pipeline
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{error}; messages are made with rosbags: pip install 'bodypix_ros[bag]'"
        ) from error
    common = dict(task.options)
    if common.pop("reference_dilation"):
        raise click.UsageError("--reference-dilation is not for --cameras: the node does not have it")
    hint = common.pop("performance_hint") or "THROUGHPUT"
    settings = [
        pipeline.settings_for(task.model, cameras, hint, {**common, **variant}) for variant in task.variants
    ]
    rounds, slice_s = task.count(ROUNDS), task.slice_s or (QUICK_SLICE_S if task.quick else SLICE_S)
    with progress_bar(2 * rounds * len(settings), " slices", task.quiet) as bar:
        return pipeline.measure(
            settings, list(task.pictures.values()), rounds=rounds, slice_s=slice_s, tick=bar.update
        )
