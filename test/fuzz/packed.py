"""Models of TensorFlow Lite as `load` takes them, and the archives of packages that they are fetched in."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

from bodypix_ros.errors import DigestError, DownloadError, MissingModelError
from bodypix_ros.models import packages, store, tflite
from bodypix_ros.models.catalogue import Model, ModelFile, Package, model
from fuzz.cases import Case, Execute, check
from fuzz.mutate import damaged

_CONTENT = bytes(range(256)) * 40
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()
_WHEEL, _TARBALL = Package("pypi", "things", "1.0"), Package("npm", "@some/things", "2.0")
_REFUSALS = (DownloadError, DigestError)


def start(shared: Path) -> Execute:
    """Make archives of every kind; take a published model where one is at hand."""
    wheels, tarballs = _wheels(), _tarballs()
    wanted = model("selfie-general")
    try:
        real = store.find(wanted)[wanted.files[0].path].read_bytes()
    except MissingModelError:
        real = b"\x1c\0\0\0TFL3" + bytes(wanted.files[0].size or 0)
    archive = shared / "archive"
    setattr(packages, "_download", lambda package, folder: shutil.copyfile(archive, folder / "archive"))  # noqa: B010
    os.environ["TMPDIR"] = str(shared)

    def execute(case: Case) -> str:
        kind = case.rng.randrange(5)
        if kind == 0:
            return f"tflite {_load(case, wanted, real)}"
        package, member = (_WHEEL, "things/a.bin") if kind < 3 else (_TARBALL, "package/a.bin")
        data = case.rng.choice(wheels if kind < 3 else tarballs)
        if kind == 4:  # behind the compression and its checksum
            plain = gzip.decompress(data)
            data = gzip.compress(_with_sums(damaged(case.rng, plain, (0, 3000))), 1)
        elif case.rng.random() < 0.95:
            data = damaged(case.rng, data, (0, 400) if case.rng.random() < 0.3 else _end(case, data))
        archive.write_bytes(data)
        (case.folder / "archive").write_bytes(data)
        return f"{package.registry} {_fetch(case, package, member)}"

    return execute


def _end(case: Case, data: bytes) -> tuple[int, int] | None:
    return (max(0, len(data) - 600), len(data)) if case.rng.random() < 0.5 else None


def _load(case: Case, wanted: Model, real: bytes) -> str:
    """Only what has the published digest reaches OpenVINO, which some damaged models crash."""
    path = case.folder / wanted.files[0].path
    path.parent.mkdir(parents=True)
    data = damaged(case.rng, real)
    path.write_bytes(data)
    reached: list[Path] = []
    original = tflite.read_model
    from bodypix_ros.segmenters.selfie.seer import Selfie

    setattr(tflite, "read_model", lambda path: reached.append(path) or _reached())  # noqa: B010
    try:
        outcome, _ = case.attempt(
            lambda: Selfie(
                wanted,
                device="CPU",
                precision=None,
                model_dir=case.folder,
                cache_dir=None,
                performance_hint="LATENCY",
                options={},
            ),
            (DigestError, _Reached),
            (str(path), "reached"),
        )
    finally:
        setattr(tflite, "read_model", original)  # noqa: B010
    check(not reached or data == real, "a file that nobody published reached OpenVINO")
    return outcome


class _Reached(Exception):
    pass


def _reached() -> None:
    raise _Reached("reached OpenVINO's reader")


def _fetch(case: Case, package: Package, member: str) -> str:
    file = ModelFile(
        "net/a.bin", "https://example.invalid/a.bin", len(_CONTENT), _SHA256, package=package, member=member
    )
    root = case.folder / "models"
    outcome, made = case.attempt(
        lambda: store.fetch(Model("net", "test", "MIT", (file,)), root), _REFUSALS, (str(package), member)
    )
    written = [path for path in root.rglob("*") if not path.is_dir()]
    if made is None:
        check(not written, f"left behind: {written}")
    else:
        check(written == [root / file.path] and written[0].read_bytes() == _CONTENT, f"made {written}")
    return outcome


def _wheels() -> list[bytes]:
    made = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            archive.writestr("things/__init__.py", "raise SystemExit")
            archive.writestr("things/a.bin", _CONTENT)
            archive.writestr("../../escaped", b"!")
            archive.writestr("/escaped", b"!")
        made.append(out.getvalue())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("things/a.bin", bytes(100 << 20))
    return [*made, out.getvalue()]


def _tarballs() -> list[bytes]:
    made = []
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        for mode in ("file", "link", "symlink", "fifo", "long"):
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w", format=form) as archive:
                first = tarfile.TarInfo("../escaped")
                first.size = 1
                archive.addfile(first, io.BytesIO(b"!"))
                entry = tarfile.TarInfo("package/a.bin")
                if mode == "link":
                    entry.type, entry.linkname = tarfile.LNKTYPE, "/etc/passwd"
                elif mode == "symlink":
                    entry.type, entry.linkname = tarfile.SYMTYPE, "../../../../etc/passwd"
                elif mode == "fifo":
                    entry.type = tarfile.FIFOTYPE
                else:
                    entry.size = len(_CONTENT)
                if mode == "long" and form != tarfile.USTAR_FORMAT:
                    archive.addfile(tarfile.TarInfo("d" * 300))
                archive.addfile(entry, io.BytesIO(_CONTENT))
            made.append(gzip.compress(out.getvalue(), 1))
    plain = gzip.decompress(made[0])
    return [
        *made,
        gzip.compress(bytes(5 << 20)),
        gzip.compress(bz2.compress(plain)),
        gzip.compress(lzma.compress(plain)),
    ]


def _with_sums(data: bytes) -> bytes:
    """A tar whose headers have correct checksums again."""
    out = bytearray(data)
    for at in range(0, min(len(out), 8192) - 511, 512):
        if out[at + 257 : at + 262] == b"ustar":
            out[at + 148 : at + 156] = b" " * 8
            out[at + 148 : at + 156] = b"%06o\0 " % (sum(out[at : at + 512]) & 0o777777)
    return bytes(out)
