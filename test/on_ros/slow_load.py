"""The segmenter node with a model whose loading goes on compiling, in native calls, until it is stopped."""

import sys

from bodypix_ros.ros import segmenter_node
from bodypix_ros.ros.segmenter import inference

_load = inference.load


def load(settings, log):
    loaded = _load(settings, log)
    log.info("compiling")
    size = 480
    while size:
        size += 16
        loaded.segmenter.prepare(size, 640)
    return loaded


inference.load = load
sys.exit(segmenter_node.main())
