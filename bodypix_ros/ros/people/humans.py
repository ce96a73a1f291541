"""The topics of bodies as ROS4HRI has them, made and taken away as people come and go."""

from typing import Any, Final

from bodypix_ros.errors import MessageError
from bodypix_ros.ros.messages import humans, images
from bodypix_ros.ros.messages.placed import Give, People
from bodypix_ros.ros.people.joining import IMAGE
from bodypix_ros.ros.shared.wiring import Output, Wiring
from bodypix_ros.scene import Scene
from bodypix_ros.space.crowd import Found

GONE_S: Final = 2.0
"""Topics of somebody who is not seen are kept so long, seconds by the images' stamps."""


class Bodies:
    """What /humans/bodies says of one camera's people."""

    def __init__(self, wiring: Wiring) -> None:
        """Publish nothing yet."""
        self._wiring = wiring
        self._tracked = wiring.publisher(humans.IDS, humans.TRACKED)
        self._topics: dict[str, dict[str, Output]] = {}
        self._seen_s: dict[str, float] = {}

    def publish(
        self,
        give: Give,
        people: People,
        scene: Scene,
        bodies: dict[str, Found],
        others: list[str],
        messages: dict[str, Any],
    ) -> None:
        """Publish everything of everybody.

        Args:
            give: The message classes.
            people: Who was placed.
            scene: What was seen.
            bodies: Who has an id, by the id as REP-155 wants it.
            others: Those of the node's other cameras, as there is one list of all.
            messages: Of the image.
        """
        header = people.header
        now_s = header.stamp.sec + header.stamp.nanosec / 1e9
        self._tracked.publish(humans.tracked(give, header, sorted({*bodies, *others})))
        image, size = _image(messages), scene.instance_mask.shape
        tracks = {track.id: track for track in people.tracks}
        for name, one in bodies.items():
            self._seen_s[name] = now_s
            topics, person = self._of(name), scene.persons[one.value - 1]
            made = {
                "roi": humans.roi(give, header, person, (size[0], size[1])),
                "skeleton2d": humans.skeleton2d(
                    give, header, person, scene.keypoint_names, (size[0], size[1])
                ),
                "position": humans.position(give, header, header.frame_id, one.placed.position),
                "cropped": None if image is None else humans.cropped(give, header, person, image),
                "velocity": None,
            }
            track = tracks.get(one.id)
            if track is not None and people.fixed is not None:
                made["velocity"] = humans.velocity(give, header, people.fixed.name, track.velocity)
            for kind, message in made.items():
                if message is not None:
                    topics[kind].publish(message)
        for name, seen_s in list(self._seen_s.items()):
            if not 0 <= now_s - seen_s <= GONE_S and name not in bodies:
                self._forget(name)

    def stop(self) -> None:
        """Take all topics away."""
        for name in list(self._topics):
            self._forget(name)
        self._wiring.unpublish(self._tracked)

    def _of(self, name: str) -> dict[str, Output]:
        if name not in self._topics:
            self._topics[name] = {
                topic: self._wiring.publisher(kind, f"/humans/bodies/{name}/{topic}")
                for topic, kind in humans.BODY_TOPICS.items()
            }
        return self._topics[name]

    def _forget(self, name: str) -> None:
        del self._seen_s[name]
        for output in self._topics.pop(name, {}).values():
            self._wiring.unpublish(output)


def _image(messages: dict[str, Any]) -> Any:
    message = messages.get(IMAGE)
    if message is None:
        return None
    try:
        return images.as_bgr(*images.to_image(message))
    except MessageError:
        return None
