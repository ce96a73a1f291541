"""One image, and all that is known of it when it is shown."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bodypix_ros.scene import Scene
from bodypix_ros.space.lens import Lens
from bodypix_ros.space.placing import PlacedPerson, place


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """One image, and all that is known of it.

    Attributes:
        name: What it is called: a file, a video, a topic.
        image: uint8 (H, W, 3), BGR, of the Scene's size.
        scene: What was seen in it.
        stamp_s: Seconds since a video began, or since 1970 where `absolute`; None of a picture.
        absolute: What the stamp counts from.
        lens: How the camera sees; None: nobody knows.
        depth: float32 (H, W), metres along the optical axis, holes as they are; None: nobody knows.
        placed: The Scene's persons in metres, in its order; empty where nobody is placed.
    """

    name: str
    image: npt.NDArray[np.uint8]
    scene: Scene
    stamp_s: float | None = None
    absolute: bool = False
    lens: Lens | None = None
    depth: npt.NDArray[np.float32] | None = None
    placed: tuple[PlacedPerson, ...] = ()


def places(scene: Scene, depth: npt.NDArray[Any] | None, lens: Lens | None) -> tuple[PlacedPerson, ...]:
    """The persons in metres, by depth or by their own metres; nobody where neither or no lens is known.

    Raises:
        PlacingError: Depth or lens are of another image.
    """
    metric = any(person.keypoints_3d is not None for person in scene.persons)
    return () if lens is None or (depth is None and not metric) else place(scene, depth, lens)
