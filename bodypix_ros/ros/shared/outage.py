"""When no frame comes: which topic is waited for, who publishes it, and what does not fit."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

PATIENCE_S = 5.0
"""Seconds without a frame until it is said."""


class Policy(Protocol):
    """One policy of QoS: a member of rclpy's enumerations."""

    @property
    def name(self) -> str:
        """In capital letters, such as "BEST_EFFORT"."""


class Qos(Protocol):
    """A rclpy.qos.QoSProfile."""

    @property
    def reliability(self) -> Policy:
        """Whether what is lost is sent again."""

    @property
    def durability(self) -> Policy:
        """Whether who comes later gets what was sent before."""


class Endpoint(Protocol):
    """A rclpy.topic_endpoint_info.TopicEndpointInfo."""

    node_name: str
    node_namespace: str
    topic_type: str
    qos_profile: Qos


class Publisher(NamedTuple):
    """Somebody who publishes a topic.

    Attributes:
        node: Name with namespace.
        type: "sensor_msgs/msg/Image".
        reliability: "RELIABLE" or "BEST_EFFORT".
        durability: "VOLATILE" or "TRANSIENT_LOCAL".
    """

    node: str
    type: str
    reliability: str
    durability: str

    @classmethod
    def of(cls, info: Endpoint) -> "Publisher":
        """From what rclpy knows of it."""
        profile = info.qos_profile
        return cls(
            f"{info.node_namespace.rstrip('/')}/{info.node_name}",
            info.topic_type,
            profile.reliability.name,
            profile.durability.name,
        )


class Outage:
    """Says when to speak: once each time that frames stay away."""

    def __init__(self, now_s: float, patience_s: float = PATIENCE_S) -> None:
        self._last_s, self._patience_s, self._said = now_s, patience_s, False

    @property
    def said(self) -> bool:
        """Whether frames stay away, and that was said."""
        return self._said

    def frame(self, now_s: float) -> bool:
        """A frame has come. Returns whether that ends an outage that was said."""
        self._last_s = now_s
        ended, self._said = self._said, False
        return ended

    def check(self, now_s: float) -> float | None:
        """The seconds without a frame, once per outage; else None."""
        missing_s = now_s - self._last_s
        if self._said or missing_s < self._patience_s:
            return None
        self._said = True
        return missing_s


def describe(
    name: str,
    topic: str,
    expected_type: str,
    own_reliability: str,
    publishers: Sequence[Publisher],
    seconds: float,
    alternatives: Sequence[str] = (),
) -> str:
    """Why no frame may come.

    Args:
        name: The topic waited for, as the node calls it: what to remap.
        topic: The same, resolved.
        expected_type: "sensor_msgs/msg/Image".
        own_reliability: The subscription's.
        publishers: Who publishes the topic.
        seconds: How long no frame came.
        alternatives: Topics of the other transport that somebody does publish.
    """
    start = f"no frame on {topic} for {seconds:.0f} s"
    if not publishers:
        text = f"{start}: nobody publishes it; start the camera, or remap {name}"
        if alternatives:
            text += f" (somebody publishes {', '.join(alternatives)}: see the parameter input_transport)"
        return text
    count = f"{len(publishers)} publisher{'s' if len(publishers) > 1 else ''}"
    them = "; ".join(
        f"{p.node} ({p.type.rpartition('/')[2]}, {p.reliability}, {p.durability})" for p in publishers
    )
    text = f"{start}: {count}: {them}"
    if all(p.type != expected_type for p in publishers):
        return f"{text}; the type must be {expected_type}"
    if own_reliability == "RELIABLE" and all(p.reliability == "BEST_EFFORT" for p in publishers):
        return (
            f"{text}; this node subscribes RELIABLE, which hears nothing of a BEST_EFFORT publisher: "
            f"set qos_overrides.{topic}.subscription.reliability to best_effort"
        )
    return (
        f"{text}; the QoS fits ({own_reliability} here), so it sends nothing, or nothing of it arrives "
        "(big images need larger socket buffers)"
    )
