"""Pictures, videos, cameras, addresses and bags -> sights."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bodypix_ros import media
from bodypix_ros.errors import MediaError, MessageError, PlacingError
from bodypix_ros.report import Report
from bodypix_ros.scene import Scene
from bodypix_ros.space.lens import Lens
from bodypix_ros.space.placing import PlacedPerson
from bodypix_ros.viewing.sight import Sight, places

if TYPE_CHECKING:
    from bodypix_ros.bags.plan import Plan
    from bodypix_ros.bags.reading import InputBag
    from bodypix_ros.perception.segmenter import Segmenter

_Image = npt.NDArray[np.uint8]


def of_media(
    segmenter: "Segmenter",
    sources: Sequence[media.Source],
    fov_deg: float,
    report: Report,
    stopped: Callable[[], bool],
) -> Iterator[Sight]:
    """See people in pictures and the frames of videos.

    A source that fails is in the report, and the others go on.

    Args:
        segmenter: The model.
        sources: From `media.find_sources`.
        fov_deg: Horizontal angle of view that places of people rest on, where the model has metres.
        report: Counts.
        stopped: Asked after each image; True ends early.
    """
    for source in sources:
        try:
            for image, scene, stamp_s in _frames(segmenter, source, report, stopped):
                image = segmenter.seen(image)
                metric = any(person.keypoints_3d is not None for person in scene.persons)
                lens = Lens.from_fov(image.shape[1], image.shape[0], fov_deg) if metric else None
                report.count(scene, source.name, lens)
                placed = places(scene, None, lens)
                yield Sight(source.name, image, scene, stamp_s, lens=lens, placed=placed)
                if stopped():
                    report.stopped_early = True
                    return
        except MediaError as error:  # noqa: PERF203 - one source may fail
            report.fail(str(error))


def _frames(
    segmenter: "Segmenter", source: media.Source, report: Report, stopped: Callable[[], bool]
) -> Iterator[tuple[_Image, Scene, float | None]]:
    """Images, what is in them, and their seconds."""
    if isinstance(source, media.Picture):
        image = media.read_picture(source.path)
        yield image, segmenter.segment(image), None
        return
    with media.VideoReader(source, stopped=stopped, complain=report.complain) as reader:
        stream = segmenter.stream()
        for frame in reader:
            yield frame, stream.segment(frame, stamp=reader.stamp_s), reader.stamp_s
        if not stopped():
            reader.check_end()


def of_bag(
    segmenter: "Segmenter",
    bag: "InputBag",
    what: "Plan",
    report: Report,
    stopped: Callable[[], bool],
    *,
    mono16_max: int | None = None,
    slop_s: float = 0.05,
    depth_unit: float | None = None,
) -> Iterator[Sight]:
    """See people in the images of a bag, and place them by its depth.

    An image that cannot be used is in the report, and the others go on. Without a camera_info before it, or
    without depth and a model that has metres, nobody of an image is placed.

    Args:
        segmenter: The model.
        bag: The bag to read.
        what: From `bags.plan.plan`.
        report: Counts.
        stopped: Asked after each image; True ends early.
        mono16_max: The value of white in 16-bit images; None: 65535, and 16UC1 is taken for depth.
        slop_s: Seconds that image and depth may differ.
        depth_unit: Metres per unit of depth; None: by its encoding.
    """
    from bodypix_ros.bags import messages
    from bodypix_ros.bags.pairs import Pairs
    from bodypix_ros.bags.typestore import typestore
    from bodypix_ros.ros.messages import images
    from bodypix_ros.ros.messages.depth import to_depth
    from bodypix_ros.ros.messages.types import nanoseconds
    from bodypix_ros.space.depth import metres

    store, ready, said = typestore(), list[Sight](), set[str]()
    lenses: dict[str, Lens] = {}
    streams = {topic: segmenter.stream() for topic in what.cameras}

    def say(topic: str, why: str) -> None:
        if (line := f"{topic}: people are not in metres: {why}") not in said:
            said.add(line)
            report.complain(line)

    def take(seen: tuple[str, _Image, Scene], _: int, raw: bytes | None, why: str) -> None:
        topic, image, scene = seen
        depth, lens = None, lenses.get(topic)
        placed: tuple[PlacedPerson, ...] = ()
        try:
            if raw is not None:
                depth = metres(to_depth(messages.deserialize(store, messages.IMAGE, raw)), depth_unit)
            if depth is not None and lens is None:
                why = "there is no camera_info before it: say which with --camera-info"
            placed = places(scene, depth, lens)
        except (PlacingError, MessageError) as error:
            depth, why = None, str(error)
        if why and topic in what.depths.values():
            say(topic, why)
        stamp_s = scene.stamp.sec + scene.stamp.nanosec / 1e9
        ready.append(
            Sight(topic, image, scene, stamp_s, absolute=True, lens=lens, depth=depth, placed=placed)
        )

    pairs: dict[str, Any] = {topic: Pairs(slop_s, take) for topic in what.cameras}
    depths = {image: depth for depth, image in what.depths.items()}
    for connection, time_ns, raw in bag.messages(what.topics):
        topic = connection.topic
        try:
            if topic in what.calibrations:
                info = messages.deserialize(store, messages.CAMERA_INFO, raw)
                lenses[what.calibrations[topic]] = Lens.from_info(info)
            if topic in what.depths:
                stamp = messages.deserialize(store, messages.IMAGE, raw).header.stamp
                pairs[what.depths[topic]].depth(nanoseconds(stamp), raw)
            if topic in what.cameras:
                header, image, encoding = messages.decode(store, connection.msgtype, raw, mono16_max)
                scene = streams[topic].segment(image, encoding, stamp=header.stamp)
                seen = (topic, np.asarray(images.as_bgr(image, encoding), np.uint8), scene)
                report.count(scene, topic, lenses.get(topic))
                if topic in depths:
                    pairs[topic].see(nanoseconds(header.stamp), seen)
                else:
                    take(seen, 0, None, "")
                report.progress.update()
        except PlacingError as error:
            say(topic, str(error))
        except MessageError as error:
            report.fail(f"{topic} at {time_ns / 1e9:.3f} s: {error}")
        yield from ready
        ready.clear()
        if stopped():
            report.stopped_early = True
            return
    for pair in pairs.values():
        pair.finish()
    yield from ready
