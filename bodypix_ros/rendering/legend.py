"""What the colours in a picture mean, written where nobody is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.anatomy import PART_COLORS, PARTS
from bodypix_ros.rendering.arguments import Color, Image, check_image, part_table
from bodypix_ros.rendering.lettering import FONT, ink, unit
from bodypix_ros.scene import Scene

_ROWS: Final = (16, 14, 12, 10, 8, 6)
"""Heights of a row that are tried, in fine lines."""

_CELL: Final = 4
"""Fine lines that a cell of the grid is wide on which room is looked for."""

_LEAST: Final = 10
"""Pixels of a row that can still be read."""


def draw_legend(
    image: Image, scene: Scene, colors: Sequence[Color] = PART_COLORS, *, bgr: bool = False
) -> Image:
    """Name the parts that are seen beside their colours, where nobody is: in a corner where there is room.

    Letters become smaller and columns more until it fits. Where people leave no room that could be read in,
    nothing is drawn.

    Args:
        image: uint8 (H, W, 3 or 4) of the Scene's size.
        scene: What was seen in it; without parts the image stays as it is.
        colors: RGB of each part id.
        bgr: The image is BGR or BGRA.

    Returns:
        uint8, shape and order of `image`.

    Raises:
        ValueError: An argument has a wrong shape, dtype or range.
    """
    check_image(image, scene)
    table = part_table(colors)
    out: Image = image.copy()
    if scene.part_mask is None:
        return out
    seen = np.bincount(scene.part_mask.ravel(), minlength=len(PARTS) + 1)[1 : len(PARTS) + 1]
    names = [(PARTS[part].replace("_", " "), table[part + 1]) for part in np.flatnonzero(seen)]
    taken = scene.person_mask | (scene.part_mask > 0)
    panel = _free_panel(names, taken, unit(image)) if names else None
    if panel is None:
        return out
    ground = out[panel.y : panel.y + panel.height, panel.x : panel.x + panel.width, :3]
    ground[:] = ground // 4
    row = panel.row
    for k, (name, rgb) in enumerate(names):
        left = panel.x + k // panel.rows * panel.column + row // 4
        top = panel.y + k % panel.rows * row + row // 4
        corner = (left, top + row // 8)
        color = ink([int(value) for value in rgb], image, bgr)
        cv2.rectangle(out, corner, (left + row, top + 7 * row // 8), color, cv2.FILLED)
        origin = (left + row + row // 3, top + 3 * row // 4)
        cv2.putText(out, name, origin, FONT, _scale(row), ink((255,) * 3, image, bgr), 1, cv2.LINE_AA)
    return out


@dataclass(frozen=True, slots=True)
class _Panel:
    """Where the legend is: its upper left corner, size, rows, height of a row and width of a column."""

    x: int
    y: int
    width: int
    height: int
    rows: int
    row: int
    column: int


def _scale(row: int) -> float:
    return 0.6 * row / cv2.getTextSize("Ag", FONT, 1, 1)[0][1]


def _free_panel(
    names: Sequence[tuple[str, object]], taken: npt.NDArray[np.bool_], fine: int
) -> _Panel | None:
    """The largest panel that fits where nothing is taken, as near to a corner as can be."""
    # On a grid: a cell is taken where any pixel of it is.
    cell = _CELL * fine
    height, width = taken.shape
    padded = np.pad(taken, ((0, -height % cell), (0, -width % cell)), constant_values=True)
    blocks = padded.view(np.uint8).reshape(padded.shape[0] // cell, cell, -1, cell)
    coarse = blocks.max(axis=1).max(axis=2)
    sums = cv2.integral(np.ascontiguousarray(coarse))
    for panel in _panels([name for name, _ in names], taken.shape, fine):
        rows, columns = -(-panel.height // cell), -(-panel.width // cell)
        across, down = coarse.shape[1] - columns + 1, coarse.shape[0] - rows + 1
        if across < 1 or down < 1:
            continue
        inside = sums[rows:, columns:] - sums[:down, columns:] - sums[rows:, :across] + sums[:down, :across]
        free = np.argwhere(inside == 0)
        if len(free):
            # Upper corners come before lower ones, so that it seldom moves from image to image.
            y, x = free.T
            far = np.minimum(x, across - 1 - x) + np.minimum(y, down - y)
            y, x = free[int(np.argmin(far))].tolist()
            return replace(panel, x=x * cell, y=y * cell)
    return None


def _panels(names: Sequence[str], shape: tuple[int, ...], fine: int) -> Iterator[_Panel]:
    """Panels that fit into a picture, at its corner: the best to read first."""
    height, width = shape
    for row in sorted({max(factor * fine, _LEAST) for factor in _ROWS}, reverse=True):
        widest = max(cv2.getTextSize(name, FONT, _scale(row), 1)[0][0] for name in names)
        column = int(widest) + 2 * row
        for columns in range(1, len(names) + 1):
            rows = -(-len(names) // columns)
            panel = _Panel(0, 0, columns * column, rows * row + row // 2, rows, row, column)
            if panel.width <= width and panel.height <= height:
                yield panel
