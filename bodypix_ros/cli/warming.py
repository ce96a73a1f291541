"""Compiling kernels in several processes at once."""

import multiprocessing
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any


def compile_here(modules: Iterable[str], done: Callable[[], None]) -> int:
    """Import modules, which compiles their kernels unless they are kept already.

    Args:
        modules: Their names.
        done: Called for each kernel that is compiled.

    Returns:
        How many kernels were compiled.
    """
    from bodypix_ros.kernels import watched

    compiled: list[None] = []

    def count() -> None:
        compiled.append(None)
        done()

    with watched(count):
        for module in modules:
            import_module(module)
    return len(compiled)


def compile_apart(modules: Iterable[str], jobs: int, done: Callable[[], None]) -> int:
    """The same in processes of their own, which share the kernels among themselves.

    A process that dies leaves its kernel to whoever needs it.
    """
    # Nothing of this process is taken over: threads, and what was imported, may be of any kind.
    context = multiprocessing.get_context("spawn")
    taken, said = context.Value("i", 0), context.Value("i", 0)
    workers = [context.Process(target=_work, args=(tuple(modules), taken, said)) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    told = 0
    for worker in workers:
        while worker.is_alive():
            worker.join(0.1)
            for _ in range(said.value - told):
                done()
                told += 1
    return int(said.value)


def _work(modules: tuple[str, ...], taken: Any, said: Any) -> None:
    """Compile one kernel after another that no other process has taken.

    Args:
        modules: All that bring kernels.
        taken: How many kernels were taken, shared by the processes.
        said: How many were compiled rather than found on the disk, the same.
    """
    from bodypix_ros.kernels import postponed, watched

    def count() -> None:
        with said.get_lock():
            said.value += 1

    with postponed() as kernels:
        for module in modules:
            import_module(module)
    with watched(count):
        while True:
            with taken.get_lock():
                mine = taken.value
                taken.value += 1
            if mine >= len(kernels):
                return
            kernels[mine]()
