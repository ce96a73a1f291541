"""The weights of a TensorFlow.js checkpoint: the manifest checked, the shards read, integers made floats."""

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bodypix_ros.errors import CheckpointError, MissingShardError

Array = npt.NDArray[Any]

MAX_DIMENSIONS = 4
MAX_TENSOR_VALUES = 1 << 24
MAX_VALUES = 1 << 26

_DTYPES = {"float32": "<f4", "int32": "<i4"}
_QUANTISED = {"uint8": "<u1", "uint16": "<u2"}


@dataclass(frozen=True, slots=True)
class _Tensor:
    """One checked entry of the manifest; `minimum` and `scale` only where it is quantised."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    stored: str
    minimum: float = 0.0
    scale: float = 1.0

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        return self.count * np.dtype(self.stored).itemsize


def read_weights(manifest: Any, folder: Path) -> dict[str, Array]:
    """Read the weights a manifest lists from the shards in a folder.

    Quantised values are q * scale + min, computed in float64 as the original runtime does: float32
    arithmetic is a hundred times further from it.

    Args:
        manifest: The checkpoint's `weightsManifest`.
        folder: Where its shards are; paths that lead out of it are refused.

    Returns:
        The tensors by name, float32 or int32.

    Raises:
        MissingShardError: A shard is not there.
        CheckpointError: The manifest or a shard is wrong. All sizes are checked before anything is read.
        OSError: A shard cannot be read.
    """
    if not isinstance(manifest, list):
        raise CheckpointError("the weights manifest is not a list of groups")
    groups = [(_shards(group, folder), _tensors(group)) for group in manifest]
    tensors = [tensor for _, group in groups for tensor in group]
    names = [tensor.name for tensor in tensors]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise CheckpointError(f"two weights are named {twice!r:.160}")
    if (count := sum(tensor.count for tensor in tensors)) > MAX_VALUES:
        raise CheckpointError(
            f"the weights have {count} values, more than the {MAX_VALUES} that are accepted"
        )
    found = {}
    for shards, group in groups:
        data, offset = _read_shards(shards, sum(tensor.size for tensor in group)), 0
        for tensor in group:
            found[tensor.name] = _values(tensor, data, offset)
            offset += tensor.size
    return found


def _shards(group: Any, folder: Path) -> list[Path]:
    paths = group.get("paths") if isinstance(group, dict) else None
    if not isinstance(paths, list) or not all(isinstance(path, str) and path for path in paths):
        raise CheckpointError("a group of the weights manifest lacks a list of paths")
    root, shards = folder.resolve(), []
    for path in paths:
        try:
            shard = (root / path).resolve()
            is_file = shard.is_file()
        except (OSError, ValueError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or error
            raise CheckpointError(f"the shard path {path!r:.80} cannot be followed: {why!s:.160}") from error
        # Compared as resolved: what lies beside the graph may be a link that leads elsewhere.
        if Path(path).is_absolute() or not shard.is_relative_to(root):
            raise CheckpointError(f"the shard path {path!r:.80} leads out of the checkpoint's folder")
        if not is_file:
            raise MissingShardError(f"the weight file {path!r:.80} is missing from {folder}")
        shards.append(shard)
    return shards


def _read_shards(shards: list[Path], expected: int) -> bytes:
    sizes = [shard.stat().st_size for shard in shards]
    names = ", ".join(shard.name for shard in shards[:3]) + (" ..." if len(shards) > 3 else "")
    if sum(sizes) == expected:
        parts = []
        for shard, size in zip(shards, sizes, strict=True):
            with shard.open("rb") as file:
                parts.append(file.read(size))
        data = b"".join(parts)
        if len(data) == expected:
            return data
    problem = "cut short or incomplete" if sum(sizes) < expected else "too long"
    raise CheckpointError(
        f"the weight files {names} hold {sum(sizes)} bytes where the manifest lists {expected}: {problem}"
    )


def _tensors(group: dict[str, Any]) -> list[_Tensor]:
    entries = group.get("weights")
    if not isinstance(entries, list):
        raise CheckpointError("a group of the weights manifest lacks a list of weights")
    return [_tensor(entry) for entry in entries]


def _tensor(entry: Any) -> _Tensor:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str):
        raise CheckpointError("an entry of the weights manifest lacks a name")
    shape, dtype = entry.get("shape"), entry.get("dtype")
    if not isinstance(shape, list) or any(type(size) is not int or size < 1 for size in shape):
        raise CheckpointError(
            f"weight {name!r:.160} has the shape {shape!r:.80}, not a list of positive integers"
        )
    if len(shape) > MAX_DIMENSIONS:
        raise CheckpointError(f"weight {name!r:.160} has {len(shape)} dimensions, more than {MAX_DIMENSIONS}")
    if math.prod(shape) > MAX_TENSOR_VALUES:
        raise CheckpointError(
            f"weight {name!r:.160} of shape {shape!r:.80} has more than {MAX_TENSOR_VALUES} values"
        )
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise CheckpointError(
            f"weight {name!r:.160} has the dtype {dtype!r:.80}, where float32 or int32 is needed"
        )
    if entry.get("quantization") is None:
        return _Tensor(name, tuple(shape), dtype, _DTYPES[dtype])
    quantisation = entry["quantization"]
    stored = quantisation.get("dtype") if isinstance(quantisation, dict) else None
    if not isinstance(stored, str) or stored not in _QUANTISED:
        raise CheckpointError(f"weight {name!r:.160} is quantised to {stored!r:.80}, not to uint8 or uint16")
    minimum, scale = (_number(name, quantisation, key) for key in ("min", "scale"))
    return _Tensor(name, tuple(shape), dtype, _QUANTISED[stored], minimum, scale)


def _number(name: str, quantisation: dict[str, Any], key: str) -> float:
    value: Any = quantisation.get(key)
    # The comparison is false for NaN, and exact for an integer too large for a float.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not abs(value) <= sys.float_info.max:
        raise CheckpointError(
            f"the quantisation of weight {name!r:.160} has the {key} {value!r:.80}, no finite number"
        )
    return float(value)


def _values(tensor: _Tensor, data: bytes, offset: int) -> Array:
    stored = np.frombuffer(data, tensor.stored, tensor.count, offset).reshape(tensor.shape)
    if tensor.stored in _DTYPES.values():
        values: Array = stored
    else:
        with np.errstate(over="ignore"):
            values = stored.astype(np.float64) * tensor.scale + tensor.minimum
    if tensor.dtype == "int32":
        values = np.round(values)
        limit = np.iinfo(np.int32)
        if not np.all((values >= limit.min) & (values <= limit.max)):
            raise CheckpointError(f"weight {tensor.name!r:.160} has values that are no int32")
        return values.astype(np.int32)
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    if not np.isfinite(values).all():
        raise CheckpointError(f"weight {tensor.name!r:.160} has values that are not finite")
    return values
