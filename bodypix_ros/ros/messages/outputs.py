"""The table of outputs: the topics that are filled with what a model saw.

The node, the bag tool, the SROS 2 policy's test and the documentation read it whenever they are asked: an
output that is added to it is everywhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from bodypix_ros.ros.messages import images, labels, people
from bodypix_ros.ros.messages.stencil import Varying
from bodypix_ros.ros.messages.types import Header, Message, MessageTypes
from bodypix_ros.scene import Scene
from bodypix_ros.space.lens import Lens
from bodypix_ros.space.pose import place_all

_EMPTY: Final = np.zeros((1, 1), np.uint8)
NOBODY: Final = Scene(_EMPTY.view(np.bool_), _EMPTY, None, None, (), ())
"""What stands for the Scene where an output does not depend on one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What messages are made of.

    Attributes:
        header: The image's.
        options: The model's, in force.
        scene: What the model saw in the image.
        lens: How the camera sees; None where that is not known.
        id_prefix: Of people's ids.
    """

    header: Header
    options: Any
    scene: Scene = NOBODY
    lens: Lens | None = None
    id_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """One topic.

    Attributes:
        topic: Its name, relative to the camera's.
        kind: The messages' type, as in "sensor_msgs/msg/Image".
        text: What is in it.
        make: Makes the message; None where this image gives none. May raise PlacingError if it needs a lens.
        needs: What a model must know for it, of `Family.gives`; empty: nothing that not all know.
        option: The model's option that must be on.
        alone: Whether nothing else shows what the option does: then it is switched off while nobody wants
            this output.
        needs_lens: Whether the camera must be calibrated.
        latched: Whether it depends on options only: it is published when they change, and kept for whoever
            subscribes later.
        varying: What differs from message to message, where it is worth filling in only that (`Stencils`).
    """

    topic: str
    kind: str
    text: str
    make: Callable[[MessageTypes, Seen], Message]
    needs: str = ""
    option: str = ""
    alone: bool = True
    needs_lens: bool = False
    latched: bool = False
    varying: Varying[Scene] | None = None

    def is_asked(self, options: Any) -> bool:
        """Whether a model with these options computes it."""
        return not self.option or bool(getattr(options, self.option))


def _mask(name: str) -> Callable[[MessageTypes, Seen], Message]:
    def make(types: MessageTypes, seen: Seen) -> Message:
        mask = getattr(seen.scene, name)
        return None if mask is None else images.label_image(types, seen.header, mask)

    return make


def _persons(types: MessageTypes, seen: Seen) -> Message:
    return people.persons(types, seen.header, seen.scene, seen.id_prefix)


def _keypoints(types: MessageTypes, seen: Seen) -> Message:
    return people.keypoints(types, seen.header, seen.scene, seen.id_prefix)


def _keypoints_3d(types: MessageTypes, seen: Seen) -> Message:
    if seen.lens is None:
        return None
    placed = place_all(seen.scene, seen.lens, seen.options.min_keypoint_score)
    return people.keypoints_3d(types, seen.header, seen.scene.keypoint_names, placed, seen.id_prefix)


def _faces(types: MessageTypes, seen: Seen) -> Message:
    return people.faces(types, seen.header, seen.scene)


def _hands(types: MessageTypes, seen: Seen) -> Message:
    return people.hands(types, seen.header, seen.scene, seen.id_prefix)


def _labels(names: Sequence[str]) -> Callable[[MessageTypes, Seen], Message]:
    def make(types: MessageTypes, seen: Seen) -> Message:
        return labels.label_info(types, seen.header, names, seen.options.segmentation_threshold)

    return make


def _instance_labels(types: MessageTypes, seen: Seen) -> Message:
    return _labels(labels.instance_labels(seen.options.most_persons))(types, seen)


_IMAGE: Final = "sensor_msgs/msg/Image"
_DETECTIONS: Final = "vision_msgs/msg/Detection2DArray"
_LABEL_INFO: Final = "vision_msgs/msg/LabelInfo"

OUTPUTS: Final[dict[str, Output]] = {
    output.topic: output
    for output in (
        Output(
            "instance_mask",
            _IMAGE,
            "mono8: 0 nobody, 1 + index into the same stamp's `persons`",
            _mask("instance_mask"),
        ),
        Output(
            "person_mask",
            _IMAGE,
            "mono8: 0 background, 1 person, also where `persons` has nobody",
            _mask("person_mask"),
        ),
        Output(
            "part_mask",
            _IMAGE,
            "mono8: 0 background, part id + 1; models with parts only",
            _mask("part_mask"),
            needs="parts",
            option="parts",
        ),
        Output(
            "persons",
            _DETECTIONS,
            "one detection per person: score, box in pixels",
            _persons,
            varying=people.PERSONS,
        ),
        Output(
            "keypoints",
            _DETECTIONS,
            "models with keypoints only: one detection per person, one result per keypoint: name, score, x "
            "and y in pixels",
            _keypoints,
            needs="keypoints",
            varying=people.KEYPOINTS,
        ),
        Output(
            "hands",
            _DETECTIONS,
            "models with keypoints only: one detection per hand, with the person's id, else the index in "
            "`persons`; one result per keypoint: left_wrist, left_index_finger_tip, ..., score, x and y in "
            "pixels; only with `hands`",
            _hands,
            needs="keypoints",
            option="hands",
            alone=False,
        ),
        Output(
            "faces",
            _DETECTIONS,
            "one detection per face that was found by itself, whoever's it is: score, box in pixels; only "
            "with `faces`",
            _faces,
            option="faces",
        ),
        Output(
            "confidence",
            _IMAGE,
            "mono8: probability of person * 255; only with `confidence`",
            _mask("confidence"),
            option="confidence",
        ),
        Output(
            "keypoints_3d",
            "vision_msgs/msg/Detection3DArray",
            "models with metres and a calibrated camera only: one detection per person placed in the "
            "camera's frame, one result per keypoint, metres",
            _keypoints_3d,
            needs="metres",
            needs_lens=True,
        ),
        Output(
            "instance_mask/label_info",
            _LABEL_INFO,
            "what the values of `instance_mask` mean; reliable, transient local",
            _instance_labels,
            latched=True,
        ),
        Output(
            "person_mask/label_info",
            _LABEL_INFO,
            "what the values of `person_mask` mean; reliable, transient local",
            _labels(labels.PERSON_LABELS),
            latched=True,
        ),
        Output(
            "part_mask/label_info",
            _LABEL_INFO,
            "what the values of `part_mask` mean; reliable, transient local",
            _labels(labels.PART_LABELS),
            needs="parts",
            option="parts",
            latched=True,
        ),
    )
}
"""By topic, in the order of publishing; whatever must be computed for longest comes last."""


def outputs_of(gives: frozenset[str]) -> list[Output]:
    """The outputs that a model can fill.

    Args:
        gives: What it knows, as `Family.gives`.
    """
    return [output for output in OUTPUTS.values() if not output.needs or output.needs in gives]


def absent(gives: frozenset[str]) -> dict[str, str]:
    """The topics that a model cannot fill, and why; latched ones are not counted.

    Args:
        gives: What it knows, as `Family.gives`.
    """
    return {
        output.topic: f"the model has no {output.needs}"
        for output in OUTPUTS.values()
        if output.needs and output.needs not in gives and not output.latched
    }
