"""TensorFlow.js graph models, as BodyPix is published: from the JSON and its weight shards to OpenVINO."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bodypix_ros.models.tfjs.checkpoint import read_graph

if TYPE_CHECKING:
    import openvino as ov


def read_model(json_path: str | os.PathLike[str], *, reference_dilation: bool = False) -> "ov.Model":
    """Read a TensorFlow.js graph model.

    Args:
        json_path: The graph; its weight shards lie in the same folder.
        reference_dilation: Dilated convolutions carry `dilations` of [2, 2, 1, 1]. They were trained with,
            and by default get, 2 x 2. True reads elements 1 and 2 of any such list, as TensorFlow.js does:
            2 rows x 1 column.

    Returns:
        A model with one float32 input [1, H, W, 3] of any height and width, and one float32 output
        [1, h, w, channels] for each node nobody consumes; tensors are named as the nodes are.

    Raises:
        CheckpointError: A ValueError that says what is wrong with the checkpoint.
        MissingShardError: A CheckpointError and FileNotFoundError: a weight shard is not there.
        OSError: A file cannot be read.
    """
    # Imported here: the stores look at checkpoints without OpenVINO.
    from bodypix_ros.models.tfjs.graph import build
    from bodypix_ros.models.tfjs.weights import read_weights

    path = Path(json_path)
    graph = read_graph(path)
    return build(graph, read_weights(graph.manifest, path.parent), reference_dilation=reference_dilation)
