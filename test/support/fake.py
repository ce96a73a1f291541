"""A segmenter that sees a person in every red blob: for tests of all around segmenters, without weights."""

from dataclasses import dataclass

import cv2
import numpy as np

from bodypix_ros.anatomy import KEYPOINTS
from bodypix_ros.scene import Person, Scene
from bodypix_ros.segmenters.base import Stream

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
class Options:
    segmentation_threshold: float = 0.7


@dataclass
class Timings:
    pre_ms: float = 1.0
    infer_ms: float = 2.0
    post_ms: float = 3.0


class FakeSegmenter:
    model = "fake"
    device = "CPU"
    precision = "f32"
    load_s = 0.1
    threads = 2
    requests = 1
    networks_compiled = 1
    options = Options()

    def __init__(self, see=scene_of):
        self.see = see
        self.images = []
        self.timings = Timings()

    def segment(self, image, encoding="bgr8", *, stamp=None):
        self.images.append(image)
        return self.see(image)

    def stream(self):
        return Stream(self)

    def input_size(self, height, width):
        return height // 2, width // 2

    def bare_network(self, height, width):
        return lambda: None

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def people_picture(height=120, width=160, people=2):
    """A grey BGR picture with so many red rectangles."""
    image = np.full((height, width, 3), 60, np.uint8)
    step = width // people if people else width
    for k in range(people):
        image[height // 4 : 3 * height // 4, k * step + step // 4 : k * step + 3 * step // 4] = RED
    return image
