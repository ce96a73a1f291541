"""`bodypix eval`: accuracy on annotated images."""

import json
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

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

HEAD = ("model", "precision", "segm AP", "AP50", "OKS AP", "AP50", "pooled IoU", "mean IoU", "ms/image")


@click.command("eval", cls=generated.Command)
@click.argument("annotations", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("images", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    default=[bodypix_ros.DEFAULT_MODEL],
    show_default=True,
    help="May be repeated: one row each.",
)
@model_options(repeated=["precision"])
@json_option
@quiet_option
@debug_option
def command(
    annotations: Path,
    images: Path,
    models: tuple[str, ...],
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

    \b
    Examples:
      bodypix eval person_keypoints.json images/
      bodypix eval person_keypoints.json images/ -m bodypix-mobilenet-075-s8-q2 -m bodypix-resnet50-s16-q2
      bodypix eval person_keypoints.json images/ --precision f32 --precision int8
      bodypix eval person_keypoints.json images/ -m bodypix-mobilenet-075-s8-q2 --reference-dilation
    """  # noqa: D301 - click's mark
    from bodypix_ros.coco import evaluation, truth

    annotated = truth.read(annotations, images)
    rows = []
    for model, wanted in product(models, precision or (None,)):
        with (
            load_segmenter(model, {**options, "precision": wanted}) as segmenter,
            progress_bar(None, " images", quiet, desc=model) as bar,
        ):

            def report(done: int, total: int, bar: Bar = bar) -> None:
                bar.total = total
                bar.update(done - bar.n)

            metrics = evaluation.evaluate(segmenter, annotated, report)
            settings = asdict(segmenter.options)
            rows.append(
                {
                    "model": segmenter.model,
                    "reference_dilation": settings.pop("reference_dilation", False),
                    "device": segmenter.device,
                    "precision": segmenter.precision,
                    "options": settings,
                    **asdict(metrics),
                }
            )
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    first = rows[0]
    click.echo(
        f"{first['images']} images, {first['people']} people; {first['device']}"
        + (", the reference's dilations" if first["reference_dilation"] else "")
    )
    members = ("segm_ap", "segm_ap50", "oks_ap", "oks_ap50", "pooled_iou", "mean_iou")
    cells = [
        [row["model"], row["precision"], *(_fraction(row[m]) for m in members), f"{row['ms_per_image']:.1f}"]
        for row in rows
    ]
    click.echo(table([HEAD, *cells]))


def _fraction(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
