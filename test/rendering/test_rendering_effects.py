"""Masks and the effects drawn with them: known cases, and what holds for every picture."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodypix_ros import rendering
from bodypix_ros.anatomy import RAINBOW
from bodypix_ros.rendering.canvas import blur, blur_colors

HEIGHT, WIDTH = 60, 80
RED, CLEAR = (255, 0, 0, 255), (0, 0, 0, 0)


@pytest.fixture
def image():
    noise = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1)


@pytest.fixture
def person():
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[20:40, 30:60] = True
    return mask


@pytest.fixture
def parts(person):
    return np.where(person, 5, -1).astype(np.int8)


def with_alpha(image, alpha=255):
    return np.dstack([image, np.full(image.shape[:2], alpha, np.uint8)])


class TestToMask:
    def test_defaults_black_out_all_but_people(self, person):
        out = rendering.to_mask(person)
        assert (out.dtype, out.shape) == (np.uint8, (HEIGHT, WIDTH, 4))
        assert (out[person] == CLEAR).all()
        assert (out[~person] == (0, 0, 0, 255)).all()

    @pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.int64])
    def test_any_integers(self, person, dtype):
        assert np.array_equal(rendering.to_mask(person.astype(dtype)), rendering.to_mask(person))

    @pytest.mark.parametrize("dtype", [np.uint8, np.int16])
    def test_ids_and_three_channel_colours(self, dtype):
        labels = np.array([[0, 1, 2, 200]], dtype)
        out = rendering.to_mask(labels, (1, 2, 3), (4, 5, 6, 7), foreground_ids=(2, 200))
        assert out.tolist() == [[[4, 5, 6, 7], [4, 5, 6, 7], [1, 2, 3, 255], [1, 2, 3, 255]]]

    def test_minus_one_is_no_part(self):
        labels = np.array([[-1, 0, 3]], np.int8)
        assert rendering.to_mask(labels, RED, CLEAR, foreground_ids=(0, 255))[..., 3].tolist() == [
            [0, 255, 0]
        ]

    def test_sequence_is_the_union(self, person):
        left, right = person.copy(), person.copy()
        left[:, 45:] = False
        right[:, :40] = False
        assert np.array_equal(rendering.to_mask([left, right]), rendering.to_mask(person))
        assert rendering.to_mask([]) is None

    def test_contour_follows_each_person(self, person):
        one = rendering.to_mask([person], RED, CLEAR, True)
        outline = (one == (0, 255, 255, 255)).all(axis=2)
        around = cv2.morphologyEx(person.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((5, 5)))
        assert outline.any()
        assert not outline[around == 0].any()
        half = person.copy()
        half[:, 45:] = False
        two = (rendering.to_mask([half, person & ~half], RED, CLEAR, True) == (0, 255, 255, 255)).all(axis=2)
        assert two[25:35, 44:46].any()
        assert not outline[25:35, 44:46].any()

    @pytest.mark.parametrize("shape", [(1, 1), (2, 5), (1, 9)])
    def test_contour_of_tiny_pictures(self, shape):
        assert (rendering.to_mask(np.ones(shape, bool), RED, CLEAR, True) == RED).all()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((np.zeros((2, 2), np.float32),), r"segmentation must be bool or integers \(H, W\), not float32"),
            ((np.zeros((2, 2, 3), np.uint8),), r"segmentation must be .* not uint8 \(2, 2, 3\)"),
            ((np.zeros((0, 2), np.uint8),), r"segmentation must be"),
            (([np.zeros((2, 2), bool), np.zeros((2, 3), bool)],), "segmentation must be masks of one size"),
            (([[0, 1], [1, 0]],), "segmentation must be an array or a sequence of arrays"),
            ((np.zeros((2, 2), bool), (0, 0, 300)), r"foreground must be .* in 0\.\.255, not \(0, 0, 300\)"),
            ((np.zeros((2, 2), bool), RED, (1, 2)), r"background must be"),
            ((np.zeros((2, 2), bool), RED, RED, False, (1, 256)), r"foreground_ids must be .* not 256"),
            ((np.zeros((2, 2), bool), RED, RED, False, (0.5,)), r"foreground_ids must be whole numbers"),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            rendering.to_mask(*arguments)


class TestSuccessorMasks:
    confidence = np.array([[0, 127, 128, 255]], np.uint8)
    values = np.array([[3, 3, 3, 7]], np.uint8)

    def test_threshold(self):
        out = rendering.to_binary_mask(self.confidence, RED, CLEAR)
        assert out[..., 3].tolist() == [[0, 0, 255, 255]]
        assert rendering.to_binary_mask(self.confidence, RED, CLEAR, foreground_threshold=0)[..., 3].all()
        one = rendering.to_binary_mask(self.confidence, RED, CLEAR, foreground_threshold=1)
        assert one[..., 3].tolist() == [[0, 0, 0, 255]]

    def test_values(self):
        out = rendering.to_binary_mask(
            self.confidence, RED, CLEAR, mask_values=self.values, foreground_mask_values=[3]
        )
        assert out[..., 3].tolist() == [[0, 0, 255, 0]]

    def test_bool_is_certain(self, person):
        assert np.array_equal(rendering.to_binary_mask(person), rendering.to_mask(person))

    def test_colours_are_asked_for_once_each(self):
        asked = []

        def color(value):
            asked.append(value)
            return (value, 0, 0, 9)

        out = rendering.to_colored_mask(self.values, self.confidence, color, (1, 1, 1, 1))
        assert out.tolist() == [[[1] * 4, [1] * 4, [3, 0, 0, 9], [7, 0, 0, 9]]]
        assert sorted(asked) == [3, 7]

    def test_last_one_shows(self):
        values = [np.full((1, 1), value, np.uint8) for value in (1, 2)]
        out = rendering.to_colored_mask(
            values, [np.array([[255]], np.uint8)] * 2, lambda value: RAINBOW[value]
        )
        assert tuple(out[0, 0, :3]) == RAINBOW[2]
        assert rendering.to_colored_mask([], [], lambda value: RAINBOW[value]) is None

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (
                lambda c, v: rendering.to_binary_mask(c, foreground_threshold=1.1),
                r"foreground_threshold .* 1\.1",
            ),
            (
                lambda c, v: rendering.to_binary_mask(c.astype(int)),
                "confidence must be uint8 or bool, not int64",
            ),
            (lambda c, v: rendering.to_binary_mask(c, foreground_mask_values=[1]), "needs mask_values"),
            (
                lambda c, v: rendering.to_binary_mask(c, mask_values=v[:, :2], foreground_mask_values=[1]),
                r"confidence is \(1, 4\) but mask_values is \(1, 2\)",
            ),
            (
                lambda c, v: rendering.to_colored_mask([v, v], [c], lambda _: RED),
                "confidence is 1 masks but mask_values is 2",
            ),
            (
                lambda c, v: rendering.to_colored_mask(v, c, lambda _: (1, 2)),
                "colour of mask value 3 must be",
            ),
        ],
    )
    def test_bad_arguments_are_named(self, call, message):
        with pytest.raises(ValueError, match=message):
            call(self.confidence, self.values)


def test_coloured_parts_of_several_people():
    first, second = np.array([[2, 2, -1]], np.int8), np.array([[-1, 9, -1]], np.int8)
    out = rendering.to_colored_part_mask([first, second])
    assert [tuple(c) for c in out[0, :, :3]] == [RAINBOW[2], RAINBOW[9], (255, 255, 255)]
    assert rendering.to_colored_part_mask([]) is None


class TestBlur:
    @pytest.mark.parametrize("sigma", [0.5, 1, 3, 4, 4.1, 5, 8, 8.1, 10, 16, 20])
    @pytest.mark.parametrize("shape", [(120, 161), (37, 90, 4)])
    def test_is_a_gaussian(self, sigma, shape):
        picture = np.random.default_rng(2).integers(0, 256, shape).astype(np.uint8)
        picture[: shape[0] // 2] //= 4
        exact = cv2.GaussianBlur(picture.astype(np.float64), (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
        ours = blur(picture, sigma)
        assert (ours.dtype, ours.shape) == (np.uint8, shape)
        assert np.abs(ours - exact).max() <= 4

    @pytest.mark.parametrize("sigma", [3, 17])
    def test_one_colour_stays_one_colour_where_it_fades(self, sigma):
        out = blur_colors(np.full((150, 170, 4), (10, 100, 250, 255), np.uint8), sigma)
        # At the corner alpha is a quarter, or somewhat more as a pixel is beside the corner; each rounding to
        # 8 bits weighs four times as much there.
        assert np.abs(out[..., :3] - np.array([10, 100, 250])).max() <= 6
        assert 64 <= int(out[0, 0, 3]) <= 84
        assert out[75, 85, 3] >= 253


EFFECTS = {
    "draw_mask": lambda image, person, flip, amount: rendering.draw_mask(
        image, rendering.to_mask(person), 0.7, amount, flip
    ),
    "draw_pixelated_mask": lambda image, person, flip, amount: rendering.draw_pixelated_mask(
        image, rendering.to_mask(person, RED, CLEAR), 0.7, amount, flip, 7
    ),
    "draw_bokeh_effect": lambda image, person, flip, amount: rendering.draw_bokeh_effect(
        image, person, amount, amount, flip
    ),
    "blur_body_part": lambda image, person, flip, amount: rendering.blur_body_part(
        image, np.where(person, 0, -1).astype(np.int8), (0,), amount, amount, flip
    ),
}


@pytest.mark.parametrize("name", EFFECTS)
class TestEveryEffect:
    @settings(max_examples=25, deadline=None)
    @given(
        size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
        channels=st.sampled_from([3, 4]),
        amount=st.sampled_from([0, 0.3, 3, 11, 20]),
        seed=st.integers(0, 99),
    )
    def test_any_image(self, name, size, channels, amount, seed):
        random = np.random.default_rng(seed)
        image = random.integers(0, 256, (*size, channels)).astype(np.uint8)
        image.flags.writeable = False
        before, person = image.copy(), random.random(size) < 0.5
        out = EFFECTS[name](image, person, False, amount)
        assert (out.dtype, out.shape) == (np.uint8, image.shape)
        assert not np.shares_memory(out, image)
        assert np.array_equal(image, before)
        assert np.array_equal(EFFECTS[name](image, person, True, amount), out[:, ::-1])
        # Strided views mean the same.
        wide = np.zeros((size[0], 2 * size[1], channels), np.uint8)
        wide[:, ::2] = image
        assert np.array_equal(EFFECTS[name](wide[:, ::2], person, False, amount), out)

    def test_alpha_changes_no_colour_of_opaque_images_but_at_the_rim(self, name, image, person):
        rgb = EFFECTS[name](image, person, False, 3)
        rgba = EFFECTS[name](with_alpha(image), person, False, 3)
        assert np.array_equal(rgba[9:-9, 9:-9, :3], rgb[9:-9, 9:-9])
        assert (rgba[9:-9, 9:-9, 3] == 255).all()
        assert "mask" not in name or np.array_equal(rgba[..., :3], rgb)

    def test_order_of_colours_does_not_matter(self, name, image, person):
        if "mask" in name:
            return  # those have colours of their own
        bgr = EFFECTS[name](image[..., ::-1], person, False, 3)
        assert np.array_equal(bgr[..., ::-1], EFFECTS[name](image, person, False, 3))

    @pytest.mark.parametrize(
        "bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
    )
    def test_bad_images_are_named(self, name, bad):
        with pytest.raises(ValueError, match="image must be"):
            EFFECTS[name](bad, np.zeros((4, 4), bool), False, 0)

    def test_sizes_must_agree(self, name, image):
        with pytest.raises(ValueError, match=r"image is \(60, 80\) but .* is \(4, 4\)"):
            EFFECTS[name](image, np.zeros((4, 4), bool), False, 0)

    @pytest.mark.parametrize("amount", [-1, 20.5, float("nan")])
    def test_blur_has_a_range(self, name, image, person, amount):
        with pytest.raises(ValueError, match=r"blur_amount must be in 0\.\.20 pixels, not"):
            EFFECTS[name](image, person, False, amount)


class TestDrawMask:
    @pytest.mark.parametrize("opacity", [0, 0.3, 1])
    def test_is_source_over(self, image, person, opacity):
        out = rendering.draw_mask(
            image, rendering.to_mask(person, (10, 20, 30, 100), (90, 80, 70, 255)), opacity
        )
        alpha = np.where(person, 100, 255)[..., None] / 255 * opacity
        color = np.where(person[..., None], (10, 20, 30), (90, 80, 70))
        assert np.abs(out - (image * (1 - alpha) + color * alpha)).max() <= 1

    def test_image_with_alpha(self):
        image = np.full((1, 1, 4), (200, 100, 0, 128), np.uint8)
        out = rendering.draw_mask(image, np.full((1, 1, 4), (0, 100, 200, 128), np.uint8), 1)
        above, below = 128 / 255, 128 / 255 * (1 - 128 / 255)
        assert out[0, 0, 3] == pytest.approx(255 * (above + below), abs=1)
        assert out[0, 0, :3] == pytest.approx(
            (np.array([0, 100, 200]) * above + np.array([200, 100, 0]) * below) / (above + below), abs=1
        )

    def test_no_mask_is_the_image(self, image):
        assert np.array_equal(rendering.draw_mask(image, None), image)
        assert np.array_equal(rendering.draw_mask(image, None, flip_horizontal=True), image[:, ::-1])

    @pytest.mark.parametrize(
        ("mask", "message"),
        [
            (np.zeros((HEIGHT, WIDTH, 3), np.uint8), r"mask must be uint8 \(H, W, 4\), not uint8"),
            (np.zeros((HEIGHT, WIDTH, 4), np.int16), "mask must be uint8"),
            ([[0]], "mask must be .* not list"),
        ],
    )
    def test_bad_masks_are_named(self, image, mask, message):
        with pytest.raises(ValueError, match=message):
            rendering.draw_mask(image, mask)

    @pytest.mark.parametrize("opacity", [-0.1, 1.1, float("nan")])
    def test_opacity_has_a_range(self, image, person, opacity):
        for draw in (rendering.draw_mask, rendering.draw_pixelated_mask):
            with pytest.raises(ValueError, match=r"opacity must be in 0\.\.1"):
                draw(image, rendering.to_mask(person), opacity)


class TestPixelatedMask:
    def test_cells_are_of_one_colour_with_a_grid(self):
        image = np.zeros((40, 60, 3), np.uint8)
        mask = np.random.default_rng(3).integers(0, 200, (40, 60, 4)).astype(np.uint8)
        mask[..., 3] = 255
        out = rendering.draw_pixelated_mask(image, mask, 1, 0, False, 10)
        cells = out.reshape(4, 10, 6, 10, 3)[:, 1:9, :, 1:9]  # without the lines
        assert (cells == cells[:, :1, :, :1]).all()
        # A line of width 1 at 10 covers half of the pixels 9 and 10.
        for x in (9, 10):
            assert np.abs(out[5, x] - (out[5, x // 10 * 10 + 5] / 2 + 127.5)).max() <= 1
        assert np.abs(out[5, 59].astype(int) - out[5, 55]).max() == 0, "no line at the right rim"

    def test_transparent_masks_leave_the_image_between_the_lines(self, image):
        out = rendering.draw_pixelated_mask(image, np.zeros((HEIGHT, WIDTH, 4), np.uint8), 1)
        assert np.array_equal(out[1:9, 1:9], image[1:9, 1:9])

    @pytest.mark.parametrize("cell", [0, 0.5, -3, float("nan"), float("inf")])
    def test_cells_have_a_least_width(self, image, person, cell):
        with pytest.raises(ValueError, match="pixel_cell_width must be at least 1 pixel"):
            rendering.draw_pixelated_mask(image, rendering.to_mask(person), pixel_cell_width=cell)

    def test_cells_may_be_wider_than_the_image(self, image, person):
        out = rendering.draw_pixelated_mask(image, rendering.to_mask(person, RED, RED), 1, 0, False, 500)
        assert (out[1:, 1:] == RED[:3]).all()


class TestBokeh:
    def test_people_stay_and_the_rest_is_blurred(self, image, person):
        out = rendering.draw_bokeh_effect(image, person, 5, 2)
        deep = cv2.erode(person.astype(np.uint8), np.ones((15, 15))) > 0
        far = cv2.dilate(person.astype(np.uint8), np.ones((25, 25))) == 0
        everywhere = rendering.draw_bokeh_effect(image, [], 5, 2)
        assert np.abs(out[deep].astype(int) - image[deep]).max() <= 1
        assert np.array_equal(out[far], everywhere[far])
        assert cv2.Laplacian(everywhere, cv2.CV_64F).std() < 0.2 * cv2.Laplacian(image, cv2.CV_64F).std()

    def test_hard_edges(self, image, person):
        out = rendering.draw_bokeh_effect(image, person, 5, 0)
        assert np.array_equal(out[person], image[person])

    def test_nobody_and_flipped(self, image, person):
        nobody = rendering.draw_bokeh_effect(image, person & False)
        assert np.array_equal(rendering.draw_bokeh_effect(image, []), nobody)
        assert np.array_equal(rendering.draw_bokeh_effect(image, [], flip_horizontal=True), nobody[:, ::-1])

    def test_instances_and_sequences_are_people(self, image, person):
        labels = person.astype(np.uint8) * np.uint8(3)
        expected = rendering.draw_bokeh_effect(image, person)
        assert np.array_equal(rendering.draw_bokeh_effect(image, labels), expected)
        assert np.array_equal(rendering.draw_bokeh_effect(image, [person & False, labels]), expected)

    def test_part_ids_are_no_people(self, image, parts):
        with pytest.raises(ValueError, match="segmentation must not be negative, but holds -1"):
            rendering.draw_bokeh_effect(image, parts)


class TestBlurBodyPart:
    def test_only_the_parts_change(self, image, parts, person):
        out = rendering.blur_body_part(image, parts, (5,), 5, 0)
        assert np.array_equal(out[~person], image[~person])
        assert (out[person] != image[person]).any(axis=-1).mean() > 0.9
        assert np.array_equal(rendering.blur_body_part(image, parts, (4, 6), 5, 0), image)
        assert np.array_equal(rendering.blur_body_part(image, parts, (), 5, 0), image)

    def test_labels_of_a_scene_mean_the_same(self, image, parts):
        labels = (parts + 1).astype(np.uint8)
        ours = rendering.blur_body_part(image, labels, (5,))
        assert np.array_equal(ours, rendering.blur_body_part(image, parts, (5,)))
        assert not np.array_equal(ours, image)

    def test_nobody(self, image):
        assert np.array_equal(rendering.blur_body_part(image, []), image)

    @pytest.mark.parametrize("ids", [(24,), (-1,), (0.5,), ("left_face",)])
    def test_ids_have_a_range(self, image, parts, ids):
        with pytest.raises(ValueError, match=r"body_part_ids must be whole numbers in 0\.\.23, not"):
            rendering.blur_body_part(image, parts, ids)

    def test_bad_parts_are_named(self, image, person, parts):
        with pytest.raises(ValueError, match=r"part_mask of int8 must hold -1\.\.23, not 25\.\.25"):
            rendering.blur_body_part(image, np.full_like(parts, 25))
        with pytest.raises(ValueError, match=r"part_mask must be integers \(H, W\), not bool"):
            rendering.blur_body_part(image, person)
