"""What is known of a stream's image before: who was where, and whose turn it is to be looked at closely.

In a stream a frame gets half of the crops. People whom only a crop shows well would come and go with their
turn; so who was seen stays for some frames, less and less sure, where the pass of the whole picture still
shows pixels of a person.
"""

import numpy as np
import numpy.typing as npt

from bodypix_ros.imaging.cuts import Cuts
from bodypix_ros.segmenters.bodypix.people.decoding import Found
from bodypix_ros.segmenters.bodypix.people.merging import similarity
from bodypix_ros.segmenters.bodypix.people.planning import plan
from bodypix_ros.segmenters.bodypix.people.views import CROP, View, crop

_STAYS = 0.9
"""Share of a person's trust that is left in the next frame, with nothing new to say for it."""
_GONE = 0.1
"""Trust below which a person is forgotten."""
_SAME = 0.3
"""Similarity of keypoints from which a pose is the person's of the frame before."""
_EVERY = 8
"""Frames from one search for newcomers to the next."""
_ENLARGED = 2.0
"""How much larger that search sees the picture than the pass of all of it."""

Poses = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float32]


class Following:
    """The memory of one stream."""

    def __init__(self) -> None:
        """Know nothing."""
        self._cuts = Cuts(turns=False)  # who is known is known by place
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._shape = 0, 0
        self._frames = 0
        self._poses = np.empty((0, 17, 3), np.float32)
        self._trusted = np.empty(0, np.float32)
        self._waited = np.empty(0, np.float32)
        self._candidates = self._poses, self._trusted

    def meet(self, image: npt.NDArray[np.uint8]) -> None:
        """Begin a frame: a cut, a jump of the camera or another size of picture begins anew.

        Args:
            image: uint8 (H, W, C).
        """
        shape = image.shape[0], image.shape[1]
        is_cut = self._cuts.is_cut(image)
        if is_cut or shape != self._shape:
            self.reset()
        self._shape = shape
        self._frames += 1

    def crops(self, base: View, shape: tuple[int, int], most: int) -> list[View]:
        """What to look at beside the whole picture, by what is known of the frame before.

        Args:
            base: What the pass of the whole picture sees.
            shape: Rows and columns of the picture.
            most: So many crops a picture of its own may have: a frame gets half of them, and another one
                now and then, in which newcomers are searched for.

        Returns:
            That search, and crops around people; none where nobody is known.
        """
        search = self._search(base, shape) if most else None
        crops = plan(*self._candidates, base, shape, (most + 1) // 2)
        return [search, *crops][:most] if search is not None else crops

    def _search(self, base: View, shape: tuple[int, int]) -> View | None:
        """The part of the picture to search for newcomers in this frame; None: not now."""
        turn, rest = divmod(self._frames, _EVERY)
        if rest:
            return None
        zoom = _ENLARGED / base.step
        side = (CROP - 1) / zoom
        rows, columns = (max(int(np.ceil(size / side)), 1) for size in shape)
        row, column = divmod(turn % (rows * columns), columns)
        top = row * max(shape[0] - 1 - side, 0) / max(rows - 1, 1)
        left = column * max(shape[1] - 1 - side, 0) / max(columns - 1, 1)
        return crop(float(round(top)), float(round(left)), zoom)

    def remember(
        self, poses: Poses, trusted: Numbers, found: Found, views: list[View]
    ) -> tuple[Poses, Numbers]:
        """End a frame: who is there now, those of the frame before among them.

        Args:
            poses: float32 (N, 17, 3), of all passes, a person each.
            trusted: float32 (N,), how far each is trusted.
            found: In the whole picture.
            views: The crops that were looked at.

        Returns:
            The same, with the trust of whoever was there before, and those of whom this frame says nothing.
        """
        alike = similarity(self._poses, poses)
        known = alike.max(axis=1, initial=0) >= _SAME
        trusted = trusted.copy()
        waited = np.ones(len(poses), np.float32)
        for n in np.flatnonzero(known):
            m = int(alike[n].argmax())
            trusted[m] = max(trusted[m], _STAYS * self._trusted[n])
            waited[m] = self._waited[n] + 1
        # A crop that shows nobody where somebody was is to be believed.
        carried = ~known & ~_inside(self._poses, views) & (_STAYS * self._trusted >= _GONE)
        poses = np.concatenate([poses, self._poses[carried]])
        trusted = np.concatenate([trusted, np.float32(_STAYS) * self._trusted[carried]])
        waited = np.concatenate([waited, self._waited[carried] + 1])
        waited[_inside(poses, views)] = 0
        order = np.argsort(-trusted, kind="stable")
        poses, trusted = poses[order], trusted[order]
        stay = trusted >= _GONE
        self._poses, self._trusted, self._waited = poses[stay], trusted[stay], waited[order][stay]
        self._candidates = self._who_is_next(found)
        return poses, trusted

    def _who_is_next(self, found: Found) -> tuple[Poses, Numbers]:
        """Who may be looked at closely in the next frame, and how urgently: the known, and newcomers."""
        alike = similarity(found.poses, self._poses)
        new = alike.max(axis=1, initial=0) < _SAME
        # Who is seen well anyway can wait: the least sure and longest waiting come first.
        seen = np.where(alike >= _SAME, found.trusted[:, np.newaxis], 0).max(axis=0, initial=0)
        urgent = (1 + self._waited) * (1 - seen)
        return (
            np.concatenate([self._poses, found.poses[new]]),
            np.concatenate([urgent, found.scores[new]]).astype(np.float32),
        )


def _inside(poses: Poses, views: list[View]) -> npt.NDArray[np.bool_]:
    """Whether the middle of each pose lies in one of the views."""
    inside = np.zeros(len(poses), np.bool_)
    x, y = poses[:, :, 0].mean(axis=1), poses[:, :, 1].mean(axis=1)
    for view in views:
        bottom, right = view.top + (view.height - 1) * view.step, view.left + (view.width - 1) * view.step
        inside |= (view.left <= x) & (x <= right) & (view.top <= y) & (y <= bottom)
    return inside
