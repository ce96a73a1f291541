"""The DDS files of config/, loaded by a real DDS."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import rclpy

from support.paths import ROOT

PROBE = """
import os, socket, rclpy
rclpy.init()
node = rclpy.create_node("buffers")
sizes = []
for fd in os.listdir("/proc/self/fd"):
    try:
        with socket.socket(fileno=os.dup(int(fd))) as one:
            if one.type == socket.SOCK_DGRAM and one.family == socket.AF_INET:
                sizes.append(one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2)  # Linux counts double
    except OSError:
        pass  # no socket
print(max(sizes))
"""


def receive_buffer(**environment):
    """Bytes of the largest receive buffer of a node, and the lines that DDS said, without their time."""
    everything = {**os.environ, **environment}
    found = subprocess.run(
        [sys.executable, "-c", PROBE], env=everything, capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 0, found.stderr
    return int(found.stdout), [line.partition("]")[2] for line in found.stderr.splitlines()]


@pytest.mark.skipif(
    rclpy.get_rmw_implementation_identifier() != "rmw_cyclonedds_cpp", reason="Cyclone DDS is not in use"
)
def test_cyclones_file_gives_the_largest_buffer_that_linux_allows():
    before, said_before = receive_buffer(CYCLONEDDS_URI="")
    after, said = receive_buffer(CYCLONEDDS_URI=f"file://{ROOT}/config/cyclonedds.xml")
    most = int(Path("/proc/sys/net/core/rmem_max").read_text())
    assert after == min(most, 16 * 1024 * 1024)
    assert after > before or most <= before
    assert said == said_before  # of ROS_LOCALHOST_ONLY, maybe, but not of the file
