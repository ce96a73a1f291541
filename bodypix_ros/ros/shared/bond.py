"""The node's end of a bond: heartbeats that Nav2's lifecycle manager listens to, to know that the node lives.

Its own end of the bond says nothing to this node: what the manager wants is asked for by transitions.
"""

import uuid
from typing import Final

from bodypix_ros.ros.messages.types import Stamp, message_class
from bodypix_ros.ros.shared.wiring import Wiring

TOPIC: Final = "bond"
KIND: Final = "bond/msg/Status"
TIMEOUT_S: Final = 4.0
"""So long the manager may wait for a heartbeat, unless its own `bond_timeout` says otherwise."""


class Heart:
    """Beats while the node is active."""

    def __init__(self, wiring: Wiring, name: str, period_s: float) -> None:
        """Publish nothing yet.

        Args:
            wiring: The node's.
            name: The node's, by which the manager knows it.
            period_s: Seconds between two beats.

        Raises:
            ImportError: The package bond is not installed.
        """
        self._wiring, self._new = wiring, message_class(KIND)
        self._name, self._period_s, self._instance = name, period_s, str(uuid.uuid4())
        self._output = wiring.publisher(KIND, TOPIC, depth=5)

    def beat(self, stamp: Stamp) -> None:
        """Say that the node lives."""
        self._say(stamp, active=True)

    def stop(self, stamp: Stamp) -> None:
        """Say that it ends, and take the publisher away."""
        self._say(stamp, active=False)
        self._wiring.unpublish(self._output)

    def _say(self, stamp: Stamp, *, active: bool) -> None:
        message = self._new()
        message.header.stamp = stamp
        message.id, message.instance_id, message.active = self._name, self._instance, active
        message.heartbeat_timeout, message.heartbeat_period = TIMEOUT_S, self._period_s
        self._output.publish(message)
