"""What is made of a bag: people beside the images, or a copy in which faces are hidden.

Imported without rosbags, which is needed when a bag is there.
"""

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bodypix_ros.errors import DepthError, MessageError, OptionError
from bodypix_ros.report import Report

if TYPE_CHECKING:
    from bodypix_ros.bags.reading import InputBag
    from bodypix_ros.perception.segmenter import Segmenter

ANONYMIZING: Final = "blur_parts"
"""The mode of `rendering.MODES` whose preset finds who is to be hidden."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What will be made of one bag.

    Attributes:
        images: How many images it promises.
        write: Makes it: with a model, into a folder that must not exist, counted by a report.
    """

    images: int
    write: Callable[["Segmenter", Path, Report], None]


@dataclass(frozen=True, slots=True)
class BagRecipe:
    """The options of `bodypix bag` beside the model's; those that do not go together: OptionError.

    Attributes:
        image_topics: Raw or compressed images; none: the one there is, and for a copy all.
        namespaces: Of the outputs, one for each of the image topics.
        copy: Topics to copy.
        copy_all: Copy every topic.
        storage: Of the output, one of STORAGES; None: that of the bag.
        mono16_max: The value of white in 16-bit images; None: 65535, and 16UC1 is taken for depth.
        mode: Write pictures drawn in this mode, too.
        anonymize: Write a copy with faces hidden instead.
        depth_topics: Depth that is registered to the images, one for each of the image topics, or none.
        camera_infos: What says how each of the cameras sees; none: camera_info beside the images.
        slop: Seconds that an image and its depth may differ.
        depth_unit: Metres per unit of depth; None: by its encoding.
        verify: Look for faces in the images of such a copy, and count those that are left.
    """

    image_topics: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    copy: tuple[str, ...] = ()
    copy_all: bool = False
    storage: str | None = None
    mono16_max: int | None = None
    mode: str | None = None
    anonymize: bool = False
    depth_topics: tuple[str, ...] = ()
    camera_infos: tuple[str, ...] = ()
    slop: float = 0.05
    depth_unit: float | None = None
    verify: bool = False

    def __post_init__(self) -> None:
        """Check that they go together."""
        others = {
            "topic": self.copy, "namespace": self.namespaces, "copy_all": self.copy_all, "mode": self.mode,
            "depth_topic": self.depth_topics,
        }  # fmt: skip
        for name, value in others.items():
            if self.anonymize and value:
                raise OptionError(name, f"{name} and anonymize exclude each other: everything is copied then")
        if self.verify and not self.anonymize:
            raise OptionError(
                "verify", "verify: nothing is hidden, so there is nothing to verify; add anonymize"
            )

    @property
    def preset_mode(self) -> str | None:
        """The drawing mode whose preset the model is best loaded with."""
        return ANONYMIZING if self.anonymize else self.mode

    def plan(self, bag: "InputBag") -> Planned:
        """Decide what becomes of a bag.

        Raises:
            ValueError: A topic is not there or cannot be used.
        """
        from bodypix_ros.bags.anonymizing import anonymize, plan_copy
        from bodypix_ros.bags.plan import plan
        from bodypix_ros.bags.process import process

        if self.anonymize:
            what = plan_copy(bag, self.image_topics)
            copy = partial(anonymize, storage=self.storage, mono16_max=self.mono16_max, verify=self.verify)
            return Planned(
                what.images, lambda segmenter, target, report: copy(segmenter, bag, what, target, report)
            )
        seen = plan(
            bag,
            self.image_topics or only_image_topic(bag),
            self.copy,
            self.copy_all,
            self.namespaces,
            self.depth_topics,
            self.camera_infos,
        )
        see = partial(
            process,
            storage=self.storage,
            mono16_max=self.mono16_max,
            mode=self.mode,
            slop_s=self.slop,
            depth_unit=self.depth_unit,
        )
        return Planned(
            seen.images, lambda segmenter, target, report: see(segmenter, bag, seen, target, report)
        )


def only_image_topic(bag: "InputBag") -> tuple[str, ...]:
    """The one topic of images; of several the one that is no depth."""
    from bodypix_ros.bags.messages import COMPRESSED, IMAGE

    there = sorted({c.topic for c in bag.connections if c.msgtype in (IMAGE, COMPRESSED)})
    if len(there) > 1:
        there = [topic for topic in there if not _is_depth(bag, topic)] or there
    if len(there) != 1:
        raise ValueError(
            f"{bag.path}: topics of images are {', '.join(there) or 'none'}; say which with --image-topic"
        )
    return tuple(there)


def _is_depth(bag: "InputBag", topic: str) -> bool:
    """Whether a topic's first image is one of depth."""
    from bodypix_ros.bags.messages import decode
    from bodypix_ros.bags.typestore import typestore

    with closing(bag.messages({topic})) as messages, suppress(MessageError):
        for connection, _, raw in messages:
            try:
                decode(typestore(), connection.msgtype, raw)
            except DepthError:
                return True
            return False
    return False
