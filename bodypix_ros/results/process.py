"""Sources -> files: what `bodypix run` and `bodypix demo` do."""

import json
import signal
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import TYPE_CHECKING

from bodypix_ros import __version__, media
from bodypix_ros.coco.document import DocumentWriter
from bodypix_ros.errors import MediaError
from bodypix_ros.report import Report
from bodypix_ros.results.output import Job, Output
from bodypix_ros.results.picture import process_picture
from bodypix_ros.results.plan import Plan, check_same
from bodypix_ros.results.video import process_video
from bodypix_ros.targets import is_full

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter


def process(
    segmenter: "Segmenter",
    plan: Plan,
    output: Output,
    report: Report,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Segment every source of a plan and write what `output` asks for.

    A source that fails is in the report, and the others go on.

    Args:
        segmenter: The model.
        plan: From `planned`, which holds the folder meanwhile.
        output: What to write.
        report: Counts, and whether it ended early.
        stopped: Asked after each image; True ends early, with every file complete.

    Raises:
        OptionError: The plan goes on with what another model or other options gave.
        OutputError: The folder cannot be written any more.
    """
    info = {**made_by(segmenter), "drawn": output.made_as}
    _check_same(info, plan, output)
    with DocumentWriter(output.document, info, lists=output.lists(), earlier=plan.earlier) as document:
        for number, task in enumerate(plan.tasks, 1):
            sure = output.sure(segmenter.options)
            job = Job(segmenter, output, document, report, task.file_name, sure)
            before = len(report.files)
            source, cut_short = task.source, False
            try:
                if isinstance(source, media.Picture):
                    process_picture(job, source, task.name)
                else:
                    cut_short = process_video(job, source, task.name, stopped)
                if isinstance(source, media.Picture) or not stopped():
                    document.complete(task.file_name, [path.name for path in report.files[before:]])
            except (MediaError, ValueError) as error:
                name = media.readable(source.name)
                report.fail(str(error) if name in str(error) else f"{name}: {error}")
                report.disk_full |= is_full(error)
            if stopped():
                report.stopped_early = cut_short or number < len(plan.tasks)
                break
    report.files.extend(output.common())


def made_by(segmenter: "Segmenter") -> dict[str, object]:
    """What the document says of how it was made."""
    return {
        "description": f"People found by bodypix_ros {__version__}",
        "model": segmenter.model,
        "device": segmenter.device,
        "precision": segmenter.precision,
        "options": asdict(segmenter.options),
    }


def _check_same(info: Mapping[str, object], plan: Plan, output: Output) -> None:
    """Check that a document is gone on with as it was begun."""
    if plan.earlier is None:
        return
    for what in ("model", "options"):
        check_same(output, plan.earlier.info.get(what), json.loads(json.dumps(info[what])), f"{what} ")


@contextmanager
def stop_on_interrupt() -> Generator[Callable[[], bool]]:
    """Turn Ctrl-C into a flag, so that nothing is cut short; a second Ctrl-C interrupts as usual."""
    stop = threading.Event()

    before = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: FrameType | None) -> None:
        if not stop.is_set():
            stop.set()
        elif callable(before):
            before(number, frame)

    signal.signal(signal.SIGINT, handle)
    try:
        yield stop.is_set
    finally:
        signal.signal(signal.SIGINT, before)
