"""Package of bodypix_ros: the same file serves pip, pip -e, colcon and colcon --symlink-install."""

from glob import glob
from pathlib import Path

from setuptools import find_packages, setup

NAME = "bodypix_ros"

setup(
    name=NAME,
    version="0.1.0",
    description="People for ROS 2: instance masks, body parts and keypoints through OpenVINO",
    # Beside this file itself: colcon --symlink-install runs a link to it somewhere else.
    long_description=Path(__file__).resolve().with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    author="The bodypix_ros authors",
    maintainer="The bodypix_ros authors",
    maintainer_email="maintainers@bodypix-ros.dev",
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/models", glob("models/*.json")),
        (f"share/{NAME}/launch", glob("launch/*.launch.py")),
        (f"share/{NAME}/config", glob("config/*")),
    ],
    install_requires=[
        "setuptools",
        "click>=8.1",
        "numba>=0.60",
        "numpy>=1.24",
        "opencv-python-headless>=4.8,<5",
        "openvino>=2025.0",
        "pycocotools>=2.0.7",
        "tqdm>=4.64",
    ],
    extras_require={
        "bag": ["rosbags>=0.11"],
        "demo": ["scikit-image>=0.22"],
        # What the Python packages of a ROS 2 import, and what builds this package as users do.
        "ros-test": [
            "catkin_pkg>=1.0",
            "colcon-common-extensions>=0.3",
            "empy<4",
            "lark>=1.1",
            "packaging",
            "setuptools<80",
        ],
        "test": [
            "hypothesis>=6.80",
            "mypy>=1.11,<3",
            "pytest>=7.4,<8.4",
            "pyyaml>=6",
            "rosbags>=0.11",
            "ruff~=0.17.0",
        ],
    },
    entry_points={
        "console_scripts": [
            "bodypix = bodypix_ros.cli:main",
            "segmenter_node = bodypix_ros.ros.segmenter_node:main",
            "renderer_node = bodypix_ros.ros.renderer_node:main",
            "source_node = bodypix_ros.ros.source_node:main",
        ]
    },
    zip_safe=False,
)
