"""Pictures, folders, videos and cameras: finding, reading and writing them."""

from bodypix_ros.media.files import replacing
from bodypix_ros.media.pictures import Image, read_picture, write_picture
from bodypix_ros.media.sources import PICTURE_SUFFIXES, Picture, Source, Video, find_sources
from bodypix_ros.media.videos import VideoReader, VideoWriter

__all__ = [
    "PICTURE_SUFFIXES",
    "Image",
    "Picture",
    "Source",
    "Video",
    "VideoReader",
    "VideoWriter",
    "find_sources",
    "read_picture",
    "replacing",
    "write_picture",
]
