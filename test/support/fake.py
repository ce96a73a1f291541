"""A segmenter that sees a person in every red blob: for tests of all around segmenters, without weights."""

from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace

import cv2
import numpy as np

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.details.options import DetailOptions
from bodypix_ros.perception.segmenter import Segmenter
from bodypix_ros.scene import Person, Scene, Timings
from bodypix_ros.segmenters.base import Seer, Sight
from bodypix_ros.segmenters.families import FAMILIES

RED = (0, 0, 255)  # BGR


def scene_of(image):
    """The Scene of a BGR picture: its red blobs, from left to right as they come."""
    red = (image[..., 2] > 180) & (image[..., 1] < 90)
    count, labels = cv2.connectedComponents(red.view(np.uint8))
    persons = []
    for k in range(1, count):
        ys, xs = np.nonzero(labels == k)
        keypoints = np.zeros((17, 3), np.float32)
        keypoints[:, 0] = np.linspace(xs.min(), xs.max(), 17)
        keypoints[:, 1] = np.linspace(ys.min(), ys.max(), 17)
        keypoints[:, 2] = np.linspace(1.0, 0.2, 17)  # the last two are below 0.3
        box = (int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
        persons.append(Person(0.9, box, keypoints))
    parts = np.where(red, 1 + np.arange(image.shape[1]) % 24, 0).astype(np.uint8)
    return Scene(red, labels.astype(np.uint8), parts, None, tuple(persons), KEYPOINTS)


@dataclass(frozen=True)
class Options(DetailOptions):
    segmentation_threshold: float = 0.7
    parts: bool = True
    confidence: bool = False

    @property
    def most_persons(self):
        return 10


class FakeNetworks:
    """Networks that compute nothing.

    Attributes:
        sizes: Of the inputs that need no compilation.
    """

    def __init__(self, device="CPU"):
        self.device, self.precision, self.threads, self.requests = device, "f32", 2, 1
        self.chosen = device
        self.load_s, self.networks_compiled = 0.1, 1
        self.sizes = set()

    def is_compiled(self, height, width, at_once=1):
        return (height, width) in self.sizes

    def network(self, height, width, at_once=1):
        if (height, width) not in self.sizes:
            self.sizes.add((height, width))
            self.networks_compiled += 1
        return SimpleNamespace(request=lambda: nullcontext(SimpleNamespace(infer=lambda: None)))


class FakeSeer(Seer):
    """Sees what a function of the image says; keeps the images."""

    def __init__(self, see):
        self.function, self.images = see, []
        self.networks = (FakeNetworks(),)

    def see(self, pixels, options, stamp, memory):
        self.images.append(pixels.array)
        return Sight(self.function(pixels.array), Timings(1.0, 2.0, 3.0))

    def input_size(self, height, width):
        return height // 2, width // 2


class FakeSegmenter(Segmenter):
    """The real Segmenter around a FakeSeer."""

    given = Options()
    known = FAMILIES["bodypix"].gives

    def __init__(self, see=scene_of, options=None, gives=None):
        self.seer = FakeSeer(see)
        super().__init__("fake", self.seer, options or self.given, gives or self.known)

    def __enter__(self):
        self._seer = self.seer  # tests load the same one again
        return self

    @property
    def images(self):
        return self.seer.images


def people_picture(height=120, width=160, people=2):
    """A grey BGR picture with so many red rectangles."""
    image = np.full((height, width, 3), 60, np.uint8)
    step = width // people if people else width
    for k in range(people):
        image[height // 4 : 3 * height // 4, k * step + step // 4 : k * step + 3 * step // 4] = RED
    return image
