"""Pictures, folders, videos, cameras and addresses: finding, reading and writing them."""

from bodypix_ros.media.files import readable, replacing
from bodypix_ros.media.pictures import Image, read_picture, write_picture
from bodypix_ros.media.sources import Picture, Source, Video, find_sources
from bodypix_ros.media.videos import VideoReader
from bodypix_ros.media.writing import VideoWriter

__all__ = [
    "Image",
    "Picture",
    "Source",
    "Video",
    "VideoReader",
    "VideoWriter",
    "find_sources",
    "read_picture",
    "readable",
    "replacing",
    "write_picture",
]
