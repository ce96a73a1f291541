"""What is made of a stream's Scenes, one after another: ids that stay, then keypoints that do not tremble."""

from bodypix_ros.imaging.pixels import Pixels
from bodypix_ros.scene import Scene
from bodypix_ros.tracking.clock import Clock
from bodypix_ros.tracking.options import StreamOptions
from bodypix_ros.tracking.smoothing import Smoother
from bodypix_ros.tracking.tracker import Tracker


class Following:
    """The people of one stream."""

    def __init__(self) -> None:
        self._clock, self._tracker, self._smoother = Clock(), Tracker(), Smoother()
        self._now_s = 0.0

    def reset(self) -> None:
        """Forget everybody; ids are not used again."""
        self._tracker.reset()
        self._smoother.reset()

    def apply(
        self, scene: Scene, pixels: Pixels, options: StreamOptions, stamp: object, *, smooth: bool
    ) -> Scene:
        """Give ids, and smooth keypoints.

        Args:
            scene: What was seen in the stream's next image, without ids.
            pixels: The image, mirrored where the Scene is.
            options: In force for it.
            stamp: When it was taken, as the caller has it.
            smooth: Whether keypoints are to be smoothed, if the options want it; some families do that.
        """
        self._now_s += self._clock.step(stamp)
        if not options.tracking:
            self.reset()
            return scene
        tracker = self._tracker
        tracker.sure_score, tracker.max_age = options.sure_score, options.max_age
        tracker.appearance = options.appearance
        scene = tracker.update(scene, self._now_s, pixels.array, pixels.encoding)
        if not smooth or not options.smooth:
            self._smoother.reset()
            return scene
        return self._smoother.apply(scene, self._now_s)
