"""What a file of COCO annotations held that was written before, to go on with."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Entry = dict[str, Any]
"""One image, person or other member of the file."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a file holds that was written before.

    Attributes:
        info: How it was made.
        category: Its one category.
        images: The entries of images.
        annotations: Those of persons.
        sources: The files that were written of each complete source, by the name that images have of it.
    """

    info: Entry
    category: Entry
    images: list[Entry]
    annotations: list[Entry]
    sources: dict[str, list[str]]

    @classmethod
    def read(cls, path: Path) -> "Earlier":
        """Read a file that DocumentWriter wrote.

        Raises:
            ValueError: It is something else.
            OSError: It cannot be read.
        """
        try:
            data = json.loads(path.read_bytes())
            sources = {
                str(source["file_name"]): list(map(str, source["files"])) for source in data["sources"]
            }
            (category,) = data["categories"]
            for image in data["images"]:
                image["id"], image["file_name"].rpartition("#")
            for annotation in data["annotations"]:
                annotation["id"], annotation["image_id"]
            return cls(dict(data["info"]), dict(category), data["images"], data["annotations"], sources)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"{path}: not a list of people as this program writes it ({type(error).__name__}: {error})"
            ) from error

    def complete_images(self) -> list[Entry]:
        """The entries of images, or frames, of complete sources."""
        return [
            image
            for image in self.images
            if image["file_name"] in self.sources or image["file_name"].rpartition("#")[0] in self.sources
        ]
