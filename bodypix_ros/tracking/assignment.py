"""Who goes with whom, so that the sum of the gains is largest."""

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, kernel


def match(gains: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Match rows with columns; either may stay alone, and pairs without a gain do.

    Args:
        gains: float64 (N, M): of each pair, beside both staying alone. Not NaN.

    Returns:
        int64 (N,): each row's column, -1 for none.
    """
    partners = np.full(len(gains), -1, np.int64)
    if gains.size:
        _match(np.ascontiguousarray(gains), partners)
    return partners


def match_in_turn(
    gains: npt.NDArray[np.float64], sure: npt.NDArray[np.bool_], confirmed: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Match sure columns with rows, then the others with those confirmed rows that are still alone.

    Args:
        gains: float64 (N, M), as for `match`.
        sure: bool (M,).
        confirmed: bool (N,).

    Returns:
        int64 (M,): each column's row, -1 for none.
    """
    rows = np.full(len(sure), -1, np.int64)
    if gains.size:
        _match_in_turn(gains, sure, confirmed, rows)
    return rows


@kernel("void(float64[:, ::1], int64[::1])")
def _match(gains: Array, partners: Array) -> None:
    """The Hungarian method by shortest augmenting paths (Jonker and Volgenant 1987), costs being -gains.

    Staying alone is a column of a row's own, after the M true ones, which costs nothing.
    """
    rows, columns = gains.shape
    wide = columns + rows
    owner = np.full(wide + 1, -1)  # of each column; the last one is where a search begins
    before = np.empty(wide + 1, np.int64)  # the column that a path comes from
    of_row, of_column = np.zeros(rows), np.zeros(wide + 1)  # the dual prices
    least, done = np.empty(wide + 1), np.empty(wide + 1, np.bool_)
    for new in range(rows):
        owner[wide] = new
        least[:], done[:] = np.inf, False
        at = wide
        while owner[at] >= 0:
            done[at] = True
            row, step, following = owner[at], np.inf, -1
            for column in range(wide):
                if done[column]:
                    continue
                if column < columns or column - columns == row:
                    cost = -gains[row, column] if column < columns else 0.0
                    reduced = cost - of_row[row] - of_column[column]
                    if reduced < least[column]:
                        least[column], before[column] = reduced, at
                if least[column] < step:
                    step, following = least[column], column
            for column in range(wide + 1):
                if done[column]:
                    of_row[owner[column]] += step
                    of_column[column] -= step
                elif column < wide:
                    least[column] -= step
            at = following
        while at != wide:
            owner[at] = owner[before[at]]
            at = before[at]
    for column in range(columns):
        if owner[column] >= 0 and gains[owner[column], column] > 0:
            partners[owner[column]] = column


@kernel("void(float64[:, ::1], boolean[::1], boolean[::1], int64[::1])")
def _match_in_turn(gains: Array, sure: Array, confirmed: Array, rows: Array) -> None:
    columns = len(sure)
    worth, partners = gains.copy(), np.full(len(gains), -1)
    alone = np.ones(len(gains), np.bool_)
    for turn in range(2):
        open_ = 0
        for j in range(columns):
            for i in range(len(gains)):
                if sure[j] == (turn == 0) and (turn == 0 or (alone[i] and confirmed[i])):
                    worth[i, j] = gains[i, j]
                    open_ += 1
                else:
                    worth[i, j] = -1.0
        if not open_:
            continue
        partners[:] = -1
        _match(worth, partners)
        for i in range(len(gains)):
            if partners[i] >= 0:
                rows[partners[i]] = i
                alone[i] = False
