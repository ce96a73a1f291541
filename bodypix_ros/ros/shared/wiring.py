"""A node's topics for the parts of it that know no rclpy: `shared.node.NodeWiring` is what they get."""

from collections.abc import Callable
from typing import Protocol

from bodypix_ros.ros.messages.types import Message
from bodypix_ros.ros.shared import outage


class Port(Protocol):
    """A camera's outputs."""

    def listeners(self, topic: str) -> int:
        """How many subscribe to an output."""

    def publish(self, topic: str, message: Message) -> None:
        """Publish a message, or one that is serialised already."""


class Output(Protocol):
    """Something that publishes on a topic: rclpy's Publisher."""

    @property
    def topic_name(self) -> str:
        """The topic, resolved."""

    def publish(self, message: Message) -> None:
        """Publish a message, or one that is serialised already."""

    def get_subscription_count(self) -> int:
        """How many subscribe to it."""


class Input(Protocol):
    """Something that hears a topic: rclpy's Subscription."""

    @property
    def topic_name(self) -> str:
        """The topic, resolved."""

    @property
    def qos_profile(self) -> outage.Qos:
        """Its QoS, as it was overridden."""


class Wiring(Protocol):
    """Makes and removes what is on topics. Types are written as in "sensor_msgs/msg/Image"."""

    def publisher(
        self, kind: str, topic: str, *, depth: int = 1, reliable: bool = True, latched: bool = False
    ) -> Output:
        """Publish on a topic.

        Args:
            kind: The messages' type.
            topic: Relative to the node's namespace; may be remapped.
            depth: So many of the last messages are kept.
            reliable: Offer to send again what was lost.
            latched: Whoever subscribes later gets the last messages, too.
        """

    def subscription(
        self, kind: str, topic: str, on_message: Callable[[Message], None], *, depth: int = 1
    ) -> Input:
        """Hear a topic, best effort, which hears everybody.

        Args:
            kind: The messages' type.
            topic: Relative to the node's namespace; may be remapped.
            on_message: Gets each message.
            depth: So many of the last messages wait.
        """

    def unpublish(self, output: Output) -> None:
        """Take away what `publisher` gave."""

    def unsubscribe(self, heard: Input) -> None:
        """Take away what `subscription` gave."""

    def publishers_of(self, topic: str) -> list[outage.Publisher]:
        """Who publishes a topic, resolved."""


def why_silent(
    wiring: Wiring, heard: Input, name: str, kind: str, seconds: float, *, compressed: bool | None = None
) -> str:
    """Why nothing may come on an input.

    Args:
        wiring: The node's.
        heard: The input.
        name: Its topic as the node calls it: what to remap.
        kind: Its messages' type.
        seconds: How long nothing came.
        compressed: Of an image, whether it is read compressed: there is another transport then, and somebody
            may publish that. None: of anything else.
    """
    topic = heard.topic_name
    other = topic.removesuffix("/compressed") if compressed else f"{topic}/compressed"
    elsewhere = compressed is not None and bool(wiring.publishers_of(other))
    return outage.describe(
        name,
        topic,
        kind,
        heard.qos_profile.reliability.name,
        wiring.publishers_of(topic),
        seconds,
        [other] if elsewhere else [],
    )
