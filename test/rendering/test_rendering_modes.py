import itertools
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from bodypix_ros import rendering
from bodypix_ros.anatomy import KEYPOINTS, PARTS
from bodypix_ros.errors import ImageError, OptionError
from bodypix_ros.rendering import MODES, Mode, Style
from bodypix_ros.scene import Person, Scene
from support.fake import people_picture, scene_of

PRIVACY = [name for name, mode in MODES.items() if mode.privacy]
OTHERS = [name for name in MODES if name not in PRIVACY]


@pytest.fixture
def image():
    picture = people_picture(240, 320)
    noise = np.random.default_rng(0).integers(-20, 20, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def scene(image):
    return scene_of(people_picture(240, 320))


def face_scene(size, top, left, side):
    parts = np.zeros(size, np.uint8)
    parts[top : top + side, left : left + side] = 1  # the left half of a face
    person = Person(0.9, (left, top, left + side, top + side), np.zeros((0, 3), np.float32))
    return Scene(parts > 0, (parts > 0).astype(np.uint8), parts, None, (person,), ())


def noise(height, width):
    return np.random.default_rng(1).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("mode", rendering.MODES)
class TestEveryMode:
    @pytest.mark.parametrize("channels", [3, 4])
    @pytest.mark.parametrize("bgr", [False, True])
    def test_gives_a_new_picture(self, mode, channels, bgr, image, scene):
        if channels == 4:
            image = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
        image.flags.writeable = False
        before = image.copy()
        out = rendering.draw(image, scene, mode, Style(hide=("all",)), bgr=bgr)
        assert (out.dtype, out.shape) == (np.uint8, image.shape)
        assert (out != image).any()
        assert np.array_equal(image, before)
        assert not np.shares_memory(out, image)
        assert channels == 3 or (out[..., 3] == 255).all()

    def test_orders_of_colours_agree(self, mode, image, scene):
        rgb = rendering.draw(np.ascontiguousarray(image[..., ::-1]), scene, mode)
        assert np.array_equal(rendering.draw(image, scene, mode, bgr=True), rgb[..., ::-1])

    def test_nobody(self, mode, image):
        scene = scene_of(people_picture(240, 320, 0))
        out = rendering.draw(image, scene, mode)
        if mode == "mask":
            assert np.abs(out - image / 2.0).max() <= 1
        elif mode == "bokeh":
            assert cv2.Laplacian(out, cv2.CV_64F).std() < cv2.Laplacian(image, cv2.CV_64F).std() / 10
        else:
            assert np.array_equal(out, image)

    def test_flip_mirrors_the_picture(self, mode, image, scene):
        if mode in ("instances", "skeleton"):
            return  # writes; see below
        out = rendering.draw(image, scene, mode, Style(flip=True))
        plain = rendering.draw(image, scene, mode)[:, ::-1]
        assert np.abs(out.astype(int) - plain).mean() < 1

    @pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (7, 5)])
    def test_tiny_pictures(self, mode, size):
        image = np.full((*size, 3), 99, np.uint8)
        scene = Scene(
            np.ones(size, bool), np.ones(size, np.uint8), np.ones(size, np.uint8), None, (), KEYPOINTS
        )
        assert rendering.draw(image, scene, mode).shape == image.shape


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"opacity": 1.5}, "opacity is 1.5, but must be a number from 0.0 to 1.0"),
        ({"min_keypoint_score": -1}, "min_keypoint_score is -1, but must be a number from 0.0 to 1.0"),
        ({"blur": 21}, "blur is 21, but must be a number from 0.0 to 20.0"),
        ({"edge_blur": float("nan")}, "edge_blur is nan"),
        ({"pixel_size": 0}, "pixel_size is 0, but must be a number from 1.0"),
        ({"flip": 1}, "flip is 1, but must be True or False"),
        ({"hide": ("24",)}, "whole numbers in 0..23"),
        ({"hide": ("beard",)}, "no part is called 'beard'"),
        ({"hide": ()}, "hide is empty"),
        ({"hide": "face"}, "hide is 'face', but must be a list of names"),
        ({"hide": (0,)}, "hide is (0,), but must be a list of names"),
    ],
)
def test_a_bad_option_is_named(change, message):
    with pytest.raises(OptionError, match=re.escape(message)) as failure:
        Style(**change)
    assert [failure.value.option] == list(change)


def test_a_mode_that_is_added_to_the_table_is_drawn(monkeypatch, image, scene):
    def negative(image, scene, style, bgr):
        return np.where(scene.person_mask[..., None], 255 - image, np.uint8(255 * style.opacity))

    monkeypatch.setitem(MODES, "negative", Mode("people in negative", ("person_mask",), negative, True))
    out = rendering.draw(image, scene, "negative", Style(opacity=0.2, flip=True))
    people = scene.person_mask[:, ::-1]
    assert np.array_equal(out[people], 255 - image[:, ::-1][people])
    assert (out[~people] == 51).all()
    monkeypatch.setitem(MODES, "negative", replace(MODES["negative"], needs=("confidence",)))
    assert rendering.draw(image, scene, "negative") is None


def test_layers_are_painted_in_the_order_of_their_table(image, scene):
    expected = rendering.draw_parts(image, scene, 0.8, bgr=True)
    expected = rendering.draw_poses(rendering.draw_boxes(expected, scene, bgr=True), scene, 0.9, bgr=True)
    style = Style(opacity=0.8, min_keypoint_score=0.9)
    for layers in itertools.permutations(("poses", "parts", "boxes")):
        assert np.array_equal(rendering.overlay(image, scene, layers, style, bgr=True), expected)
    assert rendering.overlay(image, scene, ()) is image
    with pytest.raises(OptionError, match="layers must be of parts, instances, boxes, poses, legend, not 'h"):
        rendering.overlay(image, scene, ("parts", "hats"))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"image": None}, ImageError, "image must be a uint8 array, not NoneType"),
        ({"image": np.zeros((240, 320), np.uint8)}, ImageError, "makes one of a grey image"),
        ({"image": np.zeros((9, 9, 3), np.uint8)}, ImageError, "give the image that was segmented"),
        ({"scene": None}, OptionError, "scene must be a Scene, as segment gives it, not NoneType"),
        ({"scene": {}}, OptionError, "scene must be a Scene, as segment gives it, not dict"),
        ({"mode": ["parts"]}, OptionError, "mode must be one of"),
        ({"style": 3}, OptionError, "style must be a rendering.Style, not 3"),
    ],
)
def test_what_cannot_be_drawn_is_an_error_of_ours(image, scene, change, error, message):
    with pytest.raises(error, match=re.escape(message)):
        rendering.draw(**{"image": image, "scene": scene, **change})


def test_unknown_modes_are_named(image, scene):
    with pytest.raises(ValueError, match=r"mode must be one of parts, .*, not 'hats'"):
        rendering.draw(image, scene, "hats")


@pytest.mark.parametrize("mode", ["instances", "skeleton"])
def test_text_stays_readable_in_mirrored_pictures(mode, image, scene):
    """Flipping draws the mirrored Scene on the mirrored image; drawing again mirrored is another picture."""
    mirrored = scene_of(np.ascontiguousarray(people_picture(240, 320)[:, ::-1]))
    persons = []
    for person, other in zip(reversed(mirrored.persons), scene.persons, strict=True):
        keypoints = other.keypoints.copy()
        keypoints[:, 0] = 319 - keypoints[:, 0]
        persons.append(replace(person, keypoints=keypoints))
    labels = np.ascontiguousarray(scene.instance_mask[:, ::-1])
    mirrored = replace(mirrored, persons=tuple(persons), instance_mask=labels)
    expected = rendering.draw(np.ascontiguousarray(image[:, ::-1]), mirrored, mode)
    assert np.array_equal(rendering.draw(image, scene, mode, Style(flip=True)), expected)
    assert not np.array_equal(expected, rendering.draw(image, scene, mode)[:, ::-1])


@pytest.mark.parametrize("mode", OTHERS)
def test_what_is_missing_is_not_drawn(mode, image, scene):
    masks_only = replace(scene, persons=(), part_mask=None)
    out = rendering.draw(image, masks_only, mode)
    assert (out != image).any() == (mode != "skeleton")
    empty = np.zeros_like(scene.instance_mask)
    keypoints_only = replace(scene, part_mask=None, instance_mask=empty, person_mask=empty > 0)
    out = rendering.draw(image, keypoints_only, mode)
    assert (out != image).any() == (mode in ("skeleton", "mask", "bokeh", "parts", "instances"))


def test_mask_and_bokeh_have_no_seam_at_the_rim():
    image = np.full((60, 80, 3), 200, np.uint8)
    scene = scene_of(people_picture(60, 80, 0))
    assert (np.abs(rendering.draw(image, scene, "mask").astype(int) - 100) <= 1).all()
    everyone = replace(scene, person_mask=np.ones((60, 80), bool))
    picture = noise(60, 80)
    for mode in ("mask", "bokeh"):
        assert np.array_equal(rendering.draw(picture, everyone, mode, Style(edge_blur=10)), picture)


def test_pixelated_leaves_the_background():
    image = noise(240, 320)
    scene = scene_of(people_picture(240, 320))
    out = rendering.draw(image, scene, "pixelated")
    far = cv2.dilate(scene.person_mask.view(np.uint8), np.ones((23, 23))) == 0
    assert np.array_equal(out[far], image[far])
    assert (out != image).any(axis=2)[scene.person_mask].mean() > 0.8


@pytest.mark.parametrize("mode", PRIVACY)
class TestPrivacy:
    def test_without_parts_nothing_is_shown(self, mode, image, scene):
        assert rendering.draw(image, replace(scene, part_mask=None), mode) is None

    @pytest.mark.parametrize("edge_blur", [0, 3, 8])
    @pytest.mark.parametrize(("top", "left"), [(0, 0), (90, 130), (200, 280), (3, 150)])
    def test_of_the_face_nothing_is_left_and_of_the_rest_all(self, mode, edge_blur, top, left):
        side = 40
        scene = face_scene((240, 320), top, left, side)
        black, white = (np.full((240, 320, 3), value, np.uint8) for value in (0, 255))
        picture = noise(240, 320)
        inside = scene.person_mask
        out = rendering.draw(picture, scene, mode, Style(edge_blur=edge_blur))
        # Noise of 0..255 with a standard deviation of 74 averages out.
        assert out[inside].std() < 12
        near = 6 * edge_blur + 2 + 10 * (mode == "pixelate_parts")
        far = cv2.dilate(inside.view(np.uint8), np.ones((2 * near + 1, 2 * near + 1))) == 0
        assert np.array_equal(out[far], picture[far])
        for plain in (black, white):
            assert np.array_equal(rendering.draw(plain, scene, mode, Style(edge_blur=edge_blur)), plain)

    def test_detail_of_large_faces_is_hidden_too(self, mode):
        """Stripes a quarter of the face wide, which sigma 10 or cells of 10 px would leave."""
        side = 400
        scene = face_scene((480, 640), 40, 120, side)
        stripes = np.zeros((480, 640, 3), np.uint8)
        stripes[:, (np.arange(640) // 20) % 2 > 0] = 255
        out = rendering.draw(stripes, scene, mode)[140:340, 220:420]
        assert out.std() < 0.35 * stripes.std()

    def test_chosen_parts(self, mode):
        scene = face_scene((240, 320), 100, 100, 40)
        picture = noise(240, 320)
        assert np.array_equal(rendering.draw(picture, scene, mode, Style(hide=("5",))), picture)
        assert not np.array_equal(rendering.draw(picture, scene, mode, Style(hide=("5", "0"))), picture)


class TestPartIdsOf:
    @pytest.mark.parametrize(
        ("names", "ids"),
        [
            (["face"], (0, 1)),
            (["left_face", "3"], (0, 3)),
            (["hand", "foot"], (10, 11, 22, 23)),
            (["left_upper_arm"], (2, 3)),
            (["lower_arm_back", "face"], (0, 1, 7, 9)),
            (["all"], tuple(range(24))),
            ([], ()),
        ],
    )
    def test_names(self, names, ids):
        assert rendering.part_ids_of(names) == ids

    def test_every_part_by_its_name(self):
        assert [rendering.part_ids_of([part]) for part in PARTS] == [(i,) for i in range(24)]

    @pytest.mark.parametrize("name", ["nose", "fac", "", "left_arm", "_"])
    def test_unknown_names_teach(self, name):
        with pytest.raises(ValueError, match=r"no part is called .* words of .*upper such as face"):
            rendering.part_ids_of([name])

    def test_ids_have_a_range(self):
        with pytest.raises(ValueError, match=r"a part id must be whole numbers in 0\.\.23, not 24"):
            rendering.part_ids_of(["24"])


class TestContactSheet:
    def test_shows_the_image_in_every_mode(self, image, scene):
        sheet = rendering.contact_sheet(image, scene, columns=3, width=160, bgr=True)
        rows = -(-(len(rendering.MODES) + 1) // 3)
        assert sheet.shape[1] == 3 * 166 + 6
        assert sheet.shape[0] >= rows * 120
        small = cv2.resize(image, (160, 120), interpolation=cv2.INTER_AREA)
        assert np.array_equal(sheet[30:150, 6:166], small)
        tiles = [
            sheet[30 + r * 150 : 150 + r * 150, 6 + c * 166 : 166 + c * 166]
            for r in range(3)
            for c in range(3)
        ]
        assert len({tile.tobytes() for tile in tiles}) == 9

    def test_needs_parts(self, image, scene):
        with pytest.raises(ValueError, match="part_mask is None"):
            rendering.contact_sheet(image, replace(scene, part_mask=None))
