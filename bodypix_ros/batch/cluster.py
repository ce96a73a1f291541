"""Workers as Ray's actors, on as many computers as its cluster has.

Ray starts an actor anew where its process or its computer is gone, and gives it its job again. Paths go
through it, never pixels. A job that was given twice makes no harm: each attempt has a folder of its own, and
whoever takes the outcome takes one.
"""

import os
import re
import socket
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Final

from bodypix_ros.batch.manifest import WORK
from bodypix_ros.batch.pool import Broken, Event, Finished, Lost, Progress, Ready
from bodypix_ros.batch.recipe import Recipe
from bodypix_ros.batch.work import Job, Result, Worker
from bodypix_ros.errors import BodypixError, StartError

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
"""What Ray puts into messages for terminals."""
_RESTARTS: Final = 3
"""So often Ray starts an actor anew."""
_ASK_S: Final = 1.0
"""So long after it was heard an actor is asked again how far it is."""
_KNOCK_S: Final = 10.0
_SILENT_S: Final = 15.0
"""A job whose actor has not answered for so long is given to another one that waits, too."""


def check() -> None:
    """See whether there can be clusters.

    Raises:
        ImportError: Ray is not installed.
    """
    if find_spec("ray") is None:
        raise ImportError("ray is not installed, and makes clusters; type: pip install 'bodypix_ros[fleet]'")


class _Actor:
    """What runs on a node: a worker, and how far it is. Two calls at a time: one works, the other asks."""

    def __init__(self, recipe: Recipe, model_digest: str, out: str, token: str) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._done: tuple[int, int | None] = (0, None)
        self._worker: Worker | None = None
        try:
            self._worker, self._why = Worker(recipe, model_digest, out, token), ""
        except BodypixError as error:  # an actor that raises here would be started again and again
            self._why = f"node {socket.gethostname()}: {error}"

    def state(self) -> tuple[str, str, str]:
        """Where it is, what it computes with, and why it cannot work."""
        if self._worker is None:
            return "", "", self._why
        return self._worker.where, self._worker.computes, ""

    def progress(self) -> tuple[int, int | None]:
        """Images done, and of how many."""
        return self._done

    def do(self, job: Job) -> Result:
        """Make the outputs of a source, in a folder of this attempt alone: Ray may give the job again."""
        if self._worker is None:
            raise StartError(self._why)
        self._done = (0, None)
        own = replace(job, work=f".{job.source.name}{WORK}{uuid.uuid4().hex[:12]}")
        return self._worker.do(own, self._tell)

    def _tell(self, images: int, total: int | None) -> None:
        self._done = (images, total)


@dataclass(slots=True)
class _Member:
    """An actor.

    Attributes:
        actor: Ray's handle.
        starting: Its answer to `state`, while it starts.
        job: What it does.
        result: Ray's promise of the job's.
        asked: Its answer to `progress`.
        heard_s: When it answered last.
        ready: Whether it has loaded the model.
    """

    actor: Any
    starting: Any
    job: Job | None = None
    result: Any = None
    asked: Any = None
    heard_s: float = 0.0
    ready: bool = False


class RayPool:
    """See `pool.Pool`."""

    def __init__(
        self, recipe: Recipe, model_digest: str, out: str, token: str, count: int | None, address: str
    ) -> None:
        """Start nothing yet.

        Args:
            recipe: What is made.
            model_digest: Of the model's files.
            out: The folder of all outputs, on a file system that all computers share.
            token: As `Worker` takes it.
            count: How many actors; None: one for each of the cluster's processors.
            address: "auto" for the cluster that this computer is in, "local" for one of this computer alone,
                or an address.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
        import ray

        self._ray: Any = ray
        self._arguments, self._count, self._address = (recipe, model_digest, out, token), count, address
        self._members: list[_Member] = []
        self._own = False

    def idle(self) -> int:
        """How many actors wait for a job."""
        return sum(member.ready and member.job is None for member in self._members)

    def alive(self) -> int:
        """How many actors there are."""
        return len(self._members)

    def give(self, job: Job) -> None:
        """Give a job to an actor that waits."""
        member = next(member for member in self._members if member.ready and member.job is None)
        self._give(member, job)

    def _give(self, member: _Member, job: Job) -> None:
        member.job, member.result = job, member.actor.do.remote(job)
        member.asked, member.heard_s = None, time.monotonic()

    def wait(self, seconds: float) -> list[Event]:
        """Give what happened; wait for it at most so long."""
        waited: dict[Any, tuple[_Member, Callable[[_Member, list[Event]], None]]] = {}
        for member in self._members:
            if not member.ready:
                waited[member.starting] = member, self._start
            elif member.job is not None:
                waited[member.result] = member, self._take
                if member.asked is None and time.monotonic() - member.heard_s > _ASK_S:
                    member.asked = member.actor.progress.remote()
                if member.asked is not None:
                    waited[member.asked] = member, self._hear
        if not waited:
            time.sleep(seconds)
            return []
        self._ray.wait([*waited], num_returns=1, timeout=seconds)
        done, _ = self._ray.wait([*waited], num_returns=len(waited), timeout=0)
        events: list[Event] = []
        for promise in done:
            member, take = waited[promise]
            take(member, events)
        self._help()
        return events

    def _start(self, member: _Member, events: list[Event]) -> None:
        """Take what an actor says of its start."""
        try:
            where, computes, why = self._ray.get(member.starting)
        except self._ray.exceptions.RayError as error:
            where, computes, why = "", "", _first_line(error)
        if why:
            self._members.remove(member)
            events.append(Broken(why))
        else:
            member.ready, member.heard_s = True, time.monotonic()
            events.append(Ready(where, computes))

    def _take(self, member: _Member, events: list[Event]) -> None:
        """Take what an actor made, or what became of it."""
        job, promise = member.job, member.result
        member.job = member.result = member.asked = None
        if job is None:
            return
        try:
            events.append(Finished(job, self._ray.get(promise)))
        except self._ray.exceptions.RayError as error:
            events.append(Lost(job, _first_line(error)))
            self._members.remove(member)
            events.append(Broken(f"an actor is gone for good: {_first_line(error)}"))

    def _hear(self, member: _Member, events: list[Event]) -> None:
        """Take an answer to how far a job is."""
        asked, member.asked = member.asked, None
        if member.job is None or asked is None:
            return
        with suppress(self._ray.exceptions.RayError):
            images, total = self._ray.get(asked)
            member.heard_s = time.monotonic()
            events.append(Progress(member.job, images, total))

    def _help(self) -> None:
        """Give a job whose actor is silent to one that waits, too: its computer may be gone for good."""
        silent = [m for m in self._members if m.job and time.monotonic() - m.heard_s > _SILENT_S]
        waiting = [member for member in self._members if member.ready and member.job is None]
        busy = [member.job for member in self._members if member not in silent]
        for lost, helper in zip([m for m in silent if m.job not in busy], waiting, strict=False):
            if lost.job is not None:
                self._give(helper, lost.job)

    def __enter__(self) -> "RayPool":
        if not self._ray.is_initialized():
            self._own = True
            self._knock()
            local = self._address == "local"
            where: dict[str, Any] = {"num_cpus": self._count} if local else {"address": self._address}
            try:
                self._ray.init(**where, include_dashboard=False if local else None, log_to_driver=False,
                               logging_level="ERROR")  # fmt: skip
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise StartError(f"ray: no cluster at {self._address!r}: {error}") from error
        count = self._count or max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        actor = self._ray.remote(
            num_cpus=1, max_restarts=_RESTARTS, max_task_retries=_RESTARTS, max_concurrency=2
        )(_Actor)
        for _ in range(count):
            # Plain values, no references: Ray begins an actor anew only while what it was given is there.
            made = actor.remote(*self._arguments)
            self._members.append(_Member(made, made.state.remote()))
        return self

    def _knock(self) -> None:
        """See whether anybody is at the address: Ray itself asks for minutes.

        Raises:
            StartError: Nobody is.
        """
        host, _, port = self._address.rpartition(":")
        if not port.isdigit() or "/" in host:
            return
        try:
            socket.create_connection((host, int(port)), _KNOCK_S).close()
        except OSError as error:
            raise StartError(
                f"ray: no cluster at {self._address!r}: {error}; `ray start --head` begins one"
            ) from error

    def __exit__(self, *error: object) -> None:
        for member in self._members:
            with suppress(Exception):  # it is gone already
                self._ray.kill(member.actor)
        self._members.clear()
        if self._own:
            self._ray.shutdown()


def _first_line(error: BaseException) -> str:
    text = _COLOUR.sub("", str(error)).strip()
    return (text.splitlines() or [type(error).__name__])[0][:300]
