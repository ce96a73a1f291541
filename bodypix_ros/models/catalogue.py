"""What models there are: the files of each, where they are published and how they are recognised.

The data is `models/catalogue.json`: models name their files (or patterns of them), sources list the files.
Besides those that see people by themselves there are those of details, which look at what was seen.
"""

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from bodypix_ros.errors import CatalogueError, OptionError, hint

MAX_FILE_BYTES = 1 << 30
"""The most bytes that a model file may be said to have."""

_HEX = {"sha256": re.compile("[0-9a-f]{64}"), "git": re.compile("[0-9a-f]{40}")}
_MODEL_NAME = re.compile("[a-z0-9]+(-[a-z0-9]+)*")
_PATTERN = re.compile("[A-Za-z0-9._*/-]+")
# Names go to pip and npm as arguments: none may look like an option, a file or an address.
_PACKAGE_NAME = re.compile("(@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*")
_VERSION = re.compile("[0-9]+(\\.[0-9a-z]+)*")
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
        family: "bodypix", "selfie" or "blazepose"; of details the first word of the name.
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
    """Return every model that `load` takes by name, in the catalogue's order.

    Raises:
        FileNotFoundError: The package was installed without its share folder.
        CatalogueError: A ValueError: its catalogue is damaged.
    """
    return dict(_catalogue("models"))


def details() -> dict[str, Model]:
    """Return the models that options such as `faces` need besides, by name, in the catalogue's order.

    Raises:
        FileNotFoundError: The package was installed without its share folder.
        CatalogueError: A ValueError: its catalogue is damaged.
    """
    return dict(_catalogue("details"))


def model(name: str) -> Model:
    """Return the model of that name, which `load` takes.

    Raises:
        OptionError: There is none; the message lists the names that come close, or all.
    """
    if name in details():
        raise OptionError(
            "model",
            f"{name} is no model that sees people, but what the option {details()[name].family} needs beside "
            "one: switch that on",
        )
    return _named(name, models())


def any_model(name: str) -> Model:
    """Return the model of that name, one of details or not: all that can be fetched and verified.

    Raises:
        OptionError: There is none; the message lists the names that come close, or all.
    """
    return _named(name, models() | details())


def _named(name: str, known: dict[str, Model]) -> Model:
    if name not in known:
        meant = hint(name, known, "") or f"there are {', '.join(known)}"
        raise OptionError("model", f"no model is named {name!r:.80}: {meant}")
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
def _catalogue(section: str) -> dict[str, Model]:
    return read(share_folder() / "models/catalogue.json", section)


def read(path: Path, section: str = "models") -> dict[str, Model]:
    """Read a catalogue: its models by name.

    Args:
        path: Of the JSON.
        section: "models", those that `load` takes, or "details".

    Raises:
        CatalogueError: It is damaged: no JSON, something of the wrong kind, a path that leaves the model
            folder, an address that is not https, a model without files.
        OSError: It cannot be read.
    """
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise CatalogueError(f"{path} is not JSON: {error!s:.200}") from error
    try:
        return _models(_Entry("the catalogue", data), section)
    except CatalogueError as error:
        raise CatalogueError(f"{path}: {error}; reinstall bodypix_ros") from error


@dataclass(frozen=True, slots=True)
class _Entry:
    """A value of the JSON, and where in it it is."""

    where: str
    value: Any

    def error(self, wanted: str) -> CatalogueError:
        return CatalogueError(f"{self.where:.300} is {self.value!r:.100}, but must be {wanted}")

    def members(self) -> "dict[str, _Entry]":
        if not isinstance(self.value, dict):
            raise self.error("an object")
        return {name: _Entry(f"{name!r} in {self.where}", value) for name, value in self.value.items()}

    def items(self) -> "list[_Entry]":
        if not isinstance(self.value, list) or not self.value:
            raise self.error("a list that is not empty")
        return [_Entry(f"item {index} of {self.where}", value) for index, value in enumerate(self.value)]

    def member(self, name: str) -> "_Entry":
        members = self.members()
        if name not in members:
            raise CatalogueError(f"{self.where:.300} lacks {name!r}")
        return members[name]

    def text(self, pattern: re.Pattern[str] | None = None) -> str:
        if (
            not isinstance(self.value, str)
            or not self.value
            or (pattern and not pattern.fullmatch(self.value))
        ):
            raise self.error(f"text like {pattern.pattern}" if pattern else "text")
        return self.value


def _models(data: _Entry, section: str) -> dict[str, Model]:
    files: dict[str, tuple[ModelFile, str]] = {}
    for source in data.member("sources").items():
        for path, known in source.member("files").members().items():
            if path in files:
                raise CatalogueError(f"{known.where:.300} is in another source, too")
            files[path] = _file(path, known, source), source.member("licence").text()
    found = {}
    for name, patterns in data.member(section).members().items():
        if not _MODEL_NAME.fullmatch(name):
            raise CatalogueError(f"{patterns.where:.300} is no name of a model: a-z, 0-9, and - between them")
        wanted: dict[str, ModelFile] = {}
        for entry in patterns.items():
            pattern = entry.text(_PATTERN)
            matching = {path: file for path, (file, _) in files.items() if fnmatchcase(path, pattern)}
            if not matching:
                raise entry.error("the path of a file, or a pattern of some")
            wanted |= matching
        licence = files[next(iter(wanted))][1]
        found[name] = Model(name, name.split("-")[0], licence, tuple(wanted.values()), **_properties(name))
    return found


def _file(path: str, known: _Entry, source: _Entry) -> ModelFile:
    parts = PurePosixPath(path).parts
    if not _PATTERN.fullmatch(path) or "*" in path or path.startswith("/") or {"..", "."} & {*parts}:
        raise CatalogueError(f"{known.where:.300} must be the path of a file inside of a model folder")
    values = known.members()
    if unknown := values.keys() - {"size", "sha256", "git", "url", "member"}:
        raise CatalogueError(f"{known.where:.300} has {min(unknown)!r:.100}, which means nothing")
    base = source.member("url")
    url = base.text() + (values["url"].text() if "url" in values else path)
    if not url.startswith("https://"):
        raise base.error("an address that begins with https://")
    size = values.get("size")
    if size and (type(size.value) is not int or not 0 <= size.value <= MAX_FILE_BYTES):
        raise size.error(f"a whole number from 0 to {MAX_FILE_BYTES}")
    return ModelFile(
        path,
        url,
        size.value if size else None,
        **{kind: values[kind].text(_HEX[kind]) for kind in _HEX if kind in values},
        package=_package(source.member("package")) if "package" in source.members() else None,
        member=values["member"].text() if "member" in values else "",
    )


def _package(entry: _Entry) -> Package:
    registry = entry.member("registry")
    if registry.value not in ("pypi", "npm"):
        raise registry.error("pypi or npm")
    name, version = entry.member("name"), entry.member("version")
    return Package(registry.text(), name.text(_PACKAGE_NAME), version.text(_VERSION))


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
