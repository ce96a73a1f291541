"""One way to compile a numerical kernel: ahead of its first call, cached on disk, without the GIL."""

import hashlib
import logging
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import event, types
from numba.extending import intrinsic

Array = npt.NDArray[Any]
"""An array inside a kernel; the kernel's signature says of what."""
Float = Any
"""A number inside a kernel; numba knows which, and numpy's stubs differ from version to version."""

F = TypeVar("F", bound=Callable[..., Any])

_log = logging.getLogger(__name__)

_watchers: list[Callable[[], None]] = []
_postponed: list[tuple[int, Callable[[], Any]]] | None = None


@contextmanager
def watched(tell: Callable[[], None]) -> Generator[None]:
    """Have somebody told of every kernel that is about to be compiled, rather than taken from the cache."""
    _watchers.append(tell)
    try:
        yield
    finally:
        _watchers.remove(tell)


@contextmanager
def postponed() -> Generator[list[Callable[[], Any]]]:
    """Leave kernels of modules that are imported meanwhile uncompiled, for a process that ends afterwards.

    Yields:
        At the end of the context: what compiles, or finds, and keeps each of them, the longest first, in the
        same order in every process.
    """
    global _postponed
    before, _postponed = _postponed, []
    kernels: list[Callable[[], Any]] = []
    try:
        yield kernels
        kernels += [compile_ for _, compile_ in sorted(_postponed, key=lambda pair: -pair[0])]
    finally:
        _postponed = before


def kernel(
    signature: str | None = None, *, inline: bool = False, superwords: bool = False
) -> Callable[[F], F]:
    """Compile a function with numba.

    With a signature it is compiled where it is defined, so the first image costs no more than the second;
    without one it is a helper that its callers compile into themselves.

    Args:
        signature: Argument types as numba spells them. Arrays that callers may hand over read-only or
            strided are spelled `Array(dtype, ndim, 'A', readonly=True)`.
        inline: Let LLVM see the helper's body in its callers.
        superwords: Have LLVM join equal statements that follow one another, too, into vector code (its SLP
            vectoriser, which numba leaves out as it takes time to compile).
    """

    def compile_function(function: F) -> F:
        # "contract" lets a * b + c be one instruction, rounded once; no other liberty is taken.
        options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
        if inline:
            options["forceinline"] = True
        make = partial(numba.njit(**options), function)
        if signature is None:  # a helper is compiled into its callers, and kept with them
            helper: F = make()
            return helper
        function.__qualname__ += f"-{_foreign(function)}"  # names its file in the cache

        def compile_now() -> F:
            before = numba.config.SLP_VECTORIZE
            numba.config.SLP_VECTORIZE = int(superwords)
            try:
                result: F = _compiled(make, signature)
            finally:
                numba.config.SLP_VECTORIZE = before
            return result

        if _postponed is None:
            return compile_now()
        _postponed.append((len(function.__code__.co_code), compile_now))
        uncompiled: F = make()
        return uncompiled

    return compile_function


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(_: Any, array: Any, index: Any) -> Any:
    """In a kernel: have the cache line of `array[index]` on its way, for reading it soon.

    Processors foresee it only while addresses rise without a gap. It may lie outside the array.

    Args:
        array: (N,), contiguous.
        index: Unsigned.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.gep(data, [arguments[1]])
        flag = ir.IntType(32)
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [address.type], ir.FunctionType(ir.VoidType(), [address.type] + 3 * [flag])
        )
        to_read, into_second_level, data_not_code = flag(0), flag(2), flag(1)
        builder.call(function, [address, to_read, into_second_level, data_not_code])
        return context.get_dummy_value()

    return types.void(array, index), generate


def _foreign(function: Callable[..., Any]) -> str:
    """A digest of what goes into a kernel from other files than its own.

    numba's cache looks at the kernel's own file only: with a helper changed elsewhere it would go on with the
    old one.
    """
    read: set[str] = {__file__}
    constants: set[tuple[str, str]] = set()

    def follow(caller: Callable[..., Any]) -> None:
        code = caller.__code__
        read.add(code.co_filename)
        for name in code.co_names:
            value: Any = caller.__globals__.get(name)
            if hasattr(value, "py_func"):
                follow(value.py_func)
            elif isinstance(value, (bool, int, float, tuple, np.generic)):
                constants.add((name, repr(value)))

    follow(function)
    read.remove(function.__code__.co_filename)
    digest = hashlib.blake2b(repr(sorted(constants)).encode(), digest_size=4)
    for path in sorted(read):
        with suppress(OSError):  # compiled Python alone, without its source, which numba keeps nothing of
            digest.update(Path(path).read_bytes())
    return digest.hexdigest()


class _Listener(event.Listener):  # type: ignore[misc]
    """Tells that a kernel is compiled: everybody who watches, and the log with the time so far."""

    _number, _since_s = 0, 0.0

    def __init__(self, kernel_: Any) -> None:
        """Say nothing of other functions, such as the helpers that the kernel calls."""
        self._kernel = kernel_

    def on_start(self, happening: Any) -> None:
        """Compiling begins: the cache had nothing."""
        if happening.data["dispatcher"] is not self._kernel:
            return
        if not _Listener._number:
            _Listener._since_s = time.monotonic()
            _log.info(
                "compiling kernels, once after an installation: this takes 10 to 60 seconds; "
                "`bodypix warm-up` does it beforehand"
            )
        else:
            so_far_s = time.monotonic() - _Listener._since_s
            _log.info("compiling kernels: %d done, %.0f s so far", _Listener._number, so_far_s)
        _Listener._number += 1
        for tell in _watchers:
            tell()

    def on_end(self, happening: Any) -> None:
        """Nothing is to be said."""


def _compiled(make: Callable[[], Any], signature: str) -> Any:
    """Compile, or take from the cache on disk. Whatever is wrong with that, the kernel is there in the end.

    Args:
        make: Makes numba's dispatcher of the function; nothing is compiled yet.
        signature: To compile it for.
    """
    dispatcher = make()
    try:
        dispatcher.enable_caching()
    except RuntimeError as error:
        _log.info("kernels are compiled at every start, which takes seconds: %s", error)
    try:
        with event.install_listener("numba:compile", _Listener(dispatcher)):
            dispatcher.compile(signature)
    except Exception as error:  # noqa: BLE001 - unpickling damaged files fails in many ways
        # Without its index neither what is damaged nor what was left half done is met again.
        flushed = _flush(dispatcher)
        if dispatcher.overloads:
            _log.warning("a compiled kernel could not be kept, so the next start takes longer: %s", error)
        else:
            _log.warning("a kernel is compiled anew, as it could not be taken from the cache: %s", error)
            dispatcher = make()
            if flushed:
                dispatcher.enable_caching()
            dispatcher.compile(signature)
    dispatcher.disable_compile()
    return dispatcher


def _flush(dispatcher: Any) -> bool:
    """Empty the index of a kernel's cache, if that can be done."""
    try:
        dispatcher._cache.flush()
    except Exception:  # noqa: BLE001 - the folder may be full or gone, and the name is not numba's public one
        return False
    return True
