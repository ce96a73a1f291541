"""Workers in processes of this computer, never forked: OpenVINO's threads do not survive that."""

import contextlib
import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Final

import cv2

from bodypix_ros.batch.pool import Broken, Event, Finished, Lost, Progress, Ready
from bodypix_ros.batch.recipe import Recipe
from bodypix_ros.batch.work import Job, Worker
from bodypix_ros.errors import BodypixError

_SPAWN: Final = multiprocessing.get_context("spawn")
_STARTS: Final = 5
"""So often in a row workers may die before they are ready, for each of them."""
_END_S: Final = 5.0


@dataclass(slots=True)
class _Member:
    """A worker's process.

    Attributes:
        process: It.
        pipe: To it.
        job: What it does.
        ready: Whether it has loaded the model.
    """

    process: Any
    pipe: Connection
    job: Job | None = None
    ready: bool = False


class LocalPool:
    """See `pool.Pool`."""

    def __init__(self, recipe: Recipe, model_digest: str, out: str, token: str, count: int) -> None:
        """Start nothing yet.

        Args:
            recipe: What is made.
            model_digest: Of the model's files.
            out: The folder of all outputs.
            token: As `Worker` takes it.
            count: How many processes.
        """
        self._arguments, self._count = (recipe, model_digest, out, token), count
        self._members: list[_Member] = []
        self._deaths = 0

    def idle(self) -> int:
        """How many workers wait for a job."""
        return sum(member.ready and member.job is None for member in self._members)

    def alive(self) -> int:
        """How many workers there are."""
        return len(self._members)

    def give(self, job: Job) -> None:
        """Give a job to a worker that waits."""
        member = next(member for member in self._members if member.ready and member.job is None)
        member.job = job
        with contextlib.suppress(OSError):  # it is dead, which `wait` finds out
            member.pipe.send(job)

    def wait(self, seconds: float) -> list[Event]:
        """Give what happened; wait for it at most so long."""
        pipes = {member.pipe: member for member in self._members}
        events: list[Event] = []
        for pipe in wait([*pipes], seconds):
            member = pipes[pipe]  # type: ignore[index]
            try:
                self._hear(member, member.pipe.recv(), events)
            except (EOFError, OSError):
                self._bury(member, events)
        return events

    def _hear(self, member: _Member, said: Any, events: list[Event]) -> None:
        if isinstance(said, Ready):
            member.ready, self._deaths = True, 0
        elif isinstance(said, Finished):
            member.job = None
        elif isinstance(said, Broken):
            self._members.remove(member)
            self._end(member)
        events.append(said)

    def _bury(self, member: _Member, events: list[Event]) -> None:
        """A process ended by itself: say so, and start another one."""
        member.process.join(_END_S)
        code = member.process.exitcode
        died = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        why = f"worker {member.process.pid} died ({died})"
        self._members.remove(member)
        self._end(member)
        if member.job is not None:
            events.append(Lost(member.job, why))
        if not member.ready:
            self._deaths += 1
        if self._deaths < _STARTS * self._count:
            self._start()
        else:
            events.append(Broken(f"{why} while it loaded the model, {self._deaths} times in a row"))

    def _start(self) -> None:
        here, there = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_work, args=(there, *self._arguments), daemon=True)
        process.start()
        there.close()  # so that its end is heard when the process dies
        self._members.append(_Member(process, here))

    @staticmethod
    def _end(member: _Member) -> None:
        member.process.kill()
        member.process.join(_END_S)
        member.pipe.close()

    def __enter__(self) -> "LocalPool":
        for _ in range(self._count):
            self._start()
        return self

    def __exit__(self, *error: object) -> None:
        for member in self._members:
            member.process.kill()
        for member in self._members:
            self._end(member)
        self._members.clear()


def _work(pipe: Connection, recipe: Recipe, model_digest: str, out: str, token: str) -> None:
    """What a process does until it is told to stop, or whoever started it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; whoever started this one decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    try:
        worker = Worker(recipe, model_digest, out, token)
    except BodypixError as error:
        pipe.send(Broken(str(error)))
        return
    pipe.send(Ready(worker.where, worker.computes))
    while True:
        job: Job = pipe.recv()

        def tell(images: int, total: int | None, job: Job = job) -> None:
            pipe.send(Progress(job, images, total))

        pipe.send(Finished(job, worker.do(job, tell)))


def _end_with_parent() -> None:
    """End this process at once when the one that started it has ended: nobody would take what it makes."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
