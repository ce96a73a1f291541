"""Package of bodypix_ros: the same file serves pip, pip -e, colcon and colcon --symlink-install."""

from glob import glob

from setuptools import find_packages, setup

NAME = "bodypix_ros"

setup(
    name=NAME,
    version="0.1.0",
    description="People for ROS 2: instance masks, body parts and keypoints through OpenVINO",
    long_description=open("README.md", encoding="utf-8").read(),
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
        "test": ["hypothesis>=6.80", "mypy>=1.11,<3", "pytest>=7.4,<8.4", "rosbags>=0.11", "ruff~=0.17.0"],
    },
    entry_points={
        "console_scripts": [
            "bodypix = bodypix_ros.cli:main",
            "segmenter_node = bodypix_ros.ros.segmenter_node:main",
        ]
    },
    zip_safe=False,
)
