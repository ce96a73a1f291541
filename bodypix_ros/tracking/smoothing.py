"""Values that are still at rest and prompt in motion, and people's keypoints smoothed with that."""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from bodypix_ros.kernels import Array, Float, kernel
from bodypix_ros.scene import Person, Scene

Values = npt.NDArray[np.float64]

_LEAST_SCORE, _LEAST_COMMON = 0.3, 3
"""Of keypoints that say where the whole person goes, and how many it takes."""
_LONGEST_GAP_S = 0.2
"""Whoever was not seen for longer is not where filters remember."""


@dataclass(slots=True)
class OneEuro:
    """The 1 Euro filter (Casiez, Roussel, Vogel 2012): smooth at rest, prompt in motion.

    Attributes:
        min_cutoff: Cut-off frequency at rest, in Hz.
        beta: Hz of cut-off per unit of speed.
        derivative_cutoff: Of the speed, in Hz.
        rest: Speeds up to this are taken for noise; the paper has 0.
    """

    min_cutoff: float
    beta: float
    derivative_cutoff: float = 1.0
    rest: float = 0.0
    _state: Values | None = None  # (3, n): as it came, filtered, and the filtered speed

    def apply(self, values: Values, step_s: float, scale: float = 1.0) -> Values:
        """Filter.

        Args:
            values: float64 of any shape, the same at every call.
            step_s: Seconds since the call before.
            scale: What the speed is multiplied with: one over the size of what moves.
        """
        flat = np.ascontiguousarray(values, np.float64).reshape(-1)
        if self._state is None:
            self._state = np.stack([flat, flat, np.zeros_like(flat)])
            return values
        _filter(
            flat, self._state, step_s, scale, self.min_cutoff, self.beta, self.derivative_cutoff, self.rest
        )
        smooth: Values = self._state[1].reshape(values.shape).copy()
        return smooth


@kernel(inline=True)
def _weight(cutoff: Float, step: Float) -> Float:
    """Of the new value in an exponential mean with that cut-off frequency."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * step))


@kernel("void(float64[::1], float64[:, ::1], float64, float64, float64, float64, float64, float64)")
def _filter(
    values: Array, state: Array, step: Float, scale: Float, min_cutoff: Float, beta: Float,
    derivative_cutoff: Float, rest: Float,
) -> None:  # fmt: skip
    of_speed = _weight(derivative_cutoff, step)
    for n in range(values.size):
        speed = (values[n] - state[0, n]) * (scale / step)
        state[2, n] = of_speed * speed + (1 - of_speed) * state[2, n]
        weight = _weight(min_cutoff + beta * max(abs(state[2, n]) - rest, 0.0), step)
        state[1, n] = weight * values[n] + (1 - weight) * state[1, n]
        state[0, n] = values[n]


@kernel("void(float32[:, ::1], float32[:, ::1], float64[::1])")
def _go(before: Array, now: Array, way: Array) -> None:
    """Add to `way` the median of how far the keypoints that are seen in both went, if they are enough."""
    least = np.float32(_LEAST_SCORE)
    moved = np.empty(len(now))
    for axis in range(2):
        count = 0
        for k in range(len(now)):
            if now[k, 2] >= least and before[k, 2] >= least:
                step, at = np.float64(now[k, axis] - before[k, axis]), count
                while at > 0 and moved[at - 1] > step:
                    moved[at] = moved[at - 1]
                    at -= 1
                moved[at] = step
                count += 1
        if count >= _LEAST_COMMON:
            way[axis] += (moved[(count - 1) // 2] + moved[count // 2]) / 2


@dataclass(slots=True)
class _Followed:
    """One person: the filters, and what went into them last.

    The whole person's way is filtered apart from the keypoints' ways about it: limbs are held still without
    holding back somebody who walks. Speeds are in lengths of the person per second.

    Attributes:
        keypoints: float32 (K, 3), as they were seen last.
        seen_s: When.
        way: float64 (2,), where the whole person is, beside where the first image had it.
    """

    keypoints: npt.NDArray[np.float32]
    seen_s: float
    way: Values = field(default_factory=lambda: np.zeros(2))
    body: OneEuro = field(default_factory=lambda: OneEuro(0.05, 40.0))
    limbs: OneEuro = field(default_factory=lambda: OneEuro(0.05, 40.0, rest=0.08))

    def apply(self, keypoints: npt.NDArray[np.float32], stamp_s: float, scale: float) -> Values:
        """X and y smoothed, float64 (K, 2)."""
        step_s = max(stamp_s - self.seen_s, 1e-6)
        keypoints = np.ascontiguousarray(keypoints)
        _go(self.keypoints, keypoints, self.way)
        self.keypoints, self.seen_s = keypoints, stamp_s
        about = self.limbs.apply(keypoints[:, :2] - self.way, step_s, scale)
        return self.body.apply(self.way, step_s, scale) + about


class Smoother:
    """Smooths the keypoints of people who have ids."""

    def __init__(self) -> None:
        self._people: dict[int, _Followed] = {}

    def reset(self) -> None:
        """Forget everybody."""
        self._people = {}

    def apply(self, scene: Scene, stamp_s: float) -> Scene:
        """Smooth x and y of keypoints; scores and everything else stay.

        Args:
            scene: With ids; whoever has none is left as seen.
            stamp_s: When, in seconds.
        """
        people = self._people.items()
        self._people = {k: one for k, one in people if 0 <= stamp_s - one.seen_s <= _LONGEST_GAP_S}
        return replace(scene, persons=tuple(self._smoothed(person, stamp_s) for person in scene.persons))

    def _smoothed(self, person: Person, stamp_s: float) -> Person:
        size = max(person.box[2] - person.box[0], person.box[3] - person.box[1])
        if person.track_id is None or size <= 0 or not person.keypoints[:, 2].any():
            return person
        one = self._people.setdefault(person.track_id, _Followed(person.keypoints, stamp_s))
        keypoints = person.keypoints.copy()
        keypoints[:, :2] = one.apply(person.keypoints, stamp_s, 1 / size)
        return replace(person, keypoints=keypoints)
