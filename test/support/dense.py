"""BodyPix's decoding written plainly in numpy: slow, and easy to compare with the formulas."""

import numpy as np
import numpy.typing as npt

from bodypix_ros.segmenters.bodypix.original.geometry import Axis, Geometry

Floats = npt.NDArray[np.float64]


def _bilinear(values: Floats, y: Floats, x: Floats) -> Floats:
    """Sample (h, w, c) at the rows y and columns x (a grid), clamped."""
    h, w = values.shape[:2]
    y, x = np.clip(y, 0, h - 1), np.clip(x, 0, w - 1)
    y0, x0 = np.floor(y).astype(int), np.floor(x).astype(int)
    y1, x1 = np.minimum(y0 + 1, h - 1), np.minimum(x0 + 1, w - 1)
    fy, fx = (y - y0)[:, None, None], (x - x0)[None, :, None]
    top = values[y0][:, x0] * (1 - fx) + values[y0][:, x1] * fx
    bottom = values[y1][:, x0] * (1 - fx) + values[y1][:, x1] * fx
    return top * (1 - fy) + bottom * fy


def scores(logits: npt.NDArray[np.float32], geometry: Geometry) -> Floats:
    """Logits (points_y, points_x, c) -> probabilities (H, W, c): resize, sigmoid, crop and resize."""

    def internal(axis: Axis) -> Floats:
        return np.arange(axis.internal) * ((axis.points - 1) / max(axis.internal - 1, 1))

    def image(axis: Axis) -> Floats:
        padded = axis.before + axis.size + axis.after
        first, last = axis.before / max(padded - 1, 1), (axis.before + axis.size - 1) / max(padded - 1, 1)
        return np.linspace(first, last, axis.size) * (axis.internal - 1)

    y, x = geometry.y, geometry.x
    grown = _bilinear(logits.astype(np.float64), internal(y), internal(x))
    return _bilinear(1 / (1 + np.exp(-grown)), image(y), image(x))


def distances(
    offsets: npt.NDArray[np.float32],
    poses: npt.NDArray[np.float32],
    pixels: npt.NDArray[np.intp],
    geometry: Geometry,
    least: float,
    refine_steps: int,
) -> Floats:
    """Mean squared distance of each pixel (row, column) to each pose: (pixels, poses)."""
    k = np.arange(17)
    q = np.repeat(pixels[:, None, :].astype(np.float64), 17, axis=1)
    axes = (geometry.y, geometry.x)
    for step in range(refine_steps + 1):
        cells = []
        for d, axis in enumerate(axes):
            p = q[..., d] if step == 0 else np.floor(np.clip(q[..., d], 0, axis.size - 1) + 0.5)
            scale = axis.internal / (axis.before + axis.size + axis.after)
            cells.append(np.clip(((axis.before + p + 1) * scale - 1) / geometry.stride, 0, axis.points - 1))
        low = [np.floor(c).astype(int) for c in cells]
        high = [np.minimum(i + 1, axis.points - 1) for i, axis in zip(low, axes, strict=True)]
        f = [c - i for c, i in zip(cells, low, strict=True)]
        move = np.zeros_like(q)
        for wy, iy in ((1 - f[0], low[0]), (f[0], high[0])):
            for wx, ix in ((1 - f[1], low[1]), (f[1], high[1])):
                move[..., 0] += wy * wx * offsets[iy, ix, k]
                move[..., 1] += wy * wx * offsets[iy, ix, 17 + k]
        q = q + move
    use = poses[:, :, 2] > least
    away = (q[:, None, :, 0] - poses[None, :, :, 1]) ** 2 + (q[:, None, :, 1] - poses[None, :, :, 0]) ** 2
    mean: Floats = (away * use).sum(axis=-1) / use.sum(axis=-1)
    return mean
