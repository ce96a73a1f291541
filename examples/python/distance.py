"""How far away people are, with one camera and no depth.

python3 distance.py hall.jpg --fov 69                  # by BlazePose's metres: any pose
python3 distance.py hall.jpg --fov 69 --height 1.75    # by a height that you know: who stands upright

Both are estimates, and as good as the angle of view: look it up, or calibrate (Lens.from_info). BlazePose
takes everybody for a grown-up of usual size, so a child of two thirds of that seems half as far again as it
is. With a height the same holds for whoever has another. Who bends, sits or has no feet in the picture has no
distance by height.
"""

import argparse
from pathlib import Path

import bodypix_ros
from bodypix_ros.media import read_picture
from bodypix_ros.space import Lens, place

UPRIGHT = 2.0  # times as high as wide
ENDS = ("nose", "left_ankle", "right_ankle")


def by_height(scene, person, lens, height):
    """Metres to somebody of a known height who stands upright and is whole; None of others."""
    points = dict(zip(scene.keypoint_names, person.keypoints, strict=True))
    x0, y0, x1, y1 = person.box
    if min(points[name][2] for name in ENDS) < 0.3 or y0 <= 0 or y1 >= lens.height:
        return None
    return lens.matrix[1, 1] * height / (y1 - y0) if y1 - y0 > UPRIGHT * (x1 - x0) else None


def main():
    """Say how far everybody is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--fov", type=float, required=True, help="horizontal angle of view, degrees")
    parser.add_argument("--height", type=float, help="metres of everybody")
    args = parser.parse_args()
    if args.height is not None and args.height <= 0:
        parser.error("--height must be more than 0")
    image = read_picture(args.picture)
    lens = Lens.from_fov(image.shape[1], image.shape[0], args.fov)
    with bodypix_ros.load(
        "blazepose-full" if args.height is None else bodypix_ros.DEFAULT_MODEL
    ) as segmenter:
        scene = segmenter.segment(image)
    if args.height is None:
        distances = [placed.distance if placed.is_placed else None for placed in place(scene, None, lens)]
    else:
        distances = [by_height(scene, person, lens, args.height) for person in scene.persons]
    for k, distance in enumerate(distances):
        print(f"person {k}: {'cannot be told' if distance is None else f'about {distance:.1f} m'}")


if __name__ == "__main__":
    main()
