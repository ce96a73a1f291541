"""Blur the faces in every video of a folder; sound and times stay.

python3 blur_folder.py films/ blurred/

An estimate: a face that is not found stays. Look through the copies before you publish them.
"""

import argparse
from pathlib import Path

import bodypix_ros
from bodypix_ros.media import Video, VideoReader, VideoWriter, find_sources


def blur(segmenter, source, target):
    """Write a copy of a video in which nobody's face can be made out; gives how many frames it has."""
    with VideoReader(source) as reader, VideoWriter(target, reader.fps, reader.sound) as writer:
        reader.hear = writer.write_sound
        stream = segmenter.stream()  # one for each video: people are followed in it
        for frame in reader:
            scene = stream.segment(frame, stamp=reader.stamp_s)
            writer.write(bodypix_ros.draw(frame, scene, "blur_parts", bgr=True), reader.stamp_s)
        reader.check_end()
        return reader.frames_read


def main():
    """Blur a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    videos = [source for source in find_sources([str(args.folder)]) if isinstance(source, Video)]
    if not videos:
        parser.error(f"no video in {args.folder}")
    with bodypix_ros.load(preset="faces") as segmenter:
        for source in videos:
            target = args.out / f"{source.stem}.mp4"
            if target.exists():
                print(f"{target}: is there already, left as it is")
                continue
            print(f"{target}: {blur(segmenter, source, target)} frames")


if __name__ == "__main__":
    main()
