"""What can be written beside overlays and people.json: pictures of a picture, lists of everybody."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import numpy as np

from bodypix_ros import rendering
from bodypix_ros.coco.document import Results, persons_of
from bodypix_ros.coco.earlier import Entry
from bodypix_ros.coco.listing import PeopleList
from bodypix_ros.media import Image
from bodypix_ros.scene import Scene


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture that is written of a picture, as NAME.KIND.png.

    Attributes:
        text: What it shows.
        make: The image that was segmented, uint8 (H, W, 3), BGR, and its Scene -> uint8 (H, W), or (H, W, 4),
            BGRA; None where the Scene lacks what it shows.
        certain: Whether every model gives it.
        mask: Whether it is written unless --no-masks says otherwise; others are exports.
        shows: Whether it shows people as they are.
    """

    text: str
    make: Callable[[Image, Scene], Image | None]
    certain: bool = True
    mask: bool = True
    shows: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of the people of all sources.

    Attributes:
        text: What it holds.
        file: Its name.
        start: Begins it in a file.
    """

    text: str
    file: str
    start: Callable[[IO[str]], PeopleList]


class Lines:
    """JSON, a line an image: its name, size and time, and persons and faces as `Scene.to_dict` gives them."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def add(self, image: Entry, persons: Sequence[Entry], names: Sequence[str]) -> None:
        """Write a line."""
        told = {key: value for key, value in image.items() if key != "id"}
        known = [person.to_dict(names) for person in persons_of(persons)]
        self._file.write(json.dumps({**told, "persons": known}) + "\n")

    def end(self) -> None:
        """Nothing is left to write."""


class Rows:
    """CSV, a row a person and image; without a pose the cells of the keypoints are empty."""

    _HEAD = ("file_name", "time_s", "person", "track_id", "score", "x0", "y0", "x1", "y1", "area")

    def __init__(self, file: IO[str]) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._names: Sequence[str] | None = None

    def add(self, image: Entry, persons: Sequence[Entry], names: Sequence[str]) -> None:
        """Write the head before the first image, then a row for each person."""
        if self._names is None:
            self._names = tuple(names)
            columns = (f"{name}_{what}" for name in names for what in ("x", "y", "score"))
            self._writer.writerow([*self._HEAD, *columns])
        for entry, person in zip(persons, persons_of(persons), strict=True):
            told = person.to_dict(self._names)
            row = [
                image["file_name"],
                _seconds(image),
                entry["instance"],
                told.get("track_id"),
                told["score"],
            ]
            points = (told["keypoints"].get(name, ("", "", "")) for name in self._names)
            self._writer.writerow(
                [*row, *told["box"], entry["area"], *(v for point in points for v in point)]
            )

    def end(self) -> None:
        """Nothing is left to write."""


def _seconds(image: Entry) -> float | None:
    """When an image is of, where that is known."""
    if "stamp_ns" in image:
        return round(int(image["stamp_ns"]) / 1e9, 6)
    seconds: float | None = image.get("time_s")
    return seconds


def _cutout(image: Image, scene: Scene) -> Image:
    people = scene.person_mask
    cut = np.dstack([image, people.view(np.uint8) * np.uint8(255)])
    cut[~people] = 0  # nobody gets the rest back by taking the alpha away
    return cut


def _colored_parts(_: Image, scene: Scene) -> Image | None:
    parts = scene.part_mask
    if parts is None:
        return None
    colors = rendering.draw_labels(parts, "part_mask")[..., ::-1]
    return np.dstack([colors, (parts > 0).view(np.uint8) * np.uint8(255)])


PICTURES: Final[dict[str, Drawn]] = {
    "mask": Drawn("255 where people are", lambda _, scene: scene.person_mask.view(np.uint8) * np.uint8(255)),
    "instances": Drawn("1 for the first person, 2 for the second, ...", lambda _, scene: scene.instance_mask),
    "parts": Drawn("part id + 1", lambda _, scene: scene.part_mask, certain=False),
    "confidence": Drawn("probability of person * 255", lambda _, scene: scene.confidence, certain=False),
    "cutout": Drawn("the picture with people alone, the rest transparent", _cutout, mask=False, shows=True),
    "colored_parts": Drawn(
        "body parts in their colours, the rest transparent", _colored_parts, certain=False, mask=False
    ),
}
"""Every picture that is written of a picture, by its kind."""

LISTS: Final[dict[str, Listed]] = {
    "results": Listed("COCO's list of results, which loadRes takes", "people.results.json", Results),
    "csv": Listed("a row a person and image: number, track, score, box, keypoints", "people.csv", Rows),
    "jsonl": Listed(
        "a line of JSON an image, with all that is known of its people but masks, and faces",
        "people.jsonl",
        Lines,
    ),
}
"""Every list of people beside people.json, by name."""


def exports() -> dict[str, str]:
    """What can be asked for beside the masks, with what it is."""
    drawn = {kind: f"NAME.{kind}.png: {one.text}" for kind, one in PICTURES.items() if not one.mask}
    return {**{name: f"{one.file}: {one.text}" for name, one in LISTS.items()}, **drawn}


def lists_of(wanted: Sequence[str], folder: Path) -> dict[Path, Callable[[IO[str]], PeopleList]]:
    """The lists among some exports: their files in a folder, each with what begins it."""
    return {folder / one.file: one.start for name, one in LISTS.items() if name in wanted}


def kinds(masks: bool, wanted: Sequence[str]) -> Iterator[str]:
    """The pictures that are written of a picture: masks, and those among some exports."""
    yield from (kind for kind, one in PICTURES.items() if (masks and one.mask) or kind in wanted)
