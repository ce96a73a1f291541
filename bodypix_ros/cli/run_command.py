"""`bodypix run`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bodypix_ros.cli.generated import Command, add, flag, parameter
from bodypix_ros.cli.options import (
    debug_option,
    export_option,
    load_segmenter,
    model_option,
    model_options,
    out_option,
    parse_mode,
    quiet_option,
    showing_kernels,
)
from bodypix_ros.cli.reporting import count, reporting, summary, tell
from bodypix_ros.doors import INTERRUPTED
from bodypix_ros.errors import OptionError, hint

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter
    from bodypix_ros.report import Report
    from bodypix_ros.results.output import Output
    from bodypix_ros.results.plan import Plan

_SHARED = "min_keypoint_score"
"""The drawing option that is the model's, too: one flag serves both."""


def drawing_options() -> list[click.Parameter]:
    """The options that say what is drawn; `drawing` turns their values into arguments of `Output`."""
    from bodypix_ros.options import options_of
    from bodypix_ros.rendering import LAYERS, MODES, Style

    return [
        click.Option(
            ["--mode"], callback=parse_mode, metavar="MODE", help=f"Draw so instead: {', '.join(MODES)}."
        ),
        click.Option(
            ["--draw", "layers"],
            default="instances,boxes,poses",
            show_default=True,
            callback=_layers,
            help=f"What overlays show: {', '.join(LAYERS)}; none for no overlays.",
        ),
        click.Option(
            ["--verify"],
            is_flag=True,
            help="Look for faces in what a privacy mode has drawn, and say how many are left.",
        ),
        *(
            parameter(option)
            for name, option in options_of(Style).items()
            if name != _SHARED and "run" not in option.hidden_from
        ),
    ]


def _layers(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    from bodypix_ros.rendering import LAYERS

    wanted = tuple(name.strip() for name in value.split(",") if name.strip() not in ("", "none"))
    for name in wanted:
        if name not in LAYERS:
            raise click.BadParameter(f"'{name}' is none of {', '.join(LAYERS)}, none{hint(name, LAYERS)}")
    return wanted


def drawing(options: dict[str, Any], *, hides: bool = False) -> dict[str, Any]:
    """Take the values of `drawing_options` out of a command's options, as arguments of `Output`.

    Args:
        options: By name; changed.
        hides: Whether faces are hidden whatever the mode.

    Raises:
        click.UsageError: One is not possible, or some of them do not go together, or with --no-parts.
    """
    from bodypix_ros.options import options_of
    from bodypix_ros.rendering import LAYERS, MODES, Style

    mode, layers, verify = options.pop("mode"), options.pop("layers"), options.pop("verify")
    given = {
        name: options[name] if name == _SHARED else options.pop(name)
        for name in options_of(Style)
        if name in options
    }
    try:
        style = Style(**{name: value for name, value in given.items() if value is not None})
    except OptionError as error:
        raise click.BadParameter(str(error), param_hint=f"'{flag(error.option)}'") from error
    source = click.get_current_context().get_parameter_source("layers")
    if mode is not None and source is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("--mode and --draw exclude each other")
    if given.get("hide") is not None and (mode is None or not MODES[mode].privacy):
        modes = " or ".join(name for name, known in MODES.items() if known.privacy)
        tell(f"--hide hides nothing here: it is for --mode {modes}")
    if verify and not hides and (mode is None or not MODES[mode].privacy):
        modes = " or ".join(name for name, known in MODES.items() if known.privacy)
        raise click.UsageError(f"--verify looks at what is hidden: add --mode {modes}")
    if verify and not style.hides_faces:
        raise click.UsageError("--verify looks for faces, which --hide leaves to be seen")
    if options["parts"] is False:
        if mode == "parts" or (mode is not None and MODES[mode].privacy and "part_mask" in MODES[mode].needs):
            raise click.UsageError(f"--mode {mode} needs parts; leave out --no-parts")
        for name in layers if mode is None else ():
            if "part_mask" in LAYERS[name].needs:
                raise click.UsageError(f"--draw {name} needs parts; leave out --no-parts")
    return {"layers": layers, "mode": mode, "style": style, "verify": verify}


class RunCommand(Command):
    """`bodypix run`, whose help lists modes and exports."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the modes and exports, then the options."""
        from bodypix_ros.rendering import MODES
        from bodypix_ros.results.exports import exports

        with formatter.section("Modes, instead of the layers of --draw"):
            formatter.write_dl([(name, mode.text) for name, mode in MODES.items()])
        with formatter.section("Written besides, with --export"):
            formatter.write_dl(list(exports().items()))
        super().format_options(ctx, formatter)


@click.command("run", cls=RunCommand)
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@out_option("bodypix_out")
@click.option(
    "--recursive", is_flag=True, help="Look into the folders of folders, too; links are not followed."
)
@add(drawing_options)
@click.option("--masks/--no-masks", default=True, show_default=True, help="Write mask pictures of pictures.")
@click.option(
    "--overlay-format",
    type=click.Choice(["png", "jpg"]),
    default="png",
    show_default=True,
    help="Of overlay pictures.",
)
@export_option
@click.option("--results", is_flag=True, help="The same as --export results.")
@click.option("--overwrite", is_flag=True, help="Replace earlier results; people.json begins anew.")
@click.option(
    "--skip-existing",
    is_flag=True,
    help="Go on with earlier results: sources that people.json has whole, with all their files, are left "
    "out, and people.json keeps them.",
)
@model_option
@model_options()
@quiet_option
@debug_option
def command(
    sources: tuple[str, ...],
    out: Path,
    recursive: bool,
    masks: bool,
    overlay_format: str,
    exports: tuple[str, ...],
    results: bool,
    overwrite: bool,
    skip_existing: bool,
    model: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Find people in pictures, folders, videos, cameras and addresses.

    SOURCE is a picture, a folder of pictures and videos, a video, the index of a camera such as 0, or an
    address: rtsp://, http:// or https://, of a video or a network camera. A camera runs until Ctrl-C; so may
    the others, and whatever is written is complete, with exit code 130. Of a network camera only the newest
    frame is seen; when it is lost it is tried again, for five minutes. A source that cannot be used is named,
    and the others go on; one that is given twice is seen once.

    \b
    Written for a picture NAME:
      NAME.overlay.png    the picture with people drawn in, as --draw or --mode says
      NAME.mask.png       255 where people are
      NAME.instances.png  1 for the first person, 2 for the second, ...
      NAME.parts.png      part id + 1
    for a video, camera or address:
      NAME.overlay.mp4    H.264 with the times of the video's frames, and its sound
    and for all of them together:
      people.json         COCO: boxes, keypoints, masks as RLE; names are as seen from its folder, and a
                          frame is called NAME#NUMBER

    With --export more is written: people.csv, people.jsonl, cut-outs, parts in colours; see below.

    Results that are there already are not replaced unless --overwrite says so, and inputs never are. Only one
    process writes into a folder at a time. With --skip-existing an interrupted run goes on, with the same
    model and options; a process that was killed leaves no people.json, so that it begins anew.

    The privacy modes hide faces, or what --hide says. They reduce what can be recognised and guarantee
    nothing: a face that is not found stays, and voices do. They draw nothing where the model gives no parts.
    People the model doubts are hidden, too; people.json lists who is as sure as without these modes.

    \b
    Examples:
      bodypix run holiday.jpg
      bodypix run photos/ film.mp4 --out found --draw parts,poses
      bodypix run film.mp4 --mode blur_parts --hide face,hand
      bodypix run rtsp://192.168.1.20/live --draw instances
      bodypix run 0 --device GPU,CPU --base-size 321 --crops 0
      bodypix run square.jpg --base-size 961 --crops 8  # people far away
      bodypix run photos/ --draw none --no-masks        # people.json only
      bodypix run film.mp4 --draw none --export csv     # a table of who is where in each frame
      bodypix run photos/ --export cutout               # people alone, as transparent PNGs
    """  # noqa: D301 - click's mark
    from bodypix_ros import media
    from bodypix_ros.results.output import Output
    from bodypix_ros.results.plan import Existing, planned

    arguments = drawing(options)
    if overwrite and skip_existing:
        raise click.UsageError("--overwrite and --skip-existing exclude each other")
    problems: list[str] = []
    found = media.find_sources(sources, recursive=recursive, apart=out, complain=problems.append, note=tell)
    if not found:
        raise click.UsageError("\n".join(problems))
    existing = Existing.OVERWRITE if overwrite else Existing.SKIP if skip_existing else Existing.REFUSE
    wanted = (*exports, *(["results"] if results else []))
    output = Output(out, masks=masks, exports=wanted, overlay_suffix=f".{overlay_format}", **arguments)
    with planned(found, output, existing) as plan:
        if plan.passed_over:
            tell(f"{count(plan.passed_over, 'file')} in {out} left out: results of an earlier run")
        if not plan.tasks and all(path.is_file() for path in output.common()):
            for problem in problems:
                tell(problem)
            click.echo(f"nothing to do: {count(plan.skipped, 'source')} complete already, in {out}")
            raise SystemExit(1 if problems else 0)
        with load_segmenter(model, options, output.mode) as segmenter:
            report = execute(segmenter, plan, output, quiet, problems)
    raise SystemExit(exit_code(report))


def execute(
    segmenter: "Segmenter", plan: "Plan", output: "Output", quiet: bool, problems: Sequence[str] = ()
) -> "Report":
    """Process the sources of a plan with a progress bar; close with a line on what was done.

    Args:
        segmenter: The model.
        plan: What to process.
        output: What to write.
        quiet: Show no bar.
        problems: What is wrong with other sources: they failed already.
    """
    from bodypix_ros.media import Picture, readable
    from bodypix_ros.results.process import process, stop_on_interrupt

    pictures = sum(isinstance(task.source, Picture) for task in plan.tasks)
    for line in _not_given(segmenter, output):
        tell(line)
    if plan.stale:
        others = f" and {len(plan.stale) - 1} more" if len(plan.stale) > 1 else ""
        tell(
            f"{readable(plan.stale[0])}{others} of an earlier run are not replaced, as nothing is written in "
            "their place: remove what is not to be taken for a result of this run"
        )
    if pictures < len(plan.tasks):
        with showing_kernels():
            segmenter.stream()  # it brings kernels, which the bar of frames should not wait for
    with stop_on_interrupt() as stopped, reporting(pictures, quiet) as report:
        for problem in problems:
            report.fail(problem)
        process(segmenter, plan, output, report, stopped)
    counted = f"{count(report.images, 'image')}, {count(report.people, 'person', 'people')}"
    click.echo(
        summary(counted, report, segmenter, readable(output.folder))
        + (f"; {count(plan.skipped, 'source')} skipped, complete already" if plan.skipped else "")
        + (f"; {count(len(report.failures), 'source')} failed" if report.failures else "")
        + ("; stopped early" if report.stopped_early else "")
    )
    return report


_GIVEN = {"part_mask": "parts", "keypoints": "keypoints"}
"""What a model must give, of `Segmenter.gives`, for what a mode or layer needs of a Scene."""


def _not_given(segmenter: "Segmenter", output: "Output") -> Iterator[str]:
    """Say what was asked to be drawn that this model does not give; layers by default are not asked for."""
    from bodypix_ros.rendering import LAYERS, MODES

    asked = {}
    if output.mode is not None:
        needs = MODES[output.mode].needs
        either = set(needs) == {"instance_mask", "part_mask"}  # one of them is enough for shapes
        asked[f"--mode {output.mode}"] = () if either else needs
    elif output.layers != type(output)(output.folder).layers:
        asked = {f"--draw {name}": LAYERS[name].needs for name in output.layers}
    for what, needs in asked.items():
        lacking = [_GIVEN[need] for need in needs if _GIVEN.get(need, "") not in {"", *segmenter.gives}]
        if lacking:
            yield f"{what}: {segmenter.model} gives no {' and no '.join(lacking)}; drawn without, if at all"


def exit_code(report: "Report") -> int:
    """What a command ends with, having done what the report says."""
    return INTERRUPTED if report.stopped_early else 1 if report.failures else 0
