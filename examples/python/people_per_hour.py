"""Count the people who come into view, hour by hour.

python3 people_per_hour.py film.mp4 --begin 2026-05-04T08:00
python3 people_per_hour.py 0                           # a camera, until Ctrl-C
python3 people_per_hour.py film.mp4 --minutes 5 > counts.csv

Everybody who gets an id counts once, in the hour of the first sight; who leaves for longer than an id is kept
(max_age) and comes back counts again. People who cross behind others may count twice.
"""

import argparse
from collections import Counter
from datetime import datetime, timedelta

import bodypix_ros
from bodypix_ros.media import Video, VideoReader, find_sources


def main():
    """Count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source", help="a video, a camera's index or an address")
    parser.add_argument("--begin", type=datetime.fromisoformat, help="when it begins; else now")
    parser.add_argument("--minutes", type=float, default=60, help="of one row (60)")
    args = parser.parse_args()
    if args.minutes <= 0:
        parser.error("--minutes must be more than 0")
    sources = find_sources([args.source])
    if len(sources) != 1 or not isinstance(sources[0], Video):
        parser.error(f"{args.source} is no video, camera or address")
    begin = args.begin or datetime.now().astimezone().replace(microsecond=0)
    first_seen, last_s = {}, 0.0
    with bodypix_ros.load() as segmenter, VideoReader(sources[0]) as reader:
        stream = segmenter.stream()
        try:
            for frame in reader:
                last_s = reader.stamp_s
                for person in stream.segment(frame, stamp=last_s).persons:
                    if person.track_id is not None:
                        first_seen.setdefault(person.track_id, last_s)
        except KeyboardInterrupt:
            pass
    row = timedelta(minutes=args.minutes)
    counts = Counter(int(seconds / row.total_seconds()) for seconds in first_seen.values())
    print("begin,people")
    for k in range(int(last_s / row.total_seconds()) + 1):
        print(f"{(begin + k * row).isoformat(timespec='seconds')},{counts[k]}")


if __name__ == "__main__":
    main()
