"""Before an output is written: it is none of the inputs, it can be written, and nobody else writes it."""

import errno
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bodypix_ros.errors import OptionError, OutputError

_PROBE = bytes(4096)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DEEPEST = 9
"""So many errors behind each other are looked at: they may go round."""


def check_apart(option: str, outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Check that nothing that is read would be overwritten, under whatever other name or link it goes.

    Args:
        option: What says where outputs go, for the message.
        outputs: Files that will be written; they need not be there.
        inputs: Files that will be read.

    Raises:
        OptionError: One is an input, or cannot be a file's name.
    """
    read = {identity: path for path in inputs if (identity := _identity(option, path)) is not None}
    for path in outputs:
        identity = _identity(option, path)
        if identity is not None and (clash := read.get(identity)) is not None:
            also = "" if clash == path else f", the same file as {path},"
            raise OptionError(
                option, f"{option}: {clash}{also} is an input and would be overwritten; choose another place"
            )


def _identity(option: str, path: Path) -> tuple[int, int] | None:
    """What makes a file the same under all its names; None where there is none."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except OSError as error:  # the name is too long, or links go round
        raise OptionError(option, f"{option}: {path}: {error.strerror or error}") from error
    return found.st_dev, found.st_ino


def check_writable(folder: Path) -> None:
    """Check that files can be written into a folder, which need not be there yet. Nothing stays behind.

    Raises:
        OutputError: They cannot: it is no folder, denied, or its disk is full.
    """
    there = folder
    try:
        while not there.exists() and there != there.parent:
            there = there.parent
        if not there.is_dir():
            raise OutputError(f"{folder}: cannot be made: {there} is not a folder")
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(_PROBE)
    except OutputError:
        raise
    except OSError as error:
        raise unwritable(folder, error) from error


def unwritable(path: Path, error: OSError) -> OutputError:
    """What to raise where a file or folder cannot be written."""
    return OutputError(f"{path}: cannot be written: {error.strerror or error}")


def is_full(error: BaseException) -> bool:
    """Whether a disk without room is behind an error."""
    return any(isinstance(one, OSError) and one.errno in _FULL for one in causes(error))


def causes(error: BaseException) -> list[BaseException]:
    """An error, and those behind it."""
    found = [error]
    while (cause := found[-1].__cause__ or found[-1].__context__) is not None and len(found) < _DEEPEST:
        found.append(cause)
    return found


@contextmanager
def only_writer(output: Path, lock: Path) -> Generator[None]:
    """Be the only process that writes an output, or say at once that another one does.

    The lock goes with its process: where one was killed its file stays, and means nothing.

    Args:
        output: What is written, for the message.
        lock: The file to lock, in a folder that is there; it is gone at the end.

    Raises:
        OutputError: Another process writes it, or the file cannot be made.
    """
    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout as error:
        raise OutputError(
            f"{output}: another process is writing this; wait for it, or write to another place"
        ) from error
    except (OSError, NotImplementedError) as error:
        raise OutputError(f"{output}: cannot be locked for writing: {error}") from error
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()  # before anybody else may begin
        held.release()
