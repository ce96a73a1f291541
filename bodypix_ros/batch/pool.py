"""What a pool of workers is, and what it tells of."""

from dataclasses import dataclass
from typing import Protocol

from bodypix_ros.batch.work import Job, Result


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker has loaded the model.

    Attributes:
        where: Its computer and process.
        computes: The device and the precision that it computes in.
    """

    where: str
    computes: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """A job goes on.

    Attributes:
        job: Which.
        images: How many are done.
        total: Of how many; None: not known.
    """

    job: Job
    images: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Finished:
    """A job came to its end.

    Attributes:
        job: Which.
        result: What came of it.
    """

    job: Job
    result: Result


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker of a job is gone, and with it what it had made of it.

    Attributes:
        job: Which.
        why: What is known of that.
    """

    job: Job
    why: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A worker cannot begin, and none is started in its place.

    Attributes:
        why: In one sentence.
    """

    why: str


Event = Ready | Progress | Finished | Lost | Broken


class Pool(Protocol):
    """Workers, wherever they are; a context manager, at whose end none of them is left."""

    def idle(self) -> int:
        """How many workers wait for a job."""

    def alive(self) -> int:
        """How many workers there are, those that are just starting included."""

    def give(self, job: Job) -> None:
        """Give a job to a worker that waits."""

    def wait(self, seconds: float) -> list[Event]:
        """Give what happened; wait for it at most so long."""

    def __enter__(self) -> "Pool":
        """Start the workers."""

    def __exit__(self, *error: object) -> None:
        """End them, whatever they are doing."""
