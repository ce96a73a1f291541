"""Masks are numpy arrays: how large everybody is, what they wear, and who touches whom.

python3 masks.py group.jpg
python3 masks.py group.jpg --out masks.npz    # the masks, for other programs
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

import bodypix_ros
from bodypix_ros.anatomy import PARTS
from bodypix_ros.media import read_picture

TORSO = [PARTS.index(name) + 1 for name in ("torso_front", "torso_back")]  # in part_mask 0 is background


def main():
    """Say what the masks of a picture tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--out", type=Path, help="write the masks here, as numpy's .npz")
    args = parser.parse_args()
    image = read_picture(args.picture)  # uint8 (H, W, 3), BGR
    with bodypix_ros.load() as segmenter:
        scene = segmenter.segment(image)

    torso = np.isin(scene.part_mask, TORSO)
    for k, person in enumerate(scene.persons):
        mask = scene.mask_of(k)  # bool (H, W)
        print(f"person {k}: score {person.score:.2f}, {mask.mean():.1%} of the picture, box {person.box}")
        if (mask & torso).any():
            blue, green, red = np.median(image[mask & torso], axis=0)
            print(f"  wears red {red:.0f}, green {green:.0f}, blue {blue:.0f} (medians of the torso)")
        near = cv2.dilate(mask.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
        others = set(np.unique(scene.instance_mask[near])) - {0, k + 1}
        if others:
            print(f"  touches {', '.join(f'person {value - 1}' for value in sorted(others))} in the picture")
    nobodys = scene.person_mask & (scene.instance_mask == 0)
    print(f"people fill {scene.person_mask.mean():.1%}, {nobodys.mean():.1%} are nobody's in particular")
    if args.out:
        masks = {name: getattr(scene, name) for name in ("person_mask", "instance_mask", "part_mask")}
        np.savez_compressed(args.out, **masks)


if __name__ == "__main__":
    main()
