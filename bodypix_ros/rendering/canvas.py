"""What a browser's canvas does to pictures: blurring and compositing."""

from math import sqrt

import cv2
import numpy as np
import numpy.typing as npt

from bodypix_ros.rendering.arguments import Image

Weights = npt.NDArray[np.float32]

_SIGMA_FULL = 4.0  # up to here a Gaussian is computed at full size


def blur(picture: Image, sigma: float, border: int = cv2.BORDER_CONSTANT) -> Image:
    """Blur with a Gaussian.

    Wide ones are computed on a smaller copy: a twentieth of the time at sigma 20, and within 4/255 of the
    exact result.

    Args:
        picture: uint8 (H, W) or (H, W, C); with an alpha channel premultiplied.
        sigma: Standard deviation in pixels; 0 gives the picture.
        border: What lies outside of it: all 0, or with BORDER_REPLICATE what is at its rim.

    Returns:
        uint8, shape of `picture`.
    """
    picture = np.ascontiguousarray(picture)
    if sigma == 0:
        return picture
    factor = 1
    while sigma / factor > _SIGMA_FULL:
        factor *= 2
    if factor == 1:
        return _gaussian(picture, sigma, border)
    height, width = picture.shape[:2]
    rim = factor  # so that the way back up interpolates towards what blurred out of the picture
    wide = cv2.copyMakeBorder(
        picture, rim, rim + -height % factor, rim, rim + -width % factor, border, value=(0,) * 4
    )
    size = (wide.shape[1], wide.shape[0])
    small = cv2.resize(wide, (size[0] // factor, size[1] // factor), interpolation=cv2.INTER_AREA)
    # Averaging over boxes on the way down and interpolating on the way up blur a little by themselves; what
    # is left to do is the difference of the variances.
    variance = sigma**2 - (factor**2 - 1) / 12 - factor**2 / 6
    blurred = _gaussian(np.asarray(small, np.uint8), sqrt(variance) / factor, border)
    large = np.asarray(cv2.resize(blurred, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.ascontiguousarray(large[rim : rim + height, rim : rim + width])


def _gaussian(picture: Image, sigma: float, border: int) -> Image:
    out = cv2.GaussianBlur(picture, (0, 0), sigma, borderType=border)
    return np.asarray(out, np.uint8).reshape(picture.shape)


def blur_colors(picture: Image, sigma: float, border: int = cv2.BORDER_CONSTANT) -> Image:
    """Blur an RGBA picture: each colour counts by its alpha.

    Args:
        picture: uint8 (H, W, 4), not premultiplied.
        sigma: Standard deviation in pixels.
        border: As in `blur`; all 0 is transparent.

    Returns:
        uint8 (H, W, 4), not premultiplied: where alpha fell the colours did not.
    """
    if sigma == 0:
        return picture
    blurred = blur(np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGBA2mRGBA), np.uint8), sigma, border)
    # Rounding may lift a colour over its alpha, which OpenCV's division does not expect.
    premultiplied = cv2.min(blurred, cv2.merge([cv2.extractChannel(blurred, 3)] * 4))
    return np.asarray(cv2.cvtColor(premultiplied, cv2.COLOR_mRGBA2RGBA), np.uint8)


def opaque(image: Image) -> Image:
    """Give the image four channels; one of three gets alpha 255."""
    image = np.ascontiguousarray(image)
    return image if image.shape[2] == 4 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA), np.uint8)


def share(alpha: npt.NDArray[np.uint8], opacity: float = 1.0) -> Weights:
    """Alpha 0..255 times an opacity as weights 0..1."""
    weights: Weights = np.multiply(alpha, np.float32(opacity / 255), dtype=np.float32)
    return weights


def mix(
    first: Image, first_weight: Weights, second: Image, second_weight: Weights, channels: int, flip: bool
) -> Image:
    """Mix two pictures by weight.

    Args:
        first: uint8 (H, W, 3 or 4), not premultiplied.
        first_weight: (H, W).
        second: uint8 (H, W, 3 or 4), not premultiplied.
        second_weight: (H, W). Both weights together are the alpha of the result.
        channels: Of the result: with 3 its alpha is left out and its colours stay as they are.
        flip: Mirror it.

    Returns:
        uint8 (H, W, channels), not premultiplied.
    """
    one, two = (
        p if p.shape[2] == 3 else cv2.cvtColor(p, cv2.COLOR_RGBA2RGB)
        for p in (np.ascontiguousarray(first), np.ascontiguousarray(second))
    )
    out = np.asarray(cv2.blendLinear(one, two, first_weight, second_weight), np.uint8)
    if channels == 4:
        alpha = cv2.addWeighted(first_weight, 255, second_weight, 255, 0, dtype=cv2.CV_8U)
        out = np.asarray(cv2.merge([*cv2.split(out), alpha]), np.uint8)
    return np.asarray(cv2.flip(out, 1), np.uint8) if flip else out


def lay(paint: Image, weight: Weights, image: Image, flip: bool) -> Image:
    """Composite a picture over an image ("source-over").

    Args:
        paint: uint8 (H, W, 3 or 4), not premultiplied.
        weight: (H, W), its alpha times opacity.
        image: uint8 (H, W, 3 or 4).
        flip: Mirror the result.

    Returns:
        uint8, shape of `image`.
    """
    below = 1 - weight
    if image.shape[2] == 4:
        below *= share(image[..., 3])
    return mix(image, below, paint, weight, image.shape[2], flip)


def keep_sharp(image: Image, blurred: Image, sharp: npt.NDArray[np.uint8], flip: bool) -> Image:
    """Show an image where a mask says so and its blurred copy elsewhere ("destination-in", then "-over").

    Args:
        image: uint8 (H, W, 3 or 4).
        blurred: From `blur_colors` of the image.
        sharp: uint8 (H, W), 255 shows the image alone, 0 the blurred copy.
        flip: Mirror the result.

    Returns:
        uint8, shape of `image`.
    """
    above = share(sharp)
    if image.shape[2] == 4:
        above *= share(image[..., 3])
    below = share(blurred[..., 3])
    below *= 1 - above
    return mix(image, above, blurred, below, image.shape[2], flip)
