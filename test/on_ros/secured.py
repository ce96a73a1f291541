"""A node that tries what it is told to, and says what it may: `publish:/cmd_vel subscribe:persons ...`.

It prints a line for each try, and one for each message; test_security.py runs it with and without SROS 2.
"""

import contextlib
import sys
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool


def main() -> None:
    rclpy.init(args=sys.argv)
    node = rclpy.create_node("listener")
    tries = [word.partition(":") for word in rclpy.utilities.remove_ros_args(sys.argv)[1:]]
    made: list[Any] = []
    for verb, _, topic in tries:
        try:
            if verb == "publish":
                made.append(node.create_publisher(Image, topic, 1))
            elif verb == "subscribe":
                made.append(node.create_subscription(Image, topic, _printer(topic), 1))
            else:
                made.append(client := node.create_client(SetBool, topic))
        except Exception as error:  # noqa: BLE001 - rclpy's own has no public name
            print(f"may not {verb} {topic}: {error}", flush=True)
            continue
        print(f"may {verb} {topic}", flush=True)
        if verb == "request":
            client.wait_for_service()
            future = client.call_async(SetBool.Request(data=True))
            rclpy.spin_until_future_complete(node, future)
            print(f"answer of {topic}: {future.result().success}", flush=True)
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


def _printer(topic: str) -> Any:
    def on_message(message: Any) -> None:
        print(f"heard {topic}: {message.width}x{message.height} {message.encoding}", flush=True)

    return on_message


if __name__ == "__main__":
    main()
