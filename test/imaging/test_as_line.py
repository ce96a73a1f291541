"""Images as one line of bytes, however they lie in memory."""

import numpy as np
import pytest

from bodypix_ros.imaging.pixels import as_line

COLOURS = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
VIEWS = {
    "whole": COLOURS,
    "rows of a larger one": np.pad(COLOURS, ((1, 1), (2, 2), (0, 0)))[1:-1, 2:-2],
    "mirrored": COLOURS[:, ::-1],
    "upside down": COLOURS[::-1],
    "red first": COLOURS[:, :, ::-1],
    "every other pixel": COLOURS[:, ::2],
    "one channel": COLOURS[:, :, 1:2],
    "one channel as three": np.broadcast_to(COLOURS[:, :, 2:3], COLOURS.shape),
    "one row as seven": np.broadcast_to(COLOURS[:1], COLOURS.shape),
    "one pixel as nine": np.broadcast_to(COLOURS[:, :1], COLOURS.shape),
    "a grey one": np.ascontiguousarray(COLOURS[:, :, 0])[:, :, np.newaxis],
    "a grey one of a larger one": np.pad(COLOURS[:, :, 0], 1)[1:-1, 1:-1, np.newaxis],
    "axes in another order": np.asfortranarray(COLOURS),
    "one column": COLOURS[:, :1],
    "one row": COLOURS[:1],
}


@pytest.mark.parametrize("name", VIEWS)
def test_every_byte_is_where_kernels_read_it(name: str) -> None:
    view = VIEWS[name]
    height, width, count = view.shape
    line, step = as_line(view)
    assert line.ndim == 1
    assert len(line) >= (height - 1) * step + width * count
    for i in range(height):
        assert np.array_equal(line[i * step : i * step + width * count], view[i].reshape(-1))
