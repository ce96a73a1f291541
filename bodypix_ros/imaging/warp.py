"""A piece of an image, moved, turned and scaled, as the input of a network."""

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from bodypix_ros.imaging.pixels import Pixels, as_line
from bodypix_ros.kernels import Array, Float, kernel, prefetch

_ONE = 1024
"""A pixel in the positions of the kernel. They, and shares, are rounded as in OpenCV, which MediaPipe
samples with: a network that looks again where it found something ends elsewhere otherwise."""
_SHARES = 32
"""Of a pixel: so finely it is told how near its neighbours are."""
_WHOLE, _REST = np.int64(10), np.int64(5)
"""Bits of a position behind its whole pixels, and behind its shares."""
_FAR = 2.0**29
"""Pixels at which positions end: what is farther out is out all the same."""
_APART = 4
"""Of so many pixels in a row, and of so many rows, one is fetched ahead: cache lines reach to the next."""
_AHEAD = 8
"""How many rows ahead."""
_BYTES = 8
"""Of a row that are read at once: they hold two pixels of four bytes."""


def fill_input(
    pixels: Pixels,
    crop_to_image: npt.NDArray[np.float64],
    out: npt.NDArray[np.float32],
    *,
    scale: float = 1 / 255,
    bias: float = 0.0,
    replicate: bool = False,
) -> None:
    """Sample an image bilinearly, in RGB, and normalise it.

    Samples are those of OpenCV's `warpAffine`, rounded to uint8 before they are scaled, as in MediaPipe.

    Args:
        pixels: The image.
        crop_to_image: float64 (2, 3): from x, y, 1 in the output to x, y in the image.
        out: float32 (h, w, 3), overwritten with sample * scale + bias.
        scale: See `out`.
        bias: See `out`.
        replicate: Outside of the image its nearest pixel is taken; otherwise there is black.
    """
    line, step = as_line(pixels.array)
    height, width, count = pixels.array.shape
    red, _, blue = pixels.channels
    _fill(
        line, step, height, width, count, red, blue, crop_to_image, np.float32(scale), np.float32(bias),
        replicate, out,
    )  # fmt: skip


def _between(count: int, red: int, green: int, blue: int) -> Any:
    """Make what a kernel calls for one pixel of its output: sampled between four of the image, and written.

    It is vector code by itself: left to LLVM it goes byte by byte, or, as a pixel's fourth byte is the next
    one's first, by an instruction (insertq) that took a hundred times longer where this was measured.

    Args:
        count: Bytes of a pixel.
        red: Where red lies among them.
        green: As red.
        blue: As red.
    """
    whole = ir.IntType(32)
    four, eight = ir.VectorType(ir.FloatType(), 4), ir.VectorType(ir.FloatType(), _BYTES)
    bytes_of_two = ir.VectorType(ir.IntType(8), _BYTES)
    contract = ("contract",)

    def lanes(*which: int) -> Any:
        return ir.Constant(ir.VectorType(whole, len(which)), [whole(k) for k in which])

    def all_of(builder: Any, number: Any, type_: Any) -> Any:
        first = builder.insert_element(ir.Constant(type_, ir.Undefined), number, whole(0))
        return builder.shuffle_vector(first, first, lanes(*[0] * type_.count))

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        line, upper, lower, u, v, scale, bias, flat, at = arguments
        source = context.make_array(signature.args[0])(context, builder, line).data
        target = context.make_array(signature.args[7])(context, builder, flat).data

        def two_pixels(begin: Any) -> Any:
            address = builder.bitcast(builder.gep(source, [begin]), bytes_of_two.as_pointer())
            return builder.uitofp(builder.load(address, align=1), eight)

        def sum_of(a: Any, b: Any, c: Any) -> Any:  # a * b + c
            return builder.fadd(builder.fmul(a, b, flags=contract), c, flags=contract)

        def blend(a: Any, b: Any, share: Any) -> Any:
            return sum_of(share, builder.fsub(b, a), a)

        between = blend(two_pixels(upper), two_pixels(lower), all_of(builder, v, eight))
        left, right = (
            builder.shuffle_vector(between, between, lanes(*(begin + lane for lane in (red, green, blue, 0))))
            for begin in (0, count)
        )
        floor = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(four, [four]), "llvm.floor.v4f32"
        )
        half = ir.Constant(four, [0.5] * 4)
        value = builder.fadd(blend(left, right, all_of(builder, u, four)), half)
        value = sum_of(
            builder.call(floor, [value]), all_of(builder, scale, four), all_of(builder, bias, four)
        )
        builder.store(value, builder.bitcast(builder.gep(target, [at]), four.as_pointer()), align=4)
        return context.get_dummy_value()

    @intrinsic  # type: ignore[untyped-decorator]
    def between(
        _: Any, line: Any, upper: Any, lower: Any, u: Any, v: Any, scale: Any, bias: Any, flat: Any, at: Any
    ) -> Any:
        return types.void(line, upper, lower, u, v, scale, bias, flat, at), generate

    return between


_rgb, _bgr, _rgba, _bgra = (
    _between(3, 0, 1, 2),
    _between(3, 2, 1, 0),
    _between(4, 0, 1, 2),
    _between(4, 2, 1, 0),
)
_grey = _between(1, 0, 0, 0)
"""In kernels: line, upper, lower, u, v, scale, bias, flat, at. `upper` and `lower` are where the left pixels
begin in `line`, unsigned; from there _BYTES are read. u and v are the shares of right and lower ones. From
`flat[at]` on four values are written: red, green, blue, and one that the next pixel overwrites."""


@kernel(inline=True)
def _fixed(pixels: Float) -> int:
    """A number of pixels in units of 1 / _ONE; what is no number is far out."""
    near = min(max(pixels, -_FAR), _FAR) if pixels == pixels else _FAR
    fixed: int = np.int64(np.rint(near * _ONE))
    return fixed


@kernel(inline=True)
def _places(
    x: int, y: int, along_x: Array, along_y: Array, step: int, count: int, at: Array, u: Array, v: Array
) -> None:
    """Where the upper left pixels of a row's columns begin, and the shares of right and lower ones.

    Factors of 32 bits, as processors have vector code for these.
    """
    for j in range(np.uint64(at.size)):
        here_x, here_y = x + along_x[j], y + along_y[j]
        row, column = np.int64(np.int32(here_y >> _WHOLE)), np.int64(np.int32(here_x >> _WHOLE))
        at[j] = row * np.int64(np.int32(step)) + column * np.int64(np.int32(count))
        u[j], v[j] = _share(here_x), _share(here_y)


@kernel(inline=True)
def _share(position: int) -> Float:
    """What the pixel behind a position has in it."""
    return np.float32(np.int32(position >> _REST) & np.int32(_SHARES - 1)) * np.float32(1 / _SHARES)


@kernel(inline=True)
def _at_the_edge(
    line: Array, step: int, height: int, width: int, count: int, red: int, blue: int, x: int, y: int,
    scale: Float, bias: Float, replicate: bool, flat: Array, at: int,
) -> None:  # fmt: skip
    """A pixel of the output of which not all four of the image are there."""
    column, row, u, v = x >> _WHOLE, y >> _WHOLE, _share(x), _share(y)
    one, half = np.float32(1), np.float32(0.5)
    for k, channel in enumerate((red, (red + blue) // 2, blue)):
        value = half
        for down in range(2):
            for right in range(2):
                i, j = min(max(row + down, 0), height - 1), min(max(column + right, 0), width - 1)
                if replicate or (i == row + down and j == column + right):
                    share = (u if right else one - u) * (v if down else one - v)
                    value += share * np.float32(line[np.uint64(i * step + j * count + channel)])
        flat[np.uint64(at + k)] = np.floor(value) * scale + bias


@kernel(
    "void(Array(uint8, 1, 'C', readonly=True), intp, intp, intp, intp, intp, intp, float64[:, ::1], float32,"
    " float32, boolean, float32[:, :, ::1])"
)
def _fill(
    line: Array, step: int, height: int, width: int, count: int, red: int, blue: int, matrix: Array,
    scale: Float, bias: Float, replicate: bool, out: Array,
) -> None:  # fmt: skip
    rows, columns = out.shape[0], out.shape[1]
    along_x, along_y = np.empty(columns, np.int64), np.empty(columns, np.int64)
    for j in range(columns):
        along_x[j], along_y[j] = _fixed(matrix[0, 0] * j), _fixed(matrix[1, 0] * j)
    ahead_x, ahead_y = _fixed(_AHEAD * matrix[0, 1]), _fixed(_AHEAD * matrix[1, 1])
    # Before this a left pixel must be, so that what is read from there on is in the row.
    end_x, end_y = ((width * count - _BYTES) // count + 1) * _ONE, (height - 1) * _ONE
    at, u, v = np.empty(columns, np.int64), np.empty(columns, np.float32), np.empty(columns, np.float32)
    flat, half_share = out.reshape(-1), _ONE // _SHARES // 2
    stride, three = np.uint64(step), np.uint64(3)
    for i in range(rows):
        x = _fixed(matrix[0, 1] * i + matrix[0, 2]) + half_share
        y = _fixed(matrix[1, 1] * i + matrix[1, 2]) + half_share
        for j in range(np.uint64(i % _APART), np.uint64(columns), np.uint64(_APART)):
            row, column = (y + ahead_y + along_y[j]) >> _WHOLE, (x + ahead_x + along_x[j]) >> _WHOLE
            place = np.uint64(row * step + column * count)
            prefetch(line, place)
            prefetch(line, place + stride)
        _places(x, y, along_x, along_y, step, count, at, u, v)
        begin, end = 0, columns - (i == rows - 1)  # the last pixel's fourth value would lie behind the output
        while begin < end and not (0 <= x + along_x[begin] < end_x and 0 <= y + along_y[begin] < end_y):
            begin += 1
        while begin < end and not (0 <= x + along_x[end - 1] < end_x and 0 <= y + along_y[end - 1] < end_y):
            end -= 1
        row = i * columns * 3
        to = np.uint64(row + 3 * begin)
        for j in range(np.uint64(begin), np.uint64(end)):
            upper = np.uint64(at[j])
            if count == 1:
                _grey(line, upper, upper + stride, u[j], v[j], scale, bias, flat, to)
            elif count == 3 and red == 0:
                _rgb(line, upper, upper + stride, u[j], v[j], scale, bias, flat, to)
            elif count == 3:
                _bgr(line, upper, upper + stride, u[j], v[j], scale, bias, flat, to)
            elif red == 0:
                _rgba(line, upper, upper + stride, u[j], v[j], scale, bias, flat, to)
            else:
                _bgra(line, upper, upper + stride, u[j], v[j], scale, bias, flat, to)
            to += three
        for k in range(columns - (end - begin)):
            j = k if k < begin else k + (end - begin)
            _at_the_edge(
                line, step, height, width, count, red, blue, x + along_x[j], y + along_y[j], scale, bias,
                replicate, flat, row + 3 * j,
            )  # fmt: skip
