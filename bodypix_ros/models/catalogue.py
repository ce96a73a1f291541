"""What models there are: the files of each, where they are published and how they are recognised.

The data is `models/catalogue.json`: models name their files (or patterns of them), sources list the files.
"""

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

_NAME = re.compile(r"bodypix-(?P<architecture>\w+?)(-(?P<multiplier>\d{3}))?-s(?P<stride>\d+)-q(?P<bytes>\d)")


@dataclass(frozen=True, slots=True)
class Package:
    """A package of a registry that holds model files.

    Attributes:
        registry: "pypi" or "npm".
        name: Of the package.
        version: The one whose files are known.
    """

    registry: str
    name: str
    version: str

    def __str__(self) -> str:
        kind = "Python" if self.registry == "pypi" else "npm"
        return f"the {kind} package {self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One published file.

    Attributes:
        path: Where the file lies in a model folder, with forward slashes.
        url: Where it is published.
        size: Bytes; None where nobody has seen the file.
        sha256: Its digest in hexadecimal, where known.
        git: Its git blob id (a sha1 of size and bytes), only where no sha256 is known.
        package: The package it is fetched in, where it is not fetched from its URL.
        member: Its name in the package.

    The graph of a checkpoint (`.json`) has the size and digest of its canonical form: see `store.verify`.
    """

    path: str
    url: str
    size: int | None = None
    sha256: str | None = None
    git: str | None = None
    package: Package | None = None
    member: str = ""

    @property
    def is_graph(self) -> bool:
        """Whether this is the JSON of a checkpoint, which is compared in its canonical form."""
        return self.path.endswith(".json")

    @property
    def is_verifiable(self) -> bool:
        """Whether a digest is known, so that a copy can be told from a forgery."""
        return bool(self.sha256 or self.git)


@dataclass(frozen=True, slots=True)
class Model:
    """One model and the files it needs, the graph or detector first.

    Attributes:
        name: As in `load(name)`.
        family: "bodypix", "selfie" or "blazepose".
        licence: SPDX identifier of the weights' licence.
        files: What must lie in one model folder.
        architecture: "mobilenet" or "resnet50"; None outside of BodyPix, as all below.
        multiplier: Share of MobileNet's channels, 0.5 to 1; 1 for ResNet50.
        output_stride: Pixels of the network's input per cell of its outputs.
        quant_bytes: Bytes per weight in the files: 4 float32, 2 or 1 affine integers.
    """

    name: str
    family: str
    licence: str
    files: tuple[ModelFile, ...]
    architecture: str | None = None
    multiplier: float | None = None
    output_stride: int | None = None
    quant_bytes: int | None = None

    @property
    def size(self) -> int | None:
        """Bytes of all files; None where a file's size is unknown."""
        sizes = [file.size for file in self.files if file.size is not None]
        return sum(sizes) if len(sizes) == len(self.files) else None


def models() -> dict[str, Model]:
    """Return every model by name, in the catalogue's order.

    Raises:
        FileNotFoundError: The package was installed without its share folder.
    """
    return dict(_catalogue())


def model(name: str) -> Model:
    """Return the model of that name.

    Raises:
        ValueError: There is none; the message lists the names that come close, or all.
    """
    known = _catalogue()
    if name not in known:
        close = get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known)}"
        raise ValueError(f"no model is named {name!r}: {hint}")
    return known[name]


def share_folder() -> Path:
    """Return the folder that holds the package's data: `models/`, `launch/` and `config/`.

    It is `share/bodypix_ros` of the prefix the package was installed to, or the source checkout where the
    package is used from there (`pip install -e`, `colcon build --symlink-install`).

    Raises:
        FileNotFoundError: Neither holds `models/catalogue.json`.
    """
    package = Path(__file__).resolve().parents[1]
    for parent in package.parents:
        if (parent / "package.xml").is_file() and (parent / "models/catalogue.json").is_file():
            return parent
        share = parent / "share/bodypix_ros"
        if (share / "models/catalogue.json").is_file():
            return share
    raise FileNotFoundError(
        f"no share/bodypix_ros/models/catalogue.json in any folder above {package}: reinstall bodypix_ros"
    )


@cache
def _catalogue() -> dict[str, Model]:
    data = json.loads((share_folder() / "models/catalogue.json").read_text(encoding="utf-8"))
    licences = {path: source["licence"] for source in data["sources"] for path in source["files"]}
    files = {
        path: ModelFile(
            path,
            source["url"] + known.pop("url", path),
            package=Package(**source["package"]) if "package" in source else None,
            **known,
        )
        for source in data["sources"]
        for path, known in source["files"].items()
    }
    found = {}
    for name, patterns in data["models"].items():
        paths = [path for pattern in patterns for path in files if fnmatchcase(path, pattern)]
        wanted = tuple(files[path] for path in paths)
        found[name] = Model(name, name.split("-")[0], licences[paths[0]], wanted, **_properties(name))
    return found


def _properties(name: str) -> dict[str, Any]:
    """Read what the name of a BodyPix model tells about it."""
    match = _NAME.fullmatch(name)
    if not match:
        return {}
    return {
        "architecture": match["architecture"],
        "multiplier": int(match["multiplier"] or 100) / 100,
        "output_stride": int(match["stride"]),
        "quant_bytes": int(match["bytes"]),
    }
