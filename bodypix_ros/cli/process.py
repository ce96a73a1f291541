"""Sources -> files: what `bodypix run` and `bodypix demo` do."""

import signal
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from bodypix_ros import __version__, media
from bodypix_ros.cli.output import Job, Output
from bodypix_ros.cli.picture import process_picture
from bodypix_ros.cli.video import process_video
from bodypix_ros.coco.document import DocumentWriter
from bodypix_ros.errors import MediaError
from bodypix_ros.report import Report

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter

DOCUMENT = "people.json"


def process(
    segmenter: "Segmenter",
    sources: Sequence[media.Source],
    output: Output,
    report: Report,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Segment every source and write what `output` asks for.

    A source that fails is in the report, and the others go on.

    Args:
        segmenter: The model.
        sources: From `media.find_sources`.
        output: What to write.
        report: Counts.
        stopped: Asked before each image; True ends early, with every file complete.

    Raises:
        OSError: The output folder cannot be written.
    """
    output.folder.mkdir(parents=True, exist_ok=True)
    with DocumentWriter(output.folder / DOCUMENT, _info(segmenter)) as document:
        job = Job(segmenter, output, document, report)
        for source, name in zip(sources, output_names(sources), strict=True):
            if stopped():
                break
            try:
                if isinstance(source, media.Picture):
                    process_picture(job, source, name)
                else:
                    process_video(job, source, name, stopped)
            except (MediaError, ValueError) as error:
                report.fail(str(error) if source.name in str(error) else f"{source.name}: {error}")
    report.files.append(document.path)


def _info(segmenter: "Segmenter") -> dict[str, object]:
    """What the document says of how it was made."""
    return {
        "description": f"People found by bodypix_ros {__version__}",
        "model": segmenter.model,
        "device": segmenter.device,
        "precision": segmenter.precision,
        "options": asdict(segmenter.options),
    }


def output_names(sources: Sequence[media.Source]) -> list[str]:
    """Give each source a name of its own: its stem, and x_2, x_3 where several are called x."""
    taken: set[str] = set()
    names = []
    for source in sources:
        name, count = source.stem, 1
        while name.casefold() in taken:
            count += 1
            name = f"{source.stem}_{count}"
        taken.add(name.casefold())
        names.append(name)
    return names


@contextmanager
def stop_on_interrupt() -> Generator[Callable[[], bool]]:
    """Turn Ctrl-C into a flag, so that nothing is cut short; a second Ctrl-C interrupts as usual."""
    stop = threading.Event()

    def handle(_number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield stop.is_set
    finally:
        signal.signal(signal.SIGINT, before)
