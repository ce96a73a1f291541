"""Follow somebody with Nav2: the segmenter, people in metres, and a goal for opennav_following's server.

ros2 launch bodypix_ros follow_person.launch.py camera:=realsense follow:=nearest

Nav2 and its following server run already. The robot follows until this is stopped.
"""

from typing import Any

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction

from bodypix_ros.ros.shared import launching, places


def _start(context: Any) -> list[Any]:
    values = context.launch_configurations
    namespace = values["namespace"].strip("/")
    followed = f"/{namespace}/followed" if namespace else "/followed"
    # Sends the goal, which is cancelled where this ends.
    goal = [
        "ros2",
        "action",
        "send_goal",
        values["action"],
        values["action_type"],
        f"{{pose_topic: {followed}}}",
    ]
    return [*places.nodes(context), ExecuteProcess(cmd=goal, output="screen")]


def generate_launch_description() -> LaunchDescription:
    """Describe the launch; the arguments stand at top level, so that --show-args lists them."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "action", default_value="/follow_object", description="name of the following server's action"
            ),
            DeclareLaunchArgument(
                "action_type",
                default_value="nav2_msgs/action/FollowObject",
                description="its type; opennav_following_msgs/action/FollowObject before Nav2 took it over",
            ),
            *places.arguments(),
            *launching.arguments("segmenter.yaml"),
            OpaqueFunction(function=_start),
        ]
    )
