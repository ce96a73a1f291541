"""Package of bodypix_ros: the same file serves pip, pip -e, colcon and colcon --symlink-install."""

import re
from glob import glob
from pathlib import Path

from setuptools import find_packages, setup

NAME = "bodypix_ros"
# Beside this file itself: colcon --symlink-install runs a link to it somewhere else.
HERE = Path(__file__).resolve().parent
(VERSION,) = re.findall(
    r'^__version__ = "(.+)"$', (HERE / NAME / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE
)

setup(
    name=NAME,
    version=VERSION,
    description="People for ROS 2: instance masks, body parts and keypoints through OpenVINO",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    author="The bodypix_ros authors",
    maintainer="The bodypix_ros authors",
    maintainer_email="maintainers@bodypix-ros.dev",
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["py.typed", "benchmarks/scripts/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/models", glob("models/*.json")),
        (f"share/{NAME}/models/ranges", glob("models/ranges/*.json")),
        (f"share/{NAME}/launch", glob("launch/*.launch.py")),
        (f"share/{NAME}/config", glob("config/*")),
    ],
    # Upper bounds: the next major version. Calendar versions (openvino, packaging) and setuptools' majors say
    # nothing of what breaks: theirs are five years ahead. Before 1.0: the next minor (rosbags, ruff), or 1
    # where it has long been stable (scikit-image, colcon) or must follow new Pythons (numba). av has two or
    # three majors a year, and they do break things; its wheels (stable ABI since 19) fit Pythons to come.
    install_requires=[
        "setuptools>=64,<110",
        "av>=15.1,<20",
        "click>=8.1,<9",
        "filelock>=3.6,<5",
        "numba>=0.60,<1",
        "numpy>=1.24,<3",
        "opencv-python-headless>=4.8,<5",
        "openvino>=2025.0,<2032",
        "platformdirs>=2.5,<6",
        "pycocotools>=2.0.7,<3",
        "tqdm>=4.64,<5",
    ],
    extras_require={
        "bag": ["rosbags>=0.11,<0.12"],
        # Clusters and tables of `bodypix batch`: half a gigabyte, which nothing else needs.
        "fleet": ["pyarrow>=14,<30", "ray>=2.40,<3"],
        # The viewer is in the wheel, 170 MB. It wants newer Pythons and numpy than the package does.
        "view": ["rerun-sdk>=0.41,<0.42; python_version >= '3.11'"],
        "demo": ["scikit-image>=0.22,<1"],
        "plot": ["matplotlib>=3.7,<4"],
        # What the Python packages of a ROS 2 import, and what builds this package as users do.
        "ros-test": [
            "catkin_pkg>=1.0,<2",
            "colcon-common-extensions>=0.3,<1",
            "empy>=3.3,<4",
            "lark>=1.1,<2",
            "packaging>=22,<32",
            "setuptools<80",
        ],
        "test": [
            "hypothesis>=6.80,<7",
            "mypy>=1.11,<3",
            "pytest>=7.4,<8.4",
            "pyyaml>=6,<7",
            "rosbags>=0.11,<0.12",
            "ruff~=0.17.0",
            # Makes wheels of what is installed here: from 70.1 on without the package wheel.
            "setuptools>=70.1,<110",
        ],
    },
    entry_points={
        "console_scripts": [
            "bodypix = bodypix_ros.doors:bodypix",
            "segmenter_node = bodypix_ros.doors:segmenter_node",
            "renderer_node = bodypix_ros.doors:renderer_node",
            "people_node = bodypix_ros.doors:people_node",
            "source_node = bodypix_ros.doors:source_node",
        ]
    },
    zip_safe=False,
)
