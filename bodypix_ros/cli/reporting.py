"""How commands show what they do to many images, and what they say of it at the end."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from bodypix_ros.cli.options import progress_bar

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter
    from bodypix_ros.report import Report


def tell(line: str) -> None:
    """Say something beside the results, on stderr."""
    click.echo(f"bodypix: {line}", err=True)


@contextmanager
def reporting(images: int, quiet: bool) -> "Generator[Report]":
    """Give a report that shows a progress bar, and complains above it on stderr.

    Args:
        images: How many there will be.
        quiet: Show no bar.
    """
    from bodypix_ros.report import Report

    with progress_bar(images, " images", quiet) as bar:
        yield Report(lambda text: bar.write(f"bodypix: {text}", file=sys.stderr), bar)


def summary(counted: str, report: "Report", segmenter: "Segmenter", where: object) -> str:
    """One line on what was done: counts, time, what computed, and where the results are."""
    average = "" if report.ms_each is None else f", {report.ms_each:.1f} ms each"
    ran_on = f"{segmenter.model} on {segmenter.device}, {segmenter.precision}"
    verdict = report.verdict and f"; {report.verdict}"
    return f"{counted}{average} ({ran_on}), in {where}{verdict}"


def count(number: int, one: str, many: str = "") -> str:
    """A number of things: "1 image", "2 images".

    Args:
        number: How many.
        one: What one is called.
        many: What several are, where an s does not do.
    """
    return f"{number} {one if number == 1 else many or one + 's'}"
