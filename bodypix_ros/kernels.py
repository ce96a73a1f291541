"""One way to compile a numerical kernel: ahead of its first call, cached on disk, without the GIL."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy.typing as npt

Array = npt.NDArray[Any]
"""An array inside a kernel; the kernel's signature says of what."""
Float = Any
"""A number inside a kernel; numba knows which, and numpy's stubs differ from version to version."""

F = TypeVar("F", bound=Callable[..., Any])


def kernel(signature: str | None = None, *, inline: bool = False) -> Callable[[F], F]:
    """Compile a function with numba.

    With a signature it is compiled where it is defined, so the first image costs no more than the second;
    without one it is a helper that its callers compile into themselves.

    Args:
        signature: Argument types as numba spells them. Arrays that callers may hand over read-only or
            strided are spelled `Array(dtype, ndim, 'A', readonly=True)`.
        inline: Let LLVM see the helper's body in its callers.
    """

    def compile_function(function: F) -> F:
        # "contract" lets a * b + c be one instruction, rounded once; no other liberty is taken.
        options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
        if inline:
            options["forceinline"] = True
        signatures = (signature,) if signature else ()
        try:
            compiled = numba.njit(*signatures, cache=True, **options)(function)
        except RuntimeError:  # no folder for the cache can be written: slower to start, as fast to run
            compiled = numba.njit(*signatures, cache=False, **options)(function)
        result: F = compiled
        return result

    return compile_function
