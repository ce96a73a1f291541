"""What is made of every source, and with which model: the same on every computer."""

import hashlib
import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bodypix_ros
from bodypix_ros.bags.making import BagRecipe
from bodypix_ros.errors import MissingModelError, OptionError, hint
from bodypix_ros.models import catalogue, store
from bodypix_ros.rendering import Style
from bodypix_ros.results.exports import exports
from bodypix_ros.results.output import Output
from bodypix_ros.segmenters.families import ModelOptions, changed, family_of

if TYPE_CHECKING:
    from bodypix_ros.perception.segmenter import Segmenter

EXPORTS: Final = {
    **exports(),
    "coco": "people.json, COCO's annotations, of bags, too; of videos and pictures it is always there",
    "parquet": "people.parquet, a table of people per image: track, box, keypoints, position (extra `fleet`)",
    "mcap": "people/, a bag of what was seen, beside the outputs of videos and pictures",
}
"""What can be written besides, with what it is; of bags no pictures, and people.json comes with lists."""

_WHEREABOUTS: Final = ("model_dir", "cache_dir", "ranges", "threads")
"""Options of `load` that say where things are, or how fast; files count by their content instead."""


def sha256_of(value: object) -> str:
    """A digest of plain data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class Model:
    """A model that every worker loads for itself.

    Attributes:
        name: In the catalogue.
        options: Of `bodypix_ros.load`.
    """

    name: str = bodypix_ros.DEFAULT_MODEL
    options: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """See whether the options are the model's, without loading it.

        Raises:
            OptionError: They are not.
        """
        self._chosen()

    def _chosen(self) -> ModelOptions:
        """The options that it will have."""
        family, known = family_of(self.name), dict(self.options)
        if preset := known.pop("preset", None):
            known = family.preset(preset, known) | known
        for name in ("device", "precision", "performance_hint", *_WHEREABOUTS):
            known.pop(name, None)
        return changed(family.options_for(known)(), known)

    def load(self) -> "Segmenter":
        """Load it; with one thread, unless the options say otherwise."""
        return bodypix_ros.load(self.name, **{"threads": 1, **self.options})

    def digest(self) -> str:
        """SHA-256 of its files, of the ranges it is given, and of the options that results depend on.

        Raises:
            MissingModelError: Its files are not here.
            OSError: A file cannot be read.
        """
        files = store.find(catalogue.model(self.name), self.options.get("model_dir"))
        for name in self._chosen().besides:  # without its file some work all the same, otherwise
            with suppress(MissingModelError):
                files = {**files, **store.find(catalogue.details()[name], self.options.get("model_dir"))}
        if ranges := self.options.get("ranges"):
            files = {**files, "ranges": Path(ranges)}
        contents = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
        options = {name: value for name, value in self.options.items() if name not in _WHEREABOUTS}
        return sha256_of([self.name, contents, options, bodypix_ros.__version__])


@dataclass(frozen=True, slots=True)
class FileRecipe:
    """How videos and pictures are drawn: the options of `bodypix run`; see `results.output.Output`."""

    layers: tuple[str, ...] = ("instances", "boxes", "poses")
    mode: str | None = None
    masks: bool = True
    overlay_suffix: str = ".png"
    verify: bool = False
    style: Style = field(default_factory=Style)

    def output(self, folder: Path, wanted: Collection[str] = ()) -> Output:
        """The same, in a folder, with those of the exports that are of videos and pictures."""
        own = {name: getattr(self, name) for name in self.__slots__}
        return Output(folder, exports=tuple(name for name in wanted if name in exports()), **own)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is made of every source.

    Attributes:
        model: Sees.
        bag: What is made of bags.
        files: What is made of videos and pictures.
        exports: What is written besides, of EXPORTS.
    """

    model: Model
    bag: BagRecipe = field(default_factory=BagRecipe)
    files: FileRecipe = field(default_factory=FileRecipe)
    exports: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the exports."""
        self.files.output(Path(), self.exports)
        for name in self.exports:
            if name not in EXPORTS:
                known = ", ".join(EXPORTS)
                raise OptionError(
                    "export", f"export is {name!r:.80}, but must be of {known}{hint(name, EXPORTS)}"
                )

    def digest(self) -> str:
        """SHA-256 of what is made, without the model."""
        return sha256_of([asdict(self.bag), asdict(self.files), sorted(self.exports)])
