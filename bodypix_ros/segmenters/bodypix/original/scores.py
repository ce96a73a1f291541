"""Logits -> probabilities, as helpers. Nothing here is compiled by itself."""

import numpy as np

from bodypix_ros.kernels import Float, kernel


@kernel(inline=True)
def probability(value: Float) -> Float:
    """The probability of a logit."""
    score: float = 1.0 / (1.0 + np.exp(-np.float64(value)))
    return score


@kernel(inline=True)
def sigmoid(value: Float) -> Float:
    """1 / (1 + exp(-value)) within 2 ulp, without a call, so that loops over it become vector code.

    The exponential is 2^n * exp(r), |r| <= ln(2) / 2, with the polynomial of Cephes' expf for exp(r).
    """
    one, half = np.float32(1), np.float32(0.5)
    x: Float = min(max(-value, np.float32(-87)), np.float32(87))
    n = np.floor(x * np.float32(1.44269504) + half)
    r = x - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
    p = np.float32(1.9875691500e-4) * r + np.float32(1.3981999507e-3)
    p = ((p * r + np.float32(8.3334519073e-3)) * r + np.float32(4.1665795894e-2)) * r
    p = ((p + np.float32(1.6666665459e-1)) * r + half) * r * r + r + one
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    score: Float = one / (one + p * power)
    return score
