"""Scenes as COCO annotations, and files of them.

Boxes are [x, y, width, height], keypoints [x, y, visibility] * 17 in COCO's order, both in image pixels;
masks are compressed RLE. The files load with `pycocotools.coco.COCO`; beside what COCO has, they have
`sources`: those that are complete, with the names of the files that were written of them; and images have
`faces` where some were found, as `Scene.to_dict` has them.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Final, TypedDict

import numpy as np
import numpy.typing as npt

from bodypix_ros import media
from bodypix_ros.anatomy import HAND_KEYPOINTS, KEYPOINTS, SKELETON
from bodypix_ros.coco.earlier import Earlier, Entry
from bodypix_ros.coco.listing import PeopleList
from bodypix_ros.rle import Rle, encode
from bodypix_ros.scene import Person, Scene
from bodypix_ros.targets import unwritable

PERSON: Final = 1
"""COCO's category of people."""

_RESULT = ("image_id", "category_id", "score", "segmentation", "keypoints")
"""What `loadRes` is to see; given a box, it would take the box's area for the person's."""


class Result(TypedDict):
    """One person, as COCO writes what a model found; see `results`."""

    image_id: int
    category_id: int
    score: float
    bbox: list[int]
    area: int
    segmentation: Rle
    keypoints: list[float]
    keypoint_scores: list[float]
    num_keypoints: int


CATEGORY: Final[Entry] = {
    "id": PERSON,
    "name": "person",
    "supercategory": "person",
    "keypoints": list(KEYPOINTS),
    "skeleton": [[KEYPOINTS.index(a) + 1, KEYPOINTS.index(b) + 1] for a, b in SKELETON],
}
"""The one category; its skeleton counts keypoints from 1, as COCO does."""


def results(scene: Scene, image_id: int, min_keypoint_score: float = 0.3) -> list[Result]:
    """Give a Scene's persons as COCO results, in the Scene's order.

    Args:
        scene: What was seen.
        image_id: COCO's id of the image.
        min_keypoint_score: Keypoints that score less get visibility 0 and are not counted in
            `num_keypoints`; their position is kept. The others get 2.

    Returns:
        One dictionary per person with image_id, category_id, score, bbox, area, segmentation, keypoints,
        keypoint_scores (17 numbers) and num_keypoints. A keypoint that the model does not know is 0, 0, 0, as
        are all of a person without a pose.
    """
    labels = np.asfortranarray(scene.instance_mask)
    row = {name: k for k, name in enumerate(scene.keypoint_names)}
    known = [(k, row[name]) for k, name in enumerate(KEYPOINTS) if name in row]
    out: list[Result] = []
    for index, person in enumerate(scene.persons):
        mask = labels == index + 1
        keypoints = np.zeros((len(KEYPOINTS), 3))
        scores = np.zeros(len(KEYPOINTS))
        for k, source in known if person.has_pose else ():
            x, y, score = person.keypoints[source]
            keypoints[k] = x, y, 2 if score >= min_keypoint_score else 0
            scores[k] = score
        x0, y0, x1, y1 = person.box
        out.append(
            {
                "image_id": image_id,
                "category_id": PERSON,
                "score": round(float(person.score), 5),
                "bbox": [int(x0), int(y0), int(x1 - x0), int(y1 - y0)],
                "area": int(np.count_nonzero(mask)),
                "segmentation": encode(mask),
                "keypoints": keypoints.round(2).ravel().tolist(),
                "keypoint_scores": scores.round(4).tolist(),
                "num_keypoints": int(np.count_nonzero(keypoints[:, 2])),
            }
        )
    return out


def annotations(scene: Scene, image_id: int, min_keypoint_score: float = 0.3) -> list[Entry]:
    """Give a Scene's persons as COCO annotations with all that is known of them, without their ids.

    Who has no pixels is left out: annotations of nothing do not load everywhere.

    Args:
        scene: What was seen.
        image_id: COCO's id of the image.
        min_keypoint_score: As in `results`.

    Returns:
        One dictionary per person with the members of `results`, iscrowd, and

        instance: The person's value in `Scene.instance_mask`.
        all_keypoints: x, y in image pixels and score of each of `Scene.keypoint_names`, in one list; where
            these are not COCO's own.
        keypoints_3d: x, y, z in metres and score of each, in one list; where the model has metres.
        track_id: The person's number from image to image; where people are followed.
        hands: Where any was found, for each its side and score, and of each of `anatomy.HAND_KEYPOINTS` x and
            y in image pixels and score, in one list (keypoints), and x, y, z in metres from the wrist
            (keypoints_3d).
    """
    seen = zip(scene.persons, results(scene, image_id, min_keypoint_score), strict=True)
    return [
        {"iscrowd": 0, **result, "instance": index, **_more(scene, person)}
        for index, (person, result) in enumerate(seen, 1)
        if result["area"]
    ]


def _more(scene: Scene, person: Person) -> Entry:
    """What COCO has no member for."""
    more: Entry = {}
    if has_more_keypoints(scene) and len(person.keypoints):
        more["all_keypoints"] = _flat(person.keypoints, 2)
    if person.keypoints_3d is not None:
        more["keypoints_3d"] = _flat(person.keypoints_3d, 4)
    if person.track_id is not None:
        more["track_id"] = int(person.track_id)
    if person.hands:
        more["hands"] = [
            {
                "side": hand.side,
                "score": round(float(hand.score), 5),
                "keypoints": _flat(hand.keypoints, 2),
                "keypoints_3d": hand.keypoints_3d.astype(float).round(4).ravel().tolist(),
            }
            for hand in person.hands
        ]
    return more


def has_more_keypoints(scene: Scene) -> bool:
    """Whether the keypoints of a Scene are others than COCO's."""
    return bool(scene.keypoint_names) and tuple(scene.keypoint_names) != tuple(KEYPOINTS)


def _flat(points: npt.NDArray[np.float32], digits: int) -> list[float]:
    """Rows of coordinates and a score as one list, rounded to digits and to 4 digits."""
    rounded = points.astype(float)
    rounded[:, :-1] = rounded[:, :-1].round(digits)
    rounded[:, -1] = rounded[:, -1].round(4)
    numbers: list[float] = rounded.ravel().tolist()
    return numbers


def persons_of(entries: Iterable[Entry]) -> list[Person]:
    """Give the persons that annotations were made of, to the places that these keep.

    Args:
        entries: As `annotations` gives them.
    """
    return [_person_of(entry) for entry in entries]


def _person_of(entry: Entry) -> Person:
    keypoints = np.reshape(entry["keypoints"], (-1, 3)).astype(np.float32)
    keypoints[:, 2] = entry["keypoint_scores"]
    if "all_keypoints" in entry:
        keypoints = np.reshape(entry["all_keypoints"], (-1, 3)).astype(np.float32)
    metres = entry.get("keypoints_3d")
    x, y, width, height = entry["bbox"]
    return Person(
        entry["score"],
        (x, y, x + width, y + height),
        keypoints,
        None if metres is None else np.reshape(metres, (-1, 4)).astype(np.float32),
        entry.get("track_id"),
    )


class Results:
    """COCO's list of results; see `listing.PeopleList`."""

    def __init__(self, file: IO[str]) -> None:
        self._file, self._before = file, ""
        file.write("[\n")

    def add(self, _: Entry, persons: Sequence[Entry], __: Sequence[str]) -> None:
        """Write an image's people."""
        for person in persons:
            self._file.write(self._before + json.dumps({key: person[key] for key in _RESULT}))
            self._before = ",\n"

    def end(self) -> None:
        """Close the list."""
        self._file.write("\n]\n")


class DocumentWriter:
    """Writes Scenes into one COCO file as they come; a context manager.

    Memory stays flat however many are added: annotations go to the file at once and the list of images to a
    temporary one. The file appears under its name when the context ends without an error.

    Attributes:
        path: The file.
        images: How many images are in it so far.
        annotations: How many persons.
    """

    def __init__(
        self,
        path: Path,
        info: Mapping[str, object] | None = None,
        *,
        lists: Mapping[Path, Callable[[IO[str]], PeopleList]] | None = None,
        earlier: Earlier | None = None,
    ) -> None:
        """Prepare to write.

        Args:
            path: The file; an existing one is replaced.
            info: COCO's "info" object, such as the model and its options.
            lists: More files of the same people, each with what begins it in a file.
            earlier: Begin with the complete sources of this.
        """
        self.path = path
        self.images = 0
        self.annotations = 0
        self._info = info or {}
        self._starts = lists or {}
        self._earlier = earlier
        self._category = dict(CATEGORY if earlier is None else earlier.category)
        self._sources: list[Entry] = []

    def add(self, scene: Scene, file_name: str, min_keypoint_score: float = 0.3, **extra: object) -> int:
        """Append an image and its persons; those without pixels are left out, see `annotations`.

        Args:
            scene: What was seen in it.
            file_name: COCO's name of the image. Bytes that are no UTF-8 become escapes.
            min_keypoint_score: As in `results`.
            **extra: More members of the image's entry.

        Returns:
            The image's id: they count from 1.

        Raises:
            OutputError: The file cannot be written.
        """
        if has_more_keypoints(scene):
            self._category["all_keypoints"] = list(scene.keypoint_names)
        if any(person.hands for person in scene.persons):
            self._category["hand_keypoints"] = list(HAND_KEYPOINTS)
        height, width = scene.person_mask.shape
        with _saying(self.path):
            image: Entry = {"file_name": file_name, "width": width, "height": height, **extra}
            if scene.faces:
                image["faces"] = [face.to_dict() for face in scene.faces]
            return self._put(image, annotations(scene, self.images + 1, min_keypoint_score))

    def complete(self, file_name: str, files: Iterable[str]) -> None:
        """Note that all images of a source were added.

        Args:
            file_name: What images have of it; of frames what is before the #.
            files: What else was written of it.
        """
        self._sources.append(
            {"file_name": media.readable(file_name), "files": [media.readable(file) for file in files]}
        )

    def __enter__(self) -> "DocumentWriter":
        with _saying(self.path), ExitStack() as stack:
            self._file = self._open(stack, self.path)
            self._list = stack.enter_context(
                tempfile.TemporaryFile("w+", encoding="utf-8", dir=self.path.parent)
            )
            self._lists = [start(self._open(stack, path)) for path, start in self._starts.items()]
            head = {"info": self._info, "licenses": []}
            self._file.write(json.dumps(head)[:-1] + ',\n"annotations": [\n')
            if self._earlier is not None:
                self._keep(self._earlier)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            with suppress(OSError):  # what goes wrong while giving up; the error that led here says more
                self._stack.__exit__(kind, error, trace)
            return
        with _saying(self.path), self._stack:
            self._file.write('\n],\n"images": [\n')
            self._list.seek(0)
            shutil.copyfileobj(self._list, self._file)
            tail = {"categories": [self._category], "sources": self._sources}
            self._file.write("\n],\n" + json.dumps(tail)[1:-1] + "\n}\n")
            for one in self._lists:
                one.end()

    @staticmethod
    def _open(stack: ExitStack, path: Path) -> IO[str]:
        part = stack.enter_context(media.replacing(path))
        return stack.enter_context(part.open("w", encoding="utf-8"))

    def _keep(self, earlier: Earlier) -> None:
        persons: dict[object, list[Entry]] = {}
        for annotation in earlier.annotations:
            persons.setdefault(annotation["image_id"], []).append(annotation)
        for image in earlier.complete_images():
            self._put(image, persons.get(image["id"], []))
        for name, files in earlier.sources.items():
            self.complete(name, files)

    def _put(self, image: Entry, persons: Iterable[Entry]) -> int:
        """Write an image and its people under new ids, everywhere; gives the image's."""
        texts = {
            key: media.readable(value) if isinstance(value, str) else value for key, value in image.items()
        }
        before = ",\n" if self.images else ""
        self.images += 1
        image = {**texts, "id": self.images}
        self._list.write(before + json.dumps(image))
        people = [{**person, "image_id": self.images} for person in persons]
        for person in people:
            before = ",\n" if self.annotations else ""
            self.annotations += 1
            self._file.write(before + json.dumps({**person, "id": self.annotations}))
        for one in self._lists:
            one.add(image, people, self._category.get("all_keypoints", KEYPOINTS))
        return self.images


@contextmanager
def _saying(path: Path) -> Generator[None]:
    """Say which file cannot be written."""
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error
