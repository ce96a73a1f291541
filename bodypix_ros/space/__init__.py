"""People in metres: lens, calibration, pose. Knows no ROS."""
