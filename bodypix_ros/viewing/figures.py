"""A sight as Rerun's archetypes: what is logged where. Pure; the module `rerun` is given.

camera                      how the camera sees
camera/image                the picture, with masks, boxes and skeletons on it
camera/depth                metres, where there are some
people                      in metres, in the camera's optical frame: x right, y down, z forward
timings, counts             plots
"""

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import PART_COLORS, PARTS, SKELETON, person_color
from bodypix_ros.scene import Person, Scene
from bodypix_ros.space.lens import Lens
from bodypix_ros.viewing.sight import Sight

Logged = Iterator[tuple[str, Any]]
"""Entity paths, each with an archetype."""

IMAGE = "camera/image"
_JPEG_QUALITY = 85
_NOBODY = (160, 160, 160)
_LEAST_SCORE = 0.3
_Points = npt.NDArray[Any]


def standing(rr: Any) -> Logged:
    """What holds for all images."""
    yield "people", rr.ViewCoordinates.RDF
    names = enumerate(zip(PARTS, PART_COLORS, strict=True), 1)
    parts = [(label, name.replace("_", " "), color) for label, (name, color) in names]
    yield f"{IMAGE}/parts", rr.AnnotationContext([(0, "nobody", (0, 0, 0, 0)), *parts])
    for stage, color in (("pre", (77, 187, 213)), ("infer", (230, 75, 53)), ("post", (120, 190, 60))):
        yield f"timings/{stage}_ms", rr.SeriesLines(colors=color, names=f"{stage} ms")


def figures(rr: Any, sight: Sight) -> Logged:
    """What is to be seen of one image.

    An entity that had something before has something empty now: nothing of an earlier image stays.
    """
    scene = sight.scene
    yield from _camera(rr, sight)
    yield from _masks(rr, scene)
    yield from _people(rr, scene)
    yield from _places(rr, sight)
    for stage in ("pre", "infer", "post"):
        yield f"timings/{stage}_ms", rr.Scalars(getattr(scene.timings, f"{stage}_ms"))
    yield "counts/persons", rr.Scalars(len(scene.persons))
    yield "log", rr.TextLog(sight.name)


def _camera(rr: Any, sight: Sight) -> Logged:
    if sight.lens is not None:
        yield "camera", _pinhole(rr, sight.lens)
    _, data = cv2.imencode(".jpg", sight.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    yield IMAGE, rr.EncodedImage(contents=data.tobytes(), media_type="image/jpeg")
    if sight.depth is not None:
        holes = ~np.isfinite(sight.depth) | (sight.depth <= 0)
        yield "camera/depth", rr.DepthImage(np.where(holes, np.float32(0), sight.depth), meter=1.0)


def _pinhole(rr: Any, lens: Lens) -> Any:
    """The lens without its distortion, which a pinhole has none of."""
    return rr.Pinhole(
        image_from_camera=lens.matrix,
        resolution=(lens.width, lens.height),
        camera_xyz=rr.ViewCoordinates.RDF,
        image_plane_distance=0.5,
    )


def _masks(rr: Any, scene: Scene) -> Logged:
    nobodys = scene.person_mask & (scene.instance_mask == 0)
    labels = np.where(nobodys, np.uint8(255), scene.instance_mask)
    people = [(k, label_of(scene, k - 1), color_of(p, k - 1)) for k, p in enumerate(scene.persons, 1)]
    classes = [(0, "background", (0, 0, 0, 0)), *people, (255, "nobody's pixels", _NOBODY)]
    yield f"{IMAGE}/instances", rr.AnnotationContext(classes)
    yield f"{IMAGE}/instances", rr.SegmentationImage(labels, opacity=0.5)
    if scene.part_mask is not None:
        yield f"{IMAGE}/parts", rr.SegmentationImage(scene.part_mask, opacity=0.5)
    if scene.confidence is not None:
        yield f"{IMAGE}/confidence", rr.Image(scene.confidence, "L", opacity=0.5)


def _people(rr: Any, scene: Scene) -> Logged:
    boxed = [(k, p) for k, p in enumerate(scene.persons) if p.box[2] > p.box[0] and p.box[3] > p.box[1]]
    yield (
        f"{IMAGE}/boxes",
        rr.Boxes2D(
            array=np.array([person.box for _, person in boxed], np.float32).reshape(-1, 4),
            array_format=rr.Box2DFormat.XYXY,
            labels=[label_of(scene, k) for k, _ in boxed],
            colors=[color_of(person, k) for k, person in boxed],
        ),
    )
    yield (
        f"{IMAGE}/faces",
        rr.Boxes2D(
            array=np.array([face.box for face in scene.faces], np.float32).reshape(-1, 4),
            array_format=rr.Box2DFormat.XYXY,
            labels=[f"face {face.score:.2f}" for face in scene.faces],
            colors=[(255, 255, 255)] * len(scene.faces),
        ),
    )
    points = [person.keypoints for person in scene.persons]
    joints, bones, of_joint, of_bone = _skeletons(scene, points, 2)
    yield f"{IMAGE}/keypoints", rr.Points2D(joints, colors=of_joint, radii=rr.components.Radius.ui_points(3))
    yield f"{IMAGE}/bones", rr.LineStrips2D(bones, colors=of_bone)


def _places(rr: Any, sight: Sight) -> Logged:
    scene = sight.scene
    placed = [(k, one) for k, one in enumerate(sight.placed) if one.is_placed]
    colors = [color_of(scene.persons[k], k) for k, _ in placed]
    yield (
        "people/positions",
        rr.Points3D(
            np.array([one.position for _, one in placed]).reshape(-1, 3),
            labels=[f"{label_of(scene, k, score=False)}: {one.distance:.2f} m" for k, one in placed],
            colors=colors,
            radii=0.05,
        ),
    )
    boxed = [(k, one) for k, one in placed if np.isfinite(one.size).all() and np.isfinite(one.center).all()]
    yield (
        "people/boxes",
        rr.Boxes3D(
            centers=np.array([one.center for _, one in boxed]).reshape(-1, 3),
            sizes=np.array([one.size for _, one in boxed]).reshape(-1, 3),
            colors=[color_of(scene.persons[k], k) for k, _ in boxed],
        ),
    )
    none = np.zeros((0, 4), np.float32)
    known = {k: one.keypoints for k, one in placed}
    joints, bones, of_joint, of_bone = _skeletons(
        scene, [known.get(k, none) for k in range(len(scene.persons))], 3
    )
    yield "people/keypoints", rr.Points3D(joints, colors=of_joint, radii=0.025)
    yield "people/bones", rr.LineStrips3D(bones, colors=of_bone)


def _skeletons(
    scene: Scene, points: Sequence[_Points], size: int
) -> tuple[_Points, list[_Points], list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """Joints (N, size) and bones, each (2, size), of everybody, and the colours of both.

    Args:
        scene: Whose people.
        points: Of each person, (K, size + 1), the last of it a score; or nothing.
        size: How many coordinates a point has.
    """
    row = {name: k for k, name in enumerate(scene.keypoint_names)}
    pairs = [(row[a], row[b]) for a, b in SKELETON if a in row and b in row]
    joints, bones, of_joint, of_bone = [np.zeros((0, size))], [], [], []
    for k, (person, own) in enumerate(zip(scene.persons, points, strict=True)):
        if not len(own) or not person.has_pose:
            continue
        shown = (own[:, -1] >= _LEAST_SCORE) & np.isfinite(own).all(axis=1)
        joints.append(own[shown, :size])
        of_joint += [color_of(person, k)] * int(shown.sum())
        mine = [own[[a, b], :size] for a, b in pairs if shown[a] and shown[b]]
        bones += mine
        of_bone += [color_of(person, k)] * len(mine)
    return np.concatenate(joints), bones, of_joint, of_bone


def color_of(person: Person, index: int) -> tuple[int, int, int]:
    """The colour of a person, which follows the track."""
    return person_color(index if person.track_id is None else person.track_id)


def label_of(scene: Scene, index: int, *, score: bool = True) -> str:
    """What a person is called: by the track, or where there is none by the number in the image."""
    person = scene.persons[index]
    name = f"person {index + 1}" if person.track_id is None else f"id {person.track_id}"
    return f"{name} {person.score:.2f}" if score else name
