"""Segmentations -> RGBA masks, to be laid over a picture."""

from collections.abc import Callable, Sequence
from typing import Final, overload

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import PARTS, RAINBOW
from bodypix_ros.errors import OptionError
from bodypix_ros.rendering.arguments import (
    Color,
    Image,
    Mask,
    check_fraction,
    check_ids,
    masks_of,
    part_labels,
    part_table,
    rgba,
)

CLEAR: Final = (0, 0, 0, 0)
BLACK: Final = (0, 0, 0, 255)
CONTOUR: Final = (0, 255, 255, 255)
"""RGBA of outlines."""

_Bools = npt.NDArray[np.bool_]


@overload
def to_mask(
    segmentation: Mask,
    foreground: Color = ...,
    background: Color = ...,
    draw_contour: bool = ...,
    foreground_ids: Sequence[int] = ...,
) -> Image: ...
@overload
def to_mask(
    segmentation: Sequence[Mask],
    foreground: Color = ...,
    background: Color = ...,
    draw_contour: bool = ...,
    foreground_ids: Sequence[int] = ...,
) -> Image | None: ...
def to_mask(
    segmentation: Mask | Sequence[Mask],
    foreground: Color = CLEAR,
    background: Color = BLACK,
    draw_contour: bool = False,
    foreground_ids: Sequence[int] = (1,),
) -> Image | None:
    """Give people one colour and the rest another. The defaults black out all but people.

    Args:
        segmentation: bool or integers (H, W), or a sequence of such masks of one size, one per person.
        foreground: RGBA where any of the masks holds one of `foreground_ids`.
        background: RGBA elsewhere.
        draw_contour: Draw the outline of each mask, in (0, 255, 255, 255).
        foreground_ids: The numbers that are foreground, 0..255; True counts as 1. With part ids (-1 is
            background) a subset of the parts; in `Scene.part_mask` part k is written as k + 1.

    Returns:
        uint8 (H, W, 4), RGBA. None for an empty sequence, which has no size; `draw_mask` takes that.

    Raises:
        ValueError: An argument has a wrong shape, dtype or range.
    """
    front, back = rgba("foreground", foreground), rgba("background", background)
    ids = check_ids("foreground_ids", foreground_ids, 255)
    return _paint(
        [_holds(mask, ids) for mask in masks_of("segmentation", segmentation)], front, back, draw_contour
    )


@overload
def to_binary_mask(
    confidence: Mask,
    foreground: Color = ...,
    background: Color = ...,
    draw_contour: bool = ...,
    foreground_threshold: float = ...,
    mask_values: Mask | None = ...,
    foreground_mask_values: Sequence[int] | None = ...,
) -> Image: ...
@overload
def to_binary_mask(
    confidence: Sequence[Mask],
    foreground: Color = ...,
    background: Color = ...,
    draw_contour: bool = ...,
    foreground_threshold: float = ...,
    mask_values: Sequence[Mask] | None = ...,
    foreground_mask_values: Sequence[int] | None = ...,
) -> Image | None: ...
def to_binary_mask(
    confidence: Mask | Sequence[Mask],
    foreground: Color = CLEAR,
    background: Color = BLACK,
    draw_contour: bool = False,
    foreground_threshold: float = 0.5,
    mask_values: Mask | Sequence[Mask] | None = None,
    foreground_mask_values: Sequence[int] | None = None,
) -> Image | None:
    """Give people one colour and the rest another, by how probable a person is at each pixel.

    Args:
        confidence: uint8 (H, W), probability of person * 255 as in `Scene.confidence`, or bool, or a sequence
            of such masks of one size.
        foreground: RGBA where any of the masks reaches the threshold.
        background: RGBA elsewhere.
        draw_contour: Draw the outline of each mask, in (0, 255, 255, 255).
        foreground_threshold: Probability from which on a pixel is foreground, 0..1.
        mask_values: uint8 (H, W), what is at each pixel, such as a part; a sequence if `confidence` is one.
        foreground_mask_values: Only these of the mask values are foreground; None means all.

    Returns:
        uint8 (H, W, 4), RGBA. None for an empty sequence.

    Raises:
        ValueError: An argument has a wrong shape, dtype or range.
    """
    front, back = rgba("foreground", foreground), rgba("background", background)
    people = [_probable(mask, foreground_threshold) for mask in _confidences(confidence)]
    if foreground_mask_values is not None:
        if mask_values is None:
            raise OptionError("foreground_mask_values", "foreground_mask_values needs mask_values")
        ids = check_ids("foreground_mask_values", foreground_mask_values, 255)
        chosen = [_holds(values, ids) for values in _values(mask_values, people)]
        people = [one & two for one, two in zip(people, chosen, strict=True)]
    return _paint(people, front, back, draw_contour)


@overload
def to_colored_mask(
    mask_values: Mask,
    confidence: Mask,
    value_to_color: Callable[[int], Color],
    background: Color = ...,
    foreground_threshold: float = ...,
) -> Image: ...
@overload
def to_colored_mask(
    mask_values: Sequence[Mask],
    confidence: Sequence[Mask],
    value_to_color: Callable[[int], Color],
    background: Color = ...,
    foreground_threshold: float = ...,
) -> Image | None: ...
def to_colored_mask(
    mask_values: Mask | Sequence[Mask],
    confidence: Mask | Sequence[Mask],
    value_to_color: Callable[[int], Color],
    background: Color = BLACK,
    foreground_threshold: float = 0.5,
) -> Image | None:
    """Give each mask value its colour where a person is probable.

    Args:
        mask_values: uint8 (H, W), what is at each pixel, such as a part, or a sequence of such masks of one
            size; where several are foreground the last one shows.
        confidence: uint8 (H, W), probability of person * 255, or bool; a sequence where `mask_values` is one.
        value_to_color: Gives the RGB or RGBA of a mask value; asked once for each value that occurs.
        background: RGBA elsewhere.
        foreground_threshold: Probability from which on a pixel is foreground, 0..1.

    Returns:
        uint8 (H, W, 4), RGBA. None for an empty sequence.

    Raises:
        ValueError: An argument has a wrong shape, dtype or range.
    """
    back = rgba("background", background)
    people = [_probable(mask, foreground_threshold) for mask in _confidences(confidence)]
    values = _values(mask_values, people)
    if not people:
        return None
    out = np.empty((*people[0].shape, 4), np.uint8)
    out[:] = back
    for shown, person in zip(values, people, strict=True):
        table = np.zeros((256, 4), np.uint8)
        for value in np.flatnonzero(np.bincount(shown[person], minlength=256)):
            table[value] = rgba(f"the colour of mask value {value}", value_to_color(int(value)))
        out[person] = table[shown[person]]
    return out


@overload
def to_colored_part_mask(part_mask: npt.NDArray[np.integer], colors: Sequence[Color] = ...) -> Image: ...
@overload
def to_colored_part_mask(
    part_mask: Sequence[npt.NDArray[np.integer]], colors: Sequence[Color] = ...
) -> Image | None: ...
def to_colored_part_mask(
    part_mask: npt.NDArray[np.integer] | Sequence[npt.NDArray[np.integer]], colors: Sequence[Color] = RAINBOW
) -> Image | None:
    """Turn parts into a picture of their colours on white.

    Args:
        part_mask: (H, W), or a sequence of such masks of one size, one per person, the last one on top. Of a
            signed dtype: part ids 0..23, -1 background. Of an unsigned dtype: as in `Scene.part_mask`, part
            id + 1, 0 background.
        colors: RGB of each part id.

    Returns:
        uint8 (H, W, 4), RGBA, everywhere opaque; background (255, 255, 255, 255). None for an empty sequence.

    Raises:
        ValueError: `part_mask` is no such mask, or `colors` are not 24 colours.
    """
    table = np.full((256, 4), 255, np.uint8)
    table[1 : len(PARTS) + 1, :3] = part_table(colors)[1 : len(PARTS) + 1]
    labels = part_labels("part_mask", part_mask)
    if not labels:
        return None
    shown = labels[0]
    for above in labels[1:]:
        shown = np.where(above > 0, above, shown)
    return np.asarray(cv2.LUT(cv2.merge([shown] * 4), table[None]), np.uint8)


def foreground_of(name: str, segmentation: Mask | Sequence[Mask], shape: tuple[int, ...]) -> _Bools:
    """Tell people from the rest: True where any mask is not 0; bool (H, W).

    Args:
        name: What the caller's argument is called.
        segmentation: bool or integers (H, W), or a sequence of such masks, also an empty one.
        shape: Starts with H and W.
    """
    out: _Bools = np.zeros(shape[:2], np.bool_)
    for mask in masks_of(name, segmentation):
        if mask.shape != out.shape:
            raise OptionError("image", f"image is {out.shape} but {name} is {mask.shape}, both (H, W)")
        if mask.dtype.kind == "i" and mask.min() < 0:
            raise OptionError(
                name, f"{name} must not be negative, but holds {mask.min()}; of parts give parts >= 0"
            )
        out |= mask != 0
    return out


def _holds(mask: Mask, ids: Sequence[int]) -> _Bools:
    if mask.dtype.itemsize > 1:
        return np.isin(mask, ids)
    # One byte per pixel: a table is several times as fast. Ids above 127 are negative numbers of int8.
    table = np.zeros(256, np.uint8)
    table[[i for i in ids if mask.dtype.kind != "i" or i < 128]] = 1
    found: Image = np.asarray(cv2.LUT(np.ascontiguousarray(mask).view(np.uint8), table), np.uint8)
    return found.view(np.bool_)


def _confidences(confidence: Mask | Sequence[Mask]) -> list[npt.NDArray[np.uint8]]:
    found = []
    for mask in masks_of("confidence", confidence):
        if mask.dtype != np.uint8 and mask.dtype.kind != "b":
            raise OptionError("confidence", f"confidence must be uint8 or bool, not {mask.dtype}")
        found.append(mask.astype(np.uint8, copy=False) * np.uint8(255 if mask.dtype.kind == "b" else 1))
    return found


def _probable(confidence: npt.NDArray[np.uint8], threshold: float) -> _Bools:
    check_fraction("foreground_threshold", threshold)
    probable: _Bools = confidence >= np.floor(255 * threshold + 0.5)
    return probable


def _values(mask_values: Mask | Sequence[Mask], people: Sequence[_Bools]) -> list[npt.NDArray[np.uint8]]:
    values = masks_of("mask_values", mask_values)
    if len(values) != len(people):
        raise OptionError("confidence", f"confidence is {len(people)} masks but mask_values is {len(values)}")
    for mask, person in zip(values, people, strict=True):
        if mask.dtype != np.uint8:
            raise OptionError("mask_values", f"mask_values must be uint8, not {mask.dtype}")
        if mask.shape != person.shape:
            raise OptionError(
                "confidence", f"confidence is {person.shape} but mask_values is {mask.shape}, both (H, W)"
            )
    return [mask.astype(np.uint8, copy=False) for mask in values]


def _paint(
    people: Sequence[_Bools], foreground: Color, background: Color, draw_contour: bool
) -> Image | None:
    if not people:
        return None
    anybody = people[0]
    for mask in people[1:]:
        anybody = anybody | mask
    table = np.zeros((256, 4), np.uint8)
    table[:3] = background, foreground, CONTOUR
    labels = anybody.astype(np.uint8)
    if draw_contour:
        labels[_contour(people)] = 2
    return np.asarray(cv2.LUT(cv2.merge([labels] * 4), table[None]), np.uint8)


def _contour(people: Sequence[_Bools]) -> _Bools:
    """Where the reference draws outlines.

    An edge pixel is in a mask, not on the picture's rim, and one of its four diagonal neighbours is not in
    the mask. Its stroke marks those four; but as the reference goes row by row and paints each pixel anew
    when it comes to it, only the two marks in the row above stay.
    """
    marks: _Bools = np.zeros_like(people[0])
    if min(marks.shape) < 3:
        return marks
    for mask in people:
        edge = np.zeros_like(mask)
        inside = mask[:-2, :-2] & mask[:-2, 2:] & mask[2:, :-2] & mask[2:, 2:]
        edge[1:-1, 1:-1] = mask[1:-1, 1:-1] & ~inside
        marks[:-1, 1:] |= edge[1:, :-1]
        marks[:-1, :-1] |= edge[1:, 1:]
    return marks
