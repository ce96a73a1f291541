"""Real pictures of which settings that are a little worse leave somebody's face to be seen."""

import json
from pathlib import Path

from bodypix_ros.coco import truth

NAMES = ("000000174375.jpg", "000000183709.jpg", "000000433998.jpg")


def folder(data_dir: Path) -> Path:
    """Where they are."""
    return data_dir / "images/coco_open/images"


def annotated(data_dir: Path, tmp_path: Path) -> truth.Annotated:
    """Their annotations, of which a file is left in `tmp_path`."""
    data = json.loads((folder(data_dir).parent / "person_keypoints.json").read_bytes())
    data["images"] = [image for image in data["images"] if image["file_name"] in NAMES]
    kept = {image["id"] for image in data["images"]}
    data["annotations"] = [one for one in data["annotations"] if one["image_id"] in kept]
    (tmp_path / "truth.json").write_text(json.dumps(data))
    return truth.read(tmp_path / "truth.json", folder(data_dir))
