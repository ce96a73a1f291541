"""Tests on a real ROS 2. Where none is sourced, only `test_ros_is_here.py` is collected, and says so."""

import os
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.checkpoints import write_tiny_bodypix

# Where a shell started this in the background SIGINT is ignored, and so it would be by every node.
signal.signal(signal.SIGINT, signal.default_int_handler)

if TYPE_CHECKING:
    from on_ros.harness import Peer

collect_ignore_glob = [] if find_spec("rclpy") else ["test_node_*.py", "test_package.py"]

# Nothing of these tests leaves this computer or meets another run, unless the environment says otherwise.
os.environ.setdefault("ROS_DOMAIN_ID", str(110 + os.getpid() % 100))
# Where ROS_LOCALHOST_ONLY is set, Humble names the interface itself, and Cyclone DDS takes none twice.
LOOPBACK = '<Interfaces><NetworkInterface name="lo" multicast="false"/></Interfaces>'
os.environ.setdefault(
    "CYCLONEDDS_URI",
    f'<CycloneDDS><Domain id="any"><General>{"" if os.environ.get("ROS_LOCALHOST_ONLY") == "1" else LOOPBACK}'
    "<AllowMulticast>false</AllowMulticast></General><Discovery>"
    "<ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>99</MaxAutoParticipantIndex>"
    '<Peers><Peer address="127.0.0.1"/></Peers></Discovery></Domain></CycloneDDS>',
)


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with a tiny BodyPix of random weights."""
    folder = tmp_path_factory.mktemp("models")
    write_tiny_bodypix(folder, seed=9)  # one that sees people in noise
    return folder


@pytest.fixture(scope="session")
def peer() -> "Iterator[Peer]":
    """The other side of the topics: cameras, subscribers and clients."""
    from on_ros.harness import Peer

    with Peer() as other_side:
        yield other_side
