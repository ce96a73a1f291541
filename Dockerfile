# The nodes on a ROS 2 from the distribution's own packages.
#
#     docker build -t bodypix_ros --build-arg ROS_DISTRO=jazzy .
#     docker compose up                  # with the Intel GPU and NPU of this computer: compose.yaml
#
# Which distributions there are: docs/distributions.md. This file is checked by test/test_containers.py, but no engine
# was at hand to build it.
ARG ROS_DISTRO=jazzy
FROM ros:${ROS_DISTRO}-ros-base

# A global ARG ends at FROM. `none`, where numpy is whatever the package allows (Lyrical).
ARG ROS_DISTRO
ARG NUMPY=numpy<2
SHELL ["/bin/bash", "-c"]
WORKDIR /ws

# What the package asks rosdep for; first alone, so that a change of the code does not install it again.
COPY package.xml src/bodypix_ros/
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-colcon-common-extensions python3-venv ocl-icd-libopencl1 \
 && rosdep update --rosdistro "$ROS_DISTRO" \
 && rosdep install --from-paths src --ignore-src -y --dependency-types=exec \
 && rm -rf /var/lib/apt/lists/*
# The GPU's and the NPU's user-space drivers are Intel's (intel-opencl-icd and intel-level-zero-npu, as debs of their
# releases): put them here for the kernel driver of the computer. Without them OpenVINO sees the CPU.

# The list is setup.py's: docs/tables.py.
RUN python3 -m venv --system-site-packages .venv && touch .venv/COLCON_IGNORE \
 && .venv/bin/pip install --no-cache-dir $([ "$NUMPY" = none ] || echo "$NUMPY") \
        'av>=15.1,<20' 'click>=8.1,<9' 'filelock>=3.6,<5' 'numba>=0.60,<1' \
        'numpy>=1.24,<3' 'opencv-python-headless>=4.8,<5' 'openvino>=2025.0,<2032' 'platformdirs>=2.5,<6' \
        'pycocotools>=2.0.7,<3' 'tqdm>=4.64,<5'

COPY . src/bodypix_ros
RUN source "/opt/ros/$ROS_DISTRO/setup.bash" \
 && .venv/bin/python -m colcon build --packages-select bodypix_ros \
 && source install/setup.bash \
 && ros2 run bodypix_ros bodypix warm-up

ENV BODYPIX_ROS_MODELS=/models
ENTRYPOINT ["/bin/bash", "-c", "source /ws/install/setup.bash && exec \"$@\"", "bash"]
CMD ["ros2", "launch", "bodypix_ros", "segmenter.launch.py"]
