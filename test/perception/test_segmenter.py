"""The public interface: load, segment, update, on a small checkpoint with random weights."""

import os
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bodypix_ros
from bodypix_ros import Scene, Segmenter
from bodypix_ros.anatomy import KEYPOINTS, PARTS
from bodypix_ros.errors import MissingModelError, OptionError
from bodypix_ros.options import options_of
from bodypix_ros.runtime.network import MAX_NETWORKS
from bodypix_ros.segmenters.bodypix.options import ORIGINAL, PEOPLE
from bodypix_ros.segmenters.bodypix.presets import PRESETS
from bodypix_ros.segmenters.bodypix.second_thread import SecondThread
from support.checkpoints import write_tiny_bodypix

TINY = "bodypix-mobilenet-050-s16-q4"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models")
    write_tiny_bodypix(made)
    return made


def load(folder: Path, **options: Any) -> Segmenter:
    """The small model, with thresholds so low that random weights find people."""
    given = {"segmentation_threshold": 0.5, "score_threshold": 0.3, "confidence": True, **options}
    return bodypix_ros.load(TINY, device="CPU", precision="f32", model_dir=folder, **given)


@pytest.fixture(scope="module", params=[PEOPLE, ORIGINAL])
def segmenter(folder: Path, request: pytest.FixtureRequest) -> Generator[Segmenter, None, None]:
    least = {PEOPLE: 0.01, ORIGINAL: 0.3}[request.param]
    with load(folder, algorithm=request.param, score_threshold=least) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def original(folder: Path) -> Generator[Segmenter, None, None]:
    with load(folder, algorithm=ORIGINAL) as loaded:
        yield loaded


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, 3)


def same(a: Scene, b: Scene) -> bool:
    return (
        np.array_equal(a.person_mask, b.person_mask)
        and np.array_equal(a.instance_mask, b.instance_mask)
        and (a.part_mask is None) == (b.part_mask is None)
        and (a.part_mask is None or np.array_equal(a.part_mask, b.part_mask))
        and all(np.array_equal(p.keypoints, q.keypoints) for p, q in zip(a.persons, b.persons, strict=True))
    )


def test_a_preset_is_loaded_and_what_is_given_besides_wins(folder: Path) -> None:
    with bodypix_ros.load(TINY, device="CPU", model_dir=folder, preset="near", crops=0) as near:
        wanted = {**PRESETS["near"], "crops": 0}
        assert {name: getattr(near.options, name) for name in wanted} == wanted
    with pytest.raises(OptionError, match=r"preset is 'nera', but of .* there are: near, far, "):
        bodypix_ros.load(TINY, model_dir=folder, preset="nera")
    with pytest.raises(OptionError, match="of selfie-general there are: none"):
        bodypix_ros.load("selfie-general", model_dir=folder, preset="near")


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 99))
def test_every_scene_keeps_its_promises(segmenter: Segmenter, height: int, width: int, seed: int) -> None:
    scene = segmenter.segment(picture(height, width, seed), stamp="now")
    shape = (height, width)
    assert scene.person_mask.dtype == bool
    assert scene.part_mask is not None
    assert scene.confidence is not None
    for mask in (scene.person_mask, scene.instance_mask, scene.part_mask, scene.confidence):
        assert mask.shape == shape
    assert np.array_equal(scene.part_mask > 0, scene.person_mask)
    assert scene.part_mask.max() <= len(PARTS)
    assert scene.instance_mask.max() <= len(scene.persons)
    assert not scene.instance_mask[~scene.person_mask].any()
    if segmenter.options.algorithm == ORIGINAL:
        assert np.array_equal(scene.instance_mask > 0, scene.person_mask & bool(scene.persons))
    assert abs(scene.confidence[scene.person_mask].min(initial=255)) >= 127
    assert scene.keypoint_names == KEYPOINTS
    assert scene.stamp == "now"
    posed = [person.has_pose for person in scene.persons]
    assert posed == sorted(posed, reverse=True)
    scores = [person.score for person in scene.persons if person.has_pose]
    areas = np.bincount(scene.instance_mask.ravel(), minlength=len(posed) + 1)[1 + sum(posed) :]
    if segmenter.options.algorithm == PEOPLE:
        assert scores == sorted(scores, reverse=True)
        assert (np.diff(areas.astype(int)) <= 0).all()
        assert (areas > 0).all()
    else:
        assert all(posed)
    for k, person in enumerate(scene.persons):
        least = segmenter.options.score_threshold
        assert least <= person.score <= 1 if person.has_pose else 0 <= person.score <= 0.15
        assert person.has_pose or not person.keypoints.any()
        assert person.keypoints.shape == (17, 3)
        assert person.keypoints.dtype == np.float32
        assert person.keypoints_3d is None
        assert person.track_id is None
        x0, y0, x1, y1 = person.box
        assert 0 <= x0 <= x1 <= width
        assert 0 <= y0 <= y1 <= height
        at = np.argwhere(scene.instance_mask == k + 1)
        if len(at):
            assert (y0, x0) == tuple(at.min(axis=0))
            assert (y1, x1) == tuple(at.max(axis=0) + 1)


@pytest.mark.parametrize("most", [1, 10])
def test_two_threads_make_the_same_masks_and_boxes(
    original: Segmenter, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    before = original.options.max_detections
    original.update(max_detections=most)
    monkeypatch.setattr("bodypix_ros.segmenters.bodypix.original.seeing._HEAD_START", 10_000)
    for seed in range(4):
        image = picture(300, 260, seed)
        scenes = []
        for worth in (np.inf, 0):
            monkeypatch.setattr("bodypix_ros.segmenters.bodypix.original.seeing._WORTH_HALVING", worth)
            scenes.append(original.segment(image))
        one, two = scenes
        assert len(one.persons) == 1 if most == 1 else len(one.persons) > 1
        assert np.array_equal(one.person_mask, two.person_mask)
        assert np.array_equal(one.part_mask, two.part_mask)
        assert [person.box for person in one.persons] == [person.box for person in two.persons]
        # Halves ask other corners: lines between people may differ by a pixel.
        assert (one.instance_mask == two.instance_mask).mean() > (0.999 if most > 1 else 0.999999)
    original.update(max_detections=before)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads are placed on Linux only")
def test_the_helper_stays_off_its_callers_processor() -> None:
    allowed = os.sched_getaffinity(0)
    if len(allowed) < 2:
        pytest.skip("there is one processor only")
    helper = SecondThread()
    try:
        for processor in sorted(allowed)[:2] * 2:
            os.sched_setaffinity(0, {processor})
            assert helper.submit(os.sched_getaffinity, 0).result() == allowed - {processor}
    finally:
        os.sched_setaffinity(0, allowed)
        helper.close()


def test_the_helper_hands_on_what_goes_wrong() -> None:
    helper = SecondThread()
    assert helper.submit(divmod, 7, 2).result() == (3, 1)
    with pytest.raises(ZeroDivisionError):
        helper.submit(divmod, 7, 0).result()
    helper.close()


def test_boxes_bound_the_pixels_of_large_pictures_too(segmenter: Segmenter) -> None:
    several = 0
    for seed in range(6):
        scene = segmenter.segment(picture(960, 1280, seed))
        several += len(scene.persons) > 1
        for k, person in enumerate(scene.persons):
            at = np.argwhere(scene.instance_mask == k + 1)
            if len(at):
                assert person.box == (*at.min(axis=0)[::-1], *(at.max(axis=0)[::-1] + 1))
    assert several


def test_random_weights_do_find_people(segmenter: Segmenter) -> None:
    scenes = [segmenter.segment(picture(120, 160, seed)) for seed in range(5)]
    assert any(scene.persons for scene in scenes)
    assert any(scene.person_mask.any() and not scene.person_mask.all() for scene in scenes)


def test_encodings_of_one_picture_give_one_scene(segmenter: Segmenter) -> None:
    bgr = picture(90, 140, 1)
    expected = segmenter.segment(bgr, "bgr8")
    assert same(expected, segmenter.segment(bgr[..., ::-1], "rgb8"))
    alpha = np.dstack([bgr, np.random.default_rng(0).integers(0, 256, (90, 140, 1), np.uint8)])
    assert same(expected, segmenter.segment(alpha, "bgra8"))
    assert same(expected, segmenter.segment(alpha[..., [2, 1, 0, 3]], "rgba8"))
    grey = bgr[..., 0]
    expected = segmenter.segment(np.dstack([grey] * 3), "rgb8")
    assert same(expected, segmenter.segment(grey, "mono8"))
    assert same(expected, segmenter.segment(grey[..., None], "mono8"))
    assert not same(expected, segmenter.segment(bgr, "bgr8"))


def test_read_only_and_strided_images_are_read_and_never_changed(segmenter: Segmenter) -> None:
    wide = picture(180, 280, 2)
    view = wide[::2, 10:150]
    copy = view.copy()
    wide.setflags(write=False)
    assert not view.flags.c_contiguous
    assert same(segmenter.segment(view), segmenter.segment(copy))
    assert np.array_equal(view, copy)


@pytest.mark.parametrize(
    ("image", "encoding", "error", "message"),
    [
        (np.zeros((4, 4, 3), np.uint8), "yuv", ValueError, "is 'yuv', but must be one of rgb8, bgr8"),
        (np.zeros((4, 4, 3), np.float32), "bgr8", TypeError, "array of float32, but must be .* uint8"),
        ([[1]], "mono8", TypeError, "image is list"),
        (np.zeros((4, 4), np.uint8), "bgr8", ValueError, r"\(4, 4\), but bgr8 needs \(height, width, 3\)"),
        (np.zeros((4, 4, 4), np.uint8), "rgb8", ValueError, r"needs \(height, width, 3\)"),
        (np.zeros((0, 4, 3), np.uint8), "rgb8", ValueError, "has no pixels"),
    ],
)  # fmt: skip
def test_bad_images_are_refused_and_the_next_good_one_works(
    segmenter: Segmenter, image: object, encoding: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        segmenter.segment(image, encoding)  # type: ignore[arg-type]
    segmenter.segment(picture(20, 20))


@pytest.mark.parametrize(
    ("name", "bad", "span"),
    [
        ("algorithm", "best", "one of people, original"),
        ("segmentation_threshold", 1.01, "a number from 0.0 to 1.0"),
        ("segmentation_threshold", float("nan"), "a number from 0.0 to 1.0"),
        ("max_detections", 0, "a whole number from 1 to 254"),
        ("max_detections", 2.5, "a whole number from 1 to 254"),
        ("score_threshold", -0.1, "from 0.0 to 1.0"),
        ("min_keypoint_score", "high", "from 0.0 to 1.0"),
        ("parts", 1, "True or False"),
    ],
)  # fmt: skip
def test_options_out_of_range_are_refused_by_name(
    folder: Path, segmenter: Segmenter, name: str, bad: object, span: str
) -> None:
    refused(folder, segmenter, {name: bad}, span)


@pytest.mark.parametrize(
    ("algorithm", "name", "bad", "span"),
    [
        (ORIGINAL, "nms_radius", 0, "a number from 0.01"),
        (ORIGINAL, "refine_steps", 21, "a whole number from 1 to 20"),
        (ORIGINAL, "internal_resolution", 2.1, "a number from 0.1 to 2"),
        (ORIGINAL, "internal_resolution", "huge", "low, medium, high, full"),
        (PEOPLE, "base_size", 128, "a whole number from 129 to 1281"),
        (PEOPLE, "crops", 9, "a whole number from 0 to 8"),
    ],
)
def test_so_are_those_of_one_algorithm(
    folder: Path, algorithm: str, name: str, bad: object, span: str
) -> None:
    with load(folder, algorithm=algorithm) as loaded:
        refused(folder, loaded, {"algorithm": algorithm, name: bad}, span)


def refused(folder: Path, segmenter: Segmenter, given: dict[str, object], span: str) -> None:
    """Changing the last of these options, and loading with it, is refused."""
    before, name = segmenter.options, list(given)[-1]
    with pytest.raises(ValueError, match=f"{name} is .*{span}"):
        segmenter.update(**given)
    assert segmenter.options is before
    with pytest.raises(ValueError, match=f"{name} is .*{span}"):
        bodypix_ros.load(TINY, device="CPU", model_dir=folder, **given)


@pytest.mark.parametrize(
    ("algorithm", "other", "name", "value"),
    [
        (PEOPLE, ORIGINAL, "internal_resolution", "high"),
        (PEOPLE, ORIGINAL, "nms_radius", 3.0),
        (PEOPLE, ORIGINAL, "refine_steps", 3),
        (ORIGINAL, PEOPLE, "base_size", 641),
        (ORIGINAL, PEOPLE, "crops", 0),
    ],
)
def test_options_of_the_other_algorithm_are_refused_saying_which_has_them(
    folder: Path, algorithm: str, other: str, name: str, value: object
) -> None:
    message = f'^{name} is an option of algorithm="{other}"; load with that$'
    with load(folder, algorithm=algorithm) as loaded, pytest.raises(OptionError, match=message):
        loaded.update(**{name: value})
    with pytest.raises(OptionError, match=message):
        load(folder, algorithm=algorithm, **{name: value})


@pytest.mark.parametrize(
    ("algorithm", "fixed", "other"), [(PEOPLE, "base_size", 641), (PEOPLE, "algorithm", ORIGINAL)]
)
def test_options_change_while_running_but_not_the_networks(
    folder: Path, algorithm: str, fixed: str, other: object
) -> None:
    with load(folder, algorithm=algorithm) as loaded:
        with pytest.raises(ValueError, match=f"{fixed} cannot change while running"):
            loaded.update(**{fixed: other})
        image = picture(100, 100, 4)
        loaded.update(crops=0, max_detections=1)
        assert sum(person.has_pose for person in loaded.segment(image).persons) <= 1


def test_options_change_while_running_but_not_the_resolution(folder: Path) -> None:
    with load(folder, algorithm=ORIGINAL, confidence=False) as loaded:
        image = picture(100, 100, 4)
        assert loaded.segment(image).part_mask is not None
        assert loaded.segment(image).confidence is None
        loaded.update(parts=False, confidence=True, max_detections=1, score_threshold=0.0)
        scene = loaded.segment(image)
        assert scene.part_mask is None
        assert scene.confidence is not None
        assert len(scene.persons) == 1
        with pytest.raises(ValueError, match="internal_resolution cannot change while running"):
            loaded.update(internal_resolution="low")
        loaded.update(internal_resolution="medium")
        loaded.update(internal_resolution=0.5)  # the same
        with pytest.raises(ValueError, match="there is no option 'treshold'"):
            loaded.update(treshold=0.4)


def test_a_mirrored_scene_is_the_scene_mirrored(segmenter: Segmenter) -> None:
    image = picture(110, 150, 3)
    plain = segmenter.segment(image)
    segmenter.update(flip_horizontal=True)
    mirrored = segmenter.segment(image)
    segmenter.update(flip_horizontal=False)
    assert np.array_equal(mirrored.person_mask, plain.person_mask[:, ::-1])
    assert np.array_equal(mirrored.instance_mask, plain.instance_mask[:, ::-1])
    assert mirrored.persons
    for person, before in zip(mirrored.persons, plain.persons, strict=True):
        x = 149 - before.keypoints[:, 0] if before.has_pose else 0
        assert person.keypoints[:, 0] == pytest.approx(x)
        x0, y0, x1, y1 = before.box
        assert person.box == (150 - x1, y0, 150 - x0, y1)


def test_a_person_without_pixels_keeps_its_place(original: Segmenter) -> None:
    original.update(segmentation_threshold=1.0)
    scene = original.segment(picture(120, 160, 0))
    original.update(segmentation_threshold=0.5)
    assert scene.persons
    assert not scene.person_mask.any()
    for person in scene.persons:
        points = person.keypoints[person.keypoints[:, 2] > 0.3, :2]
        x0, y0, x1, y1 = person.box
        for x, y in points[(points >= 0).all(axis=1) & (points < (160, 120)).all(axis=1)]:
            assert x0 <= x < x1
            assert y0 <= y < y1


def test_a_size_already_seen_is_not_compiled_again(folder: Path) -> None:
    with load(folder, algorithm=ORIGINAL) as loaded:
        before = loaded.networks_compiled
        sizes = [(60 + 32 * k, 100) for k in range(MAX_NETWORKS - 1)]
        for height, width in sizes * 3:
            loaded.segment(picture(height, width))
        assert loaded.networks_compiled == before + len({loaded.input_size(*size) for size in sizes})
        assert loaded.input_size(480, 640) == (241, 321)


def test_pictures_of_one_shape_share_two_networks_whatever_their_size(folder: Path) -> None:
    with load(folder) as loaded:
        before = loaded.networks_compiled
        assert before == 2  # the whole picture's and the crops', compiled while loading
        assert loaded.input_size(480, 640) == (353, 481)
        for height in (240, 480, 1200):
            assert loaded.is_ready(height, height * 4 // 3)
            loaded.segment(picture(height, height * 4 // 3))
        assert loaded.networks_compiled == before


def test_scenes_do_not_share_memory_with_later_ones(segmenter: Segmenter) -> None:
    first = segmenter.segment(picture(64, 64, 5))
    copy = first.instance_mask.copy(), first.person_mask.copy()
    segmenter.segment(picture(64, 64, 6))
    assert np.array_equal(first.instance_mask, copy[0])
    assert np.array_equal(first.person_mask, copy[1])


def test_threads_share_a_segmenter(segmenter: Segmenter) -> None:
    images = [picture(90, 120, seed) for seed in range(4)]
    expected = [segmenter.segment(image) for image in images]
    right: list[bool] = []

    def work(k: int) -> None:
        right.extend(same(segmenter.segment(images[k]), expected[k]) for _ in range(20))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(right) == 80
    assert all(right)


def test_a_closed_segmenter_says_so(folder: Path) -> None:
    loaded = bodypix_ros.load(TINY, device="CPU", model_dir=folder)
    loaded.close()
    loaded.close()
    with pytest.raises(RuntimeError, match="was closed"):
        loaded.segment(picture(10, 10))
    with pytest.raises(RuntimeError, match="was closed"):
        loaded.update(parts=False)
    assert loaded.options.parts


def test_unknown_and_missing_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BODYPIX_ROS_MODELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ValueError, match="bodypix-mobilenet-075-s16-q2"):
        bodypix_ros.load("bodypix-mobilenet-075-s16-q3")
    with pytest.raises(MissingModelError) as caught:
        bodypix_ros.load(TINY, model_dir=tmp_path)
    assert "https://storage.googleapis.com/tfjs-models/savedmodel/bodypix/mobilenet/float/050/" in str(
        caught.value
    )
    assert str(tmp_path) in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


@pytest.mark.parametrize("quant_bytes", [1, 2])
@pytest.mark.parametrize("stride", [8, 16])
def test_quantised_and_stride_8_checkpoints_load(tmp_path: Path, quant_bytes: int, stride: int) -> None:
    write_tiny_bodypix(tmp_path, output_stride=stride, quant_bytes=quant_bytes)
    name = f"bodypix-mobilenet-050-s{stride}-q{quant_bytes}"
    with bodypix_ros.load(name, device="CPU", precision="f32", model_dir=tmp_path) as loaded:
        assert loaded.segment(picture(80, 120)).person_mask.shape == (80, 120)


def test_a_graph_that_is_not_bodypix_is_refused(tmp_path: Path) -> None:
    path = write_tiny_bodypix(tmp_path)
    path.write_text(path.read_text().replace("float_part_heatmaps", "something_else"))
    with pytest.raises(ValueError, match="not a BodyPix graph: no output float_part_heatmaps of 24 channels"):
        bodypix_ros.load(TINY, device="CPU", model_dir=tmp_path)


def test_the_command_line_offers_every_option_with_its_default() -> None:
    import click

    from bodypix_ros.cli.run_command import command
    from bodypix_ros.segmenters.families import FAMILIES

    context = click.Context(command)
    offered = {known.name: known for known in command.get_params(context) if isinstance(known, click.Option)}
    variants = [options for family in FAMILIES.values() for options in family.algorithms.values()]
    declared = {name: option for options in variants for name, option in options_of(options).items()}
    assert len(declared) > 18
    first = options_of(variants[0])
    for name, option in declared.items():
        default = first.get(name, option).default
        shown = f"{default:g}" if isinstance(default, float) else default
        if isinstance(default, bool):
            shown = ("" if default else "no-") + name.replace("_", "-")
        assert f"[default: {shown}]" in str(offered[name].help)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_padded_rows_are_read_where_they_lie(segmenter: Segmenter, channels: int) -> None:
    encoding = {1: "mono8", 3: "rgb8", 4: "rgba8"}[channels]
    rows = np.random.default_rng(channels).integers(0, 256, (90, 120 * channels + 13), np.uint8)
    shape, strides = (90, 120, channels), (rows.strides[0], channels, 1)
    image = rows[:, :120] if channels == 1 else np.lib.stride_tricks.as_strided(rows, shape, strides)
    assert not image.flags.c_contiguous
    assert same(segmenter.segment(image, encoding), segmenter.segment(image.copy(), encoding))
