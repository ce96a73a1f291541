"""Every message of a Scene, and messages of either kind made comparable."""

import array
import dataclasses

import numpy as np

from bodypix_ros.ros.messages import images, labels, people
from bodypix_ros.ros.messages.people import keypoints_3d
from bodypix_ros.space.pose import Placed
from support.fake import people_picture, scene_of


def noise(seed, *shape, dtype=np.uint8):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def scene(people=3):
    return scene_of(people_picture(48, 64, people=people))


def plain(message):
    """A message of either kind as dicts, lists and numbers."""
    if hasattr(message, "get_fields_and_field_types"):
        return {name: plain(getattr(message, name)) for name in message.get_fields_and_field_types()}
    if dataclasses.is_dataclass(message):
        fields = (f.name for f in dataclasses.fields(message) if f.name != "__msgtype__")
        return {name: plain(getattr(message, name)) for name in fields}
    if isinstance(message, (list, tuple)):
        return [plain(item) for item in message]
    return message.tolist() if isinstance(message, (array.array, np.ndarray)) else message


def every_message(types, header, seen):
    return {
        "persons": people.persons(types, header, seen),
        "keypoints": people.keypoints(types, header, seen),
        "keypoints_3d": keypoints_3d(
            types,
            header,
            seen.keypoint_names,
            [Placed(k, 0.9, np.float32(k + np.arange(68).reshape(17, 4))) for k in range(len(seen.persons))],
        ),
        "instance_mask": images.label_image(types, header, seen.instance_mask),
        "part_mask": images.label_image(types, header, seen.part_mask),
        "person_mask": images.label_image(types, header, seen.person_mask),
        "instance_labels": labels.label_info(types, header, labels.instance_labels(3), 0.7),
        "part_labels": labels.label_info(types, header, labels.PART_LABELS, 0.25),
    }
