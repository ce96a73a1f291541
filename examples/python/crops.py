"""Cut everybody out of the pictures of a folder, for a data set.

python3 crops.py photos/ people/ --least-score 0.5 --least-pixels 96
python3 crops.py photos/ people/ --alone               # with the rest grey

Beside the crops people.jsonl says of each who it is: picture, box, score, keypoints by name.
"""

import argparse
import json
from pathlib import Path

import bodypix_ros
from bodypix_ros.errors import MediaError
from bodypix_ros.media import Picture, find_sources, read_picture, write_picture

GREY = (128, 128, 128)


def main():
    """Cut out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--least-score", type=float, default=0.3, help="of a person (0.3)")
    parser.add_argument("--least-pixels", type=int, default=64, help="of the longer side of a box (64)")
    parser.add_argument("--alone", action="store_true", help="paint what is not this person grey")
    args = parser.parse_args()
    if (args.out / "people.jsonl").exists():
        parser.error(f"{args.out} has a people.jsonl already: choose another folder")
    args.out.mkdir(parents=True, exist_ok=True)
    pictures = [source for source in find_sources([str(args.folder)]) if isinstance(source, Picture)]
    with bodypix_ros.load() as segmenter, (args.out / "people.jsonl").open("x", encoding="utf-8") as index:
        for source in pictures:
            try:
                image = read_picture(source.path)
            except MediaError as error:
                print(f"left out: {error}")
                continue
            scene = segmenter.segment(image)
            for k, (person, told) in enumerate(zip(scene.persons, scene.to_dict()["persons"], strict=True)):
                x0, y0, x1, y1 = person.box
                if person.score < args.least_score or max(x1 - x0, y1 - y0) < args.least_pixels:
                    continue
                crop = scene.crop(image, k, background=GREY if args.alone else None)
                name = f"{source.stem}_{k}.png"
                write_picture(args.out / name, crop)
                index.write(json.dumps({"crop": name, "picture": source.name, **told}) + "\n")
                print(f"{name}: {crop.shape[1]}x{crop.shape[0]}, score {person.score:.2f}")


if __name__ == "__main__":
    main()
