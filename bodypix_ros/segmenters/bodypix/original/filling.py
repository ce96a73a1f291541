"""All masks of an image in one call.

Between two calls lies Python, which after an inference has to come back from memory: it takes longer than
some of the kernels.
"""

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.segmenters.bodypix.original.geometry import Geometry
from bodypix_ros.segmenters.bodypix.original.instances import assign
from bodypix_ros.segmenters.bodypix.original.masks import person_and_parts

_NO_PARTS = np.zeros((1, 1, 0), np.float32)
_NO_MASK = np.zeros((0, 0), np.uint8)


def fill(
    segments: npt.NDArray[np.float32],
    parts: npt.NDArray[np.float32] | None,
    long_offsets: npt.NDArray[np.float32],
    poses: npt.NDArray[np.float32],
    geometry: Geometry,
    threshold: float,
    min_keypoint_score: float,
    refine_steps: int,
    person_mask: npt.NDArray[np.uint8],
    part_mask: npt.NDArray[np.uint8] | None,
    instance_mask: npt.NDArray[np.uint8],
    rows: tuple[int, int] | None = None,
) -> npt.NDArray[np.int32]:
    """Fill the masks of an image, and bound each person's pixels.

    Args:
        segments: float32 (points_y, points_x, 1), logits of person.
        parts: float32 (points_y, points_x, 24), logits of the parts, or None.
        long_offsets: float32 (points_y, points_x, 34), dy then dx, in image pixels.
        poses: float32 (N, 17, 3): x, y in image pixels, score; at most 254.
        geometry: Of the image's size.
        threshold: Person where the probability is above it.
        min_keypoint_score: Keypoints at or below it do not decide whose a pixel is.
        refine_steps: How often the offsets are followed after the first step.
        person_mask: uint8 (H, W), overwritten with 0 and 1.
        part_mask: uint8 (H, W), overwritten with 0 and part id + 1; None without parts.
        instance_mask: uint8 (H, W), overwritten with 0 and k + 1 for `poses[k]`.
        rows: First row, a multiple of the largest of BLOCKS, and the one after the last to fill; None: all.

    Returns:
        int32 (N, 4): x0, y0, x1, y1, half open, of the pixels in those rows; zeros for a person without any.
    """
    if parts is None or part_mask is None:
        parts, part_mask = _NO_PARTS, _NO_MASK
    boxes = np.zeros((len(poses), 4), np.int32)
    begin, end = rows or (0, geometry.y.size)
    _fill(
        segments, parts, long_offsets, poses, *geometry.tables, threshold, min_keypoint_score, refine_steps,
        begin, end, person_mask, part_mask, instance_mask, _NO_MASK, boxes,
    )  # fmt: skip
    return boxes


_TENSOR = "Array(float32, 3, 'C', readonly=True)"


@kernel(
    f"void({_TENSOR}, {_TENSOR}, {_TENSOR}, float32[:, :, ::1], intp, int32[::1], float32[::1], int32[::1],"
    " float32[::1], intp, intp, float64, float64, float64, float64, intp, intp, intp, uint8[:, ::1],"
    " uint8[:, ::1], uint8[:, ::1], uint8[:, ::1], int32[:, ::1])"
)
def _fill(
    segments: Array, parts: Array, offsets: Array, poses: Array, stride: int, first_y: Array,
    fraction_y: Array, first_x: Array, fraction_x: Array, before_y: int, before_x: int,
    internal_per_pixel_y: Float, internal_per_pixel_x: Float, threshold: Float, min_keypoint_score: Float,
    refine: int, begin: int, end: int, person: Array, labels: Array, instance: Array, none: Array,
    boxes: Array,
) -> None:  # fmt: skip
    alone = poses.shape[0] == 1
    person_and_parts(
        segments, parts, stride, first_y, fraction_y, first_x, fraction_x, threshold, begin, end, person,
        labels, instance if alone else none, boxes[0] if alone else np.zeros(4, np.int32),
    )  # fmt: skip
    if not alone:
        assign(
            person, offsets, poses, stride, before_y, before_x, internal_per_pixel_y, internal_per_pixel_x,
            min_keypoint_score, refine, begin, end, instance, boxes,
        )  # fmt: skip
