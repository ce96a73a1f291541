"""What the values of a label image mean."""

from collections.abc import Sequence
from typing import Final

from bodypix_ros.anatomy import PARTS
from bodypix_ros.ros.messages.types import Header, Message, MessageTypes

PART_LABELS: Final[tuple[str, ...]] = PARTS
"""The names of the values 1, 2, ... of a part mask."""

PERSON_LABELS: Final[tuple[str, ...]] = ("person",)
"""The name of the one value of a person mask."""

MAX_LABEL = 254
"""The largest value of a label image: 255 stays unused, it means UNLABELED."""


def label_info(types: MessageTypes, header: Header, names: Sequence[str], threshold: float) -> Message:
    """Make the vision_msgs/LabelInfo of a label image.

    Args:
        types: The message classes.
        header: Handed through.
        names: Of the values 1, 2, ...; 0 is the background.
        threshold: Of the segmentation, 0..1.

    Raises:
        ValueError: More than 254 names.
    """
    if len(names) > MAX_LABEL:
        raise ValueError(f"{len(names)} names are given, but a label image has at most {MAX_LABEL} labels")
    message = types.LabelInfo()
    message.header = header
    message.threshold = float(threshold)
    message.class_map = class_map = []
    for value, name in enumerate(("background", *names)):
        entry = types.VisionClass()
        entry.class_id = value
        entry.class_name = name
        class_map.append(entry)
    return message


def instance_labels(most_persons: int) -> tuple[str, ...]:
    """Name the values 1, 2, ... of an instance mask: person_1, person_2, ...

    Raises:
        ValueError: `most_persons` is not in 1..254.
    """
    if not 1 <= most_persons <= MAX_LABEL:
        raise ValueError(f"most_persons is {most_persons}, but must be a number from 1 to {MAX_LABEL}")
    return tuple(f"person_{number}" for number in range(1, most_persons + 1))
