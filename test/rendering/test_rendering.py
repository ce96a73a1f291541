from dataclasses import replace

import numpy as np
import pytest

from bodypix_ros import rendering
from bodypix_ros.anatomy import KEYPOINTS, PART_COLORS, PARTS, PERSON_COLORS, RAINBOW
from bodypix_ros.scene import Person, Scene
from support.fake import people_picture, scene_of
from support.hands import hand_of, points_of

DRAWINGS = (
    rendering.draw_instances,
    rendering.draw_parts,
    rendering.draw_poses,
    rendering.draw_boxes,
    rendering.draw_outlines,
)


@pytest.fixture
def image():
    return people_picture()


@pytest.fixture
def scene(image):
    return scene_of(image)


def drawn(before, after):
    return (before != after).any(axis=-1)


@pytest.mark.parametrize("draw", DRAWINGS)
@pytest.mark.parametrize("channels", [3, 4])
def test_gives_a_new_picture_and_leaves_the_image_alone(draw, channels, image, scene):
    if channels == 4:
        image = np.dstack([image, np.full(image.shape[:2], 99, np.uint8)])
    image.flags.writeable = False
    before = image.copy()
    out = draw(image, scene)
    assert np.array_equal(image, before)
    assert (out.dtype, out.shape) == (np.uint8, image.shape)
    assert drawn(image, out).any()
    assert not np.shares_memory(image, out)


@pytest.mark.parametrize("draw", DRAWINGS)
def test_takes_views(draw, image, scene):
    wide = np.zeros((image.shape[0], 2 * image.shape[1], 3), np.uint8)
    wide[:, ::2] = image
    assert np.array_equal(draw(wide[:, ::2], scene), draw(image, scene))


@pytest.mark.parametrize("draw", DRAWINGS)
def test_colours_are_those_of_rgb_and_bgr(draw, image, scene):
    rgb = draw(np.ascontiguousarray(image[..., ::-1]), scene)
    assert np.array_equal(draw(image, scene, bgr=True), rgb[..., ::-1])


@pytest.mark.parametrize("draw", [rendering.draw_instances, rendering.draw_parts])
def test_tint_changes_people_alone_and_all_of_them(draw, image, scene):
    changed = drawn(image, draw(image, scene, 1.0))
    assert np.array_equal(changed, scene.person_mask)


def test_instances_have_their_colours_mixed_in(image, scene):
    out = rendering.draw_instances(image, scene, 0.25)
    for k, person in enumerate(scene.persons):
        x0, y0, x1, y1 = person.box
        expected = 0.75 * image[y0, x0] + 0.25 * np.array(PERSON_COLORS[k])
        assert np.abs(out[y0:y1, x0:x1] - expected).max() <= 1


def test_colour_follows_the_track(image, scene):
    swapped = replace(
        scene, persons=tuple(replace(p, track_id=i) for p, i in zip(scene.persons, (11, 10), strict=True))
    )
    out = rendering.draw_instances(image, swapped, 1.0)
    x0, y0, _, _ = scene.persons[0].box
    assert tuple(out[y0, x0]) == PERSON_COLORS[1]


def test_people_that_are_no_persons_are_grey(image, scene):
    alone = replace(scene, persons=(), instance_mask=np.zeros_like(scene.instance_mask))
    out = rendering.draw_instances(image, alone, 1.0)
    assert (out[scene.person_mask] == rendering.NOBODY_KNOWN).all()
    assert np.array_equal(drawn(image, out), scene.person_mask)


def test_nobody_changes_nothing():
    image = people_picture(people=0)
    for draw in DRAWINGS:
        assert np.array_equal(draw(image, scene_of(image)), image)


def test_keypoints_below_the_score_are_left_out(image, scene):
    everything = rendering.draw_poses(image, scene, 0.0)
    confident = rendering.draw_poses(image, scene, 0.3)
    x, y = np.rint(scene.persons[0].keypoints[16, :2]).astype(int)  # scores 0.2
    assert (everything[y, x] == PERSON_COLORS[0]).all()
    assert (confident[y, x] != PERSON_COLORS[0]).any()
    assert np.array_equal(rendering.draw_poses(image, replace(scene, persons=()), 0.0), image)


def test_bones_connect_keypoints_of_their_names(image):
    keypoints = np.zeros((2, 3), np.float32)
    keypoints[:] = (20, 60, 1), (140, 60, 1)
    nobody = scene_of(people_picture(people=0))
    person = Person(0.9, (0, 0, 0, 0), keypoints)
    shoulders = replace(nobody, persons=(person,), keypoint_names=("right_shoulder", "left_shoulder"))
    ears = replace(shoulders, keypoint_names=("right_ear", "left_ear"))
    grey = people_picture(people=0)
    assert drawn(grey, rendering.draw_poses(grey, shoulders))[60, 80]
    assert not drawn(grey, rendering.draw_poses(grey, ears))[60, 80]


def test_hands_are_drawn_in_their_persons_colour(image, scene):
    points = points_of(40, 45, 200)
    person = replace(scene.persons[0], hands=(hand_of(points),))
    scene = replace(scene, persons=(person, *scene.persons[1:]))
    drawn = rendering.draw_hands(image, scene)
    color = PERSON_COLORS[0 if person.track_id is None else person.track_id]
    for x, y in points[[4, 8, 12, 16, 20]].round().astype(int):  # the tips
        assert drawn[y, x, :3].tolist() == list(color)
    changed = np.argwhere((drawn != image).any(axis=2))
    low, high = points.min(axis=0) - 6, points.max(axis=0) + 6
    assert (changed[:, ::-1] >= low).all()
    assert (changed[:, ::-1] <= high).all()
    without = rendering.draw_poses(image, replace(scene, persons=()))
    assert np.array_equal(without, image)
    assert not np.array_equal(rendering.draw_poses(image, replace(scene, keypoint_names=())), image)


def test_wild_keypoints_do_no_harm(image):
    keypoints = np.full((17, 3), 0.9, np.float32)
    keypoints[:, :2] = np.linspace(-1e9, 1e9, 34).reshape(17, 2)
    keypoints[5] = np.nan
    keypoints[6, 0] = np.inf
    scene = replace(scene_of(image), persons=(Person(0.9, (0, 0, 10, 10), keypoints),))
    assert rendering.draw_poses(image, scene).shape == image.shape


def test_scores_are_written_above_people(image, scene):
    plain = rendering.draw_poses(image, scene)
    out = rendering.draw_poses(image, scene, scores=True)
    rows = np.flatnonzero(drawn(plain, out).any(axis=1))
    assert rows.size
    assert rows.max() <= min(person.box[1] for person in scene.persons)
    assert np.array_equal(plain, rendering.draw_poses(image, scene, scores=False))


def test_persons_without_keypoints(image, scene):
    persons = tuple(replace(p, keypoints=np.zeros((0, 3), np.float32)) for p in scene.persons)
    selfie = replace(scene, persons=persons, keypoint_names=())
    assert np.array_equal(rendering.draw_poses(image, selfie), image)


def test_a_person_without_a_pose_has_a_colour_and_no_skeleton(image, scene):
    first, second = scene.persons
    half = replace(scene, persons=(first, replace(second, keypoints=np.zeros((17, 3), np.float32))))
    alone = replace(scene, persons=(first,))
    for least in (0.0, 0.3):
        shown = rendering.draw_poses(image, half, least, scores=True)
        assert np.array_equal(shown, rendering.draw_poses(image, alone, least, scores=True))
    assert np.array_equal(rendering.draw_instances(image, half), rendering.draw_instances(image, scene))


def test_boxes_enclose_people_and_labels_grow_with_the_picture():
    def label_height(size):
        image = people_picture(size, size, 1)
        scene = scene_of(image)
        out = rendering.draw_boxes(image, scene)
        x0, y0, x1, y1 = scene.persons[0].box
        assert (out[y1 - 1, x0:x1] == PERSON_COLORS[0]).all()
        return y0 - int(np.nonzero(drawn(image, out).any(axis=1))[0].min())

    assert label_height(1200) > 1.8 * label_height(480) > 0


def test_label_of_somebody_at_the_top_is_inside_the_picture(image, scene):
    top = replace(scene, persons=(replace(scene.persons[0], box=(0, 0, 40, 40)),))
    assert drawn(image, rendering.draw_boxes(image, top))[:20].any()


def test_masks_without_persons_have_the_colours_too(image, scene):
    out = rendering.draw_instances(image, replace(scene, persons=()), 1.0)
    assert np.array_equal(out, rendering.draw_instances(image, scene, 1.0))


def test_nobodys_pixels_are_grey_and_called_so(image, scene):
    people = scene.person_mask.copy()
    people[100:118, 60:100] = True
    half = replace(scene, person_mask=people)
    nobodys = people & (scene.instance_mask == 0)
    out = rendering.draw_instances(image, half, 1.0)
    assert (out[nobodys] == rendering.NOBODY_KNOWN).all()
    assert np.array_equal(out[~nobodys], rendering.draw_instances(image, scene, 1.0)[~nobodys])
    told = drawn(rendering.draw_boxes(image, scene), rendering.draw_boxes(image, half))
    assert told.any()
    rows, columns = np.nonzero(told)
    assert rows.max() <= 100 <= rows.max() + 3, "just above the piece"
    assert columns.min() in range(50, 61)
    speck = scene.person_mask.copy()
    speck[110:113, 60:63] = True
    small = replace(scene, person_mask=speck)
    assert np.array_equal(rendering.draw_boxes(image, small), rendering.draw_boxes(image, scene))


@pytest.mark.parametrize("ground", [0, 60, 255])
def test_outlines_show_on_any_ground(ground):
    image = np.full((480, 640, 3), ground, np.uint8)
    scene = scene_of(people_picture(480, 640, 2))
    out = rendering.draw_outlines(image, scene)
    assert np.abs(out.astype(int) - ground).max() >= 190
    assert np.array_equal(out[scene.person_mask], image[scene.person_mask])
    for person in scene.persons:
        x0, y0, x1, _ = person.box
        assert (out[y0 - 1, x0:x1] == 255).all()
        assert (out[y0 - 2, x0:x1] == 0).all()
        assert (out[y0 - 4, x0:x1] == ground).all()


def test_the_mask_shows_on_a_dark_picture():
    image, scene = np.full((480, 640, 3), 4, np.uint8), scene_of(people_picture(480, 640, 2))
    out = rendering.draw(image, scene, "mask")
    assert (out == 255).any()
    assert out[scene.person_mask].max() == 4


class TestPartColors:
    """What can be told apart, by the difference of colours that eyes see: CIEDE2000."""

    @pytest.fixture
    def difference(self):
        color = pytest.importorskip("skimage.color")

        def measure(colors, seen=((1, 0, 0), (0, 1, 0), (0, 0, 1))):
            linear = (np.array(colors) / 255) ** 2.2 @ np.transpose(seen)
            lab = color.rgb2lab((np.clip(linear, 0, 1) ** (1 / 2.2))[None])[0]
            return color.deltaE_ciede2000(lab[:, None], lab[None])

        return measure

    @staticmethod
    def pairs(first, second):
        ids = {name: k for k, name in enumerate(PARTS)}
        return [(ids[name], ids[name.replace(first, second)]) for name in PARTS if first in name]

    def test_left_and_right_front_and_back_differ(self, difference):
        found = difference(PART_COLORS)
        both = self.pairs("left_", "right_") + self.pairs("_front", "_back")
        assert len(both) == 11 + 9
        assert min(found[a, b] for a, b in both) > 20
        assert min(difference(RAINBOW)[a, b] for a, b in both) < 10, "which is why there are others"

    def test_left_and_right_differ_to_the_colour_blind(self, difference):
        # Deuteranopia: Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color
        # Vision Deficiency, 2009.
        seen = [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ]
        found = difference(PART_COLORS, seen)
        assert min(found[a, b] for a, b in self.pairs("left_", "right_")) > 15

    def test_no_two_are_alike(self, difference):
        found = difference(PART_COLORS) + 1000 * np.eye(24)
        assert found.min() > 11
        assert len(PART_COLORS) == len(PARTS)

    def test_left_is_warm_and_right_is_cold(self):
        for name, (red, green, blue) in zip(PARTS, PART_COLORS, strict=True):
            assert not name.startswith("left") or red > blue
            assert not name.startswith("right") or max(green, blue) > red

    def test_the_originals_are_there_as_ever(self, image, scene):
        out = rendering.draw_parts(image, scene, 1.0, RAINBOW)
        assert (out[scene.part_mask == 4] == RAINBOW[3]).all()
        assert (rendering.draw_parts(image, scene, 1.0)[scene.part_mask == 4] == PART_COLORS[3]).all()


class TestLegend:
    @staticmethod
    def scene(size, *boxes):
        """People with all parts in some boxes, x0, y0, x1, y1."""
        parts = np.zeros(size, np.uint8)
        for x0, y0, x1, y1 in boxes:
            parts[y0:y1, x0:x1] = 1 + np.arange(x1 - x0) % 24
        return Scene(parts > 0, (parts > 0).view(np.uint8), parts, None, (), KEYPOINTS)

    def test_shows_the_colours_of_the_parts_that_are_seen(self):
        image = people_picture(480, 640, 0)
        parts = np.zeros((480, 640), np.uint8)
        parts[200:300, 500:600] = 4
        parts[300:400, 500:600] = 24
        scene = replace(scene_of(image), part_mask=parts, person_mask=parts > 0)
        out = rendering.draw_legend(image, scene)
        shown = {tuple(color) for color in out.reshape(-1, 3).tolist()}
        assert {PART_COLORS[3], PART_COLORS[23]} <= shown
        assert not shown & {color for color in PART_COLORS[4:23] if len(set(color)) > 1}  # letters have greys
        assert drawn(image, out)[0, 0], "there is room in the first corner"

    @pytest.mark.parametrize(
        "boxes",
        [
            [(0, 0, 320, 480)],
            [(320, 0, 640, 480)],
            [(0, 0, 640, 240)],
            [(0, 200, 640, 480)],
            [(200, 0, 440, 480)],
            [(0, 0, 30, 30), (610, 0, 640, 30), (0, 450, 30, 480), (610, 450, 640, 480)],
        ],
    )
    def test_covers_nobody_wherever_people_are(self, boxes):
        image = np.full((480, 640, 3), 200, np.uint8)
        scene = self.scene((480, 640), *boxes)
        changed = drawn(image, rendering.draw_legend(image, scene))
        assert changed.any()
        assert not (changed & scene.person_mask).any()
        shown = {tuple(color) for color in rendering.draw_legend(image, scene).reshape(-1, 3).tolist()}
        assert set(PART_COLORS) <= shown

    def test_is_left_out_where_people_leave_no_room(self):
        image = np.full((480, 640, 3), 200, np.uint8)
        scene = self.scene((480, 640), (40, 20, 600, 480))
        assert np.array_equal(rendering.draw_legend(image, scene), image)

    @pytest.mark.parametrize("bgr", [False, True])
    @pytest.mark.parametrize("channels", [3, 4])
    def test_gives_a_new_picture_in_its_order(self, channels, bgr):
        image = np.full((480, 640, channels), 99, np.uint8)
        image.flags.writeable = False
        out = rendering.draw_legend(image, self.scene((480, 640), (320, 0, 640, 480)), bgr=bgr)
        assert (out.shape, out.dtype) == (image.shape, np.uint8)
        shown = {tuple(color) for color in out[..., :3].reshape(-1, 3).tolist()}
        assert PART_COLORS[0][:: -1 if bgr else 1] in shown

    @pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (2000, 1500)])
    def test_any_size(self, size):
        image = np.zeros((*size, 3), np.uint8)
        parts = (np.arange(size[0] * size[1]).reshape(size) % 25).astype(np.uint8)
        scene = Scene(parts > 0, (parts > 0).view(np.uint8), parts, None, (), KEYPOINTS)
        assert rendering.draw_legend(image, scene).shape == image.shape

    def test_nothing_to_name(self, image, scene):
        for empty in (replace(scene, part_mask=None), replace(scene, part_mask=scene.part_mask * 0)):
            assert np.array_equal(rendering.draw_legend(image, empty), image)


def test_many_people_have_the_colours_in_turn():
    labels = np.arange(1, 255, dtype=np.uint8).reshape(2, 127)
    persons = tuple(Person(0.5, (0, 0, 0, 0), np.zeros((17, 3), np.float32)) for _ in range(254))
    scene = Scene(labels > 0, labels, None, None, persons, KEYPOINTS)
    out = rendering.draw_instances(np.zeros((2, 127, 3), np.uint8), scene, 1.0)
    assert tuple(out[1, 126]) == PERSON_COLORS[253 % 10]


class TestColoredPartMask:
    def test_ids_and_labels_mean_the_same(self):
        ids = np.arange(-1, 24, dtype=np.int8).reshape(5, 5)
        labels = (ids + 1).astype(np.uint8)
        out = rendering.to_colored_part_mask(ids)
        assert np.array_equal(out, rendering.to_colored_part_mask(labels))
        assert (out.shape, out.dtype) == ((5, 5, 4), np.uint8)
        assert tuple(out[0, 0]) == (255, 255, 255, 255)
        assert [tuple(c) for c in out.reshape(-1, 4)[1:]] == [(*color, 255) for color in RAINBOW]

    def test_own_colours(self):
        colors = [(k, 0, 0) for k in range(24)]
        assert tuple(rendering.to_colored_part_mask(np.array([[23]], np.int32), colors)[0, 0]) == (
            23,
            0,
            0,
            255,
        )

    @pytest.mark.parametrize(
        ("mask", "message"),
        [
            (np.zeros((2, 2), np.float32), r"part_mask must be integers"),
            (np.zeros((2, 2, 3), np.int8), r"part_mask must be integers \(H, W\)"),
            (np.full((2, 2), 24, np.int8), r"must hold -1\.\.23, not 24\.\.24"),
            (np.full((2, 2), 25, np.uint8), r"must hold 0\.\.24, not 25\.\.25"),
        ],
    )
    def test_bad_masks_are_refused(self, mask, message):
        with pytest.raises(ValueError, match=message):
            rendering.to_colored_part_mask(mask)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a[0].astype(np.float32), "image must be a uint8 array, not float32"),
        (lambda a: a[..., 0], r"image must be \(H, W, 3\)"),
        (lambda a: a[:-1], r"image is \(119, 160\) but the scene is \(120, 160\)"),
    ],
)
@pytest.mark.parametrize("draw", DRAWINGS)
def test_bad_images_are_named(draw, change, message, image, scene):
    with pytest.raises(ValueError, match=message):
        draw(change(image), scene)


def test_bad_arguments_are_named(image, scene):
    with pytest.raises(ValueError, match=r"opacity must be in 0\.\.1, not 1\.5"):
        rendering.draw_instances(image, scene, 1.5)
    with pytest.raises(ValueError, match=r"min_keypoint_score must be in 0\.\.1, not -1"):
        rendering.draw_poses(image, scene, -1)
    with pytest.raises(ValueError, match="part_mask is None: use a model with parts"):
        rendering.draw_parts(image, replace(scene, part_mask=None))
    with pytest.raises(ValueError, match="colors must be 24 times"):
        rendering.draw_parts(image, scene, colors=RAINBOW[:23])


def test_labels_have_the_colours_of_their_persons_and_parts():
    labels = np.array([[0, 1, 2], [len(PERSON_COLORS) + 1, 24, 255]], np.uint8)
    persons = rendering.draw_labels(labels, "instance_mask")
    assert (persons.shape, persons.dtype) == ((2, 3, 3), np.uint8)
    expected = [(0, 0, 0), PERSON_COLORS[0], PERSON_COLORS[1], PERSON_COLORS[0]]
    assert [tuple(colour) for colour in persons.reshape(-1, 3)[:4].tolist()] == expected
    parts = rendering.draw_labels(labels, "part_mask").reshape(-1, 3).tolist()
    assert [tuple(parts[k]) for k in (0, 1, 2, 4)] == [
        (0, 0, 0),
        PART_COLORS[0],
        PART_COLORS[1],
        PART_COLORS[23],
    ]
    assert persons.any(axis=2).tolist() == (labels > 0).tolist()
