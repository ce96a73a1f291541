"""Fleets of made recordings, and a batch over them with a model that needs no weights.

python -m support.fleet SOURCE OUT [WORKERS [DELAY_S]]   # a driver of its own, to be killed; prints events
"""

import json
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bodypix_ros import batch
from bodypix_ros.batch.pool import Event, Finished, Ready
from bodypix_ros.batch.work import Job, Worker
from support.bags import COMPRESSED, IMAGE, STRING, Fake, write_bag
from support.fake import people_picture, scene_of


@dataclass(frozen=True)
class FakeModel(batch.Model):
    """A model that sees red people, in as long as it is told.

    Attributes:
        delay_s: How long an image takes.
        largest: Of the files that a worker may write, in bytes, as on a disk that is full then; 0: no limit.
        version: Other files of the model.
    """

    name: str = "fake"
    options: Mapping[str, Any] = field(default_factory=dict)
    delay_s: float = 0.0
    largest: int = 0
    version: str = "1"

    def check(self) -> None:
        """Nothing is wrong with it."""

    def digest(self) -> str:
        """Of its version."""
        return self.version

    def load(self) -> Fake:
        """See `largest`."""
        if self.largest:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.largest, self.largest))
        return Fake(partial(_see, self.delay_s))


def _see(delay_s: float, image: np.ndarray) -> Any:
    time.sleep(delay_s)
    return scene_of(image)


class Inline:
    """A pool whose one worker is this process: what it does is the same, and no process must start."""

    def __init__(self, recipe: batch.Recipe, model_digest: str, out: str, token: str, count: int) -> None:
        self._arguments, self._job = (recipe, model_digest, out, token), None

    def __enter__(self) -> "Inline":
        self._worker: Worker | None = None
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def idle(self) -> int:
        return int(self._worker is not None and self._job is None)

    def alive(self) -> int:
        return 1

    def give(self, job: Job) -> None:
        self._job = job

    def wait(self, seconds: float) -> list[Event]:
        if self._worker is None:
            self._worker = Worker(*self._arguments)
            return [Ready(self._worker.where, self._worker.computes)]
        if (job := self._job) is None:
            return []
        self._job = None
        return [Finished(job, self._worker.do(job))]


def recipe(**model: Any) -> batch.Recipe:
    return batch.Recipe(FakeModel(**model))


def pictures(count: int) -> list[np.ndarray]:
    """A walk of two red people."""
    walk = people_picture(60, 80)
    return [np.roll(walk, 2 * k, axis=1) for k in range(count)]


def fleet(folder: Path, count: int = 24, broken: tuple[int, ...] = (5, 12), most: int = 30) -> list[Path]:
    """Bags of 2 images or more, raw and compressed, in both storages; some are cut off in the middle."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for k in range(count):
        path = folder / f"drive_{k:02d}"
        images = 2 + (most - 2) * k // max(count - 1, 1)
        topic, kind = ("/camera/image", IMAGE) if k % 2 else ("/camera/image/compressed", COMPRESSED)
        write_bag(path, {topic: kind, "/chatter": STRING}, "sqlite3" if k % 3 else "mcap", pictures(images))
        if k in broken:
            (file,) = (file for file in path.iterdir() if file.suffix in (".mcap", ".db3"))
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        made.append(path)
    return made


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def outputs(out: Path) -> dict[str, bytes]:
    """The files of all outputs, without what is of all of them together; fails on anything half-made."""
    hidden = list(out.rglob(".*"))
    assert hidden == []
    return {name: data for name, data in contents(out).items() if "/" in name}


def agree(out: Path) -> batch.manifest.State:
    """The manifest, after a check that it says of every output what is there, and of nothing else."""
    state = batch.read(out)
    assert state.pending == {}
    assert {path.name for path in out.iterdir() if path.is_dir()} == {m.name for m in state.done.values()}
    for made in state.done.values():
        assert batch.manifest.sizes(out / made.name) == dict(made.sizes)
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    done = [line["source"] for line in lines if line["line"] == "done"]
    assert len(done) == len(set(done)), "an output was named twice"
    return state


def main() -> None:
    source, out, *more = sys.argv[1:]
    workers, delay_s = int(more[0]) if more else 2, float(more[1]) if more[1:] else 0.0

    def listen(event: Mapping[str, Any]) -> None:
        print(json.dumps(event), flush=True)

    batch.run([source], out, recipe(delay_s=delay_s), workers=workers, listen=listen)


if __name__ == "__main__":
    main()
