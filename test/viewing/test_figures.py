"""What is logged of a sight, with stand-ins for Rerun's classes; what Rerun makes of it: test_view.py."""

from types import SimpleNamespace

import numpy as np
import pytest

from bodypix_ros.anatomy import BLAZEPOSE_KEYPOINTS, KEYPOINTS, PARTS, PERSON_COLORS
from bodypix_ros.scene import Person, Scene
from bodypix_ros.space.lens import Lens
from bodypix_ros.viewing.figures import IMAGE, figures, standing
from bodypix_ros.viewing.sight import Sight, places
from support.scenes import scene as standing_people


class Recorded:
    """Whatever is asked of it is a class whose objects keep what they were given."""

    def __getattr__(self, name):
        def make(*given, **named):
            return SimpleNamespace(kind=name, given=given, **named)

        make.RDF, make.XYXY = "RDF", "XYXY"
        make.Radius = SimpleNamespace(ui_points=lambda size: size)
        return make


def logged(sight):
    """The figures by path; of a path that is logged twice the later one, and contexts apart."""
    found = {}
    for path, figure in figures(Recorded(), sight):
        found[f"{path} context" if figure.kind == "AnnotationContext" else path] = figure
    return found


def sight(scene, **more):
    return Sight("film.mp4", np.zeros((*scene.person_mask.shape, 3), np.uint8), scene, **more)


def test_masks_have_names_and_colours_of_their_persons():
    base = standing_people((10, 10, 40, 90), (60, 10, 90, 90), loose=[(100, 10, 120, 30)])
    first, second = base.persons
    tracked = Person(second.score, second.box, second.keypoints, track_id=7)
    found = logged(
        sight(Scene(base.person_mask, base.instance_mask, None, None, (first, tracked), KEYPOINTS))
    )
    (classes,) = found[f"{IMAGE}/instances context"].given
    named = {number: (label, color) for number, label, color in classes}
    assert named[1] == ("person 1 0.90", PERSON_COLORS[0])
    assert named[2] == ("id 7 0.90", PERSON_COLORS[7])
    assert named[255][0] == "nobody's pixels"
    (labels,) = found[f"{IMAGE}/instances"].given
    assert (labels[15, 15], labels[15, 65], labels[15, 105], labels[0, 0]) == (1, 2, 255, 0)
    assert f"{IMAGE}/parts" not in found
    boxes = found[f"{IMAGE}/boxes"]
    assert boxes.array.tolist() == [[10, 10, 40, 90], [60, 10, 90, 90]]
    assert boxes.labels == ["person 1 0.90", "id 7 0.90"]
    assert boxes.colors == [PERSON_COLORS[0], PERSON_COLORS[7]]


def test_every_part_has_its_name():
    ((_, context),) = [entry for entry in standing(Recorded()) if entry[0] == f"{IMAGE}/parts"]
    labels = {number: label for number, label, _ in context.given[0]}
    assert labels == {0: "nobody", **{k: part.replace("_", " ") for k, part in enumerate(PARTS, 1)}}


def test_bones_join_confident_keypoints_of_one_person():
    base = standing_people((10, 10, 40, 90), (60, 10, 90, 90), posed=(True, False))
    keypoints = base.persons[0].keypoints.copy()
    keypoints[KEYPOINTS.index("left_wrist"), 2] = 0.1
    one = Person(0.9, base.persons[0].box, keypoints)
    scene = Scene(base.person_mask, base.instance_mask, None, None, (one, base.persons[1]), KEYPOINTS)
    found = logged(sight(scene))
    assert len(found[f"{IMAGE}/keypoints"].given[0]) == 16
    bones = found[f"{IMAGE}/bones"]
    assert len(bones.given[0]) == 11
    assert bones.colors == [PERSON_COLORS[0]] * 11
    wrist = keypoints[KEYPOINTS.index("left_wrist"), :2]
    assert not any((end == wrist).all() for bone in bones.given[0] for end in bone)


def test_people_stand_where_the_depth_is():
    scene = standing_people((100, 60, 200, 220))
    depth = np.full(scene.person_mask.shape, 5.0, np.float32)
    depth[scene.person_mask] = 2.0
    depth[:10] = np.nan
    lens = Lens.from_fov(320, 240, 60)
    placed = places(scene, depth, lens)
    found = logged(sight(scene, lens=lens, depth=depth, placed=placed, stamp_s=3.0))
    (positions,) = found["people/positions"].given
    assert positions[0, 2] == pytest.approx(2, abs=0.02)
    assert found["people/positions"].labels == [f"person 1: {placed[0].distance:.2f} m"]
    assert found["people/boxes"].centers.shape == (1, 3)
    assert found["camera"].resolution == (320, 240)
    (shown,) = found["camera/depth"].given
    assert (shown[:10] == 0).all()
    assert (shown[10:] == depth[10:]).all()
    assert found["people/bones"].given[0]


def test_nothing_of_an_earlier_image_stays():
    full, empty = logged(sight(standing_people((10, 10, 40, 90)))), logged(sight(standing_people()))
    assert full.keys() == empty.keys()
    assert empty["counts/persons"].given == (0,)
    for path in ("boxes", "faces", "keypoints", "bones"):
        figure = empty[f"{IMAGE}/{path}"]
        assert not len(figure.given[0] if figure.given else figure.array)
    assert not empty["people/positions"].given[0].size


def test_places_need_depth_or_metres_and_a_lens():
    scene, lens = standing_people((10, 10, 40, 90)), Lens.from_fov(320, 240, 60)
    depth = np.full((240, 320), 3, np.float32)
    assert places(scene, depth, None) == ()
    assert places(scene, None, lens) == ()
    metric = Person(0.9, (10, 10, 40, 90), np.zeros((33, 3), np.float32), np.zeros((33, 4), np.float32))
    alone = Scene(scene.person_mask, scene.instance_mask, None, None, (metric,), BLAZEPOSE_KEYPOINTS)
    assert len(places(alone, None, lens)) == 1
