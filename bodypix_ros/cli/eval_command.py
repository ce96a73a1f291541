"""`bodypix eval`: accuracy on annotated images."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import bodypix_ros
from bodypix_ros.cli import generated
from bodypix_ros.cli.options import (
    Bar,
    debug_option,
    json_option,
    load_segmenter,
    model_options,
    progress_bar,
    quiet_option,
    table,
)
from bodypix_ros.cli.reporting import count
from bodypix_ros.options import options_of

if TYPE_CHECKING:
    from bodypix_ros.coco.evaluation import Metrics
    from bodypix_ros.coco.faces import Hiding
    from bodypix_ros.coco.truth import Annotated
    from bodypix_ros.perception.segmenter import Segmenter

Report = Callable[[int, int], None]
"""Told after each image how many are done, and of how many."""

HEAD = (
    "model", "precision", "segm AP", "AP50", "OKS AP", "AP50", "pooled IoU", "mean IoU", "found", "false",
    "ms/image",
)  # fmt: skip
TRACKS_HEAD = ("model", "precision", "HOTA", "IDF1", "switches", "shared", "found", "ms/frame")
FACES_HEAD = ("model", "precision", "noses hidden", "eyes hidden", "changed outside heads", "outside people")
FACES_MODE = "blur_parts"
SCORE_THRESHOLD = 0.05
"""Of models that have one, unless it is given: precision is averaged over everybody, the doubtful as well."""


@click.command("eval", cls=generated.Command)
@click.argument("annotations", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("images", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--tracks", is_flag=True, help="Measure how well ids stay: ANNOTATIONS are a film's, IMAGES is it."
)
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    default=[bodypix_ros.DEFAULT_MODEL],
    show_default=True,
    help="May be repeated: one row each.",
)
@click.option(
    "--faces", is_flag=True, help=f"How well `bodypix run --mode {FACES_MODE}` hides faces, instead."
)
@model_options(
    "eval", repeated=["preset", "precision"], notes={"score_threshold": f"{SCORE_THRESHOLD:g} for all models"}
)
@json_option
@quiet_option
@debug_option
def command(
    annotations: Path,
    images: Path,
    tracks: bool,
    models: tuple[str, ...],
    faces: bool,
    preset: tuple[str, ...],
    precision: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Measure accuracy on annotated images.

    ANNOTATIONS is a COCO file with people's masks and keypoints, IMAGES the folder of its images (read as
    stored, without EXIF, as COCO's annotations want it). Both are looked at before the model is loaded.
    Annotations without iscrowd, area or bbox get those of their masks.

    \b
      segm AP, AP50   COCO's average precision of instance masks
      OKS AP, AP50    COCO's average precision of keypoints
      pooled IoU      all people's pixels against the annotated ones, over all images; crowds left out
      mean IoU        the mean of that per image with people
      found, false    people found, and persons who are nobody annotated: from score 0.3 on, at a mask's
                      IoU of 0.5; who is mostly in a crowd is not false

    With --tracks, ANNOTATIONS is a JSON file of who is where in some frames of a film and IMAGES the film:
    {"size": [width, height], "frames": {"0": [{"id": 1, "box": [x0, y0, x1, y1]}, ...], ...}}

    \b
      HOTA, IDF1      how well people are found and keep their ids, at overlaps from 0.05 and at 0.5
      switches        how often somebody is found under another id than before
      shared          ids that were on more than one person

    With --faces:

    \b
      noses, eyes hidden       of those that can be seen, by nine tenths or more
      changed outside heads    share of the pixels outside of people's heads that are changed
      outside people           the same, outside of people; crowds left out

    \b
    Examples:
      bodypix eval person_keypoints.json images/
      bodypix eval person_keypoints.json images/ -m bodypix-mobilenet-075-s8-q2 -m bodypix-resnet50-s16-q2
      bodypix eval person_keypoints.json images/ --faces
      bodypix eval person_keypoints.json images/ --precision f32 --precision int8
      bodypix eval person_keypoints.json images/ --preset near --preset far
      bodypix eval person_keypoints.json images/ -m bodypix-mobilenet-075-s8-q2 --reference-dilation
      bodypix eval --tracks film.json film.mp4
    """  # noqa: D301 - click's mark
    if tracks and faces:
        raise click.UsageError("--tracks and --faces exclude each other")
    variants = [
        (model, {"preset": one, "precision": other})
        for model, one, other in product(models, preset or (None,), precision or (None,))
    ]
    if tracks == images.is_dir():
        kind = "a film, with --tracks" if tracks else "a folder; a film goes with --tracks"
        raise click.BadParameter(f"'{images}' must be {kind}", param_hint="IMAGES")
    if tracks:
        _tracks(annotations, images, variants, as_json, quiet, options)
        return
    from bodypix_ros.coco import truth

    annotated = truth.read(annotations, images)
    rows = []
    for model, variant in variants:
        with (
            load_segmenter(model, {**options, **variant}, FACES_MODE if faces else None) as segmenter,
            progress_bar(None, " images", quiet, desc=model) as bar,
        ):

            def report(done: int, total: int, bar: Bar = bar) -> None:
                bar.total = total
                bar.update(done - bar.n)

            metrics = (_faces if faces else _accuracy)(segmenter, annotated, options, report)
            settings = asdict(segmenter.options)
            rows.append(
                {
                    "model": segmenter.model,
                    "reference_dilation": settings.pop("reference_dilation", False),
                    "device": segmenter.device,
                    "preset": variant["preset"],
                    "precision": segmenter.precision,
                    "options": settings,
                    **asdict(metrics),
                }
            )
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    first = rows[0]
    people = "" if faces else f", {first['people']} people"
    click.echo(
        f"{count(first['images'], 'image')}{people}; {first['device']}"
        + (", the reference's dilations" if first["reference_dilation"] else "")
    )
    click.echo(table([FACES_HEAD, *map(_faces_cells, rows)] if faces else [HEAD, *map(_cells, rows)]))


def _accuracy(
    segmenter: "Segmenter", annotated: "Annotated", options: Mapping[str, Any], report: Report
) -> "Metrics":
    from bodypix_ros.coco import evaluation

    if options["score_threshold"] is None and "score_threshold" in options_of(segmenter.options):
        segmenter.update(score_threshold=SCORE_THRESHOLD)
    return evaluation.evaluate(segmenter, annotated, report)


def _faces(segmenter: "Segmenter", annotated: "Annotated", _: Mapping[str, Any], report: Report) -> "Hiding":
    from bodypix_ros.coco import faces
    from bodypix_ros.rendering import draw

    return faces.evaluate(segmenter, annotated, lambda image, scene: draw(image, scene, FACES_MODE), report)


def _cells(row: Mapping[str, Any]) -> list[str]:
    members = ("segm_ap", "segm_ap50", "oks_ap", "oks_ap50", "pooled_iou", "mean_iou")
    return [
        _name(row),
        row["precision"],
        *(_fraction(row[member]) for member in members),
        str(row["people_found"]),
        str(row["people_false"]),
        f"{row['ms_per_image']:.1f}",
    ]


def _faces_cells(row: Mapping[str, Any]) -> list[str]:
    changed = (row["changed_outside_heads"], row["changed_outside_people"])
    return [
        _name(row),
        row["precision"],
        f"{row['noses_hidden']} of {row['noses']}",
        f"{row['eyes_hidden']} of {row['eyes']}",
        *("-" if share is None else f"{share:.2%}" for share in changed),
    ]


def _tracks(
    labels: Path,
    video: Path,
    variants: Iterable[tuple[str, Mapping[str, str | None]]],
    as_json: bool,
    quiet: bool,
    options: dict[str, Any],
) -> None:
    """Measure how well ids stay."""
    from bodypix_ros.benchmarks import tracks

    known = tracks.read_labels(labels)
    rows = []
    for model, variant in variants:
        with (
            load_segmenter(model, {**options, **variant}) as segmenter,
            progress_bar(max(known.frames) + 1, " frames", quiet, desc=model) as bar,
        ):
            metrics, ms = tracks.evaluate(segmenter, known, video, bar.update)
            rows.append(
                {
                    "model": segmenter.model,
                    "device": segmenter.device,
                    "preset": variant["preset"],
                    "precision": segmenter.precision,
                    "options": asdict(segmenter.options),
                    **asdict(metrics),
                    "ms_per_frame": ms,
                }
            )
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    first = rows[0]
    counted = f"{first['frames']} frames, {first['people']} people in them"
    click.echo(f"{counted}; {first['device']}")
    cells = [
        [
            _name(row), row["precision"], _fraction(row["hota"]), _fraction(row["idf1"]),
            str(row["switches"]), str(row["shared"]), str(row["found"]), f"{row['ms_per_frame']:.1f}",
        ]
        for row in rows
    ]  # fmt: skip
    click.echo(table([TRACKS_HEAD, *cells]))


def _name(row: Mapping[str, Any]) -> str:
    """The model, and what it was preset to."""
    return " ".join(filter(None, (row["model"], row["preset"])))


def _fraction(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
