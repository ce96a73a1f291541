"""The parts of a person's pixels. A helper of kernels."""

import numpy as np

from bodypix_ros.anatomy import PARTS
from bodypix_ros.kernels import Array, kernel
from bodypix_ros.segmenters.bodypix.people.passes import PART, POINTS_X

PART_COUNT = len(PARTS)


@kernel(inline=True)
def label_cell(
    values: Array, at: Array, leading: int, a: int, b: int, i0: int, i1: int, j0: int, j1: int, down: Array,
    across: Array, person: Array, mine: Array, first_i: int, first_j: int, alone: bool, pass_: int,
    listed: Array, best: Array, label: Array, parts: Array,
) -> None:  # fmt: skip
    """Label the person's pixels of rows i0 to i1 and columns j0 to j1, all in cell (a, b) of a pass's grid.

    `mine` says which pass labels each pixel of the tile that begins at (first_i, first_j); `alone`: this.
    """
    one = np.uint32(1)
    count = 0
    for c in range(PART_COUNT):
        if leading >> np.uint32(c) & one:
            listed[count] = c
            count += 1
    row = at[POINTS_X] * PART_COUNT
    begin = at[PART] + a * row + b * PART_COUNT
    columns = np.uint64(j1 - j0)
    left, shift = np.uint64(j0), np.uint64(j0 - first_j)
    for i in range(i0, i1):
        if count == 1:
            label[:columns] = listed[0] + 1
        else:
            some = np.uint8(0)
            for p in range(columns):
                some |= person[i, left + p]
            if not some:
                continue
            fy = down[i]
            for m in range(count):
                q = begin + listed[m]
                start = values[q] + (values[q + row] - values[q]) * fy
                q += PART_COUNT
                rise = values[q] + (values[q + row] - values[q]) * fy - start
                this = np.uint8(listed[m] + 1)
                if m == 0:
                    for p in range(columns):
                        best[p], label[p] = start + rise * across[left + p], this
                    continue
                for p in range(columns):
                    here = start + rise * across[left + p]
                    leads = here > best[p]
                    best[p] = here if leads else best[p]
                    label[p] = this if leads else label[p]
        if alone:
            for p in range(columns):
                parts[i, left + p] = person[i, left + p] * label[p]
        else:
            for p in range(columns):
                if mine[i - first_i, shift + p] == pass_:
                    parts[i, left + p] = person[i, left + p] * label[p]
